"""What we know of somebody beside what a list tells."""

from decimal import Decimal

import pytest

from customers.screening import comparing
from customers.screening.asking import Asked
from customers.screening.comparing import Agreement, Fact
from tests.customers.screening.helpers import match, record
from upstreams.lux.schemas import MatchRecord

US = Asked(name="José Álvarez", type="individual", date_of_birth="1970-01-02", country="AR")


def compared(fact: Fact, **theirs: str) -> Agreement:
    found = comparing.compare(US, {"matched_name": "", **theirs})
    return next(one.agreement for one in found if one.fact == fact)


def listed(**changes: object) -> MatchRecord:
    return record(match(**changes)).matches[0]


class TestFacts:
    @pytest.mark.parametrize(
        ("theirs", "agreement"),
        [
            ("ALVAREZ, Jose", Agreement.SAME),
            ("Jose Maria Alvarez", Agreement.ALIKE),
            ("Viktor Draganov", Agreement.DIFFERENT),
            ("", Agreement.UNTOLD),
        ],
    )
    def test_compares_names_by_their_words(self, theirs: str, agreement: Agreement) -> None:
        assert compared(Fact.NAME, matched_name=theirs) == agreement

    @pytest.mark.parametrize(
        ("remarks", "agreement"),
        [
            ("DOB 1970-01-02; Nationality AR", Agreement.SAME),
            ("DOB 02 Jan 1970; POB Rosario", Agreement.SAME),
            ("DOB 1968-04-02; alt. DOB 02/01/1970", Agreement.SAME),
            ("DOB 1970", Agreement.ALIKE),
            ("DOB circa 1970", Agreement.ALIKE),
            ("DOB 1970-01-03", Agreement.DIFFERENT),
            ("DOB 1971", Agreement.DIFFERENT),
            ("Nationality AR", Agreement.UNTOLD),
            ("", Agreement.UNTOLD),
        ],
    )
    def test_finds_the_date_of_birth_in_remarks(self, remarks: str, agreement: Agreement) -> None:
        assert compared(Fact.BORN, remarks=remarks) == agreement

    @pytest.mark.parametrize(
        ("remarks", "agreement"),
        [
            ("Nationality AR", Agreement.SAME),
            ("nationality Argentina; Gender Male", Agreement.SAME),
            ("Citizen of Argentina.", Agreement.SAME),
            ("Country BR", Agreement.DIFFERENT),
            ("DOB 1970", Agreement.UNTOLD),
        ],
    )
    def test_finds_the_country_in_remarks(self, remarks: str, agreement: Agreement) -> None:
        assert compared(Fact.COUNTRY, remarks=remarks) == agreement

    @pytest.mark.parametrize(
        ("theirs", "agreement"),
        [
            ("Individual", Agreement.SAME),
            ("person", Agreement.SAME),
            ("entity", Agreement.DIFFERENT),
            ("vessel", Agreement.UNTOLD),
        ],
    )
    def test_compares_what_kind_of_thing_it_is(self, theirs: str, agreement: Agreement) -> None:
        assert compared(Fact.TYPE, entity_type=theirs) == agreement

    def test_says_nothing_where_we_were_told_nothing(self) -> None:
        nobody = Asked(name="José Álvarez")

        found = comparing.compare(nobody, comparing.facts_of(listed()))

        assert {one.agreement for one in found[1:]} == {Agreement.UNTOLD}


class TestRank:
    def test_puts_facts_that_agree_before_the_score(self) -> None:
        by_facts = comparing.rank_of(["name", "born"], Decimal("0.61"))
        by_score = comparing.rank_of(["name"], Decimal("1"))

        assert by_facts > by_score
        assert by_facts < comparing.rank_of(["name", "born"], Decimal("0.62"))

    def test_counts_a_fact_once(self) -> None:
        assert comparing.rank_of(["name", "name"], Decimal(0)) == Decimal("10.0000")


class TestDigests:
    def test_the_entity_stays_when_the_list_tells_something_else_of_it(self) -> None:
        before, after = listed(), listed(remarks="DOB 1971", listed_on="2021-01-01")

        assert comparing.entity_of(before) == comparing.entity_of(after)
        assert comparing.version_of(before) != comparing.version_of(after)

    @pytest.mark.parametrize(
        "changes",
        [{"matched_name": "Other Name"}, {"source": "UN"}, {"entity_type": "business"}],
    )
    def test_another_name_list_or_kind_is_another_entity(self, changes: dict[str, str]) -> None:
        assert comparing.entity_of(listed()) != comparing.entity_of(listed(**changes))

    def test_how_the_name_was_found_is_no_change_of_the_list(self) -> None:
        before, after = listed(), listed(score=Decimal("0.8"), match_type="name_fuzzy")

        assert comparing.version_of(before) == comparing.version_of(after)
