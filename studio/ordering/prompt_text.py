"""What people type as a prompt, as it goes into a spec: composed characters, nothing invisible."""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"
_EMOJI_STYLE = "\ufe0f"
_KEPT_CONTROLS = "\t\n\r\0"
"""Line breaks and tabs separate words. A NUL is not dropped, because it is refused."""
# Fillers and blanks that Unicode counts as letters, marks or symbols.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_SELECTORS = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


def visible(text: str) -> str:
    """The text in Unicode's form NFC, without what nobody can see, and without outer whitespace.

    Invisible characters come along when text is copied from a web page. A tokenizer reads them as
    words. Those stay that make one emoji of several.
    """
    kept: list[str] = []
    text = unicodedata.normalize("NFC", text)
    for character, following in zip(text, [*text[1:], ""], strict=False):
        if not _is_hidden(character, kept[-1] if kept else "", following):
            kept.append(character)
    return "".join(kept).strip()


def _is_hidden(character: str, before: str, following: str) -> bool:
    if character == _JOINER:
        return not (_is_emoji(before) and _is_emoji(following))
    if character == _EMOJI_STYLE:
        return not (_is_emoji(before) or before in (*"#*0123456789",))
    category = unicodedata.category(character)
    if category in ("Cf", "Cc"):
        return character not in _KEPT_CONTROLS
    return character in _BLANK or any(ord(character) in span for span in _SELECTORS)


def _is_emoji(character: str) -> bool:
    """True for symbols, and for what follows one in an emoji: its style and the colour of skin."""
    if not character:
        return False
    return character == _EMOJI_STYLE or unicodedata.category(character) in ("So", "Sk")
