"""What act and monthly report say alike of a period: figures, incidents, alarms, lists; and in what blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from papers.blocks import Block, Column, facts, number, section, sentence, table
from papers.dates import short_day, written_day, written_moment
from papers.frame import grouped
from papers.incident_words import rule_words, severity_words, state_words
from papers.policy_words import blocked_words
from policy.subjects import subject, title_of
from translations import _, language

STATES = ("new", "told", "reviewed", "closed")
"""As journal.incidents.State has them."""
_STATE_WIDTHS = {"new": 17, "told": 24, "reviewed": 24, "closed": 20}
"""In millimetres: the Kazakh and Russian words are the longest."""


@dataclass(frozen=True, slots=True)
class Place:
    """Queries of a group or from a room."""

    title: str
    """Empty: from no room."""
    queries: int
    blocked: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Queries of a period."""

    queries: int
    blocked: int
    severities: Mapping[str, int]
    """Blocked ones by severity; an empty one stands for services and for what no category decided."""
    subjects: Mapping[str, int]
    """Blocked ones by category or service, or by the reason of the query log where none decided; most first."""
    groups: Sequence[Place]
    rooms: Sequence[Place]
    own_tests: int = 0
    """Blocked ones that the filter asked itself, to test for acts what is closed."""


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """An incident without anything personal."""

    id: str
    day: date
    rule: str
    category: str
    where: str
    """Titles of group and room."""
    queries: int
    told: bool
    state: str
    measures: Sequence[str]
    closing: str = ""
    """With what words it was closed; empty if it is not, or without any."""
    shut: bool = False
    """A reported site that the filter closed already when it was reported."""


@dataclass(frozen=True, slots=True)
class AlarmLine:
    """The evidence itself was in danger."""

    at: datetime
    """Aware, in the school's time zone."""
    what: str
    settled: date | None = None
    """When a person said what was found; None: nobody did yet."""
    by: str = ""
    found: str = ""
    """Empty: erased."""


@dataclass(frozen=True, slots=True)
class Index:
    """The lists in force."""

    generation: str
    """Empty: there are none."""
    digest: str
    """Of all that was compiled: equal lists give an equal one."""
    lists: Sequence["ListLine"]
    """Those of categories."""
    services: int
    """How many lists of services there are besides."""
    service_rules: int


@dataclass(frozen=True, slots=True)
class ListLine:
    """A list of names in force."""

    id: str
    category: str
    rules: int
    sha256: str
    refreshed: date | None
    """When its text was last found good; None: nobody knows."""


def figure_blocks(figures: Figures, language: str) -> list[Block]:
    """Return the figures as tables."""
    blocked = _("{count} ({percent})").format(
        count=number(figures.blocked), percent=share(figures.blocked, figures.queries)
    )
    known = [(_("Queries"), number(figures.queries)), (_("Blocked"), blocked)]
    if figures.own_tests:
        known.append((_("Of the blocked ones: tests by the filter itself, for acts"), number(figures.own_tests)))
    blocks = [facts(known)]
    if figures.blocked:
        blocks += [
            section(_("Blocked queries by severity")),
            table(
                [Column(_("Severity"), 130), Column(_("Blocked"), 40, right=True)],
                [(severity_title(id_), number(count)) for id_, count in figures.severities.items()],
            ),
            section(_("Blocked queries by category")),
            table(
                [Column(_("Category, service or reason"), 130), Column(_("Blocked"), 40, right=True)],
                [(blocked_words(id_, language), number(count)) for id_, count in figures.subjects.items()],
            ),
        ]
    for title, column, places, nowhere in (
        (_("Queries by group"), _("Group"), figures.groups, _("without a group")),
        (_("Queries by room"), _("Room"), figures.rooms, _("without a room")),
    ):
        if places:
            rows = [
                (each.title or nowhere, number(each.queries), number(each.blocked), share(each.blocked, each.queries))
                for each in places
            ]
            columns = [
                Column(column, 80),
                Column(_("Queries"), 35, right=True),
                Column(_("Blocked"), 35, right=True),
                Column(_("Share"), 20, right=True),
            ]
            blocks += [section(title), table(columns, rows)]
    return blocks


def state_blocks(incidents: Sequence[IncidentLine], begun: date | None) -> list[Block]:
    """Return how many incidents there are by rule and state, with their numbers. `begun`: as for known_since."""
    if not incidents:
        none = _("There was no incident.") if begun is None else _("There was no incident since the journal was begun.")
        return [sentence(none)]
    rules = list(dict.fromkeys(each.rule for each in incidents))
    rows = []
    for rule in rules:
        of_rule = [each for each in incidents if each.rule == rule]
        rows.append((rule_words(rule), *_states(of_rule), runs([each.id for each in of_rule])))
    if len(rules) > 1:
        rows.append((_("In all"), *_states(incidents), ""))
    columns = [
        Column(_("Kind"), 34),
        Column(_("In all"), 18, right=True),
        *(Column(state_heading(state), width, right=True) for state, width in _STATE_WIDTHS.items()),
        Column(_("Numbers"), 33),
    ]
    return [table(columns, rows)]


def category_blocks(incidents: Sequence[IncidentLine], language: str) -> list[Block]:
    """Return how many incidents there are by category, if any has one."""
    counts: dict[str, int] = {}
    for each in incidents:
        if each.category:
            counts[each.category] = counts.get(each.category, 0) + 1
    if not counts:
        return []
    rows = [(blocked_words(id_, language), number(count)) for id_, count in sorted(counts.items(), key=_most_first)]
    return [
        section(_("Incidents by category")),
        table([Column(_("Category"), 130), Column(_("Incidents"), 40, right=True)], rows),
    ]


