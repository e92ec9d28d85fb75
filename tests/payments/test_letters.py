"""Letters that nobody sees, and letters that look like others (proof X-6)."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments import rules
from staff import letters
from staff.masking import mask_name
from tests.payments.factories import draft

# Unicode's DerivedCoreProperties, Default_Ignorable_Code_Point, written down here on its own.
DEFAULT_IGNORABLE = [
    "00AD", "034F", "061C", "115F-1160", "17B4-17B5", "180B-180F", "200B-200F", "202A-202E",
    "2060-206F", "3164", "FE00-FE0F", "FEFF", "FFA0", "FFF0-FFF8", "1BCA0-1BCA3", "1D173-1D17A",
    "E0000-E0FFF",
]  # fmt: skip


def _range(written: str) -> range:
    first, _, last = written.partition("-")
    return range(int(first, 16), int(last or first, 16) + 1)


IGNORABLE = [chr(number) for written in DEFAULT_IGNORABLE for number in _range(written)]
UNSEEN = st.one_of(
    st.sampled_from([*IGNORABLE, "\u2800", "\u2028", "\u2029"]),
    st.characters(categories=("Cc", "Cf")),
)
NAMES = st.text(st.characters(categories=("Lu", "Ll")), min_size=1, max_size=20)


class TestUnseen:
    @given(name=NAMES, unseen=UNSEEN, place=st.integers(min_value=0, max_value=20))
    def test_is_refused_with_its_code_point_wherever_it_stands(
        self, name: str, unseen: str, place: int
    ) -> None:
        told = f"{name[:place]}{unseen}{name[place:]}"

        errors = rules.validate(draft(recipient_name=told))

        assert f"U+{ord(unseen):04X}" in str(errors["recipient_name"])

    @given(name=NAMES, unseen=UNSEEN)
    def test_is_spelled_out_where_a_name_is_shown(self, name: str, unseen: str) -> None:
        for shown in (letters.spelled(f"{name}{unseen}"), letters.spelled(f"{unseen}{name}")):
            assert f"⟨U+{ord(unseen):04X}⟩" in shown
            assert not any(letters.is_unseen(letter) for letter in shown)

    @given(st.text(max_size=40))
    def test_never_stays_in_what_is_shown(self, text: str) -> None:
        for shown in (letters.spelled(text), mask_name(text)):
            assert not letters.first_unseen(shown)

    def test_is_every_code_point_that_unicode_lets_ignore(self) -> None:
        assert all(letters.is_unseen(letter) for letter in IGNORABLE)

    def test_is_nothing_that_people_write_names_with(self) -> None:
        written = (chr(number) for number in range(sys.maxunicode + 1))
        kinds = ("L", "N", "P", "Zs")
        wrong = [
            letters.code_point(letter)
            for letter in written
            if unicodedata.category(letter).startswith(kinds)
            and letters.is_unseen(letter)
            and letter not in IGNORABLE
        ]

        assert not wrong


class TestForeign:
    @pytest.mark.parametrize(
        ("name", "found"),
        [
            ("James Smith", []),
            ("José Ñandú", []),
            ("Jose\u0301", []),
            ("J\u0430mes", ["\u0430 U+0430"]),
            ("\u0391lex \u0391", ["\u0391 U+0391"]),
            ("\uff2aames", ["\uff2a U+FF2A"]),
            ("J\U0001d41ames", ["\U0001d41a U+1D41A"]),
            ("James\u0489" * 3, ["◌\u0489 U+0489"]),
        ],
    )
    def test_is_each_other_letter_once(self, name: str, found: list[str]) -> None:
        assert letters.foreign(name) == found
