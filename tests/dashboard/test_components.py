"""The components, through templates as pages use them."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from types import SimpleNamespace as Facts
from typing import Any

import pytest
from django import forms
from django.template import Context, Template
from django.test import Client
from django.test.signals import template_rendered
from django.utils import timezone, translation

from tests.dashboard.gallery.urls import PAGES

NOW = datetime(2026, 11, 20, 3, 2, tzinfo=UTC)
HOSTILE = '<script>alert(1)</script>" onfocus="alert(1)'
TROUBLES = ["400", "403", "403_csrf", "404", "409", "429", "500"]


def drawn(source: str, **context: Any) -> str:
    """Return what a template makes of `source`, with every space run made one."""
    return re.sub(r"\s+", " ", Template(source).render(Context(context))).strip()


def text(source: str, **context: Any) -> str:
    """Return only the words of it."""
    words = re.sub(r"<svg\b.*?</svg>|<[^>]+>", " ", drawn(source, **context))
    return re.sub(r"\s+", " ", words).strip()


class TestMoney:
    @pytest.mark.parametrize(
        ("amount", "currency", "words"),
        [
            ("2500", "AUD", "2,500.00 AUD"),
            ("7530000", "CLP", "7,530,000 CLP"),
            ("1234.5", "JOD", "1,234.500 JOD"),
            ("0.000420000000000000", "BTC", "0.00042000 BTC"),
            ("-41310.2", "USD", "−41,310.20 USD"),
            ("99999999999999999999.99", "ARS", "99,999,999,999,999,999,999.99 ARS"),
        ],
    )
    def test_has_the_digits_of_its_currency(self, amount: str, currency: str, words: str) -> None:
        assert text("{% money a c %}", a=Decimal(amount), c=currency) == words

    def test_is_never_rounded(self) -> None:
        assert text('{% money a "AUD" %}', a=Decimal("2500.005")) == "2,500.005 AUD"

    def test_keeps_all_38_digits_that_a_column_holds(self) -> None:
        amount = Decimal("99999999999999999999.123456789012345678")

        assert text('{% money a "AUD" %}', a=amount) == (
            "99,999,999,999,999,999,999.123456789012345678 AUD"
        )

    def test_shows_a_currency_that_nobody_knows(self) -> None:
        assert text('{% money a "XQZ" %}', a=Decimal("12.5000")) == "12.5 XQZ"

    def test_follows_the_reader_s_notation(self) -> None:
        with translation.override("es"):
            assert text('{% money a "ARS" %}', a=Decimal("1250000.5")) == "1.250.000,50 ARS"

    def test_stays_with_its_currency_in_a_sentence(self) -> None:
        told = Template("{{ text|unbroken }}").render(
            Context({"text": "2,612.50 AUD left of 6,000.00 AUD, 40 % of 3 payouts"})
        )

        assert told.split(" ") == ["2,612.50\xa0AUD", "left", "of", "6,000.00\xa0AUD,"] + [
            *("40\xa0%", "of", "3", "payouts")
        ]

    def test_is_a_dash_where_there_is_none(self) -> None:
        assert text('{% money None "AUD" %}') == "—"

    def test_marks_what_is_below_zero(self) -> None:
        assert "below" in drawn('{% money a "AUD" %}', a=Decimal("-1"))


class TestBadge:
    def test_says_a_state_in_mark_word_and_colour(self) -> None:
        badge = drawn('{% badge "awaiting_approval" "Awaiting approval" %}')

        assert 'class="badge wait"' in badge
        assert "<svg" in badge
        assert text('{% badge "awaiting_approval" "Awaiting approval" %}') == "Awaiting approval"

    def test_finds_a_word_for_a_state_that_came_without_one(self) -> None:
        assert text('{% badge "partly_returned" %}') == "Partly returned"

    def test_stays_neutral_about_a_state_it_never_heard_of(self) -> None:
        assert 'class="badge neutral"' in drawn('{% badge "quantum_review" %}')

    @pytest.mark.parametrize("state", ["never_synced", "not_configured", "unknown"])
    def test_is_not_green_where_nothing_is_known(self, state: str) -> None:
        assert "good" not in drawn("{% badge state %}", state=state)

    def test_says_whose_state_it_is_when_it_is_not_ours(self) -> None:
        assert text('{% badge "pending" by="LuxCore" %}') == "LuxCore: Pending"
        assert "theirs" in drawn('{% badge "pending" by="LuxCore" %}')

    def test_lets_a_given_tone_and_mark_win(self) -> None:
        assert 'class="badge good"' in drawn('{% badge "approved" "KYC approved" tone="good" %}')


class TestTimes:
    def test_tells_a_moment_with_its_zone_and_how_long_ago(self) -> None:
        with timezone.override("Australia/Sydney"):
            words = text("{% ago at now=now %}", at=NOW - timedelta(minutes=18), now=NOW)

        assert words == "20 Nov 2026, 13:44 AEDT 18 min ago"

    def test_follows_the_reader_s_language(self) -> None:
        with translation.override("es"):
            assert text("{% ago at now=at %}", at=NOW).startswith("20 nov 2026, 03:02 UTC")

    def test_names_a_zone_that_has_no_letters(self) -> None:
        with timezone.override("America/Argentina/Buenos_Aires"):
            assert "00:02 UTC-03" in text("{% ago at now=at %}", at=NOW)

    def test_keeps_the_moment_in_the_title_of_a_cell(self) -> None:
        cell = drawn("{% ago at short=True now=now %}", at=NOW - timedelta(seconds=9), now=NOW)

        assert 'title="20 Nov 2026, 03:01 UTC"' in cell
        assert cell.endswith(">9 s ago</time>")

    @pytest.mark.parametrize(
        ("left", "words", "tone"),
        [
            (timedelta(minutes=12), "12 min left", "soon"),
            (timedelta(minutes=30), "30 min left", "soon"),
            (timedelta(minutes=31), "31 min left", ""),
            (timedelta(minutes=119), "119 min left", ""),
            (timedelta(hours=3, minutes=20), "3 h left", ""),
            (timedelta(hours=47, minutes=59), "47 h left", ""),
            (timedelta(hours=48), "2 d left", ""),
            (timedelta(0), "0 s late", "over"),
            (timedelta(minutes=-18), "18 min late", "over"),
            (timedelta(days=-8), "8 d late", "over"),
        ],
    )
    def test_says_how_long_is_left(self, left: timedelta, words: str, tone: str) -> None:
        clock = drawn("{% due at now=now %}", at=NOW + left, now=NOW)

        assert text("{% due at now=now %}", at=NOW + left, now=NOW) == words
        assert f'class="due {tone}"' in clock

    def test_says_now_about_what_has_just_happened(self) -> None:
        assert text("{% ago at short=True now=now %}", at=NOW, now=NOW) == "now"

    def test_looks_ahead_as_well(self) -> None:
        at = NOW + timedelta(seconds=40)

        assert text("{% ago at short=True now=now %}", at=at, now=NOW) == "in 40 s"

    def test_says_why_a_clock_stands_still(self) -> None:
        source = '{% due at now=now paused="waiting for the customer" %}'

        assert text(source, at=NOW, now=NOW) == "waiting for the customer"
        assert "data-due" not in drawn(source, at=NOW, now=NOW)

    def test_is_silent_about_what_was_met(self) -> None:
        assert text("{% due at met=True %}", at=NOW) == "—"


class TestPeopleAndValues:
    def test_shows_initials_and_address(self) -> None:
        maker = Facts(name="Mia Kessler", email="maker@lightdesk.test")

        assert text("{% person who %}", who=maker) == "MK maker@lightdesk.test"

    def test_calls_the_reader_you(self) -> None:
        me = Facts(name="", email="me@lightdesk.test")

        assert text("{% person who viewer=who name_only=True %}", who=me) == "You"

    def test_calls_nobody_the_desk_itself(self) -> None:
        assert text("{% person None name_only=True %}") == "Lightdesk"

    def test_copies_an_identifier_whole_where_it_is_shown_short(self) -> None:
        cell = drawn('{% copy "pay_1234567890" shown="pay_12…" href="/p/" %}')

        assert 'data-copy="pay_1234567890"' in cell
        assert '<a class="id open" href="/p/">pay_12…</a>' in cell

    def test_offers_to_reveal_nothing_to_nobody(self) -> None:
        assert text('{% pii "••••5678" kind="CBU" %}') == "••••5678 CBU"
        assert text('{% pii "" %}') == "—"

    @pytest.mark.parametrize(
        "source",
        [
            "{% badge x x %}",
            "{% badge x by=x %}",
            "{% money one x %}",
            "{% copy x %}",
            "{% copy x href=x shown=x %}",
            "{% person x %}",
            "{% pii x kind=x %}",
            "{% pick x x %}",
            "{% due at paused=x %}",
            "{% panel x icon='clock' %}{{ x }}{% endpanel %}",
            "{% notice %}{{ x }}{% endnotice %}",
            "{% empty x %}{{ x }}{% endempty %}",
            "{% action x href=x refused=x %}",
            "{% action x name=x value=x %}",
            "{% stat x x sub=x href=x %}",
            "{% diff changes %}",
            "{% check_list checks %}",
            "{% timeline entries %}",
            "{% live x id=x %}{% endlive %}",
        ],
    )
    def test_never_lets_a_hostile_word_become_markup(self, source: str) -> None:
        markup = drawn(
            source,
            x=HOSTILE,
            one=Decimal(1),
            at=NOW,
            changes=[Facts(label=HOSTILE, before=HOSTILE, after=HOSTILE)],
            checks=[Facts(level="warn", text=HOSTILE, as_of=None, links=[(HOSTILE, HOSTILE)])],
            entries=[{"at": NOW, "who": HOSTILE, "text": HOSTILE, "kind": "upstream"}],
        )

        assert "<script" not in markup
        assert '" onfocus' not in markup


class TestCells:
    def test_fifty_rows_render_no_more_templates_than_one(self) -> None:
        source = (
            "{% for n in rows %}{% pick n n %}{% due at %}{% copy 'WD-1' href='/' %}"
            "{% badge 'sent' %}{% money amount 'AUD' %}{% ago at short=True %}"
            "{% person 'a@b' %}{% endfor %}"
        )
        rendered: list[str] = []

        def count(sender: Any, template: Template, **_: Any) -> None:
            rendered.append(template.source[:20])

        template_rendered.connect(count)
        try:
            drawn(source, rows=range(50), at=NOW, amount=Decimal(1))
        finally:
            template_rendered.disconnect(count)

        assert len(rendered) == 1


class TestBoxes:
    def test_puts_the_aside_into_the_heading(self) -> None:
        box = drawn('{% panel "Checks" %}{% aside %}as of now{% endaside %}All well{% endpanel %}')

        assert '<h2>Checks</h2><div class="aside">as of now</div></header>' in box
        assert '<div class="in">All well</div>' in box

    def test_keeps_the_asides_of_nested_panels_apart(self) -> None:
        box = drawn(
            '{% panel "Outer" %}{% aside %}one{% endaside %}'
            '{% panel "Inner" %}{% aside %}two{% endaside %}{% endpanel %}{% endpanel %}'
        )

        assert '<h2>Outer</h2><div class="aside">one</div>' in box
        assert '<h2>Inner</h2><div class="aside">two</div>' in box

    def test_says_beside_a_refused_action_why(self) -> None:
        source = '{% action "Approve" href="/approve/" key="a" refused="You requested it." %}'

        assert "disabled" in drawn(source)
        assert "/approve/" not in drawn(source)
        assert "data-key" not in drawn(source)
        assert text(source) == "Approve You requested it."

    def test_an_action_without_an_address_submits_its_form(self) -> None:
        assert '<button class="button main" name="do" value="1">' in drawn(
            '{% action "Go" name="do" value=1 tone="main" %}'
        )

    def test_draws_a_bar_for_each_value_and_the_table_behind(self) -> None:
        bars = [
            Facts(label=str(day), value=Decimal(day * 100), text=f"{day * 100}.00 AUD")
            for day in range(5)
        ]

        chart = drawn('{% bar_chart bars title="Deposits" %}', bars=bars)

        assert chart.count('class="bar') == 5
        assert chart.count('<td class="num">') == 5
        assert 'aria-label="4: 400.00 AUD"' in chart
        assert 'height="154.0"' in chart  # the greatest value fills the room under a round top

    def test_draws_a_chart_without_any_value(self) -> None:
        assert 'class="bar' not in drawn('{% bar_chart bars title="Deposits" %}', bars=[])

    def test_figures_are_not_localised_inside_the_drawing(self) -> None:
        bars = [Facts(label="1", value=Decimal("0.5"), text="0,50")]

        with translation.override("es"):
            chart = drawn('{% bar_chart bars title="Depósitos" %}', bars=bars)

        assert not re.search(r'(?:x|y|width|height)="\d+,\d', chart)


class TestLists:
    def test_names_the_current_tab_and_what_is_overdue(self) -> None:
        items = [
            {"label": "Mine", "url": "?a", "count": 12000, "is_current": True, "overdue": 2},
            {"label": "Done", "url": "?b", "count": "more than 10,000"},
        ]

        bar = drawn("{% tabs items %}", items=items)

        assert '<a href="?a" aria-current="page">Mine' in bar
        assert text("{% tabs items %}", items=items) == (
            "Mine 12,000 , 2 overdue Done more than 10,000"
        )

    def test_removes_one_filter_by_its_address(self) -> None:
        chips = [{"label": "Currency", "value": "AUD", "remove_url": "?state=open"}]

        row = drawn("{% filter_chips chips %}{% endfilter_chips %}", chips=chips)

        assert 'href="?state=open"' in row
        assert "remove this filter" in row

    def test_shows_a_step_that_does_not_exist_as_disabled(self) -> None:
        pages = drawn('{% pager words="1 to 25" next="?after=x" %}')

        assert 'rel="next" href="?after=x"' in pages
        assert 'rel="prev"' not in pages
        assert 'aria-disabled="true"' in pages


class TestDecisions:
    def test_says_blocked_and_warning_in_words(self) -> None:
        checks = [
            Facts(level="block", text="A hold.", as_of=None, links=()),
            Facts(level="warn", text="An outlier.", as_of=None, links=(("history", "/h/"),)),
            Facts(level="pass", text="Balance.", as_of=NOW, links=()),
        ]

        words = text("{% check_list checks %}", checks=checks)

        assert "Blocked: A hold." in words
        assert "Warning: An outlier. history" in words
        assert "Passed: Balance. as of" in words

    def test_counts_given_and_missing_signatures(self) -> None:
        given = [Facts(by="lead@x", at=NOW, verdict="approve", reason="")]

        source = '{% signatures given missing=2 who="an ops lead" maker="maker@x" %}'
        words = text(source, given=given)

        assert "maker@x requested it" in words
        assert "lead@x signed" in words
        assert words.count("Signature missing an ops lead") == 2

    def test_says_before_and_after_of_each_field(self) -> None:
        changes = [Facts(label="Amount", before="2,500.00 AUD", after="")]

        words = text('{% diff changes before="What you saw" %}', changes=changes)

        assert words == "Field What you saw Now Amount 2,500.00 AUD empty"

    def test_tells_people_and_upstreams_apart(self) -> None:
        entries = [
            {"at": NOW, "who": "me@x", "text": "claimed it.", "kind": "person", "quote": "Mine."},
            {"at": NOW, "who": "LuxCore", "text": "answered.", "kind": "upstream", "tone": "bad"},
        ]

        line = drawn('{% timeline entries viewer="me@x" %}', entries=entries)

        assert "<b>You</b> claimed it.<blockquote>Mine.</blockquote>" in line
        assert '<li class="upstream bad">' in line


class OneOfEach(forms.Form):
    amount = forms.DecimalField(help_text="In AUD.")
    note = forms.CharField(required=False)
    method = forms.ChoiceField(choices=[("a", "A")], widget=forms.RadioSelect, help_text="Which.")
    sure = forms.BooleanField(label="I am sure")


class TestFields:
    def test_ties_help_and_error_to_the_input(self) -> None:
        form = OneOfEach({"amount": "many"})

        markup = drawn("{% field form.amount %}", form=form)

        described = re.search(r'<input[^>]*aria-describedby="([^"]+)"', markup)
        assert described
        for name in described.group(1).split():
            assert f'id="{name}"' in markup
        assert 'aria-invalid="true"' in markup
        assert "Enter a number." in markup

    def test_marks_what_is_optional_rather_than_what_is_not(self) -> None:
        assert text("{% field form.note %}", form=OneOfEach()) == "Note (optional)"
        assert "optional" not in text("{% field form.amount %}", form=OneOfEach())

    def test_groups_choices_under_a_legend(self) -> None:
        markup = drawn("{% field form.method %}", form=OneOfEach())

        assert '<legend class="label">Method</legend>' in markup
        assert 'aria-describedby="id_method_helptext"' in markup
        assert 'id="id_method_helptext"' in markup

    def test_puts_the_label_of_a_tick_beside_it(self) -> None:
        markup = drawn("{% field form.sure %}", form=OneOfEach())

        assert re.search(r'<label class="tick"[^>]*><input type="checkbox".*I am sure', markup)

    def test_links_the_summary_of_errors_to_the_fields(self) -> None:
        markup = drawn("{% form_errors form %}", form=OneOfEach({"amount": "many"}))

        assert "3 fields need another look" in markup
        assert '<a href="#id_amount">Amount</a>' in markup
        assert 'role="alert"' in markup

    def test_says_nothing_about_a_form_that_nobody_sent(self) -> None:
        assert drawn("{% form_errors form %}", form=OneOfEach()) == ""


class TestPills:
    def test_lets_the_worst_upstream_speak_where_room_is_short(self) -> None:
        pills = [
            Facts(label="LuxCore", state="fresh", words="", as_of=NOW, budget_left=71),
            Facts(label="Lumetrade", state="down", words="", as_of=NOW, budget_left=None),
            Facts(label="Lux", state="never_synced", words="", as_of=None, budget_left=None),
        ]

        row = drawn("{% upstream_pills pills href='/upstreams/' %}", pills=pills)

        summary = re.search(r"<summary.*?</summary>", row)
        assert summary
        assert "Lumetrade" in summary.group()
        assert "71 calls left" in row
        assert '<a class="pill neutral" href="/upstreams/">' in row

    def test_says_nothing_without_upstreams(self) -> None:
        assert drawn("{% upstream_pills pills %}", pills=[]) == ""


class Outline(HTMLParser):
    """Reads a page as a browser would and collects what must hold of every page."""

    VOID = {"meta", "link", "input", "br", "hr", "img", "path", "circle", "rect", "line"}
    REFERENCES = {"for", "aria-labelledby", "aria-describedby", "aria-controls"}

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: Counter[str] = Counter()
        self.wanted: set[str] = set()
        self.headings: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name.startswith("hx-"):
                self.faults.append(f"{name}: only data-{name} is an attribute of HTML")
            if name == "style" or name.startswith("on"):
                self.faults.append(f"<{tag} {name}=…> is refused by the content security policy")
            if name == "id":
                self.ids[value or ""] += 1
            if name in self.REFERENCES:
                self.wanted.update((value or "").split())
        given = dict(attrs)
        if tag == "script" and "src" not in given:
            self.faults.append("an inline script")
        if tag == "svg" and "aria-hidden" not in given and "aria-label" not in given:
            self.faults.append("a drawing without a name")
        if tag == "h1":
            self.headings.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")


def outline(markup: str) -> Outline:
    reader = Outline()
    reader.feed(markup)
    reader.close()
    return reader


@pytest.mark.urls("tests.dashboard.gallery.urls")
class TestPages:
    @pytest.fixture(autouse=True)
    def _gallery_is_found(self, settings: Any) -> None:
        first, *others = settings.TEMPLATES
        folders = [*first["DIRS"], settings.BASE_DIR / "tests" / "dashboard"]
        settings.TEMPLATES = [first | {"DIRS": folders}, *others]

    @pytest.mark.parametrize("language", ["en", "es"])
    @pytest.mark.parametrize("name", PAGES)
    def test_are_whole_and_keep_the_policy(self, name: str, language: str, client: Client) -> None:
        answer = client.get(f"/gallery/{name}/", {"language": language})

        page = outline(answer.content.decode())

        assert page.faults == []
        assert page.open == []
        assert [name for name, count in page.ids.items() if count > 1] == []
        assert page.wanted - set(page.ids) == set()
        assert len(page.headings) == 1

    @pytest.mark.parametrize("where", ["inside", "outside"])
    @pytest.mark.parametrize("name", TROUBLES)
    def test_about_trouble_answer_the_three_questions(
        self, name: str, where: str, client: Client
    ) -> None:
        markup = client.get(f"/trouble/{name}/", {where: ""}).content.decode()

        page = outline(markup)

        assert page.faults == []
        assert page.open == []
        assert len(page.headings) == 1
        for question in ("What happened", "Did money move?", "What to do"):
            assert question in markup
        assert ('class="frame"' in markup) == (where == "inside")

    def test_about_trouble_say_the_reason_that_is_known(self, client: Client) -> None:
        answer = client.get("/trouble/403/", {"inside": "", "reason": "Only approvers sign."})

        assert "Only approvers sign." in answer.content.decode()

    def test_remember_that_somebody_switched_the_letter_keys_off(self, client: Client) -> None:
        assert 'data-keys="off"' in client.get("/gallery/list/?mute").content.decode()
        assert 'data-keys="off"' not in client.get("/gallery/list/").content.decode()

    def test_show_the_newest_alarm_and_count_the_others(self, client: Client) -> None:
        assert "sending is stopped" in client.get("/gallery/pieces/").content.decode()
        assert "and 1 more" in client.get("/gallery/pieces/").content.decode()
        assert "sending is stopped" not in client.get("/gallery/list/").content.decode()

    def test_name_the_current_desk_once_in_each_menu(self, client: Client) -> None:
        markup = client.get("/gallery/detail/").content.decode()

        assert len(re.findall(r'<a href="#Withdrawals" aria-current="page"', markup)) == 2
