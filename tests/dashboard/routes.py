"""Every address of the desk, with who may use it: the table that P-1 walks.

Left out on purpose: what Django's own settings site and allauth answer, and the API, which asks for
tokens. They are classified by the beginning of their names in `OTHERS`; tests/staff and
tests/payments/api prove how they behave.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from customers.models import (
    CustomerRequest,
    Document,
    ExternalAccount,
    Hit,
    Hold,
    KycCase,
    Link,
    Submission,
)
from payments.models import (
    AccountOpening,
    Beneficiary,
    BulkRun,
    Drift,
    Payment,
    PaymentRequest,
    PayoutImport,
    Policy,
    Trade,
    TradeOrder,
    Withdrawal,
)
from staff.models import ApiToken, Reveal, User
from staff.permissions import ROLES, Permission, Role
from tests.customers.factories import (
    CustomerRequestFactory,
    DocumentFactory,
    ExternalAccountFactory,
    HitFactory,
    HoldFactory,
    KycCaseFactory,
    LinkFactory,
    SubmissionFactory,
)
from tests.payments import factories
from tests.staff.factories import ApiTokenFactory, RevealFactory, UserFactory
from upstreams.enums import Upstream
from upstreams.models import Alarm, WebhookEvent

ANYBODY = frozenset(Role)
_numbers = itertools.count()


def may(*any_of: Permission) -> frozenset[Role]:
    """The roles that carry one of these permissions."""
    return frozenset(role for role, rights in ROLES.items() if rights & set(any_of))


SEE = may(Permission.SEE_PAYMENTS, Permission.SEE_PAYMENTS_MASKED)
SEE_UPSTREAMS = SEE | may(Permission.MANAGE_FEEDS)
SIGN = may(Permission.SIGN_WITHDRAWALS)
MAKE = may(Permission.MAKE_WITHDRAWALS)
RECONCILE = may(Permission.RECONCILE)
EDIT_CUSTOMERS = may(Permission.EDIT_CUSTOMERS)
PLACE_HOLDS = may(Permission.PLACE_HOLDS)
LIFT_HOLDS = may(Permission.LIFT_HOLDS)
LEAD = may(Permission.MANAGE_POLICIES)
MANAGE = may(Permission.MANAGE_FEEDS)
SEE_KYC = may(Permission.SEE_KYC)
SEE_DOCUMENTS = may(Permission.SEE_KYC_DOCUMENTS)
PROPOSE_KYC = may(Permission.PROPOSE_KYC)
EXPORT = may(Permission.EXPORT_LISTS)
REVEAL = may(Permission.REVEAL_PERSONAL_DATA)
JUDGE = may(Permission.JUDGE_HITS)
LINK = may(Permission.LINK_CUSTOMERS)
SEE_CUSTOMERS = SEE | may(Permission.SEE_KYC)
READ_BULK = may(Permission.SIGN_WITHDRAWALS, Permission.READ_AUDIT)


@dataclass(frozen=True)
class World:
    """One of everything that an address can be about."""

    withdrawal: Withdrawal
    beneficiary: Beneficiary
    payment: Payment
    drift: Drift
    request: PaymentRequest
    alarm: Alarm
    event: WebhookEvent
    token: ApiToken
    payout_import: PayoutImport
    bulk_run: BulkRun
    policy: Policy
    hold: Hold
    link: Link
    document: Document
    hit: Hit
    case: KycCase
    submission: Submission
    reveal: Reveal
    trade: Trade
    order: TradeOrder
    opening: AccountOpening
    external_account: ExternalAccount
    customer_request: CustomerRequest

    @classmethod
    def make(cls) -> World:
        factories.everything_is_fresh()
        number = next(_numbers)
        beneficiary = factories.BeneficiaryFactory()
        return cls(
            withdrawal=factories.WithdrawalFactory(beneficiary=beneficiary),
            beneficiary=beneficiary,
            payment=factories.PaymentFactory(),
            drift=factories.DriftFactory(),
            request=factories.PaymentRequestFactory(),
            alarm=Alarm.objects.create(
                upstream=Upstream.LUXCORE,
                code=f"test-{number}",
                text="Look.",
                raised_at=factories.NOW,
            ),
            event=WebhookEvent.objects.create(
                upstream=Upstream.LUXCORE,
                event_id=f"evt_{number}",
                kind="payment.completed",
                body=b"{}",
                received_at=factories.NOW,
            ),
            token=ApiTokenFactory(),
            payout_import=factories.PayoutImportFactory(),
            bulk_run=factories.BulkRunFactory(),
            policy=factories.PolicyFactory(currency="MXN", from_amount=number),
            hold=HoldFactory(),
            link=LinkFactory(),
            document=DocumentFactory(),
            hit=HitFactory(),
            case=KycCaseFactory(),
            submission=SubmissionFactory(),
            reveal=RevealFactory(),
            trade=factories.TradeFactory(),
            order=factories.TradeOrderFactory(),
            opening=factories.AccountOpeningFactory(),
            external_account=(account := ExternalAccountFactory()),
            customer_request=CustomerRequestFactory(customer=account.customer),
        )


Arguments = Callable[[World], Mapping[str, Any]]


@dataclass(frozen=True)
class Route:
    """Who may use one address, and what they are answered.

    `get` and `post` are the statuses for those who may (a POST carries no fields); None: 405.
    `is_open`: nobody needs to sign in.
    """

    roles: frozenset[Role]
    get: int | None = 200
    post: int | None = None
    arguments: Arguments = lambda world: {}
    is_open: bool = False


def _code(world: World) -> Mapping[str, Any]:
    return {"code": world.withdrawal.code}


def _policy(world: World) -> Mapping[str, Any]:
    return {"number": world.policy.version_id}


def _payment(world: World) -> Mapping[str, Any]:
    return {"upstream": world.payment.upstream, "upstream_id": world.payment.upstream_id}


def _drift(world: World) -> Mapping[str, Any]:
    return {"pk": world.drift.pk}


def _request(world: World) -> Mapping[str, Any]:
    return {"code": world.request.code}


def _order(world: World) -> Mapping[str, Any]:
    return {"code": world.order.code}


def _lux_customer(world: World) -> Mapping[str, Any]:
    return {"pk": world.external_account.customer_id}


def _lux_account(world: World) -> Mapping[str, Any]:
    return {**_lux_customer(world), "account": world.external_account.pk}


def _customer_request(world: World) -> Mapping[str, Any]:
    return {"code": world.customer_request.code}


def _import(world: World) -> Mapping[str, Any]:
    return {"pk": world.payout_import.pk}


def _bulk(world: World) -> Mapping[str, Any]:
    return {"pk": world.bulk_run.pk}


def _secret(world: World) -> Mapping[str, Any]:
    return {
        "subject_type": "customers.customer",
        "subject_id": str(world.hit.customer_id),
        "field": "email",
    }


def _screened(world: World) -> Mapping[str, Any]:
    return {"pk": world.hit.customer_id}


def _case(world: World) -> Mapping[str, Any]:
    return {"code": world.case.code}


def _hit(world: World) -> Mapping[str, Any]:
    return {"pk": world.hit.customer_id, "hit_id": world.hit.pk}


def _customer(world: World) -> Mapping[str, Any]:
    return {"pk": world.hold.customer_id}


def _document(world: World) -> Mapping[str, Any]:
    return {"key": world.document.key}


def _submission(world: World) -> Mapping[str, Any]:
    return {"code": world.submission.code}


def _link(world: World) -> Mapping[str, Any]:
    return {"pk": world.link.pk}


def _luxcore(world: World) -> Mapping[str, Any]:
    return {"upstream": "luxcore"}


ROUTES: Mapping[str, Route] = {
    "home": Route(ANYBODY),
    "preferences": Route(ANYBODY, get=None, post=302),
    "saved-view-new": Route(ANYBODY, get=None, post=404),  # of which list it does not say
    "saved-view": Route(
        ANYBODY,
        get=None,
        post=404,
        arguments=lambda world: {"pk": 0},  # nobody's
    ),
    "api-tokens": Route(ANYBODY, post=422),
    "api-token-revoke": Route(
        may(Permission.REVOKE_TOKENS),
        get=None,
        post=302,
        arguments=lambda world: {"pk": world.token.pk},
    ),
    "api:docs": Route(ANYBODY),
    "search": Route(SEE),
    "payments:withdrawals": Route(SEE),
    "payments:withdrawals-news": Route(SEE),
    "payments:withdrawals-claim": Route(SIGN | MAKE, get=None, post=302),
    "payments:withdrawals-export": Route(EXPORT, get=None, post=200),
    "payments:imports": Route(MAKE, post=422),
    "payments:import-template": Route(MAKE),
    "payments:import": Route(MAKE, arguments=_import),
    # 286: it awaits a confirmation, so there is nothing to poll.
    "payments:import-live": Route(MAKE, get=286, arguments=_import),
    # 409: it belongs to the person who uploaded it.
    "payments:import-confirm": Route(MAKE, post=409, arguments=_import),
    "payments:import-drop": Route(MAKE, get=None, post=302, arguments=_import),
    "payments:bulk-runs": Route(READ_BULK),
    "payments:bulk-start": Route(SIGN, get=None, post=302),
    "payments:bulk-run": Route(READ_BULK, arguments=_bulk),
    # 286: it awaits a confirmation, so there is nothing to poll.
    "payments:bulk-live": Route(READ_BULK, get=286, arguments=_bulk),
    # 409: it belongs to the person who began it.
    "payments:bulk-confirm": Route(SIGN, post=409, arguments=_bulk),
    "payments:bulk-drop": Route(SIGN, get=None, post=302, arguments=_bulk),
    "payments:bulk-retry": Route(SIGN, get=None, post=302, arguments=_bulk),
    "payments:bulk-export": Route(READ_BULK & EXPORT, get=None, post=200, arguments=_bulk),
    "payments:withdrawal-new": Route(MAKE, post=422),
    "payments:withdrawal-not-duplicate": Route(
        SIGN, post=422, arguments=lambda world: {**_code(world), "other": "wd-OTHER2"}
    ),
    "payments:withdrawal-lumetrade": Route(MAKE, post=422),
    "payments:withdrawal-lux": Route(MAKE, post=422),
    "payments:withdrawal": Route(SEE, arguments=_code),
    # 286: what awaits approval does not move by itself, so there is nothing to poll.
    "payments:withdrawal-live": Route(SEE, get=286, arguments=_code),
    "payments:withdrawal-claim": Route(SIGN | MAKE, get=None, post=302, arguments=_code),
    "payments:withdrawal-route": Route(
        may(Permission.SEE_PAYMENTS), get=None, post=302, arguments=_code
    ),
    "payments:withdrawal-release": Route(SIGN | MAKE, get=None, post=302, arguments=_code),
    "payments:withdrawal-approve": Route(SIGN, post=422, arguments=_code),
    "payments:withdrawal-reject": Route(SIGN, post=422, arguments=_code),
    "payments:withdrawal-undo": Route(SIGN, post=422, arguments=_code),
    "payments:withdrawal-settle": Route(SIGN | RECONCILE, post=422, arguments=_code),
    "payments:withdrawal-attend": Route(RECONCILE, get=None, post=409, arguments=_code),
    "payments:withdrawal-retract": Route(MAKE, post=422, arguments=_code),
    "payments:withdrawal-hold": Route(PLACE_HOLDS, post=422, arguments=_code),
    "payments:withdrawal-lift": Route(
        LIFT_HOLDS, post=422, arguments=lambda world: {**_code(world), "pk": world.hold.pk}
    ),
    "payments:withdrawal-amend": Route(MAKE, post=422, arguments=_code),
    "payments:payments": Route(SEE),
    "payments:payments-export": Route(EXPORT, get=None, post=200),
    "payments:payment-new": Route(may(Permission.MAKE_DEPOSITS), post=422),
    "payments:requests": Route(SEE),
    "payments:request": Route(SEE, arguments=_request),
    "payments:request-live": Route(SEE, arguments=_request),
    "payments:request-settle": Route(RECONCILE, post=422, arguments=_request),
    "payments:payment-cancel": Route(SIGN | MAKE, post=422, arguments=_payment),
    "payments:payment-cancel-read": Route(SIGN | MAKE, get=None, post=302, arguments=_payment),
    # 286: nobody asked to cancel it, so there is nothing to poll.
    "payments:payment-cancel-live": Route(SEE, get=286, arguments=_payment),
    "payments:payment": Route(SEE, arguments=_payment),
    # 302: it waits for no payee, so there is no address.
    "payments:payment-address": Route(MAKE, get=None, post=302, arguments=_payment),
    "payments:payment-refresh": Route(
        may(Permission.SEE_PAYMENTS), get=None, post=302, arguments=_payment
    ),
    "payments:balances": Route(SEE),
    "payments:trades": Route(SEE),
    "payments:trades-export": Route(EXPORT, get=None, post=200),
    "payments:trade": Route(SEE, arguments=lambda world: {"upstream_id": world.trade.upstream_id}),
    "payments:trade-new": Route(may(Permission.ASK_QUOTES), post=422),
    "payments:orders": Route(SEE),
    "payments:order": Route(SEE, arguments=_order),
    # 286: its quote expired long ago, so there is nothing to poll.
    "payments:order-live": Route(SEE, get=286, arguments=_order),
    "payments:order-confirm": Route(may(Permission.TRADE), get=None, post=409, arguments=_order),
    "payments:order-settle": Route(SIGN | RECONCILE, post=422, arguments=_order),
    "payments:accounts": Route(SEE),
    "payments:accounts-live": Route(SEE, get=286),  # nobody asked for an account
    "payments:account-open": Route(may(Permission.OPEN_ACCOUNTS), get=None, post=422),
    "payments:account-look": Route(
        may(Permission.OPEN_ACCOUNTS),
        get=None,
        post=302,
        arguments=lambda world: {"code": world.opening.code},
    ),
    "payments:account-close": Route(
        may(Permission.OPEN_ACCOUNTS),
        post=422,
        arguments=lambda world: {"code": world.opening.code},
    ),
    "payments:beneficiaries": Route(SEE),
    "payments:beneficiaries-export": Route(EXPORT, get=None, post=200),
    "payments:beneficiary": Route(SEE, arguments=lambda world: {"code": world.beneficiary.code}),
    "payments:reconciliation": Route(SEE),
    "payments:reconciliation-start": Route(RECONCILE, get=None, post=422),
    "payments:drift": Route(SEE, arguments=_drift),
    "payments:drift-resolve": Route(
        RECONCILE, post=422, arguments=lambda world: {**_drift(world), "remedy": "read_again"}
    ),
    "payments:drift-second": Route(SIGN | RECONCILE, get=302, post=302, arguments=_drift),
    "payments:policies": Route(SEE),
    "payments:policy": Route(SEE, arguments=_policy),
    # What is published is not changed: the pages say so and lead back to it.
    "payments:policy-begin": Route(LEAD, get=None, post=302),
    "payments:policy-tier-new": Route(LEAD, get=302, post=302, arguments=_policy),
    "payments:policy-tier": Route(
        LEAD, get=302, post=302, arguments=lambda world: {**_policy(world), "pk": world.policy.pk}
    ),
    "payments:policy-propose": Route(LEAD, get=None, post=422, arguments=_policy),
    "payments:policy-decide": Route(LEAD, get=None, post=409, arguments=_policy),
    "customers:customers": Route(SEE_CUSTOMERS),
    "customers:customers-export": Route(EXPORT, get=None, post=200),
    "customers:customer": Route(SEE_CUSTOMERS, arguments=_customer),
    "customers:hold": Route(PLACE_HOLDS, post=422, arguments=_customer),
    "customers:lift": Route(
        LIFT_HOLDS, post=422, arguments=lambda world: {**_customer(world), "hold_pk": world.hold.pk}
    ),
    "customers:link-accept": Route(LINK, post=422, arguments=_link),
    "customers:link-dismiss": Route(LINK, post=422, arguments=_link),
    "customers:link-undo": Route(LINK, post=422, arguments=_link),
    "customers:documents": Route(SEE_KYC, arguments=_customer),
    "customers:documents-add": Route(PROPOSE_KYC, post=422, arguments=_customer),
    "customers:documents-look": Route(SEE_DOCUMENTS, get=None, post=302, arguments=_customer),
    # 404: nobody asked to look at it a moment ago.
    "customers:document": Route(SEE_DOCUMENTS, get=404, arguments=_document),
    "customers:document-page": Route(
        SEE_DOCUMENTS, get=404, arguments=lambda world: {**_document(world), "number": 1}
    ),
    "customers:document-download": Route(SEE_DOCUMENTS, get=None, post=302, arguments=_document),
    "customers:document-judge": Route(PROPOSE_KYC, get=None, post=302, arguments=_document),
    # 286: nothing is on its way, so there is nothing to poll.
    "customers:documents-live": Route(SEE_KYC, get=286, arguments=_customer),
    "customers:documents-submit": Route(PROPOSE_KYC, post=409, arguments=_customer),
    "customers:submission-look": Route(PROPOSE_KYC, get=None, post=302, arguments=_submission),
    "customers:submission-settle": Route(PROPOSE_KYC, get=None, post=302, arguments=_submission),
    "customers:new": Route(EDIT_CUSTOMERS, post=422),
    "customers:edit": Route(EDIT_CUSTOMERS, post=422, arguments=_lux_customer),
    "customers:delete": Route(EDIT_CUSTOMERS, post=422, arguments=_lux_customer),
    "customers:wallet-new": Route(EDIT_CUSTOMERS, post=422, arguments=_lux_customer),
    "customers:account-new": Route(EDIT_CUSTOMERS, post=422, arguments=_lux_customer),
    "customers:account-verify": Route(EDIT_CUSTOMERS, post=422, arguments=_lux_account),
    "customers:account-remove": Route(EDIT_CUSTOMERS, post=422, arguments=_lux_account),
    "customers:requests-live": Route(SEE_CUSTOMERS, arguments=_lux_customer),
    "customers:request": Route(SEE_CUSTOMERS, arguments=_customer_request),
    "customers:request-live": Route(SEE_CUSTOMERS, arguments=_customer_request),
    "customers:request-look": Route(
        EDIT_CUSTOMERS, get=None, post=302, arguments=_customer_request
    ),
    "customers:request-settle": Route(EDIT_CUSTOMERS, post=422, arguments=_customer_request),
    "customers:reveal": Route(REVEAL, post=422, arguments=_secret),
    # 404: somebody else looked.
    "customers:revealed": Route(REVEAL, get=404, arguments=lambda world: {"pk": world.reveal.pk}),
    "customers:cases": Route(SEE_KYC),
    "customers:case": Route(SEE_KYC, arguments=_case),
    "customers:case-claim": Route(PROPOSE_KYC, get=None, post=302, arguments=_case),
    "customers:case-release": Route(PROPOSE_KYC, get=None, post=302, arguments=_case),
    "customers:case-draft": Route(PROPOSE_KYC, get=None, post=200, arguments=_case),
    # 409: nobody has claimed it.
    "customers:case-decide": Route(PROPOSE_KYC, get=None, post=409, arguments=_case),
    # 409: nothing was proposed.
    "customers:case-confirm": Route(may(Permission.CONFIRM_KYC), post=409, arguments=_case),
    "customers:case-return": Route(may(Permission.CONFIRM_KYC), post=422, arguments=_case),
    "customers:case-withdraw": Route(PROPOSE_KYC, post=422, arguments=_case),
    "customers:case-escalate": Route(PROPOSE_KYC, post=422, arguments=_case),
    "customers:case-reopen": Route(PROPOSE_KYC, post=422, arguments=_case),
    "customers:case-recall": Route(PROPOSE_KYC, post=422, arguments=_case),
    "customers:case-look": Route(PROPOSE_KYC, get=None, post=409, arguments=_case),
    "customers:screenings": Route(SEE_KYC),
    "customers:screening": Route(SEE_KYC, arguments=_screened),
    # 286: nobody asked to screen them, so there is nothing to poll.
    "customers:screening-live": Route(SEE_KYC, get=286, arguments=_screened),
    "customers:screening-start": Route(JUDGE, get=None, post=302, arguments=_screened),
    "customers:hit-judge": Route(JUDGE, get=None, post=422, arguments=_hit),
    "customers:hit-reopen": Route(JUDGE, post=422, arguments=_hit),
    "upstreams": Route(SEE_UPSTREAMS),
    "upstreams-sending-stop": Route(SIGN | MAKE | MANAGE, get=None, post=302, arguments=_luxcore),
    "upstreams-sending-resume": Route(SIGN, get=None, post=302, arguments=_luxcore),
    "upstreams-feed-run": Route(
        MANAGE, get=None, post=302, arguments=lambda world: {"name": "luxcore.balances"}
    ),
    "upstreams-alarm-close": Route(
        MANAGE, get=None, post=302, arguments=lambda world: {"pk": world.alarm.pk}
    ),
    "upstreams-outbox": Route(SEE_UPSTREAMS),
    "upstreams-webhooks": Route(SEE_UPSTREAMS),
    "upstreams-endpoints": Route(MANAGE, get=None, post=200),
    "upstreams-webhook": Route(SEE_UPSTREAMS, arguments=lambda world: {"pk": world.event.pk}),
    "upstreams-webhook-replay": Route(
        MANAGE, get=None, post=302, arguments=lambda world: {"pk": world.event.pk}
    ),
    "upstreams-refused": Route(may(Permission.SEE_PAYMENTS, Permission.MANAGE_FEEDS)),
    "luxcore-webhook": Route(ANYBODY, get=None, post=401, is_open=True),
    "lux-webhook": Route(ANYBODY, get=None, post=401, is_open=True),
    "healthz": Route(ANYBODY, is_open=True),
    "readyz": Route(ANYBODY, get=503, is_open=True),  # no Redis in this test
}

# Beginnings of names that others own and prove; a route without a name goes by its address.
OTHERS = ("account_", "admin:", "api:", "admin/", "accounts/email/", "webhooks/lux")


def every_route() -> Iterator[str]:
    """The name of every address of the desk, or the address where it has none."""
    yield from _walk(get_resolver().url_patterns, "", "")


def _walk(patterns: list[Any], namespace: str, address: str) -> Iterator[str]:
    for entry in patterns:
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry.url_patterns, inner, address + str(entry.pattern))
        elif isinstance(entry, URLPattern):
            yield f"{namespace}{entry.name}" if entry.name else address + str(entry.pattern)


def person_of(role: Role) -> User:
    return UserFactory(roles=[role])
