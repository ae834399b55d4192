"""`journal settle`: an alarm is open until a person says what was found; what was in danger stays on record."""

import json
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from storage.evidence import Kind
from tests.cli.installation import Bench
from tests.cli.journal_scene import Journal, school

FOUND = "The disk was full; it is larger now"
LOST = {"what": "segment-lost", "segment": "20261125T040000-w0-0001.tsv"}


@pytest.fixture
def at_school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Bench, Journal]]:
    """A school with an incident and two alarms: records 2, 3 and 4."""
    with school(tmp_path, monkeypatch) as (bench, journal):
        journal.enter()
        assert [journal.add(Kind.ALARM, LOST), journal.add(Kind.ALARM, {"what": "incidents-flooded"})] == [3, 4]
        yield bench, journal


@pytest.fixture
def at_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.journal_settle.asks", lambda: True)


def test_settling_is_a_record_of_who_settled_with_the_words_sealed(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    before = journal.records()
    assert bench.done("journal", "settle", "3", "--text", f" {FOUND} ") == (
        "The alarm of record 3 is settled (record 5).\n"
    )
    *kept, record = journal.records()
    assert kept == before
    assert (record.kind, record.by, record.body, record.private) == (
        Kind.SETTLED,
        "aigul",
        {"alarm": 3},
        {"text": FOUND},
    )


def test_several_alarms_are_settled_with_the_same_words_each_by_a_record(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    said = bench.done("journal", "settle", "4", "3", "4", "--text", FOUND)
    assert said.splitlines() == [
        "The alarm of record 4 is settled (record 5).",
        "The alarm of record 3 is settled (record 6).",
    ]
    assert [(each.body, each.private) for each in journal.records(Kind.SETTLED)] == [
        ({"alarm": 4}, {"text": FOUND}),
        ({"alarm": 3}, {"text": FOUND}),
    ]


@pytest.mark.parametrize(
    ("numbers", "faults"),
    [
        (("99",), ["there is no record 99. See: schoolfilter journal show --alarms"]),
        (("1",), ["record 1 is no alarm. See: schoolfilter journal show --alarms"]),
        (("2",), ["record 2 is no alarm. See: schoolfilter journal show --alarms"]),
        (("3", "2", "99"), ["record 2 is no alarm.", "there is no record 99."]),
    ],
)
def test_what_is_no_alarm_is_named_and_nothing_is_settled(
    at_school: tuple[Bench, Journal], numbers: tuple[str, ...], faults: list[str]
) -> None:
    bench, journal = at_school
    said = bench.refused(1, "journal", "settle", *numbers, "--text", FOUND)
    for fault, line in zip([*faults, "Nothing was changed."], said.splitlines(), strict=True):
        assert fault in line
    assert journal.records(Kind.SETTLED) == []


def test_what_is_settled_stays_as_the_first_one_left_it(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    bench.done("journal", "settle", "3", "--text", FOUND)
    (record,) = journal.records(Kind.SETTLED)
    moment = f"{record.at.astimezone(ZoneInfo('Asia/Almaty')):%Y-%m-%d %H:%M}"
    for numbers in (("3",), ("4", "3")):
        said = bench.refused(1, "journal", "settle", *numbers, "--text", "Something else")
        assert f"the alarm of record 3 was settled on {moment} by aigul (record 5)." in said
    assert "record 5 is no alarm" in bench.refused(1, "journal", "settle", "5", "--text", "Something else")
    assert journal.records(Kind.SETTLED) == [record]


@pytest.mark.usefixtures("at_terminal")
def test_who_is_slower_to_find_words_does_not_settle_it_again(
    at_school: tuple[Bench, Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, journal = at_school

    def ask(*_asked: object, **_options: object) -> str:
        journal.add(Kind.SETTLED, {"alarm": 3}, private={"text": FOUND})
        return "Something else"

    monkeypatch.setattr("click.prompt", ask)
    result = bench.run("journal", "settle", "3")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "by schoolfilter (record 5)" in result.stderr
    assert len(journal.records(Kind.SETTLED)) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("3",),
        ("3", "--text", ""),
        ("3", "--text", "  "),
        ("3", "--text", "two\nlines"),
        ("3", "--text", "a\x1bb"),
        ("3", "--text", "x" * 2001),
        ("0", "--text", FOUND),
        ("three", "--text", FOUND),
        ("3", "three", "--text", FOUND),
        ("--text", FOUND),
    ],
)
def test_without_a_number_or_a_sentence_nothing_is_settled(
    at_school: tuple[Bench, Journal], arguments: tuple[str, ...]
) -> None:
    bench, journal = at_school
    bench.refused(2, "journal", "settle", *arguments)
    assert journal.records(Kind.SETTLED) == []


@pytest.mark.usefixtures("at_terminal")
def test_a_person_sees_the_alarms_and_is_asked_what_was_found(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    result = bench.run("journal", "settle", "3", stdin=f"{FOUND}\n")
    assert result.exit_code == 0, result.output
    assert f"(record 3): The segment {LOST['segment']}" in result.stderr
    assert result.stderr.index("The segment") < result.stderr.index("What was found, and what was done?")
    assert result.stdout == "The alarm of record 3 is settled (record 5).\n"
    (record,) = journal.records(Kind.SETTLED)
    assert record.private == {"text": FOUND}


@pytest.mark.usefixtures("at_terminal")
@pytest.mark.parametrize(("numbers", "typed", "status"), [(["3"], "", 1), (["3"], " \n", 2), (["3", "2"], FOUND, 1)])
def test_who_says_nothing_settles_nothing_and_nobody_is_asked_about_what_is_no_alarm(
    at_school: tuple[Bench, Journal], numbers: list[str], typed: str, status: int
) -> None:
    bench, journal = at_school
    result = bench.run("journal", "settle", *numbers, stdin=typed)
    assert (result.exit_code, result.stdout) == (status, "")
    assert ("What was found" in result.stderr) == (numbers == ["3"])
    assert journal.records(Kind.SETTLED) == []


def test_an_inspector_cannot_settle(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    said = bench.refused(2, "journal", "settle", "3", "--text", FOUND, "--as-inspector", "Omarova")
    assert "--as-inspector" in said
    assert journal.records(Kind.SETTLED) == []


def test_that_the_evidence_was_in_danger_stays_true(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    journal.sign()
    bench.done("journal", "settle", "3", "4", "--text", FOUND)
    journal.sign()
    said = bench.done("journal", "verify")
    assert "The journal is whole: 6 records." in said
    assert f"(record 3): The segment {LOST['segment']}" in said
    assert [each["record"] for each in json.loads(bench.done("journal", "verify", "--json"))["alarms"]] == [3, 4]


def test_the_words_can_be_erased_and_the_alarm_stays_settled(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    bench.done("journal", "settle", "3", "--text", "Petrov pulled the plug")
    journal.unseal(5)
    shown = bench.done("journal", "show", "--alarms")
    assert "Petrov" not in shown
    assert "by aigul: What was personal was erased. (record 5)" in shown
    assert "by aigul (record 5)" in bench.refused(1, "journal", "settle", "3", "--text", "x")
