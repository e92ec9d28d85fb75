"""Words and parts of the payments desk in templates."""

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.translation import gettext

from customers.contacts import find_customer
from customers.people import Person
from payments import cancelling, words
from payments import handout as handouts
from payments.checks import holds
from payments.models import BulkRun, Payment, Withdrawal
from payments.sight import MAY_SEE, Sight
from staff import lists
from staff.permissions import Permission, can

LAST_ONES = 5

register = template.Library()

register.filter("method", words.method)


@register.inclusion_tag("components/export.html", takes_context=True)
def export_receipts(context: Context, run: BulkRun) -> dict[str, object]:
    """Offer the receipts of a run, or its dry run, as a file to those who may have it."""
    address = reverse("payments:bulk-export", args=[run.pk])
    return {
        "address": address if can(context["request"].user, Permission.EXPORT_LISTS) else "",
        "csrf_token": context.get("csrf_token"),
    }


@register.inclusion_tag("payments/_new_deposit.html", takes_context=True)
def new_deposit(context: Context) -> dict[str, object]:
    """Offer the form of a deposit to makers."""
    return {"may_make": can(context["request"].user, Permission.MAKE_DEPOSITS)}


@register.inclusion_tag("payments/_handout.html", takes_context=True)
def handout(context: Context, payment: Payment) -> dict[str, object]:
    """Show makers what is to be handed on: details or an address, and its QR code.

    The address lets whoever has it pay, or say where a payout goes: nobody else needs it. That of
    a payout is shown when it is asked for, and who asked is noted.
    """
    found, person = handouts.of(payment), context["request"].user
    if found and found.is_payout:
        if not can(person, Permission.MAKE_WITHDRAWALS):
            return {}
        where = [payment.upstream, payment.upstream_id]
        return {
            "address_url": reverse("payments:payment-address", args=where),
            "refusal": handouts.why_not(payment.withdrawal),
            "csrf_token": context.get("csrf_token"),
        }
    if not can(person, Permission.MAKE_DEPOSITS):
        return {}
    return handouts.drawn(found)


@register.inclusion_tag("payments/_cancel.html", takes_context=True)
def cancel_box(context: Context, payment: Payment) -> dict[str, object]:
    """Tell what became of a cancellation, and offer one while the payment is pending."""
    person = context["request"].user
    story = cancelling.story(payment)
    where = [payment.upstream, payment.upstream_id]
    return {
        "payment": payment,
        "story": story,
        "may_read": cancelling.may_cancel(payment, person),
        "csrf_token": context.get("csrf_token"),
        "is_offered": cancelling.is_pending(payment) and not story,
        "refusal": cancelling.problem(payment, person),
        "cancel_url": reverse("payments:payment-cancel", args=where),
        "live_url": reverse("payments:payment-cancel-live", args=where),
    }


@register.inclusion_tag("payments/_holds.html", takes_context=True)
def customer_holds(context: Context, withdrawal: Withdrawal) -> dict[str, object]:
    """Show what holds the customer, and offer to hold them or let them go."""
    person, sight = context["user"], Sight.of(context["user"])
    return {
        "holds": [
            {
                "hold": hold,
                "label": gettext(hold.get_kind_display()),
                "reason": sight.hold_reason(hold, about=withdrawal),
            }
            for hold in holds.over([withdrawal])[withdrawal.pk]
        ],
        "known": find_customer(holds.contact_of(withdrawal)),
        "may_place": can(person, Permission.PLACE_HOLDS),
        "may_lift": can(person, Permission.LIFT_HOLDS),
        "withdrawal": withdrawal,
        "query": context["query"],
        "user": person,
        "now": context["now"],
    }


@register.inclusion_tag("payments/_customer.html", takes_context=True)
def customer_payments(context: Context, person: Person) -> dict[str, object]:
    """Show what was paid to and by a customer, the last ones first; nothing where none of it may
    be seen."""
    reader = context["request"].user
    if not any(can(reader, permission) for permission in MAY_SEE):
        return {}
    rows = [row.pk for row in person.members]
    paid = Payment.objects.filter(customer__in=rows)
    asked = Withdrawal.objects.filter(customer__in=rows)
    query = f"?person={person.root.pk}"
    return {
        "payments": list(paid.defer("raw", "stamps").newest_first()[:LAST_ONES]),
        "payments_count": lists.count(paid, is_current=False),
        "payments_url": f"{reverse('payments:payments')}{query}",
        "withdrawals": list(asked.newest_first()[:LAST_ONES]),
        "withdrawals_count": lists.count(asked, is_current=False),
        "withdrawals_url": f"{reverse('payments:withdrawals')}{query}&tab=all",
        "now": context["now"],
    }


@register.inclusion_tag("payments/_request_behind.html")
def request_behind(payment: Payment) -> dict[str, object]:
    """Lead to the request that a deposit was made by."""
    return {"deposit": cancelling.request_of(payment)}
