"""Unit tests cannot reach a network, not even by accident."""

from __future__ import annotations

import socket

import pytest


def test_a_unit_test_gets_no_socket() -> None:
    # pytest-socket warns before it raises, and warnings are errors here.
    with pytest.raises(UserWarning, match=r"A test tried to use socket\.socket"):
        socket.socket(socket.AF_INET)
