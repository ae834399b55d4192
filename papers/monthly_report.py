"""The monthly report from the school to the district (R3 3.7, R4): figures, incidents and what was done about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from papers.blocks import Block, Column, facts, lines, number, section, sentence, table, warning
from papers.dates import short_day, written_day, written_month
from papers.frame import approval, signers, spoken
from papers.numbered import Numbered, chain_verification, numbered_frame, paper_number
from papers.period import (
    AlarmLine,
    Figures,
    IncidentLine,
    Index,
    alarm_blocks,
    category_blocks,
    figure_blocks,
    incident_blocks,
    incompleteness,
    known_since,
    list_blocks,
    state_blocks,
)
from papers.policy_words import blocked_words
from papers.press import Value, press
from translations import _

_SHOWN_DIFFERENCES = 30
"""More are told by their number: what is wrong then is not one figure."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure that two sources tell differently."""

    day: date | None
    """None: of the whole time."""
    topic: str
    """As journal.documents.figures.Topic: `queries`, `action`, `blocked`, `room`, `group`."""
    item: str
    here: tuple[int, int]
    """Queries and blocked ones, as this report has them."""
    there: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the figures compare with another source of them."""

    source: str
    """As journal.documents.monthly.Source: `days`, `log`."""
    outcome: str
    """As journal.documents.monthly.Outcome: `agrees`, `erased`, `differs`, `not held`, `unreadable`."""
    until: date | None
    """The last day that was compared."""
    only_blocked: bool
    differences: Sequence[Compared]
    detail: str
    """Why it is unreadable; how many queries were erased."""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order of the director that was entered in the month."""

    number: str
    """As the school's register has it; empty: it has none."""
    day: date
    added: Sequence[str]
    removed: Sequence[str]


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """Changes of policy of one kind that rest on the same document."""

    first: date
    last: date
    count: int
    what: str
    document: str


@dataclass(frozen=True, slots=True)
class Requests:
    """What teachers asked the director for in the month, and what has become of it."""

    asked: int
    approved: int
    rejected: int
    withdrawn: int
    open: int


@dataclass(frozen=True, slots=True)
class MonthlyReport:
    """All that the report says."""

    paper: Numbered
    first: date
    until: date
    """The last day that the figures cover."""
    begun: date | None
    """The day on which the journal was begun, if that was after the first of the month."""
    finished: bool
    """Whether the month is over, and all its days are closed in the journal."""
    figures: Figures
    days: int
    """With queries."""
    silent: Sequence[date]
    """Without a query."""
    open_days: Sequence[date]
    """With queries, not closed in the journal yet."""
    damaged: int
    comparisons: Sequence[Comparison]
    reconciled: bool
    files: int
    """Files of the query log of the month that were compared with the journal."""
    broken: str
    """The first thing that is wrong with them, in words; empty: they are whole."""
    incidents: Sequence[IncidentLine]
    requests: Requests
    orders: Sequence[OrderLine]
    changes: Sequence[ChangeLine]
    lessons: int
    """Opened by teachers by hand."""
    briefings: int
    index: Index
    alarms: Sequence[AlarmLine]
    psychologist: str
    """What the psychologist reports; empty: lines to write on."""
    measures: str
    """What was done besides; empty: lines to write on."""


def monthly_report_pdf(report: MonthlyReport, language: str) -> bytes:
    """Return the report as PDF in one of LANGUAGES, whatever language is in use. Raises PaperError."""
    with spoken(language):
        values = _values(report, language)
    return press("blocks", values, language, report.paper.printed_at)


def _values(report: MonthlyReport, language: str) -> dict[str, Value]:
    month = written_month(report.first.year, report.first.month, language)
    subtitles = [
        _("on limiting access to internet content"),
        _("{month}, No. {number}").format(month=month, number=paper_number(report.paper)),
    ]
    if not report.finished:
        subtitles.append(_("As of {day}: the month is not over").format(day=written_day(report.until, language)))
    return {
        "frame": numbered_frame(report.paper, _("Monthly report"), subtitles, language),
        "approval": approval("", ""),
        "blocks": _blocks(report, language),
        "signatures": signers([(_("School director"), ""), (_("Responsible person"), ""), (_("Psychologist"), "")]),
        "verification": chain_verification(report.paper),
    }


