from __future__ import annotations

from urllib.parse import quote

import pytest

from gatekeeper.core.errors import MalformedError
from gatekeeper.web.status import MAX_WAIT_SECONDS, read_query

IMAGE = "registry.example.com/shop/web:1.0"


def test_image_and_wait_are_read() -> None:
    asked = read_query(f"image={quote(IMAGE)}&wait=12.5".encode())
    assert (str(asked.reference), asked.wait) == (IMAGE, 12.5)
    assert read_query(f"image={IMAGE}&wait=30s".encode()).wait == 30
    assert read_query(f"image={IMAGE}&else=1".encode()).wait == 0


@pytest.mark.parametrize(
    ("query", "reason_code"),
    [
        ("", "image-missing"),
        ("image=", "image-missing"),
        (f"image={IMAGE}&image={IMAGE}", "image-missing"),
        ("picture=a", "image-missing"),
        (f"image={IMAGE}&wait=", "wait-malformed"),
        (f"image={IMAGE}&wait=soon", "wait-malformed"),
        (f"image={IMAGE}&wait=-1", "wait-malformed"),
        (f"image={IMAGE}&wait=nan", "wait-malformed"),
        (f"image={IMAGE}&wait={MAX_WAIT_SECONDS + 1}", "wait-malformed"),
        (f"image={IMAGE}&wait=1&wait=2", "wait-malformed"),
        ("image=" + "a" * 5000, "query-too-long"),
        ("&".join(f"a{number}=1" for number in range(50)), "query-too-long"),
    ],
)
def test_each_way_to_be_wrong_has_its_reason(query: str, reason_code: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read_query(query.encode())
    assert caught.value.reason_code == reason_code


@pytest.mark.parametrize(
    "query", [b"image=%00", b"image=%ff", b"image=\xff", b"image=a%1b[2J", b"image=../x"]
)
def test_strange_bytes_are_no_image(query: bytes) -> None:
    with pytest.raises(MalformedError):
        read_query(query)
