"""Encrypting documents: each with a key of its own, and that one with a key of the settings.

Both times it is AES-256-GCM, and what is told beside the bytes (which document, what for) is part
of it: bytes that were moved to another row, or changed by a bit, do not open.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

KEY_BYTES: Final = 32
LONGEST_ID: Final = 40
_NONCE: Final = 12
_VERSION: Final = "lightdesk-document-1"


class BadKeys(ValueError):
    """DOCUMENT_KEYS cannot be used; the text says why, and names no key."""


class NoKeys(Exception):
    """No key is set: nothing can be kept."""


class UnknownKey(Exception):
    """What is to be opened was wrapped with a key that is not set."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        super().__init__(key_id)


class Tampered(Exception):
    """It does not open: another key, another row's bytes, or a changed bit."""


@dataclass(frozen=True)
class Sealed:
    """An encrypted document: its own key, wrapped by `key_id`'s, and its bytes."""

    key_id: str
    wrapped_key: bytes = field(repr=False)
    sealed: bytes = field(repr=False)


@dataclass(frozen=True)
class KeyRing:
    """The keys of the settings by id. The first one is what new documents are wrapped with."""

    keys: Mapping[str, bytes] = field(repr=False)

    @property
    def newest(self) -> str:
        """Raises NoKeys."""
        for key_id in self.keys:
            return key_id
        raise NoKeys

    def seal(self, content: bytes, *, document: UUID) -> Sealed:
        """Encrypt under a key that nothing else has. Raises NoKeys."""
        own_key = AESGCM.generate_key(KEY_BYTES * 8)
        return Sealed(
            self.newest,
            self._wrap(own_key, document=document),
            _encrypt(own_key, content, _told("content", document)),
        )

    def open(self, kept: Sealed, *, document: UUID) -> bytes:
        """The document's bytes, whole and unchanged. Raises UnknownKey, Tampered."""
        own_key = self._unwrap(kept, document=document)
        return _decrypt(own_key, kept.sealed, _told("content", document))

    def wrap_anew(self, kept: Sealed, *, document: UUID) -> tuple[str, bytes]:
        """The same document's key under the newest one. Raises UnknownKey, Tampered, NoKeys."""
        own_key = self._unwrap(kept, document=document)
        return self.newest, self._wrap(own_key, document=document)

    def _wrap(self, own_key: bytes, *, document: UUID) -> bytes:
        return _encrypt(
            self.keys[self.newest], own_key, _told(f"key under {self.newest}", document)
        )

    def _unwrap(self, kept: Sealed, *, document: UUID) -> bytes:
        if kept.key_id not in self.keys:
            raise UnknownKey(kept.key_id)
        told = _told(f"key under {kept.key_id}", document)
        return _decrypt(self.keys[kept.key_id], kept.wrapped_key, told)


def ring() -> KeyRing:
    """The keys of the settings. Raises BadKeys."""
    return KeyRing(parse(settings.DOCUMENT_KEYS))


def parse(entries: list[str]) -> dict[str, bytes]:
    """Keys by id, in their order, from `id:base64`. Raises BadKeys."""
    keys: dict[str, bytes] = {}
    for number, entry in enumerate(entries, start=1):
        key_id, colon, encoded = entry.partition(":")
        if not colon or not 0 < len(key_id) <= LONGEST_ID:
            raise BadKeys(f"Entry {number} of DOCUMENT_KEYS is not `id:base64`.")
        if key_id in keys:
            raise BadKeys(f"DOCUMENT_KEYS names {key_id} twice.")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise BadKeys(f"The key {key_id} of DOCUMENT_KEYS is not base64.") from None
        if len(key) != KEY_BYTES:
            raise BadKeys(f"The key {key_id} of DOCUMENT_KEYS has {len(key)} bytes, not 32.")
        if key in keys.values():
            raise BadKeys(f"The key {key_id} of DOCUMENT_KEYS is another one's too.")
        keys[key_id] = key
    return keys


def _told(purpose: str, document: UUID) -> bytes:
    return f"{_VERSION}|{purpose}|{document}".encode()


def _encrypt(key: bytes, content: bytes, told: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, content, told)


def _decrypt(key: bytes, kept: bytes, told: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(kept[:_NONCE], kept[_NONCE:], told)
    except (InvalidTag, ValueError):
        raise Tampered from None