def _blocks(report: MonthlyReport, language: str) -> list[Block]:
    return [
        section(_("1. Queries")),
        facts(_coverage(report, language)),
        *figure_blocks(report.figures, language),
        section(_("2. Whether the figures are right")),
        *_comparisons(report, language),
        section(_("3. Incidents")),
        *state_blocks(report.incidents, report.begun),
        *_life(report),
        *category_blocks(report.incidents, language),
        *incident_blocks(report.incidents, language),
        section(_("4. White list of sites, policy and lessons")),
        facts(_work(report)),
        *_orders(report, language),
        *_changes(report, language),
        section(_("5. Lists of sites")),
        *_updates(report, language),
        *list_blocks(report.index, language),
        section(_("6. Alarms")),
        *alarm_blocks(report.alarms, language),
        section(_("7. Work of the psychologist")),
        _said_or_lines(report.psychologist),
        section(_("8. Measures taken")),
        _said_or_lines(report.measures),
        incompleteness(),
    ]


def _coverage(report: MonthlyReport, language: str) -> list[tuple[str, str]]:
    period = _("{first} – {last}").format(
        first=written_day(report.first, language), last=written_day(report.until, language)
    )
    rows = [
        (_("Period"), period),
        *known_since(report.begun, language),
        (_("Days with queries"), number(report.days)),
        (_("Days without a query"), _days(report.silent, language) or _("none")),
    ]
    if report.open_days:
        rows.append((_("Days not closed in the journal yet"), _days(report.open_days, language)))
    if report.damaged:
        rows.append((_("Lines of the query log that cannot be read"), number(report.damaged)))
    return rows


def _days(days: Sequence[date], language: str) -> str:
    """Return days, those that follow each other as one run."""
    found: list[tuple[date, date]] = []
    for day in days:
        if found and (day - found[-1][1]).days == 1:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    words = [
        short_day(first, language) if first == last else f"{short_day(first, language)} – {short_day(last, language)}"
        for first, last in found
    ]
    return _("{count}: {days}").format(count=len(days), days=", ".join(words)) if days else ""


def _comparisons(report: MonthlyReport, language: str) -> list[Block]:
    log = f"{_('NOT WHOLE')}. {report.broken}" if report.broken else _("whole")
    compared = [(_source(each), _outcome(each, language)) for each in report.comparisons]
    blocks = [
        _verdict(report),
        facts([*compared, (_("The journal, and files of the query log: {count}").format(count=report.files), log)]),
    ]
    if report.broken:
        blocks.insert(0, warning(_("Something is wrong"), _("See: {parts}").format(parts=_("Query log and archive"))))
    for each in report.comparisons:
        if each.differences:
            columns = [
                Column(_("Day"), 30),
                Column(_("Figure"), 60),
                Column(_("In this report: queries, blocked"), 40, right=True),
                Column(_("In the other source"), 40, right=True),
            ]
            rows = [
                (
                    short_day(every.day, language) if every.day else _("whole time"),
                    _figure(every, language),
                    ", ".join(map(number, every.here)),
                    ", ".join(map(number, every.there)),
                )
                for every in each.differences[:_SHOWN_DIFFERENCES]
            ]
            blocks += [section(_("Differences from: {source}").format(source=_source(each))), table(columns, rows)]
            if len(each.differences) > _SHOWN_DIFFERENCES:
                more = _("and {count} more").format(count=number(len(each.differences) - _SHOWN_DIFFERENCES))
                blocks.append(sentence(more))
    return blocks


def _verdict(report: MonthlyReport) -> Block:
    if report.reconciled:
        return sentence(_("Reconciled: the figures of this report agree with the sources named below, to the unit."))
    if any(each.outcome in ("differs", "unreadable") for each in report.comparisons):
        return warning(_("Not reconciled"), _("The figures do not agree with all of their sources: see below."))
    return sentence(_("Not reconciled yet: there is nothing to compare the figures with."))


def _source(comparison: Comparison) -> str:
    return {
        "days": _("Sums of days in the journal's chain"),
        "log": _("Independent count of the query log"),
    }[comparison.source]


