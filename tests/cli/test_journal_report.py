"""`journal report-site`: a report is entered whatever else is out of order, and names the next step (R1 3.4)."""

import pytest

from blocklists.errors import ListError
from storage.evidence import Kind
from tests.cli.installation import Bench, FakeIndex
from tests.cli.journal_scene import Journal


def test_a_site_that_opens_is_entered_with_how_to_close_it(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    journal.enter()
    bench.done("rooms", "add", "room21", "--network", "192.0.2.0/28")
    said = bench.done(
        "journal", "report-site", "Casino.Example", "--by", "Omarov B.", "--room", "room21", "--note", "roulette"
    )
    (record,) = journal.records(Kind.REPORTED)
    number = str(record.body["id"])
    assert f"Entered as {number}." in said
    assert "casino.example for the group pupils: allowed" in said
    assert "schoolfilter block casino.example" in said
    assert (record.body["rule"], record.body["audience"], record.body["room"]) == ("report", "responsible", "room21")
    assert (record.body["name"], record.body["decided"], record.body["category"]) == ("casino.example", "allow", "")
    assert record.private == {"by": "Omarov B.", "note": "roulette"}
    assert "Omarov" not in str(record.body)
    listed = bench.done("journal", "show", "--rule", "report")
    assert "reported site: casino.example" in listed
    assert "Omarov" not in listed
    shown = bench.done("journal", "show", number)
    assert "Omarov B." in shown
    assert "roulette" in shown


def test_a_site_that_is_closed_already_is_told_with_the_reason(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    bench.done("block", "casino.example", "--reason", "games of chance")
    said = bench.done("journal", "report-site", "www.casino.example")
    assert "An entry made by hand blocks casino.example" in said
    assert "It is closed already" in said
    assert "schoolfilter block" not in said
    assert journal.records(Kind.REPORTED)[0].body["decided"] == "block"


def test_a_site_that_the_directors_list_opens_is_not_said_to_be_closed_by_a_block(
    at_school: tuple[Bench, Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, _journal = at_school
    monkeypatch.setattr("approval.requests.open_current", lambda _: FakeIndex({}))
    order = ("--order", "12", "--date", "2026-09-02")
    bench.done("allow", "casino.example", *order)
    bench.done("allow", "poker.example", *order, "--group", "pupils")
    said = bench.done("journal", "report-site", "www.casino.example")
    assert "schoolfilter remove casino.example --kind allow\n" in said
    assert "schoolfilter block" not in said
    bench.done("remove", "casino.example", "--kind", "allow")
    own = bench.done("journal", "report-site", "poker.example")
    assert "schoolfilter remove poker.example --kind allow --group pupils\n" in own
    bench.done("remove", "poker.example", "--kind", "allow", "--group", "pupils")
    assert "schoolfilter block poker.example" in bench.done("journal", "report-site", "poker.example")


@pytest.mark.parametrize("name", ["school12.example", "www.school12.example", "https://school12.example/news"])
def test_a_protected_site_is_not_entered(at_school: tuple[Bench, Journal], name: str) -> None:
    bench, journal = at_school
    result = bench.run("journal", "report-site", name, SCHOOLFILTER_SCHOOL__PROTECTED="school12.example")
    assert result.exit_code == 1
    assert "school12.example is protected (school.protected in the settings file) and always opens" in result.stderr
    assert journal.records(Kind.REPORTED) == []
    bench.done("journal", "report-site", "notschool12.example")


@pytest.mark.parametrize("name", ["com", "com.kz", "blogspot.com"])
def test_what_is_no_site_is_refused_with_what_to_name(at_school: tuple[Bench, Journal], name: str) -> None:
    bench, journal = at_school
    told = bench.refused(2, "journal", "report-site", name)
    assert f"Give the name of the site, such as example.{name}." in told
    assert journal.records(Kind.REPORTED) == []
    bench.done("journal", "report-site", f"casino.{name}")


def test_a_report_is_not_lost_where_the_list_of_suffixes_is_missing(
    at_school: tuple[Bench, Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, journal = at_school

    def missing() -> None:
        raise ListError("not installed whole")

    monkeypatch.setattr("cli.shared_names.bundled", missing)
    bench.done("journal", "report-site", "casino.example")
    assert len(journal.records(Kind.REPORTED)) == 1


def test_a_site_that_was_reported_before_is_said_to_be(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    assert "before" not in bench.done("journal", "report-site", "casino.example")
    number = str(journal.records(Kind.REPORTED)[0].body["id"])
    bench.done("journal", "close", number, "a mistake")
    assert "before" not in bench.done("journal", "report-site", "www.casino.example")
    said = bench.done("journal", "report-site", "casino.example")
    assert f"The site was reported before: {number} (closed)\n" in said
    assert len(journal.records(Kind.REPORTED)) == 3


def test_reports_and_incidents_are_numbered_together(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    bench.done("journal", "report-site", "a.example")
    bench.done("journal", "report-site", "b.example")
    first, second = (str(each.body["id"]) for each in journal.records(Kind.REPORTED))
    assert (first[-4:], second[-4:]) == ("0001", "0002")


def test_a_report_is_not_lost_where_the_policy_cannot_be_read(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    journal.settings.paths.policy_db.write_bytes(b"no database")
    said = bench.done("journal", "report-site", "casino.example")
    assert "How it is decided now could not be found out" in said
    (record,) = journal.records(Kind.REPORTED)
    assert (record.body["name"], record.body["decided"]) == ("casino.example", "")


@pytest.mark.parametrize(
    "arguments", [("not a name",), ("a.example", "--note", "x" * 301), ("a.example", "--room", "R 1")]
)
def test_what_cannot_be_right_is_refused(at_school: tuple[Bench, Journal], arguments: tuple[str, ...]) -> None:
    bench, journal = at_school
    bench.refused(2, "journal", "report-site", *arguments)
    assert journal.records(Kind.REPORTED) == []


@pytest.mark.parametrize("typed", ["https://www.Casino.example/slots?id=7", "casino.example/", "http://сайт.example/a"])
def test_an_address_from_a_browser_is_taken_for_its_site(at_school: tuple[Bench, Journal], typed: str) -> None:
    bench, journal = at_school
    said = bench.done("journal", "report-site", typed)
    (record,) = journal.records(Kind.REPORTED)
    name = str(record.body["name"])
    assert name in {"www.casino.example", "casino.example", "xn--80aswg.example"}
    assert "The address was taken for the site" in said
    assert "slots" not in str(record)


def test_a_room_that_nobody_knows_is_refused_with_the_nearest(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    bench.done("rooms", "add", "room21", "--network", "192.0.2.0/28")
    told = bench.refused(2, "journal", "report-site", "a.example", "--room", "room12")
    assert "did you mean room21?" in told
    assert journal.records(Kind.REPORTED) == []