def incident_blocks(incidents: Sequence[IncidentLine], language: str) -> list[Block]:
    """Return each incident in a row."""
    columns = [
        Column(_("Number"), 25),
        Column(_("Day"), 20),
        Column(_("Kind and category"), 38),
        Column(_("Where"), 27),
        Column(_("Queries"), 19, right=True),
        Column(_("State and measures"), 41),
    ]
    rows = [
        (
            each.id,
            short_day(each.day, language),
            ", ".join(filter(None, (rule_words(each.rule), _title(each.category, language)))),
            each.where or "–",
            number(each.queries),
            _state_and_measures(each),
        )
        for each in incidents
    ]
    return [section(_("List of incidents")), table(columns, rows)] if rows else []


def alarm_blocks(alarms: Sequence[AlarmLine], language: str) -> list[Block]:
    """Return what endangered the evidence."""
    if not alarms:
        return [sentence(_("There was no alarm about the evidence."))]
    columns = [Column(_("When"), 42), Column(_("What"), 80), Column(_("What was found and done"), 48)]
    return [table(columns, [(written_moment(each.at, language), each.what, _found(each, language)) for each in alarms])]


def list_blocks(index: Index, language: str) -> list[Block]:
    """Return the lists in force with their versions."""
    if not index.generation:
        return [sentence(_("No list was in force."))]
    columns = [
        Column(_("List"), 45),
        Column(_("Category"), 48),
        Column(_("Rules"), 21, right=True),
        Column(_("Version (SHA-256)"), 31),
        Column(_("Last good"), 25),
    ]
    rows = [
        (
            each.id,
            title_of(each.category, language),
            number(each.rules),
            each.sha256[:12],
            short_day(each.refreshed, language) if each.refreshed else "–",
        )
        for each in index.lists
    ]
    services = _("{count}, rules: {rules}").format(count=number(index.services), rules=number(index.service_rules))
    known = [
        (_("Generation of the index"), index.generation),
        (_("Digest of all lists (SHA-256)"), grouped(index.digest)),
        (_("Lists of services besides"), services),
    ]
    return [facts(known), *([table(columns, rows)] if rows else [])]


def known_since(begun: date | None, language: str) -> list[tuple[str, str]]:
    """Return a row that says since when there are figures, if that is after the period began."""
    if begun is None:
        return []
    text = _("{day}; figures begin with this day, and nothing is known of the days before")
    return [(_("The journal was begun on"), text.format(day=written_day(begun, language)))]


def incompleteness() -> Block:
    """Return what everybody must know (R1 2.12)."""
    return sentence(
        _(
            "Filtering by names cannot be complete: new sites appear every day. Who meets harmful content tells the "
            "responsible teacher at once."
        )
    )


def severity_title(severity: str) -> str:
    """Return a severity as a row of a table begins with it."""
    return severity_words(severity).capitalize() if severity else _("Services, levels, lessons and blocks by hand")


def state_heading(state: str) -> str:
    """Return a state as a column is headed."""
    return {"new": _("New"), "told": _("Told"), "reviewed": _("Reviewed"), "closed": _("Closed")}[state]


def share(part: int, whole: int) -> str:
    """Return a part as a percentage with one decimal place; rounded, and never to 0 or 100 where it is neither."""
    if not whole:
        return "–"
    thousandths = min(max(round(1000 * part / whole), int(part > 0)), 1000 - int(part < whole))
    point = "." if language() == "en" else ","
    return f"{thousandths // 10}{point}{thousandths % 10} %"


def runs(ids: Sequence[str]) -> str:
    """Return numbers of incidents as people write them: `2026-11-0001–0003, 0007`."""
    found: list[tuple[str, int, int]] = []
    for id_ in sorted(ids):
        month, count = id_[:7], int(id_[8:])
        if found and found[-1][0] == month and found[-1][2] == count - 1:
            found[-1] = (month, found[-1][1], count)
        else:
            found.append((month, count, count))
    said, before = [], ""
    for month, first, last in found:
        begin = f"{first:04d}" if month == before else f"{month}-{first:04d}"
        said.append(begin if first == last else f"{begin}–{last:04d}")
        before = month
    return ", ".join(said)


def _states(incidents: Sequence[IncidentLine]) -> tuple[str, ...]:
    counts = [sum(each.state == state for each in incidents) for state in STATES]
    return tuple(number(count) for count in (len(incidents), *counts))


def _state_and_measures(incident: IncidentLine) -> str:
    """Return the state, with what was said when it was closed, then the measures."""
    state = ": ".join(filter(None, (state_words(incident.state), incident.closing)))
    return ". ".join(each.rstrip(".") for each in (state, *incident.measures))


def _title(category: str, language: str) -> str:
    return title_of(category, language) if subject(category) is not None else category


def _most_first(pair: tuple[str, int]) -> tuple[int, str]:
    return -pair[1], pair[0]


def _found(alarm: AlarmLine, language: str) -> str:
    if alarm.settled is None:
        return _("Nobody has settled this alarm yet.")
    said = _("Settled on {day} by {by}: {text}")
    return said.format(day=short_day(alarm.settled, language), by=alarm.by, text=alarm.found or "–")
