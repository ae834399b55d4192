"""The act of a check of access history (R4): what was checked, by whom, how, and what was found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from papers.blocks import Block, Column, facts, lines, number, section, sentence, table, warning
from papers.closed_words import closed_words
from papers.dates import written_day
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
    incompleteness,
    known_since,
    list_blocks,
    state_blocks,
)
from papers.policy_words import level_words
from papers.press import Value, press
from policy.subjects import subject, title_of
from translations import _


@dataclass(frozen=True, slots=True)
class Member:
    """Who took part in the check."""

    name: str
    office: str
    """Empty: none was given."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the commission says of its check."""

    first: date
    last: date
    order_number: str
    """Of the order that appoints the commission; empty: none was given."""
    order_day: date | None
    commission: Sequence[Member]
    method: str
    """Empty: as the program checks."""
    found: str
    """What the commission found besides; empty: lines to write on."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of verifying a part of the evidence."""

    part: str
    """`journal`, `log`, `audit` or `orders`."""
    sound: bool
    said: str
    """In words: what was verified, or the first thing that is wrong."""


@dataclass(frozen=True, slots=True)
class Restriction:
    """How far a group or a room is restricted."""

    title: str
    level: str
    """As policy.levels.Level; empty: the room does not restrict."""
    supervised: bool
    """Whether rooms and lessons restrict a group; whether a room is shut outside lessons."""
    outside: str = ""
    """Of a supervised room: the level outside lessons."""
    closed: Sequence[str] = ()
    """Of a group: categories and services that are always closed; none if all but the white list is."""
    at_times: Sequence[str] = ()
    """Those that are closed at some hours."""


@dataclass(frozen=True, slots=True)
class Probed:
    """A name that was asked for, what was expected of the answer, and what came."""

    kind: str
    """`listed`, `protected`, `neutral`; else the category or service that holds the name."""
    name: str
    expected: str
    """`open`, `closed`, `safe`, `local` or `refused`."""
    found: str
    """The same; `failed`: no answer from outside; `silent`: no answer from the server."""
    agrees: bool | None
    """None: nobody can tell, for no answer came from outside."""


@dataclass(frozen=True, slots=True)
class LiveTest:
    """Names that the running server was asked for."""

    server: str
    """Its address; empty: it does not run, and nothing was asked."""
    group: str
    """Title of the group in which this machine's own queries are."""
    level: str
    tested: Sequence[Probed]


@dataclass(frozen=True, slots=True)
class Act:
    """All that the act says."""

    paper: Numbered
    asked: Asked
    begun: date | None
    """The day on which the journal was begun, if that was after the first of the period."""
    figures: Figures
    incidents: Sequence[IncidentLine]
    alarms: Sequence[AlarmLine]
    proofs: Sequence[Proof]
    listed: int
    """Sites on the white list today."""
    last_number: str
    """Of the last order about sites, as the school's register has it."""
    last_day: date | None
    """Of that order; None: there is none."""
    blocked: int
    """Sites that are blocked by hand today."""
    groups: Sequence[Restriction]
    rooms: Sequence[Restriction]
    index: Index
    test: LiveTest


def act_pdf(act: Act, language: str) -> bytes:
    """Return the act as PDF in one of LANGUAGES, whatever language is in use. Raises PaperError."""
    with spoken(language):
        values = _values(act, language)
    return press("blocks", values, language, act.paper.printed_at)


def _values(act: Act, language: str) -> dict[str, Value]:
    subtitles = [
        _("of a check of access history"),
        _("No. {number} of {day}").format(
            number=paper_number(act.paper), day=written_day(act.paper.printed_at.date(), language)
        ),
    ]
    members = [(each.office or _("Member of the commission"), each.name) for each in act.asked.commission]
    lines = members or [(_("Member of the commission"), "") for _place in range(3)]
    return {
        "frame": numbered_frame(act.paper, _("Act"), subtitles, language),
        "approval": approval("", ""),
        "blocks": _blocks(act, language),
        "signatures": signers([*lines, (_("Responsible person"), "")]),
        "verification": chain_verification(act.paper),
    }


def _blocks(act: Act, language: str) -> list[Block]:
    return [
        *_doubt(act),
        facts(_who(act.asked, act.begun, language)),
        section(_("1. How it was checked")),
        sentence(act.asked.method or _method()),
        section(_("2. Whether the evidence is whole")),
        *_proofs(act),
        section(_("3. Queries of the period")),
        *figure_blocks(act.figures, language),
        section(_("4. Incidents of the period")),
        *state_blocks(act.incidents, act.begun),
        *category_blocks(act.incidents, language),
        *_complaints(act),
        section(_("5. Alarms of the period")),
        *alarm_blocks(act.alarms, language),
        section(_("6. Restrictions in force today")),
        facts(_white_list(act, language)),
        *_restrictions(act, language),
        section(_("7. Lists of sites in force today")),
        *list_blocks(act.index, language),
        section(_("8. Test of sample names")),
        *_test(act.test, language),
        section(_("9. What the commission found")),
        sentence(act.asked.found) if act.asked.found else lines(3),
        incompleteness(),
    ]


def _doubt(act: Act) -> list[Block]:
    """Return a mark if anything is wrong: who signs must not have to look for it."""
    wrong = [_part(each.part) for each in act.proofs if not each.sound]
    if any(each.agrees is False for each in act.test.tested):
        wrong.append(_("test of sample names"))
    if not wrong:
        return []
    return [warning(_("Something is wrong"), _("See: {parts}").format(parts=", ".join(wrong)))]


