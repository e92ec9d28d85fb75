"""Creating what a confirmed file asks for: every good row, or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final

from django.db.models import Count, Sum
from django.utils.translation import gettext_noop as _

from payments import asking, beneficiaries, rules
from payments.enums import ImportState, Origin
from payments.imports.rows import draft_of
from payments.models import ImportRow, NotPossible, PayoutImport, Revision, Withdrawal
from payments.models.withdrawals import new_code
from payments.references import reference_for
from staff.journal import Journal
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Text

BATCH: Final = 500


def totals(run: PayoutImport) -> list[dict[str, Any]]:
    """Per currency, how many good rows there are and what they add up to."""
    found = (
        run.rows.filter(is_good=True)
        .values("currency")
        .annotate(number=Count("pk"), amount=Sum("amount"))
        .order_by("currency")
    )
    return [dict(total) for total in found]


def create(run: PayoutImport, *, at: datetime) -> None:
    """Ask for every good row in the name of who confirmed the file; inside a transaction.

    The audit chain is everybody's: it is taken once all rows stand. Raises NotPermitted when they
    may not ask any more, and NotPossible when a row breaks a rule that it did not break when read.
    """
    by = run.confirmed_by
    assert by is not None  # a file is confirmed before it is created
    by.forget_roles()
    require(by, Permission.MAKE_WITHDRAWALS)
    _note_beneficiaries(run, by=by, at=at)
    for rows in _batches(run):
        _create_batch(rows, by=by, at=at)
    run.rows.update(draft={})
    PayoutImport.objects.filter(pk=run.pk).update(
        state=ImportState.DONE, finished_at=at, lease_until=None, trouble={}, failures=0
    )
    for rows in _batches(run):
        journal = Journal(by=by, at=at)
        for row in rows:
            assert row.withdrawal is not None  # made above
            asking.tell(journal, row.withdrawal)
        journal.write()
    journal = Journal(by=by, at=at)
    journal.add("payments.import.created", run, after={"created": run.good, "file": run.file_hash})
    journal.write()


def _note_beneficiaries(run: PayoutImport, *, by: User, at: datetime) -> None:
    """Note all of them before anything else: another file may be writing the same ones."""
    rows = run.rows.filter(is_good=True).exclude(account_key="").order_by("account_key", "number")
    found = rows.iterator(chunk_size=BATCH)
    while batch := list(islice(found, BATCH)):
        beneficiaries.note([draft_of(row) for row in batch], by=by, at=at)


def _create_batch(rows: Sequence[ImportRow], *, by: User, at: datetime) -> None:
    made = []
    noted = beneficiaries.of_keys(row.account_key for row in rows)
    drafts = [draft_of(row) for row in rows]
    payees = rules.payees_of(draft.payee_id for draft in drafts)
    for row, draft in zip(rows, drafts, strict=True):
        if rules.validate(draft, payees=payees):
            raise NotPossible(
                Text(
                    _(
                        "Row %(row)s breaks a rule that is newer than this report. Upload the "
                        "file again."
                    ),
                    row=row.number,
                )
            )
        beneficiary = noted.get(draft.account_key)
        made.append(
            asking.build(draft, beneficiary=beneficiary, by=by, at=at, origin=Origin.IMPORT)
        )
    _free_codes(made)
    Withdrawal.objects.bulk_create(made)
    Revision.objects.bulk_create([asking.first_revision(withdrawal) for withdrawal in made])
    for row, withdrawal in zip(rows, made, strict=True):
        row.withdrawal = withdrawal
    ImportRow.objects.bulk_update(rows, ["withdrawal"])


def _free_codes(made: Sequence[Withdrawal]) -> None:
    """Give those another code whose own is taken: of thousands, some are."""
    while True:
        times = Counter(withdrawal.code for withdrawal in made)
        taken = {code for code, number in times.items() if number > 1}
        taken |= set(Withdrawal.objects.filter(code__in=times).values_list("code", flat=True))
        again = [withdrawal for withdrawal in made if withdrawal.code in taken]
        if not again:
            return
        for withdrawal in again:
            withdrawal.code = new_code()
            withdrawal.merchant_reference = reference_for(withdrawal)


def _batches(run: PayoutImport) -> Iterator[list[ImportRow]]:
    """The good rows in the order of the file.

    Their withdrawals are looked up by key and not joined: of what was written in this transaction
    the database has no statistics, and it would read all of them anew for each row.
    """
    rows = run.rows.filter(is_good=True).prefetch_related("withdrawal").order_by("number")
    behind = 0
    while batch := list(rows.filter(number__gt=behind)[:BATCH]):
        yield batch
        behind = batch[-1].number
