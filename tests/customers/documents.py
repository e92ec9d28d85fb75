"""Keeping documents for tests, as the desk keeps them."""

from __future__ import annotations

import base64
from typing import Any

from django.utils import timezone

from customers.actions import documents as actions
from customers.actions.documents import Upload
from customers.enums import DocumentKind, Side
from customers.models import Customer, Document
from staff.models import User
from tests.customers import files
from tests.customers.factories import CustomerFactory
from tests.staff.factories import UserFactory

KEY = "test:dGVzdC1rZXktb2YtbGlnaHRkZXNrLWRvY3VtZW50cyE="
OTHER_KEY = "newer:" + base64.b64encode(b"another-key-of-lightdesk-docs-32").decode()


def reviewer() -> User:
    return UserFactory(roles=["reviewer"])


def file(side: Side = Side.FRONT, content: bytes | None = None, name: str = "a.png") -> Upload:
    content = files.picture() if content is None else content
    return Upload(side=side, name=name, content=content, size=len(content))


def add(*uploads: Upload, customer: Customer | None = None, **told: Any) -> list[Document]:
    """Documents that a reviewer uploads: a passport's front unless told otherwise."""
    return actions.add_documents(
        customer=customer or CustomerFactory(),
        kind=told.pop("kind", DocumentKind.PASSPORT),
        uploads=uploads or [file()],
        by=told.pop("by", None) or reviewer(),
        at=told.pop("at", None) or timezone.now(),
    )


def several(number: int, customer: Customer | None = None) -> list[Document]:
    """So many kept documents, each of another picture."""
    customer = customer or CustomerFactory()
    return [
        document
        for width in range(number)
        for document in add(
            file(content=files.picture(width=100 + width, height=80)), customer=customer
        )
    ]
