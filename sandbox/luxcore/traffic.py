"""What goes on without anybody at the desk: customers pay, systems pay out, people ask."""

import random
from dataclasses import replace

from sandbox.clock import SECOND
from sandbox.luxcore import history, imagine
from sandbox.luxcore.api import LuxCore
from sandbox.luxcore.errors import BusinessError
from sandbox.luxcore.payments import create
from sandbox.luxcore.payments.model import Payment, Step, from_row, save
from sandbox.luxcore.tickets import model as tickets
from sandbox.luxcore.work import Work
from sandbox.traffic import Pace

TICKET_SHARE = 1 / 14  # tickets per payment
COMMENTS = (
    "Any news? The customer is asking again.",
    "Attached is what the bank told the customer.",
    "Thank you, it has arrived.",
)


class Traffic:
    def __init__(self, luxcore: LuxCore, *, seed: int, pace: float) -> None:
        self._luxcore = luxcore
        # Differs from the dice of history, and from start to start of an old state.
        self._dice = random.Random(f"traffic {seed} {luxcore.clock.now()}")
        self.pace = Pace(pace, self._dice)

    def tick(self) -> None:
        """Make what came since the last tick. Support is at work while there is traffic."""
        self._luxcore.support_on = self.pace.per_minute > 0
        count = self.pace.arrivals(self._luxcore.clock.now())
        if not count:
            return
        with self._luxcore.store.transaction() as db:
            work = replace(self._luxcore.work(db), dice=self._dice)
            for _ in range(count):
                self._arrive(work)

    def _arrive(self, work: Work) -> None:
        draft = imagine.draft(self._dice, history.next_number(work))
        try:
            payment, _ = create.create(work, draft, source="traffic", plan=[])
        except BusinessError:
            return  # out of money: this payout has to wait for deposits
        payment.follow(self._plan(work, payment), work.now)
        save(work, payment)
        if self._dice.random() < TICKET_SHARE:
            self._ask(work)

    def _plan(self, work: Work, payment: Payment) -> list[Step]:
        config, dice = work.config, self._dice
        if payment.is_withdrawal:
            approval = round(config.traffic_approval_delay * SECOND)
            processing = round(config.processing_delay * SECOND)
            return imagine.withdrawal_plan(dice, approval, processing)
        if payment.method == "ipay" and dice.random() < 0.05:
            wait = round(config.ipay_pending.total_seconds() * SECOND)
            return [(20 * SECOND, "hold", {}), (wait, "cancel", {})]
        ttl = create.time_to_live(work, payment)
        return imagine.deposit_plan(dice, ttl, page=payment.page_token is not None)

    def _ask(self, work: Work) -> None:
        """A new ticket about a recent payment, or another word in an open one."""
        dice = self._dice
        due = work.now + round(work.config.support_delay * dice.uniform(0.5, 3) * SECOND)
        open_ticket = work.db.execute(
            "SELECT id FROM ticket WHERE env = ? AND source = 'traffic'"
            " AND status IN ('open', 'in_progress') ORDER BY serial DESC LIMIT 1",
            (work.env,),
        ).fetchone()
        if open_ticket is not None and dice.random() < 0.4:
            text = dice.choice(COMMENTS)
            tickets.say(
                work, open_ticket["id"], text, author_type="merchant", author_name="Merchant"
            )
            work.db.execute(
                "UPDATE ticket SET support_due_at = ? WHERE id = ?", (due, open_ticket["id"])
            )
            return
        rows = work.db.execute(
            "SELECT * FROM payment WHERE env = ? AND source = 'traffic'"
            " ORDER BY created_at DESC LIMIT 30",
            (work.env,),
        ).fetchall()
        payment = from_row(dice.choice(rows)) if rows and dice.random() < 0.8 else None
        tickets.create(work, imagine.ticket(dice, payment), source="traffic", support_due_at=due)
