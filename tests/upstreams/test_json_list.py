"""A huge array is read a member at a time, and a bad member spoils only itself (U-5, U-6)."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upstreams import json_list
from upstreams.strict_json import Flaw, NotStrictJson


def read(document: bytes) -> list[Any]:
    return list(json_list.members(io.BytesIO(document)))


def until_it_breaks(document: bytes) -> tuple[list[Any], str]:
    """What came before the list could not be read on, and why."""
    found: list[Any] = []
    with pytest.raises(NotStrictJson) as caught:
        for member in json_list.members(io.BytesIO(document)):
            found.append(member)
    return found, str(caught.value)


class Repeated(io.RawIOBase):
    """A file of any length that takes no room: a head, so many copies of a block, a tail."""

    def __init__(self, head: bytes, block: bytes, times: int, tail: bytes) -> None:
        self._parts = iter((head, *(block for _ in range(times)), tail))
        self._left = b""

    def read(self, size: int = -1) -> bytes:
        while len(self._left) < size and (part := next(self._parts, b"")):
            self._left += part
        given, self._left = self._left[:size], self._left[size:]
        return given


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


class TestMembers:
    @given(listed=st.lists(JSON, max_size=8), chunk=st.integers(1, 40), ascii_only=st.booleans())
    def test_are_what_the_list_holds_wherever_it_is_cut(
        self, listed: list[Any], chunk: int, ascii_only: bool
    ) -> None:
        document = json.dumps(listed, indent=1, ensure_ascii=ascii_only).encode()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(json_list, "CHUNK", chunk)
            assert read(document) == listed

    @pytest.mark.parametrize(
        ("document", "members"),
        [
            (b"[]", []),
            (b" \n[ ]\t", []),
            (b"[1]", [1]),
            (b'[{"a":"]},{["},{"b":"\\"["}]', [{"a": "]},{["}, {"b": '"['}]),
            (b"   " * 100_000 + b"[1]", [1]),
        ],
    )
    def test_are_cut_apart(self, document: bytes, members: list[Any]) -> None:
        assert read(document) == members

    def test_hold_no_float(self) -> None:
        (member,) = read(b'[{"a": 18.40, "b": 1E-8, "c": 101}]')

        assert member == {"a": Decimal("18.40"), "b": Decimal("1E-8"), "c": 101}
        assert {type(value) for value in member.values()} == {Decimal, int}


class TestABadMember:
    @pytest.mark.parametrize(
        ("bad", "reason"),
        [
            (b"{'amount': 1}", "not JSON"),
            (b"", "not JSON"),
            (b'"caf\xe9"', "not UTF-8"),
            (b"[" * 40 + b"]" * 40, "nested deeper than 32"),
            (b'{"amount": 1, "amount": 2}', "a name is given twice"),
        ],
        ids=["quotes", "nothing", "latin-1", "deep", "twice"],
    )
    def test_spoils_only_itself(self, bad: bytes, reason: str) -> None:
        before, flaw, after = read(b'[{"a":1},' + bad + b',{"a":2}]')

        assert (before, after) == ({"a": 1}, {"a": 2})
        assert isinstance(flaw, Flaw)
        assert flaw.reason == reason

    @pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b"1" * 5000])
    def test_is_known_by_the_flaw_inside_it(self, number: bytes) -> None:
        flawed, after = read(b'[{"amount": ' + number + b'},{"amount":2}]')

        assert isinstance(flawed["amount"], Flaw)
        assert after == {"amount": 2}


class TestABrokenList:
    @pytest.mark.parametrize(
        ("document", "whole", "problem"),
        [
            (b"", [], "something else than a list"),
            (b"null", [], "something else than a list"),
            (b'{"data": []}', [], "something else than a list"),
            (b"\xef\xbb\xbf[1]", [], "something else than a list"),
            (b"[1,2", [1], "the list breaks off"),
            (b'[1,{"a":"', [1], "the list breaks off"),
            (b"[1] [2]", [1], "more comes after the list's end"),
            (b"[1,}]", [1], "not JSON"),
            (b"[1," + b"[" * 2_000_000, [1], "a member is larger than 1000000 bytes"),
            (b'[1,"' + b"a" * 2_000_000 + b'"]', [1], "a member is larger than 1000000 bytes"),
        ],
    )
    def test_gives_what_was_whole(self, document: bytes, whole: list[Any], problem: str) -> None:
        assert until_it_breaks(document) == (whole, problem)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Repeated(b"[0", b',{"id":"w","note":"' + b"x" * 1000 + b'"}', 10_000, b"]"),
        lambda: Repeated(b'["', b"a" * 60_000, 500, b'"]'),
        lambda: Repeated(b"[0", b" " * 60_000, 500, b"]"),
    ],
    ids=["many", "one long text", "nothing but room"],
)
def test_megabytes_take_little_memory(make: Callable[[], Any]) -> None:
    tracemalloc.start()
    try:
        for _ in json_list.members(make()):
            pass
    except NotStrictJson:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert peak < 5_000_000
