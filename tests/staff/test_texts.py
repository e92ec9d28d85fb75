"""Sentences that every reader gets in their own language."""

import json
from decimal import Decimal

import pytest
from django.utils import translation

from staff.permissions import NotPermitted, Permission
from staff.texts import (
    Lowered,
    Sayable,
    Text,
    either,
    in_english,
    joined,
    listed,
    packed,
    unpacked,
    written_number,
)

VIEWER, MAKER = Text("Viewer"), Text("Maker")  # both in the catalogue
SENTENCE = Text("%(one)s or %(other)s", one=VIEWER, other=Lowered("Maker"))


def in_spanish(text: object) -> str:
    with translation.override("es"):
        return str(text)


class TestText:
    def test_speaks_the_language_that_is_active_when_it_is_read(self) -> None:
        assert str(SENTENCE) == "Viewer or maker"
        assert in_spanish(SENTENCE) == "Lector o solicitante"

    def test_says_several_texts_one_after_another(self) -> None:
        assert in_spanish(joined([VIEWER, "and", MAKER])) == "Lector and Solicitante"
        assert in_spanish(listed([VIEWER, MAKER, VIEWER])) == "Lector, Solicitante, Lector"
        assert in_spanish(either([VIEWER])) == "Lector"

    def test_writes_numbers_in_the_readers_notation(self) -> None:
        text = Text("%(number)s AUD", number=written_number(Decimal("2500.5"), 2))

        assert str(text) == "2,500.50 AUD"
        assert in_spanish(text) == "2.500,50 AUD"

    def test_keeps_a_percent_sign_that_is_no_place(self) -> None:
        assert str(Text("100 %")) == "100 %"
        assert str(Text("%(rate)s %%", rate="4.50")) == "4.50 %"

    def test_is_kept_in_english_whoever_causes_it(self) -> None:
        with translation.override("es"):
            assert in_english(SENTENCE) == "Viewer or maker"
            assert in_english("tal cual") == "tal cual"

    @pytest.mark.parametrize(
        "text",
        [
            SENTENCE,
            joined([VIEWER, "and", Lowered("Maker")]),
            Text("%(n)s AUD", n=7),
            "as it is",
        ],
    )
    def test_survives_being_written_down(self, text: Sayable) -> None:
        kept = json.loads(json.dumps(packed(text)))

        assert str(unpacked(kept)) == str(text)
        assert in_spanish(unpacked(kept)) == in_spanish(text)

    def test_is_equal_to_one_that_says_the_same(self) -> None:
        assert Text("%(n)s", n=1) == Text("%(n)s", n=1)
        assert Text("%(n)s", n=1) != Text("%(n)s", n=2)
        assert len({VIEWER, Text("Viewer"), Lowered("Viewer")}) == 2


class TestNotPermitted:
    def test_speaks_the_readers_language(self) -> None:
        refusal = NotPermitted(Permission.SIGN_WITHDRAWALS)

        assert str(refusal).startswith("Your roles do not allow you to sign withdrawals;")
        assert in_spanish(refusal).startswith("Sus roles no le permiten firmar retiros;")
