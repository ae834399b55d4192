"""Which reports are due: each month's by the 25th of the next one (R3 3.7, R4). Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from journal.documents.kept_papers import PaperKind
from storage.evidence import Body, text

DUE_DAY = 25
_REMINDED_FROM = 20


@dataclass(frozen=True, slots=True)
class ReportDue:
    """A monthly report that nobody has drawn up."""

    month: str
    """As `2026-10`."""
    due: date
    overdue: bool


def reports_due(papers: Iterable[Body], today: date, begun: date) -> list[ReportDue]:
    """Return the monthly reports to remind of: last month's from the 20th on, and older ones of the last half year.

    `papers`: bodies of the Kind.PAPER records; a report names its `month`, and whether that was `finished`. `begun`:
    the journal's first day: nobody can report on a month before it.
    """
    reports = (body for body in papers if text(body, "paper") == PaperKind.MONTHLY_REPORT)
    done = {text(body, "month") for body in reports if body.get("finished") is not False}
    found = []
    month = today.replace(day=1)
    for _back in range(6):
        due = month.replace(day=DUE_DAY)
        month = (month - timedelta(days=1)).replace(day=1)
        name = f"{month:%Y-%m}"
        if name < f"{begun:%Y-%m}":
            break
        if name not in done and today >= due.replace(day=_REMINDED_FROM):
            found.append(ReportDue(name, due, today > due))
    return found[::-1]