def _who(asked: Asked, begun: date | None, language: str) -> list[tuple[str, str]]:
    period = _("{first} – {last}").format(
        first=written_day(asked.first, language), last=written_day(asked.last, language)
    )
    people = [f"{each.name}, {each.office}" if each.office else each.name for each in asked.commission]
    rows = [
        (_("Period of the check"), period),
        *known_since(begun, language),
        (_("Took part"), "; ".join(people) or "_" * 45),
    ]
    if asked.order_number and asked.order_day:
        day = written_day(asked.order_day, language)
        order = _("No. {number} of {day}").format(number=asked.order_number, day=day)
        rows.append((_("Commission appointed by order"), order))
    return rows


def _method() -> str:
    return _(
        "With the program schoolfilter. The chain of the journal and the audit trail were verified from the first "
        "record to the last, the query log of the period by its digests in the chain. Queries and incidents of the "
        "period were counted. The lists and levels in force were read. Names of each kind, chosen by chance, were "
        "asked of the running server, and its answers compared with those that the policy demands."
    )


def _proofs(act: Act) -> list[Block]:
    columns = [Column(_("Part"), 40), Column(_("Result"), 25), Column(_("What was verified, or what is wrong"), 105)]
    rows = [(_part(each.part), _("whole") if each.sound else _("NOT WHOLE"), each.said) for each in act.proofs]
    return [table(columns, rows)]


def _part(part: str) -> str:
    return {
        "journal": _("Journal of access"),
        "log": _("Query log and archive"),
        "audit": _("Audit trail of the policy"),
        "orders": _("Orders of the director"),
    }[part]


def _complaints(act: Act) -> list[Block]:
    """Return how many reported sites the filter let through; apart from them those that it closed already."""
    reported = [each for each in act.incidents if each.rule == "report"]
    shut = sum(each.shut for each in reported)
    text = _("Sites that people reported because the filter let them through: {count}.")
    said = [sentence(text.format(count=number(len(reported) - shut)))]
    if shut:
        text = _("Sites that people reported though the filter closed them already: {count}.")
        said.append(sentence(text.format(count=number(shut))))
    return said


def _white_list(act: Act, language: str) -> list[tuple[str, str]]:
    last = _("none")
    if act.last_day is not None:
        day = written_day(act.last_day, language)
        order = _("No. {number} of {day}") if act.last_number else _("without a number, of {day}")
        last = order.format(number=act.last_number, day=day)
    return [
        (_("Sites on the white list"), number(act.listed)),
        (_("Last order of the director"), last),
        (_("Sites blocked by hand"), number(act.blocked)),
    ]


def _restrictions(act: Act, language: str) -> list[Block]:
    yes_no = {True: _("yes"), False: _("no")}
    columns = [
        Column(_("Group"), 32),
        Column(_("Restriction level"), 38),
        Column(_("Closed"), 70),
        Column(_("Rooms and lessons restrict it"), 30),
    ]
    rows = [
        (each.title, level_words(each.level), _closed(each, language), yes_no[each.supervised]) for each in act.groups
    ]
    blocks = [table(columns, rows)]
    if act.rooms:
        rooms = [
            (
                each.title,
                level_words(each.level) if each.level else _("as the group"),
                level_words(each.outside) if each.supervised else _("as in lessons"),
            )
            for each in act.rooms
        ]
        columns = [
            Column(_("Room"), 40),
            Column(_("Restriction level in lessons"), 65),
            Column(_("Outside lessons"), 65),
        ]
        blocks.append(table(columns, rooms))
    return blocks


def _closed(group: Restriction, language: str) -> str:
    said = [closed_words(group.closed, language)]
    if group.at_times:
        said.append(_("At certain hours also: {categories}.").format(categories=closed_words(group.at_times, language)))
    return ". ".join(filter(None, said)) or "–"


def _test(test: LiveTest, language: str) -> list[Block]:
    if not test.server:
        return [sentence(_("The server did not run when this act was drawn up: no name could be tested."))]
    wrong = sum(each.agrees is False for each in test.tested)
    untold = sum(each.agrees is None for each in test.tested)
    columns = [
        Column(_("What it is a sample of"), 44),
        Column(_("Name"), 56),
        Column(_("Expected"), 22),
        Column(_("Found"), 26),
        Column(_("Result"), 22),
    ]
    rows = [
        (
            _sample(each.kind, language),
            each.name,
            _answer(each.expected),
            _answer(each.found),
            {True: _("as expected"), False: _("WRONG"), None: _("unknown")}[each.agrees],
        )
        for each in test.tested
    ]
    asked = _("Asked from the server itself, which is in this group")
    summary = _("{count}; wrong: {wrong}; unknown, for no answer came: {untold}").format(
        count=number(len(rows)), wrong=number(wrong), untold=number(untold)
    )
    return [
        facts([
            (_("Server"), test.server),
            (asked, _("{group} ({level})").format(group=test.group, level=level_words(test.level))),
            (_("Names tested"), summary),
        ]),
        table(columns, rows),
    ]  # fmt: skip


def _sample(kind: str, language: str) -> str:
    if subject(kind) is not None:
        return title_of(kind, language)
    return {
        "listed": _("White list of sites"),
        "protected": _("Protected name"),
        "neutral": _("A name of which no rule speaks"),
    }.get(kind, kind)


def _answer(answer: str) -> str:
    return {
        "open": _("open"),
        "closed": _("closed"),
        "safe": _("open, in safe mode"),
        "local": _("answered here"),
        "refused": _("refused"),
        "failed": _("no answer from outside"),
        "silent": _("no answer"),
    }[answer]
