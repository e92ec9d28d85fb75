"""The desk in Spanish: nothing is left untranslated, and what is kept stays in one language."""

from __future__ import annotations

import ast
import io
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from gettext import GNUTranslations
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.translation.template import templatize

from payments import facts
from payments.enums import Origin, PaymentStatus
from payments.models import NotPossible
from staff.models import User
from staff.permissions import Role
from tests.dashboard.routes import ROUTES, World
from tests.payments.factories import NOW, WithdrawalFactory
from tests.payments.pages.helpers import at
from tests.staff.factories import UserFactory

LANGUAGES = [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
IN_EACH_LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)

PACKAGES = ("customers", "dashboard", "payments", "staff", "upstreams")
# What marks a message, and which of its arguments are one (babel's notation; "c": a context).
CALLS: dict[str, Any] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|\{\w*\}|</?\w+>")
Words = tuple[str | None, str]  # a context, and a message or its singular


def catalogue_path(language: str) -> Path:
    (folder,) = settings.LOCALE_PATHS
    return Path(folder) / language / "LC_MESSAGES" / "django.po"


@cache
def catalogue(language: str) -> Catalog:
    with catalogue_path(language).open("rb") as file:
        return read_po(file)


def messages(language: str) -> list[Message]:
    return [message for message in catalogue(language) if message.id]


def forms(told: Any) -> list[str]:
    """One text, or the texts of each plural form."""
    return [told] if isinstance(told, str) else list(told)


def sources() -> Iterator[str]:
    """All our Python, and our templates as the Python that Django makes of them."""
    for package in PACKAGES:
        for path in (settings.BASE_DIR / package).rglob("*.py"):
            yield path.read_text()
    for path in (settings.BASE_DIR / "templates").rglob("*.*"):
        # Inside brackets, so that a template's indentation is not read as Python's.
        yield f"(\n{templatize(path.read_text(), origin=str(path))}\n)"


# What these say is read by people, perhaps in another language and much later.
SAYING = {"Check", "raise_alarm", "stop_sending"}