def _outcome(comparison: Comparison, language: str) -> str:
    day = written_day(comparison.until, language) if comparison.until else "–"
    match comparison.outcome:
        case "agrees" if comparison.only_blocked:
            return _("blocked queries agree up to {day}; the log does not hold what was allowed").format(day=day)
        case "agrees":
            return _("agrees up to {day}").format(day=day)
        case "erased":
            return _(
                "agrees up to {day}, but for {count} queries that were erased on request, as the journal says"
            ).format(day=day, count=comparison.detail)
        case "differs":
            return _("differs: {count} figures").format(count=number(len(comparison.differences)))
        case "not held" if comparison.until:
            return _("not compared: the query log of these days is not held any more")
        case "not held":
            return _("not compared: no day is closed yet")
    return _("not compared, could not be read: {detail}").format(detail=comparison.detail)


def _figure(compared: Compared, language: str) -> str:
    match compared.topic:
        case "blocked":
            return _("blocked: {what}").format(what=blocked_words(compared.item, language))
        case "room":
            return _("room {id}").format(id=compared.item or "–")
        case "group":
            return _("group {id}").format(id=compared.item or "–")
        case "action":
            return _("outcome {id}").format(id=compared.item)
    return _("all queries")


def _life(report: MonthlyReport) -> list[Block]:
    if not report.incidents:
        return []
    opened = [each for each in report.incidents if each.state != "closed"]
    shut = sum(each.shut for each in report.incidents)
    return [
        facts(
            [
                (_("Incidents of which somebody was told"), number(sum(each.told for each in report.incidents))),
                (_("With measures taken"), number(sum(bool(each.measures) for each in report.incidents))),
                (_("Still open"), number(len(opened))),
                (_("Sites reported by people"), number(sum(each.rule == "report" for each in report.incidents))),
                *([(_("Of these closed already when they were reported"), number(shut))] if shut else []),
            ]
        )
    ]


def _work(report: MonthlyReport) -> list[tuple[str, str]]:
    asked = report.requests
    text = _("{asked} (approved {approved}, rejected {rejected}, withdrawn {withdrawn}, open {open})")
    requests = text.format(
        asked=number(asked.asked),
        approved=number(asked.approved),
        rejected=number(asked.rejected),
        withdrawn=number(asked.withdrawn),
        open=number(asked.open),
    )
    return [
        (_("Requests of teachers"), requests),
        (_("Orders of the director"), number(len(report.orders))),
        (_("Sites added to the white list"), number(sum(len(each.added) for each in report.orders))),
        (_("Sites removed from the white list"), number(sum(len(each.removed) for each in report.orders))),
        (_("Lessons opened by teachers"), number(report.lessons)),
        (_("Briefing sheets drawn up"), number(report.briefings)),
    ]


def _orders(report: MonthlyReport, language: str) -> list[Block]:
    if not report.orders:
        return []
    columns = [Column(_("Order"), 45), Column(_("Sites added"), 75), Column(_("Sites removed"), 50)]
    rows = []
    for each in report.orders:
        day = short_day(each.day, language)
        order = _("No. {number} of {day}") if each.number else _("without a number, of {day}")
        said = order.format(number=each.number, day=day)
        rows.append((said, ", ".join(each.added) or "–", ", ".join(each.removed) or "–"))
    return [table(columns, rows)]


def _changes(report: MonthlyReport, language: str) -> list[Block]:
    if not report.changes:
        return [sentence(_("The policy was not changed."))]
    columns = [
        Column(_("When"), 46),
        Column(_("Change of policy"), 59),
        Column(_("Times"), 15, right=True),
        Column(_("Document"), 50),
    ]
    rows = []
    for each in report.changes:
        day, last = short_day(each.first, language), short_day(each.last, language)
        when = day if each.first == each.last else f"{day} – {last}"
        rows.append((when, each.what, number(each.count), each.document))
    return [table(columns, rows)]


def _updates(report: MonthlyReport, language: str) -> list[Block]:
    if not report.index.lists:
        return []
    label = _("Updated since {day}").format(day=short_day(report.first, language))
    updated = sum(each.refreshed is not None and each.refreshed >= report.first for each in report.index.lists)
    words = _("{count} of {all}").format(count=number(updated), all=number(len(report.index.lists)))
    return [facts([(label, words)])]


def _said_or_lines(text: str) -> Block:
    return sentence(text) if text else lines(3)
