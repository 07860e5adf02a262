"""Hostile text made harmless: nothing that a registry or a server said reaches the terminal as a command."""

from __future__ import annotations


def harmless(text: str) -> str:
    """Control characters, escape sequences, bidirectional overrides and line breaks are shown, not obeyed."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _shown(character) for character in text)


def _shown(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