def plain_sentences() -> Iterator[str]:
    """Every sentence that is given as bare English to a check, an alarm or a "no"."""
    saying = SAYING | {no.__name__ for no in kinds_of(NotPossible)}
    for package in PACKAGES:
        for path in (settings.BASE_DIR / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and name_of(node.func) in saying:
                    given = [*node.args, *(keyword.value for keyword in node.keywords)]
                    yield from (f"{path}:{one.lineno}" for one in given if is_sentence(one))


def kinds_of(no: type[NotPossible]) -> Iterator[type[NotPossible]]:
    yield no
    for kind in no.__subclasses__():
        yield from kinds_of(kind)


def name_of(called: ast.expr) -> str:
    return getattr(called, "attr", None) or getattr(called, "id", "")


def is_sentence(given: ast.expr) -> bool:
    """Whether it is written out here: codes have no blanks."""
    if isinstance(given, ast.JoinedStr):
        return True
    return isinstance(given, ast.Constant) and " " in str(given.value)


@cache
def words_in_sources() -> frozenset[Words]:
    return frozenset(
        (context, forms(message)[0])
        for source in sources()
        for _line, message, _comments, context in extract(
            "python", io.BytesIO(source.encode()), keywords=CALLS
        )
    )


def test_no_check_alarm_or_refusal_speaks_english_alone() -> None:
    assert list(plain_sentences()) == [], "wrap it: staff.texts.Text, or gettext"


@IN_EACH_LANGUAGE
class TestCatalogue:
    def test_holds_every_message_of_the_desk_and_no_other(self, language: str) -> None:
        known = {(message.context, forms(message.id)[0]) for message in messages(language)}

        assert words_in_sources() - known == set(), "make messages, then translate these"
        assert known - words_in_sources() == set(), "nobody says these any more: make messages"

    def test_translates_every_message(self, language: str) -> None:
        unfinished = [
            message.id
            for message in messages(language)
            if message.fuzzy or not all(forms(message.string))
        ]

        assert unfinished == []

    def test_keeps_every_placeholder(self, language: str) -> None:
        """A plural form may leave out the number, as in "one field"."""
        for message in messages(language):
            originals = [Counter(PLACEHOLDER.findall(text)) for text in forms(message.id)]
            for text in forms(message.string):
                assert Counter(PLACEHOLDER.findall(text)) in originals, message.id

    def test_gives_every_plural_form(self, language: str) -> None:
        wanted = catalogue(language).num_plurals

        assert {len(m.string) for m in messages(language) if m.pluralizable} == {wanted}

    def test_is_compiled_as_it_stands(self, language: str) -> None:
        fresh = io.BytesIO()
        write_mo(fresh, catalogue(language))
        fresh.seek(0)

        assert entries(catalogue_path(language).with_suffix(".mo").open("rb")) == entries(fresh), (
            "make messages"
        )


def entries(file: Any) -> dict[Any, str]:
    """What a compiled catalogue says, without its header of dates and names."""
    with file:
        said: dict[Any, str] = dict(GNUTranslations(file)._catalog)  # type: ignore[attr-defined]
    del said[""]
    return said


@pytest.fixture
def world(db: None) -> Iterator[World]:
    with at(NOW):
        yield World.make()


def reader(role: Role) -> Client:
    client = Client()
    client.force_login(UserFactory(roles=[role], language="es"))
    return client


def page_of(name: str, world: World, role: Role) -> str:
    address = reverse(name, kwargs=dict(ROUTES[name].arguments(world)))
    return reader(role).get(address).content.decode()


class TestSpanish:
    @pytest.mark.parametrize(
        ("name", "role", "said"),
        [
            ("home", Role.APPROVER, "Lo siguiente para usted"),
            ("search", Role.VIEWER, "¿Qué se busca?"),
            ("payments:withdrawals", Role.APPROVER, "Requiere mi decisión"),
            ("payments:withdrawal", Role.APPROVER, "Comprobaciones antes de enviar"),
            ("payments:withdrawal-approve", Role.APPROVER, "Volver sin firmar nada"),
            ("payments:withdrawal-reject", Role.APPROVER, "Sospecha de fraude"),
            ("payments:withdrawal-new", Role.MAKER, "Solicitar retiro"),
            ("payments:payments", Role.VIEWER, "No pagados"),
            ("payments:payment", Role.VIEWER, "Lo que informa el proveedor"),
            ("payments:balances", Role.VIEWER, "Comprometido"),
            ("upstreams", Role.OPS_LEAD, "Última ejecución"),
            ("upstreams-outbox", Role.OPS_LEAD, "Bandeja de salida"),
            ("upstreams-webhooks", Role.OPS_LEAD, "Eventos recibidos"),
            ("upstreams-webhook", Role.OPS_LEAD, "firma verificada"),
            ("upstreams-refused", Role.OPS_LEAD, "Registros no aceptados"),
        ],
    )
    def test_is_spoken_on_the_page(self, name: str, role: Role, said: str, world: World) -> None:
        page = page_of(name, world, role)

        assert said in page
        assert '<html lang="es"' in page

    def test_is_spoken_to_a_visitor_whose_browser_asks_for_it(self, db: None) -> None:
        page = Client(headers={"accept-language": "es-MX"}).get(reverse("account_login"))

        assert "Iniciar sesión" in page.content.decode()

    def test_names_the_states_in_lists_and_filters(self, world: World) -> None:
        assert "En espera de aprobación" in page_of("payments:withdrawal", world, Role.APPROVER)
        assert "Devuelto en parte" in page_of("payments:payments", world, Role.VIEWER)
        assert "Se reintentará" in page_of("upstreams-webhooks", world, Role.OPS_LEAD)

    def test_writes_an_amount_alike_in_tables_and_in_questions(self, world: World) -> None:
        page = page_of("payments:withdrawal", world, Role.APPROVER)

        assert "Aprobar 2.500,00 AUD…" in page
        assert '<span class="n">2.500,00</span>' in page

    def test_names_what_is_signed_and_what_is_asked_for(self, world: World) -> None:
        assert "Destinatario" in page_of("payments:withdrawal-approve", world, Role.APPROVER)
        assert "Identificación fiscal" in page_of("payments:withdrawal-new", world, Role.MAKER)

    def test_counts_in_the_right_number(self) -> None:
        with translation.override("es"):
            told = [translation.ngettext("%(n)s payout", "%(n)s payouts", n) for n in (0, 1, 2)]

        assert told == ["%(n)s pagos salientes", "%(n)s pago saliente", "%(n)s pagos salientes"]


class TestWhatIsSigned:
    def test_is_the_same_in_every_language(self, db: None) -> None:
        """Two signers who read different languages sign one thing."""
        withdrawal = WithdrawalFactory(origin=Origin.IMPORT)
        digests = set()
        for code, _name in settings.LANGUAGES:
            with translation.override(code):
                digests.add(facts.digest(facts.of(withdrawal)))

        assert len(digests) == 1

    def test_labels_stay_english_where_they_are_kept(self) -> None:
        with translation.override("es"):
            assert str(PaymentStatus.COMPLETED.label) == "Completed"
            assert translation.gettext(PaymentStatus.COMPLETED.label) == "Completado"


def test_the_language_of_a_person_wins_over_the_browser(db: None) -> None:
    person: User = UserFactory(roles=[Role.VIEWER], language="en")
    client = Client(headers={"accept-language": "es"})
    client.force_login(person)

    assert '<html lang="en"' in client.get(reverse("home")).content.decode()
