"""The monthly report as poppler and zbar read it."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from papers.blocks import number
from papers.dates import written_day
from papers.frame import grouped
from papers.incident_words import rule_words
from papers.monthly_report import Comparison, MonthlyReport, monthly_report_pdf
from papers.numbered import paper_code
from papers.period import Figures, Index
from papers.policy_words import blocked_words
from tests.papers.reports import ALARM, DIFFERS, FIGURES, INCIDENT, INCIDENTS, NUMBERED, REPORT
from tests.papers.sheets import boxes_of, codes_of, fonts_of, squeezed, text_of
from translations import _

NOTHING = replace(
    REPORT,
    figures=Figures(0, 0, {}, {}, (), ()),
    incidents=(),
    orders=(),
    changes=(),
    alarms=(),
    index=Index("", "", (), 0, 0),
    psychologist="",
)


def said(report: MonthlyReport, tongue: str = "en") -> str:
    """Return the text of the printed report without white space."""
    return squeezed(text_of(monthly_report_pdf(report, tongue)))


def test_the_report_holds_every_figure_in_each_language(tongue: str) -> None:
    text = said(REPORT, tongue)
    figures = [FIGURES.queries, FIGURES.blocked, *FIGURES.severities.values(), *FIGURES.subjects.values()]
    figures += [each.queries for each in (*FIGURES.groups, *FIGURES.rooms)]
    figures += [each.blocked for each in (*FIGURES.groups, *FIGURES.rooms)]
    expected = [
        REPORT.paper.school,
        *(number(figure) for figure in figures),
        *(blocked_words(id_, tongue) for id_ in FIGURES.subjects),
        *(each.title for each in (*FIGURES.groups, *FIGURES.rooms)),
        *(each.id for each in REPORT.incidents),
        *(rule_words(each.rule) for each in REPORT.incidents),
        *(measure for each in REPORT.incidents for measure in each.measures),
        *(name for each in REPORT.orders for name in (*each.added, *each.removed)),
        *(each.what for each in REPORT.changes),
        *(each.document for each in REPORT.changes),
        *(each.id for each in REPORT.index.lists),
        *(each.sha256[:12] for each in REPORT.index.lists),
        REPORT.index.generation,
        REPORT.index.digest,
        ALARM.what,
        REPORT.psychologist,
        NUMBERED.head,
        NUMBERED.trail,
        grouped(NUMBERED.key),
        written_day(REPORT.until, tongue),
        f"schoolfilter journal verify --head {NUMBERED.head}",
        _("School director"),
        _("Psychologist"),
    ]
    assert [each for each in expected if squeezed(each) not in text] == []


@pytest.mark.parametrize(
    ("report", "told", "untold"),
    [
        (
            REPORT,
            ["Reconciled:", "agrees up to 30 November 2026"],
            ["As of", "NOT RECONCILED", "Not reconciled", "Differences"],
        ),
        (REPORT, ["Days without a query", "5: 1 Nov 2026, 7 Nov 2026 – 8 Nov 2026, 15 Nov 2026, 29 Nov 2026"], []),
        (REPORT, ["Lines of the query log that cannot be read 7"], ["not closed"]),
        (REPORT, ["9 (approved 6, rejected 1, withdrawn 1, open 1)", "Lessons opened by teachers 61"], []),
        (REPORT, ["Still open 3", "of which somebody was told 2", "With measures taken 2"], []),
        (REPORT, ["9 Nov 2026 – 11 Nov 2026timetable: lesson added40", "withoutanumber,of17Nov2026"], []),
        (
            REPORT,
            [
                "2026-11-000720 Nov 2026",
                "closed: Looked into. Site blocked",
                "The journal, and files of the query log: 31 whole",
            ],
            [],
        ),
        (REPORT, ["Sites reported by people 1"], ["closed already", "The journal was begun", "NOT WHOLE"]),
        (
            replace(REPORT, incidents=(replace(INCIDENTS[3], shut=True),)),
            ["Sites reported by people 1", "Of these closed already when they were reported 1"],
            [],
        ),
        (replace(REPORT, begun=date(2026, 11, 17)), ["The journal was begun on 17 November 2026"], []),
        (
            replace(REPORT, broken="date=2026-11-03/0001.parquet is missing"),
            ["SOMETHING IS WRONG", "NOT WHOLE. date=2026-11-03/0001.parquet is missing"],
            [],
        ),
        (REPORT, ["Filtering by names cannot be complete", "Updated since 1 Nov 2026 1 of 2"], []),
        (
            replace(REPORT, finished=False, until=date(2026, 11, 24), open_days=(date(2026, 11, 24),)),
            ["As of 24 November 2026: the month is not over", "Days not closed in the journal yet 1: 24 Nov 2026"],
            [],
        ),
        (
            replace(REPORT, reconciled=False, comparisons=(replace(DIFFERS, outcome="not held", differences=()),)),
            ["Not reconciled yet: there is nothing to compare"],
            ["Reconciled:", "NOT RECONCILED"],
        ),
        (replace(REPORT, damaged=0, silent=()), ["Days without a query none"], ["cannot be read"]),
        (
            NOTHING,
            ["There was no incident.", "The policy was not changed.", "There was no alarm", "No list was in force."],
            ["Still open", "by severity", "List of incidents", "by group"],
        ),
        (
            replace(REPORT, begun=date(2026, 11, 20)),
            ["The journal was begun on 20 November 2026; figures begin with this day, and nothing is known"],
            [],
        ),
        (
            replace(NOTHING, begun=date(2026, 11, 20)),
            ["There was no incident since the journal was begun."],
            ["There was no incident."],
        ),
        (REPORT, [], ["figures begin", "tests by the filter itself"]),
        (
            replace(REPORT, figures=replace(FIGURES, own_tests=24)),
            ["Blocked 98 765 (8.0 %) Of the blocked ones: tests by the filter itself, for acts 24"],
            [],
        ),
        (replace(REPORT, measures="A wall newspaper."), ["8. Measures taken A wall newspaper."], []),
    ],
)
def test_the_report_says_what_there_is_and_nothing_of_what_there_is_not(
    report: MonthlyReport, told: list[str], untold: list[str]
) -> None:
    text = said(report)
    assert [each for each in told if squeezed(each) not in text] == []
    assert [each for each in untold if squeezed(each) in text] == []


@pytest.mark.parametrize(
    ("comparison", "told"),
    [
        (DIFFERS, "differs: 3 figures"),
        (DIFFERS, "12 Nov 2026all queries50 123, 4 00150 124, 4 001"),
        (DIFFERS, "whole timeblocked: Games45 678, 45 67845 679, 45 679"),
        (DIFFERS, "whole timeroom –634 566, 28 765634 567, 28 765"),
        (replace(DIFFERS, differences=(*DIFFERS.differences,) * 20), "and 30 more"),
        (
            Comparison("log", "unreadable", None, only_blocked=False, differences=(), detail="no space"),
            "read: no space",
        ),
    ],
)
def test_a_difference_is_named_and_never_hidden(comparison: Comparison, told: str) -> None:
    text = said(replace(REPORT, comparisons=(REPORT.comparisons[0], comparison), reconciled=False))
    assert squeezed(told) in text
    assert "NOTRECONCILED" in text
    assert "Reconciled:" not in text


@pytest.mark.parametrize(
    ("comparison", "told"),
    [
        (
            Comparison("log", "not held", date(2026, 11, 30), only_blocked=False, differences=(), detail=""),
            "not held any more",
        ),
        (Comparison("log", "not held", None, only_blocked=False, differences=(), detail=""), "no day is closed yet"),
        (
            Comparison("log", "agrees", date(2026, 11, 30), only_blocked=True, differences=(), detail=""),
            "blocked queries agree up to 30 November",
        ),
        (
            Comparison("log", "erased", date(2026, 11, 30), only_blocked=False, differences=(), detail="12"),
            "but for 12 queries that were erased",
        ),
    ],
)
def test_what_could_not_be_compared_is_told_beside_what_agrees(comparison: Comparison, told: str) -> None:
    text = said(replace(REPORT, comparisons=(REPORT.comparisons[0], comparison)))
    assert squeezed(told) in text
    assert "Reconciled:" in text


def test_many_incidents_run_over_pages_and_each_is_there_once() -> None:
    incidents = [replace(INCIDENT, id=f"2026-11-{count:04d}", measures=()) for count in range(1, 151)]
    pages = text_of(monthly_report_pdf(replace(REPORT, incidents=incidents), "en")).split("\f")[:-1]
    assert sum(squeezed(INCIDENT.where) in squeezed(page) for page in pages) >= 3
    text = squeezed("".join(pages))
    # Once in its row; the first one also begins the run of numbers.
    counts = [text.count(each.id) for each in incidents]
    assert counts == [2] + [1] * 149
    assert squeezed("2026-11-0001–0150") in text
    assert f"Page{len(pages)}of{len(pages)}" in squeezed(pages[-1])


@pytest.mark.parametrize("count", range(0, 60, 4))
def test_signatures_stand_below_the_last_section_and_no_heading_at_the_foot_of_a_page(count: int) -> None:
    incidents = [replace(INCIDENT, id=f"2026-11-{number:04d}", measures=()) for number in range(count)]
    rooms = [replace(FIGURES.rooms[0], title=f"Room {number}") for number in range(count // 3 + 1)]
    report = replace(REPORT, incidents=incidents, figures=replace(FIGURES, rooms=rooms))
    pages = text_of(monthly_report_pdf(report, "en")).split("\f")[:-1]
    assert squeezed("8. Measures taken") in squeezed(pages[-1])
    assert "Psychologist" in pages[-1]
    lines = [[squeezed(line) for line in page.splitlines() if line.strip()] for page in pages]
    last = [next(line for line in reversed(page) if "Journal" not in line and "Page" not in line) for page in lines]
    headings = {"Queriesbyroom", "Queriesbygroup", "Listofincidents", "Incidentsbycategory", "Blockedqueriesbycategory"}
    assert [line for line in last if line in headings or line[:2] in {f"{number}." for number in range(1, 9)}] == []


def test_long_and_hostile_texts_stay_in_their_cells_as_text() -> None:
    hostile = '#panic("out") $x$ *b* ] {page} <a> "' + "W" * 90
    incident = replace(INCIDENT, where="Щ" * 70, measures=(hostile,))
    order = replace(REPORT.orders[0], number="N" * 60, added=("n" * 63 + "." + "m" * 63 + ".example.org",) * 4)
    report = replace(
        REPORT,
        paper=replace(REPORT.paper, school="Ұзын атау " * 30),
        incidents=(incident,),
        orders=(order,),
        psychologist=hostile,
        figures=replace(FIGURES, rooms=(replace(FIGURES.rooms[0], title="Ж" * 200),)),
    )
    pdf = monthly_report_pdf(report, "en")
    text = squeezed(text_of(pdf))
    assert text.count(squeezed(hostile)) == 2
    assert text.count(squeezed(order.added[0])) >= 3
    assert max(end for _word, _begin, end in boxes_of(pdf)) < 595 - 40


def test_the_code_holds_number_and_heads(tmp_path: Path) -> None:
    (code,) = codes_of(monthly_report_pdf(REPORT, "ru"), tmp_path)
    assert code == paper_code(REPORT.paper)
    assert NUMBERED.head in code


def test_all_fonts_are_in_the_file(tongue: str) -> None:
    assert set(fonts_of(monthly_report_pdf(REPORT, tongue)).values()) == {"yes"}


def test_equal_reports_give_equal_bytes() -> None:
    assert monthly_report_pdf(REPORT, "ky") == monthly_report_pdf(replace(REPORT), "ky")
