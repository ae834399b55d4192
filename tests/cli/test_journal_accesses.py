"""`journal accesses`: who looked, when and why; what was asked for only to whoever is on record for it."""

from datetime import UTC, datetime

import pytest

from journal.inspectors import Refusal
from storage.evidence import Kind
from tests.cli.installation import Bench
from tests.cli.journal_scene import Journal


def test_looks_are_listed_without_what_was_asked_for(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    assert bench.done("journal", "accesses") == "Nobody looked at personal data.\n"
    journal.enter()
    bench.done("journal", "show", "2026-11-1", "--reason", "parents asked")
    line = bench.done("journal", "accesses").splitlines()[1]
    for cell in ("aigul", "journal show", "parents asked"):
        assert cell in line
    assert "2026-11-0001" not in line
    assert "schoolfilter journal accesses --names" in bench.run("journal", "accesses").stderr
    assert len(journal.records(Kind.ACCESS)) == 1
    assert '"refused"' not in bench.done("journal", "accesses", "--json")


def test_what_was_asked_for_is_a_look_of_its_own(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    journal.enter()
    bench.done("journal", "show", "2026-11-1")
    assert "number 2026-11-0001" in bench.done("journal", "accesses", "--names", "--reason", "check")
    found = bench.json("journal", "accesses", "--json", "--names")
    assert isinstance(found, list)
    assert [each["what"] for each in found] == ["journal show", *["journal accesses --names"] * 2]
    assert found[0]["asked"] == {"number": "2026-11-0001"}


@pytest.mark.parametrize("refused", Refusal)
def test_who_was_not_let_in_is_listed_too(at_school: tuple[Bench, Journal], refused: Refusal) -> None:
    bench, journal = at_school
    journal.add(Kind.ACCESS, {"what": "inspector", "reason": "", "refused": refused, "inspector": "Omarova A."})
    result = bench.run("journal", "accesses")
    line = result.stdout.splitlines()[1]
    assert "--names" not in result.stderr  # nothing was asked for
    assert "REFUSED: inspector Omarova A." in line
    assert "no reason was given" not in line
    found = bench.json("journal", "accesses", "--json")
    assert isinstance(found, list)
    assert (found[0]["refused"], found[0]["inspector"]) == (refused, "Omarova A.")


def test_days_are_those_of_the_school_and_both_ends_belong_to_it(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    for moment in ("2026-11-01T18:59:59", "2026-11-01T19:00:00", "2026-11-03T18:59:59", "2026-11-03T19:00:00"):
        at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        journal.add(Kind.ACCESS, {"what": "log search", "reason": moment}, at)
    found = bench.json("journal", "accesses", "--json", "--from", "2026-11-02", "--to", "2026-11-03")
    assert isinstance(found, list)
    assert [each["reason"] for each in found] == ["2026-11-01T19:00:00", "2026-11-03T18:59:59"]


@pytest.mark.parametrize("options", [("--from", "soon"), ("--from", "2026-11-03", "--to", "2026-11-02")])
def test_days_that_cannot_be_are_refused(at_school: tuple[Bench, Journal], options: tuple[str, ...]) -> None:
    bench, _journal = at_school
    bench.refused(2, "journal", "accesses", *options)
