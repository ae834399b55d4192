"""The monthly report: reminded of from the 20th of the next month on, due on the 25th, and told while it is missing."""

from datetime import date

import pytest

from journal.notifying.reminders import ReportDue, reports_due
from storage.evidence import Body

LONG_AGO = date(2020, 1, 1)
OCTOBER = ReportDue("2026-10", date(2026, 11, 25), overdue=False)


def paper(month: str, kind: str = "monthly-report") -> Body:
    return {"paper": kind, "month": month, "number": 1, "year": 2026}


def done_but(*missing: str) -> list[Body]:
    """Return a report for each month of two years but these."""
    months = [f"{year}-{month:02d}" for year in (2025, 2026) for month in range(1, 13)]
    return [paper(month) for month in months if month not in missing]


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 11, 1), []),
        (date(2026, 11, 19), []),
        (date(2026, 11, 20), [OCTOBER]),
        (date(2026, 11, 25), [OCTOBER]),
        (date(2026, 11, 26), [ReportDue("2026-10", date(2026, 11, 25), overdue=True)]),
        (date(2026, 12, 1), [ReportDue("2026-10", date(2026, 11, 25), overdue=True)]),
    ],
)
def test_from_when_it_is_told(today: date, expected: list[ReportDue]) -> None:
    assert reports_due(done_but("2026-10"), today, LONG_AGO) == expected


def test_a_report_that_is_drawn_up_is_not_reminded_of() -> None:
    assert reports_due(done_but(), date(2026, 11, 22), LONG_AGO) == []
    assert reports_due([*done_but("2026-10"), paper("2026-10", "act")], date(2026, 11, 22), LONG_AGO) == [OCTOBER]


def test_a_report_on_a_month_that_was_not_over_is_none_yet() -> None:
    early, whole = ({**paper("2026-10"), "finished": finished} for finished in (False, True))
    assert reports_due([*done_but("2026-10"), early], date(2026, 11, 22), LONG_AGO) == [OCTOBER]
    assert reports_due([*done_but("2026-10"), early, whole], date(2026, 11, 22), LONG_AGO) == []


def test_months_before_the_journal_began_are_nobodys_duty() -> None:
    assert reports_due([], date(2026, 11, 22), date(2026, 11, 3)) == []
    assert reports_due([], date(2026, 11, 22), date(2026, 10, 31)) == [OCTOBER]


def test_the_report_of_december_is_due_in_january() -> None:
    found = reports_due(done_but("2025-12"), date(2026, 1, 20), LONG_AGO)
    assert found == [ReportDue("2025-12", date(2026, 1, 25), overdue=False)]


def test_older_ones_come_first_and_there_is_an_end() -> None:
    found = reports_due([], date(2026, 11, 22), LONG_AGO)
    assert [each.month for each in found] == [f"2026-{month:02d}" for month in range(5, 11)]
