"""Customers and KYC (upstreams.md §1.5)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from upstreams.http import Call
from upstreams.lux.calls.base import MAX_LIMIT, Calls
from upstreams.lux.schemas import (
    CursorPage,
    CustomerRecord,
    DeletedCustomer,
    ExternalAccountRecord,
    HandedIn,
    KycSubmission,
    WalletRecord,
    parse_customer,
    parse_deleted,
    parse_external_account,
    parse_handed_in,
    parse_submission,
    parse_wallet,
)
from upstreams.lux.words import DOCUMENTS

CUSTOMERS: Final = "/customers"
CUSTOMER: Final = f"{CUSTOMERS}/{{id}}"
KYC: Final = f"{CUSTOMER}/kyc"
LARGEST_PICTURE: Final = 12_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """An image or a PDF of a document."""

    content_type: str
    content: bytes = field(repr=False)

    def as_data_uri(self) -> str:
        return f"data:{self.content_type};base64,{base64.b64encode(self.content).decode()}"


def changes_body(changes: Mapping[str, Any]) -> bytes:
    """The body of an update: exactly what changes. An address may be given in part."""
    return json.dumps(dict(changes), ensure_ascii=False).encode()


def decision_body(kyc_status: str, reasons: Sequence[str] = ()) -> bytes:
    """The body of an update that brings them a decision. Nowhere documented: only where
    LUX_PUSH_KYC_DECISION is on."""
    changes: dict[str, Any] = {"kyc_status": kyc_status}
    return changes_body(changes | ({"rejection_reasons": list(reasons)} if reasons else {}))


def kyc_body(
    document_type: str,
    *,
    front: Picture,
    back: Picture | None = None,
    selfie: Picture | None = None,
) -> bytes:
    """The body of a submission. Raises ValueError where a document lacks its back."""
    if DOCUMENTS[document_type] and back is None:
        raise ValueError(f"a {document_type} needs its back")
    pictures = {"document_front": front, "document_back": back, "selfie": selfie}
    shown = {name: picture.as_data_uri() for name, picture in pictures.items() if picture}
    return json.dumps({"document_type": document_type, **shown}).encode()


class CustomerCalls(Calls):
    def create_customer(self, body: bytes, *, idempotency_key: str) -> CustomerRecord:
        """POST /customers with these very bytes. AlreadyExists: somebody has this e-mail."""
        return self._post(CUSTOMERS, body, parse_customer, idempotency_key=idempotency_key)

    def list_customers(
        self, *, status: str = "", kyc_status: str = "", cursor: str = "", limit: int = MAX_LIMIT
    ) -> CursorPage[CustomerRecord]:
        """GET /customers, newest first; deleted ones only with `status` "deleted" (LF-A7)."""
        filters = {"status": status, "kyc_status": kyc_status}
        return self._page(CUSTOMERS, parse_customer, limit=limit, cursor=cursor, filters=filters)

    def get_customer(self, customer_id: str) -> CustomerRecord:
        """GET /customers/{id}; a deleted one too (LF-A7). Raises NotFound."""
        return self._get(CUSTOMER, parse_customer, id=customer_id)

    def update_customer(self, customer_id: str, body: bytes) -> CustomerRecord:
        """PATCH /customers/{id}. NotFound for a deleted one too (LF-A7)."""
        call = Call("PATCH", CUSTOMER, ids={"id": customer_id}, body=body)
        return self.http.one(call, parse_customer)

    def delete_customer(self, customer_id: str) -> DeletedCustomer:
        """DELETE /customers/{id}: their data is kept, and `get_customer` still shows it."""
        return self.http.one(Call("DELETE", CUSTOMER, ids={"id": customer_id}), parse_deleted)

    def submit_kyc(self, customer_id: str, body: bytes, *, idempotency_key: str) -> KycSubmission:
        """POST /customers/{id}/kyc. Conflict: their status takes no documents now (LF-A5)."""
        return self._post(
            KYC,
            body,
            parse_submission,
            idempotency_key=idempotency_key,
            id=customer_id,
        )

    def list_kyc_submissions(self, customer_id: str) -> CursorPage[HandedIn]:
        """GET /customers/{id}/kyc. Nowhere documented: only where LUX_READ_KYC_DOCUMENTS is on."""
        return self._page(KYC, parse_handed_in, limit=MAX_LIMIT, cursor="", id=customer_id)

    def get_kyc_picture(self, customer_id: str, submission_id: str, name: str) -> bytes:
        """GET /customers/{id}/kyc/{submission}/{picture}: its bytes, whatever they are. Nowhere
        documented either."""
        call = Call(
            "GET",
            f"{KYC}/{{submission}}/{{picture}}",
            ids={"id": customer_id, "submission": submission_id, "picture": name},
            is_safe=True,
            is_file=True,
            max_bytes=LARGEST_PICTURE,
        )
        return self.http.download(call).content

    def list_customer_wallets(
        self, customer_id: str, *, cursor: str = "", limit: int = MAX_LIMIT
    ) -> CursorPage[WalletRecord]:
        """GET /customers/{id}/wallets."""
        path = f"{CUSTOMER}/wallets"
        return self._page(path, parse_wallet, limit=limit, cursor=cursor, id=customer_id)

    def list_customer_external_accounts(
        self, customer_id: str, *, cursor: str = "", limit: int = MAX_LIMIT
    ) -> CursorPage[ExternalAccountRecord]:
        """GET /customers/{id}/external-accounts."""
        path = f"{CUSTOMER}/external-accounts"
        return self._page(path, parse_external_account, limit=limit, cursor=cursor, id=customer_id)
