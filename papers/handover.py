"""The act of handover: what a responsible person leaves to the next one (R5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from papers.blocks import Block, Column, facts, number, section, sentence, table
from papers.dates import short_day, written_day
from papers.frame import approval, grouped, signers, spoken
from papers.incident_words import role_words, rule_words, state_words
from papers.kinds import paper_words
from papers.numbered import Numbered, chain_verification, numbered_frame, paper_number
from papers.period import Index, list_blocks
from papers.policy_words import level_words
from papers.press import Value, press
from translations import _

_SHOWN_DIGITS = 16
"""Of a digest, in a table."""


@dataclass(frozen=True, slots=True)
class HandedKeys:
    """The keys by which evidence and orders are known."""

    director: str
    """Fingerprint of the director's key; empty: orders are signed on paper only."""
    signed: bool
    """Whether only orders that the director's key signed count."""
    device: str
    """Fingerprint of the key by which this machine signs."""


@dataclass(frozen=True, slots=True)
class HandedInspector:
    """An inspector's account."""

    name: str
    until: date


@dataclass(frozen=True, slots=True)
class HandedContact:
    """Somebody who is told of incidents."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class HandedLevel:
    """How far a group or a room is restricted."""

    title: str
    level: str
    """Empty: a room that leaves it to the group."""
    closed: str
    """The level of a supervised room outside lessons; empty for groups and rooms without supervision."""


@dataclass(frozen=True, slots=True)
class HandedIncident:
    """An incident that is not closed. Nothing personal of pupils."""

    id: str
    rule: str
    state: str
    day: date


@dataclass(frozen=True, slots=True)
class HandedPaper:
    """The last paper of a kind."""

    kind: str
    number: int
    day: date
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class HandedState:
    """How the filter stands on the day of handover."""

    version: str
    """Of the program."""
    addresses: Sequence[str]
    state_folder: str
    os_user: str
    """Who owns the state on this machine."""
    lists: Index
    groups: Sequence[HandedLevel]
    rooms: Sequence[HandedLevel]
    devices: int
    orders: int
    last_order: str
    """Number of the last order, empty: it has none."""
    last_order_day: date | None
    """None: there is no order."""
    entries: int
    """Sites on the white list."""
    requests: Sequence[int]
    """Numbers of the requests that wait for the director."""


@dataclass(frozen=True, slots=True)
class HandoverAct:
    """Who hands what over to whom."""

    paper: Numbered
    outgoing: str
    incoming: str
    order: str
    """Number of the director's order."""
    day: date
    """Of the order."""
    keys: HandedKeys
    inspectors: Sequence[HandedInspector]
    contacts: Sequence[HandedContact]
    state: HandedState
    incidents: Sequence[HandedIncident]
    papers: Sequence[HandedPaper]


def handover_pdf(act: HandoverAct, language: str) -> bytes:
    """Return the act as PDF in one of LANGUAGES, whatever language is in use. Raises PaperError."""
    with spoken(language):
        values = _values(act, language)
    return press("blocks", values, language, act.paper.printed_at)


def _values(act: HandoverAct, language: str) -> dict[str, Value]:
    subtitles = [
        _("No. {number} of {day}").format(
            number=paper_number(act.paper), day=written_day(act.paper.printed_at.date(), language)
        ),
        _("Change of the person responsible for access to the internet"),
    ]
    return {
        "frame": numbered_frame(act.paper, _("Handover act"), subtitles, language),
        "approval": approval("", ""),
        "blocks": [
            *_people(act, language),
            *_keys(act.keys),
            *_accounts(act, language),
            *_state(act.state, language),
            *_open(act, language),
            *_papers(act, language),
            *_handed(act.keys),
        ],
        "signatures": signers([(_("Handed over"), act.outgoing), (_("Received"), act.incoming)]),
        "verification": chain_verification(act.paper),
    }


def _people(act: HandoverAct, language: str) -> list[Block]:
    order = _("No. {number} of {day}").format(number=act.order, day=written_day(act.day, language))
    return [
        facts(
            [
                (_("By order of the school director"), order),
                (_("Hands over"), act.outgoing),
                (_("Receives"), act.incoming),
            ]
        )
    ]


