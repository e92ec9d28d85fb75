"""Letters that nobody sees, and letters that look like others (proof X-6)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

# Unseen by their nature: control, format and half characters, separators of lines and paragraphs.
_UNSEEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

# Unseen all the same. But for the last they are Unicode's Default_Ignorable_Code_Point, which the
# standard library does not know: joiners, fillers, vowels of old Khmer, Mongolian and other
# variation selectors, and what is kept free for more of them. The last is the empty Braille cell.
_UNSEEN: Final = frozenset(
    map(
        chr,
        (
            0x034F,
            0x115F,
            0x1160,
            0x17B4,
            0x17B5,
            *range(0x180B, 0x1810),
            0x2065,
            0x3164,
            *range(0xFE00, 0xFE10),
            0xFFA0,
            *range(0xFFF0, 0xFFF9),
            *range(0xE0000, 0xE1000),
            0x2800,
        ),
    )
)

# Not named after the Latin alphabet, and at home in names written with it ("Mª José").
_LATIN_TOO: Final = frozenset("ªº")


def is_unseen(letter: str) -> bool:
    """Whether it shows nothing, or only changes what others show: their direction, their joining.

    A plain space is none of these.
    """
    return unicodedata.category(letter) in _UNSEEN_CATEGORIES or letter in _UNSEEN


def code_point(letter: str) -> str:
    """How Unicode numbers it: `U+202E`."""
    return f"U+{ord(letter):04X}"


def first_unseen(text: str) -> str:
    """The first letter of the text that nobody sees; "" when all are seen."""
    return next(filter(is_unseen, text), "")


def spelled(text: str) -> str:
    """The text with every unseen letter named instead of obeyed: `James⟨U+202E⟩ Smith`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"⟨{code_point(letter)}⟩" if is_unseen(letter) else letter for letter in text)


def foreign(text: str) -> list[str]:
    """Each letter once that is not of the Latin alphabet, as `а U+0430`, and every loose accent.

    A Cyrillic "а" cannot be told from a Latin "a" by looking at it.
    """
    return list(dict.fromkeys(_foreign(unicodedata.normalize("NFC", text))))


def _foreign(text: str) -> Iterator[str]:
    for letter in text:
        kind = unicodedata.category(letter)[0]
        if kind == "M" and not is_unseen(letter):
            yield f"◌{letter} {code_point(letter)}"
        elif kind == "L" and not _is_latin(letter) and not is_unseen(letter):
            yield f"{letter} {code_point(letter)}"


def _is_latin(letter: str) -> bool:
    return letter in _LATIN_TOO or unicodedata.name(letter, "").startswith("LATIN ")
