"""What people were asked about, and what the provider then told by itself."""

import pytest

from payments import answered, mirror
from payments.enums import SeenBy, Status
from payments.models import Withdrawal
from tests.payments.factories import NOW, PaymentFactory, record_for
from tests.payments.test_settlements import given_up
from upstreams import alarms
from upstreams.enums import CommandState
from upstreams.models import Alarm, Command

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("line")]


@pytest.fixture
def withdrawal() -> Withdrawal:
    made = given_up()
    for code in ("outcome-unknown", "credential-changed"):
        alarms.raise_alarm(
            upstream="luxcore",
            code=code,
            text="Look.",
            at=NOW,
            subject=("payments.withdrawal", str(made.pk)),
        )
    return made


class TestSettleAnswered:
    @pytest.mark.parametrize("credential", ["", "0123456789ab"])
    def test_closes_what_the_mirror_has_linked(
        self, withdrawal: Withdrawal, credential: str
    ) -> None:
        Command.objects.update(credential=credential, awaits_key=bool(credential))
        seen = record_for(withdrawal, status="completed")
        mirror.store_payments([seen], seen_by=SeenBy.POLL, at=NOW)

        assert answered.settle_answered(at=NOW) == 1

        command = Command.objects.get()
        assert (command.state, command.outcome["reference"]) == (CommandState.DONE, seen.id)
        assert not Alarm.objects.open().exists()
        withdrawal.refresh_from_db()
        assert withdrawal.status == Status.COMPLETED

    def test_leaves_what_is_still_in_doubt(self, withdrawal: Withdrawal) -> None:
        PaymentFactory()

        assert answered.settle_answered(at=NOW) == 0

        assert Command.objects.get().state == CommandState.UNKNOWN