def _keys(keys: HandedKeys) -> list[Block]:
    if not keys.director:
        director = _("none: the director signs orders on paper")
    elif keys.signed:
        director = grouped(keys.director)
    else:
        director = _("{key} (paper orders count too)").format(key=grouped(keys.director))
    return [
        section(_("Keys")),
        facts([(_("Director's key"), director), (_("Key of this machine, for evidence"), grouped(keys.device))]),
        sentence(_("The director's passphrase is known to the director alone and is not handed over.")),
    ]


def _accounts(act: HandoverAct, language: str) -> list[Block]:
    inspectors = "; ".join(
        _("{name} (until {day})").format(name=each.name, day=short_day(each.until, language)) for each in act.inspectors
    )
    contacts = "; ".join(
        _("{name} ({role})").format(name=each.name, role=role_words(each.role)) for each in act.contacts
    )
    return [
        section(_("Accounts")),
        facts(
            [
                (_("Account of the service on this machine"), act.state.os_user),
                (_("Inspectors' accounts"), inspectors or _("none")),
                (_("Who is told of incidents"), contacts or _("nobody")),
            ]
        ),
        sentence(
            _("Accounts are personal. The receiving person changes the administrator's password on the same day.")
        ),
    ]


def _state(state: HandedState, language: str) -> list[Block]:
    if state.last_order_day is None:
        last = _("none")
    elif state.last_order:
        last = _("No. {number} of {day}").format(
            number=state.last_order, day=written_day(state.last_order_day, language)
        )
    else:
        last = _("without a number, of {day}").format(day=written_day(state.last_order_day, language))
    requests = ", ".join(map(str, state.requests))
    rows = [
        (_("Version of the program"), state.version),
        (_("Addresses of the server"), ", ".join(state.addresses)),
        (_("Folder of the state"), state.state_folder),
        (_("Devices entered"), number(state.devices)),
        (_("Orders of the director"), number(state.orders)),
        (_("Last order"), last),
        (_("Sites on the white list"), number(state.entries)),
        (_("Requests that wait for the director"), requests or _("none")),
    ]
    return [
        section(_("State of the filter")),
        facts(rows),
        section(_("Restriction levels")),
        table(
            [Column(_("Group or room"), 60), Column(_("Level"), 60), Column(_("Outside lessons"), 50)],
            [*(_level(each) for each in state.groups), *(_level(each) for each in state.rooms)],
        ),
        section(_("Lists in force")),
        *list_blocks(state.lists, language),
    ]


def _level(each: HandedLevel) -> tuple[str, str, str]:
    level = level_words(each.level) if each.level else _("as the group")
    return each.title, level, level_words(each.closed) if each.closed else "–"


def _open(act: HandoverAct, language: str) -> list[Block]:
    heading = section(_("Incidents that are not closed: {count}").format(count=len(act.incidents)))
    if not act.incidents:
        return [heading]
    columns = [Column(_("No."), 35), Column(_("Entered"), 30), Column(_("What happened"), 75), Column(_("State"), 30)]
    rows = [
        (each.id, short_day(each.day, language), rule_words(each.rule), state_words(each.state))
        for each in act.incidents
    ]
    return [heading, table(columns, rows)]


def _papers(act: HandoverAct, language: str) -> list[Block]:
    heading = section(_("Last papers"))
    if not act.papers:
        return [heading, sentence(_("No act and no report was drawn up yet."))]
    columns = [
        Column(_("Paper"), 45),
        Column(_("No."), 15, right=True),
        Column(_("Drawn up"), 25),
        Column(_("File"), 50),
        Column("SHA-256", 35),
    ]
    rows = [
        (
            paper_words(each.kind),
            str(each.number),
            short_day(each.day, language),
            each.file,
            f"{each.sha256[:_SHOWN_DIGITS]}…",
        )
        for each in act.papers
    ]
    return [heading, table(columns, rows)]


def _handed(keys: HandedKeys) -> list[Block]:
    given = [
        _("The server, with its power supply and its place in the network"),
        _("The administrator's account of the server, with a new password"),
        _("Access to the router that hands out the server's address"),
        _("Printed orders, protocols, acts and reports (folder)"),
        _("The journal: numbers of open incidents as listed above"),
        _("Backups: on which medium, of what day, where they lie"),
        _("Instructions for the responsible person"),
    ]
    if keys.director:
        given.insert(1, _("The file of the director's key, locked (the passphrase stays with the director)"))
    columns = [Column(_("Handed over"), 20), Column(_("What"), 95), Column(_("Remark"), 55)]
    return [section(_("What was handed over")), table(columns, [("", each, "") for each in given])]
