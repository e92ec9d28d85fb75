"""Scenario U-6, the part about JSON itself."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upstreams import strict_json
from upstreams.strict_json import Flaw, NotStrictJson

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


class TestLoads:
    @given(value=VALUES)
    def test_reads_what_json_writes(self, value: Any) -> None:
        assert strict_json.loads(json.dumps(value).encode("utf-8", "surrogatepass")) == value

    def test_never_makes_a_float(self) -> None:
        assert strict_json.loads(b"[0.1, 1e400, -1.5E-7]") == [
            Decimal("0.1"), Decimal("1e400"), Decimal("-1.5E-7"),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "document",
        [
            b"", b" ", b"{", b"[1,]", b"{'a': 1}", b"<html>", b"[01]", b"[1] x", b'"\x01"',
            b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", '"ñ"'.encode("latin-1"), b"1e", b"\x00",
            b"[1e99999999999999999999]",
        ],
    )  # fmt: skip
    def test_refuses_what_is_not_json_in_utf_8(self, document: bytes) -> None:
        with pytest.raises(NotStrictJson):
            strict_json.loads(document)

    @pytest.mark.parametrize(
        "document",
        [b'{"a": 1, "a": 2}', b"[NaN]", b"[Infinity]", b"[-Infinity]", b"[" + b"9" * 5000 + b"]",
         b'{"a": {"b": [{"c": 1, "c": 1}]}}'],
    )  # fmt: skip
    def test_refuses_flaws(self, document: bytes) -> None:
        with pytest.raises(NotStrictJson):
            strict_json.loads(document)

    def test_keeps_flaws_in_their_places_when_asked(self) -> None:
        document = strict_json.loads(b'[{"ok": 1}, {"a": 1, "a": 2}, NaN]', keep_flaws=True)

        assert document[0] == {"ok": 1}
        assert isinstance(document[1], Flaw) and isinstance(document[2], Flaw)

    @pytest.mark.parametrize(
        "document",
        [b"[" * 33 + b"]" * 33, b"[" * 2_000_000, b'{"a":' * 100_000, b'[{"a":' * 17 + b"1"],
    )
    def test_refuses_deep_nesting_before_parsing(self, document: bytes) -> None:
        with pytest.raises(NotStrictJson, match="deeper"):
            strict_json.loads(document)

    def test_does_not_count_brackets_inside_text(self) -> None:
        text = '[[["' * 40 + "\\"

        assert strict_json.loads(json.dumps([text]).encode()) == [text]
        assert strict_json.loads(b"[" * 32 + b"]" * 32)

    def test_does_not_choke_on_text_that_never_ends(self) -> None:
        with pytest.raises(NotStrictJson):
            strict_json.loads(b'"' + b'\\"' * 1_000_000)  # quadratic work would take hours

    def test_says_nothing_of_the_document(self) -> None:
        with pytest.raises(NotStrictJson) as caught:
            strict_json.loads(b'{"maria@example.com": ')

        assert "maria" not in repr(caught.value)
        assert caught.value.__suppress_context__


class TestStorable:
    def test_holds_nothing_that_a_json_column_refuses(self) -> None:
        document = strict_json.loads(
            b'{"a\\u0000": "\\ud800", "b": 1.50, "c": NaN, "d": {"x": 1, "x": 2}}', keep_flaws=True
        )

        assert strict_json.storable(document) == {
            "a\ufffd": "\ufffd",
            "b": "1.50",
            "c": {"refused": "not a number", "found": "NaN"},
            "d": {"refused": "a name is given twice", "found": [["x", 1], ["x", 2]]},
        }

    @given(value=VALUES)
    def test_can_always_be_written(self, value: Any) -> None:
        json.dumps(strict_json.storable(value), allow_nan=False).encode()


class TestDigest:
    def test_is_the_same_for_the_same_content_in_another_order(self) -> None:
        assert strict_json.digest({"a": 1, "b": [2]}) == strict_json.digest({"b": [2], "a": 1})
        assert strict_json.digest({"a": 1}) != strict_json.digest({"a": "1"})
