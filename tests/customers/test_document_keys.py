"""Documents are unreadable without their keys, and stay readable while keys are exchanged."""

from __future__ import annotations

import random
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from customers.checks import check_document_keys
from customers.documents import keys, rotation, storing
from customers.documents.keys import BadKeys, KeyRing, NoKeys, Sealed, Tampered, UnknownKey
from customers.models import Content, Document
from tests.customers import files
from tests.customers.documents import KEY, OTHER_KEY, add, file, several
from tests.customers.files import CANARY
from upstreams.models import Alarm

RING = KeyRing(keys.parse([KEY]))


def flipped(content: bytes, place: int) -> bytes:
    changed = bytearray(content)
    changed[place // 8 % len(changed)] ^= 1 << place % 8
    return bytes(changed)


class TestSealing:
    def test_opens_what_it_sealed_and_shows_none_of_it(self) -> None:
        document = uuid4()

        sealed = RING.seal(CANARY, document=document)

        assert RING.open(sealed, document=document) == CANARY
        assert CANARY not in sealed.sealed + sealed.wrapped_key
        assert RING.seal(CANARY, document=document).sealed != sealed.sealed

    def test_refuses_every_flipped_bit_and_every_swap(self) -> None:
        document, other = uuid4(), uuid4()
        kept, theirs = RING.seal(CANARY, document=document), RING.seal(CANARY, document=other)
        dice = random.Random(7)
        wrong = [Sealed(kept.key_id, kept.wrapped_key, theirs.sealed), theirs]
        wrong.append(Sealed(kept.key_id, theirs.wrapped_key, theirs.sealed))
        wrong.append(Sealed(kept.key_id, kept.sealed, kept.wrapped_key))
        wrong.append(Sealed(kept.key_id, b"", b""))
        for place in dice.sample(range(len(kept.sealed) * 8), 50):
            wrong.append(Sealed(kept.key_id, kept.wrapped_key, flipped(kept.sealed, place)))
        for place in dice.sample(range(len(kept.wrapped_key) * 8), 50):
            wrong.append(Sealed(kept.key_id, flipped(kept.wrapped_key, place), kept.sealed))

        for sealed in wrong:
            with pytest.raises(Tampered):
                RING.open(sealed, document=document)

    def test_refuses_another_key_by_the_same_name_and_one_that_is_not_set(self) -> None:
        document = uuid4()
        sealed = RING.seal(CANARY, document=document)

        with pytest.raises(Tampered):
            KeyRing({"test": b"x" * 32}).open(sealed, document=document)
        with pytest.raises(UnknownKey):
            KeyRing({"newer": b"x" * 32}).open(sealed, document=document)
        with pytest.raises(NoKeys):
            KeyRing({}).seal(CANARY, document=document)


class TestSettings:
    @pytest.mark.parametrize(
        ("entries", "why"),
        [
            (["dGVzdA=="], "not `id:base64`"),
            (["a:!!!"], "not base64"),
            (["a:dGVzdA=="], "4 bytes, not 32"),
            ([KEY, KEY], "twice"),
            ([KEY, KEY.replace("test:", "other:")], "another one's"),
            (["x" * 41 + KEY[4:]], "not `id:base64`"),
        ],
    )
    def test_refuse_what_is_no_key(self, entries: list[str], why: str, settings: Settings) -> None:
        settings.DOCUMENT_KEYS = entries

        with pytest.raises(BadKeys, match=why):
            keys.ring()
        (error,) = check_document_keys(app_configs=None)
        assert (error.id, KEY.partition(":")[2] in str(error)) == ("customers.E001", False)

    def test_never_the_secret_key(self, settings: Settings) -> None:
        settings.SECRET_KEY = KEY.partition(":")[2]

        assert [error.id for error in check_document_keys(app_configs=None)] == ["customers.E002"]

    def test_are_needed_in_production_with_lux(self, settings: Settings) -> None:
        settings.DOCUMENT_KEYS, settings.ENVIRONMENT = [], "production"
        assert check_document_keys(app_configs=None) == []
        settings.LUX_API_KEY = "sk_live_1"

        assert [error.id for error in check_document_keys(app_configs=None)] == ["customers.E003"]


@pytest.mark.django_db
class TestKept:
    def test_nothing_of_a_document_lies_anywhere_in_clear(self) -> None:
        (document,) = add(file(content=files.pdf(extra=f"({CANARY.decode()})"), name="a.pdf"))

        assert CANARY in storing.read(document)
        for table in connection.introspection.table_names():
            with connection.cursor() as cursor:
                cursor.execute(f'SELECT * FROM "{table}"')
                for row in cursor.fetchall():
                    for cell in row:
                        told = bytes(cell) if isinstance(cell, bytes | memoryview) else None
                        assert CANARY not in (told if told is not None else str(cell).encode())

    @pytest.mark.parametrize("column", ["sealed", "wrapped_key"])
    def test_a_changed_bit_shows_nothing_and_calls_people(self, column: str) -> None:
        (document,) = add()
        content = Content.objects.get()
        setattr(content, column, flipped(bytes(getattr(content, column)), 300))
        content.save()

        for _ in range(2):
            with pytest.raises(storing.Unreadable):
                storing.read(document)

        assert Alarm.objects.get().code == storing.UNREADABLE

    def test_exchanged_contents_show_nothing_and_call_people(self) -> None:
        one, other = several(2)
        first, second = one.content, other.content
        first.sealed, second.sealed = second.sealed, first.sealed
        first.wrapped_key, second.wrapped_key = second.wrapped_key, first.wrapped_key
        first.save()
        second.save()

        for document in (one, other):
            with pytest.raises(storing.Unreadable):
                storing.read(document)

        assert Alarm.objects.filter(code=storing.UNREADABLE).count() == 2

    def test_a_missing_key_calls_people_once(self, settings: Settings) -> None:
        documents = several(2)
        settings.DOCUMENT_KEYS = [OTHER_KEY]

        for document in documents:
            with pytest.raises(storing.Unreadable):
                storing.read(document)

        assert Alarm.objects.get().code == storing.KEY_MISSING


def rotate(*options: str) -> str:
    out = StringIO()
    call_command("rotate_document_keys", *options, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
class TestRotation:
    @pytest.fixture(autouse=True)
    def _small_batches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rotation, "BATCH", 2)

    def test_wraps_everything_anew_and_leaves_the_bytes(self, settings: Settings) -> None:
        documents = several(5)
        before = dict(Content.objects.values_list("document", "sealed"))
        settings.DOCUMENT_KEYS = [OTHER_KEY, KEY]

        said = rotate()

        settings.DOCUMENT_KEYS = [OTHER_KEY]
        assert "Done: every document is under newer" in said
        assert set(Content.objects.values_list("key_id", flat=True)) == {"newer"}
        assert dict(Content.objects.values_list("document", "sealed")) == before
        assert all(storing.read(document) for document in documents)

    def test_check_only_says_and_twice_is_as_good_as_once(self, settings: Settings) -> None:
        several(3)
        settings.DOCUMENT_KEYS = [OTHER_KEY, KEY]

        with pytest.raises(CommandError, match="Not done: 3 under test"):
            rotate("--check")
        rotate()

        assert rotate() == rotate("--check") == "Done: every document is under newer.\n"

    @pytest.mark.parametrize("after", range(1, 11))
    def test_may_stop_anywhere_and_go_on(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, after: int
    ) -> None:
        documents = several(7)
        settings.DOCUMENT_KEYS = [OTHER_KEY, KEY]
        monkeypatch.setattr(rotation, "reach", _dies(after))

        with pytest.raises(KeyboardInterrupt):
            rotate()

        assert all(storing.read(document) for document in documents)
        monkeypatch.setattr(rotation, "reach", lambda place: None)
        assert "Done" in rotate()
        settings.DOCUMENT_KEYS = [OTHER_KEY]
        assert all(storing.read(document) for document in documents)

    def test_what_does_not_open_is_left_and_said(self, settings: Settings) -> None:
        bad, *good = several(5)
        Content.objects.filter(document=bad).update(wrapped_key=b"x" * 60)
        settings.DOCUMENT_KEYS = [OTHER_KEY, KEY]

        with pytest.raises(CommandError, match="Not done: 1 under test"):
            rotate()

        assert Content.objects.filter(key_id="newer").count() == len(good)
        assert Alarm.objects.get().code == storing.UNREADABLE

    def test_without_a_key_says_so(self, settings: Settings) -> None:
        settings.DOCUMENT_KEYS = []

        with pytest.raises(CommandError, match="DOCUMENT_KEYS is empty"):
            rotate()


def test_no_file_is_left_behind(tmp_path: Path, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    add()

    assert list(tmp_path.iterdir()) == []
    assert Document.objects.count() == 1


def _dies(after: int) -> Callable[[str], None]:
    left = after

    def die(place: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt(place)

    return die
