"""`journal note`, `close`, `reopen`, `correct`: what people found and did about an incident. Rows are only added."""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime

import click

from cli.context import pass_settings, who
from cli.errors import Failure, Misuse
from cli.incidents import Told, number_of, read_from
from cli.typed import text_of
from journal.incidents import Incident, State
from journal.opening import opened_journal
from settings.model import Settings
from storage.evidence import Body, Kind
from translations import _

_LONGEST = 2000
_RECORD = re.compile(r"0*[1-9][0-9]{0,17}")

Plan = Callable[[Told], tuple[Kind, Body, Body | None]]
"""Says what to enter, openly and sealed, from what stands in the journal; raises Failure if it cannot be."""


@click.command(
    help=_(
        "Enter what was found out about an incident and what was done. Write no names of pupils.\n\n"
        "Example: schoolfilter journal note 2026-11-0007 'Spoke with the class' --measures 'Talk about gambling'"
    )
)
@click.argument("number")
@click.argument("text")
@click.option("--measures", default="", metavar="TEXT", help=_("What was done so that it does not happen again."))
@pass_settings
def note(settings: Settings, number: str, text: str, measures: str) -> None:
    """Enter a review."""
    id_, said, done = number_of(number), _required(text, "TEXT"), text_of(measures, "--measures", _LONGEST)

    def plan(told: Told) -> tuple[Kind, Body, Body | None]:
        incident = told.incident(id_)
        _refuse_closed(incident)
        return Kind.REVIEW, {"incident": incident.record}, {"text": said, "measures": done}

    record = _enter(settings, plan)
    entered = _(
        "Incident {number} is reviewed (record {record}). When all is done: schoolfilter journal close {number}"
    )
    click.echo(entered.format(number=id_, record=record))


@click.command(
    help=_(
        "Close an incident that was reviewed, or say why it needs no review.\n\n"
        "Example: schoolfilter journal close 2026-11-0007; "
        "schoolfilter journal close 2026-11-0008 'an app of the telephone, no pupil'"
    )
)
@click.argument("number")
@click.argument("text", required=False, default="", metavar="[TEXT]")
@pass_settings
def close(settings: Settings, number: str, text: str) -> None:
    """Enter that an incident is closed."""
    id_, said = number_of(number), text_of(text, "TEXT", _LONGEST)

    def plan(told: Told) -> tuple[Kind, Body, Body | None]:
        incident = told.incident(id_)
        _refuse_closed(incident)
        if incident.state is not State.REVIEWED and not said:
            message = _(
                "incident {number} was not reviewed. Enter what was found: schoolfilter journal note {number} TEXT; "
                "or say why there is nothing to do: schoolfilter journal close {number} TEXT"
            )
            raise Failure(message.format(number=id_))
        return Kind.CLOSED, {"incident": incident.record}, {"text": said} if said else None

    record = _enter(settings, plan)
    click.echo(_("Incident {number} is closed (record {record}).").format(number=id_, record=record))


@click.command(help=_("Open a closed incident again. Example: schoolfilter journal reopen 2026-11-0007 'it went on'"))
@click.argument("number")
@click.argument("text")
@pass_settings
def reopen(settings: Settings, number: str, text: str) -> None:
    """Enter that a closed incident is open again, and why."""
    id_, said = number_of(number), _required(text, "TEXT")

    def plan(told: Told) -> tuple[Kind, Body, Body | None]:
        incident = told.incident(id_)
        if incident.state is not State.CLOSED:
            raise Failure(_("incident {number} is not closed. Nothing was changed.").format(number=id_))
        return Kind.REOPENED, {"incident": incident.record}, {"text": said}

    record = _enter(settings, plan)
    click.echo(_("Incident {number} is open again (record {record}).").format(number=id_, record=record))


@click.command(
    help=_(
        "Say that a record is wrong, and what is right. The record stays; the correction is shown beside it. "
        "`schoolfilter journal show NUMBER` tells the numbers of records.\n\n"
        "Example: schoolfilter journal correct 118 'it was room 12, the computers had been exchanged'"
    )
)
@click.argument("typed", metavar="RECORD")
@click.argument("text")
@pass_settings
def correct(settings: Settings, typed: str, text: str) -> None:
    """Enter a correction of a record that an incident is told from."""
    record, said = _record(typed), _required(text, "TEXT")

    def plan(told: Told) -> tuple[Kind, Body, Body | None]:
        incident = told.holding(record)
        if incident is None:
            message = _(
                "expected a record of an incident or of what was done about one, found {record}. "
                "`schoolfilter journal show NUMBER` tells the numbers of records."
            )
            raise Failure(message.format(record=record))
        return Kind.CORRECTION, {"incident": incident.record, "corrects": record}, {"text": said}

    entered = _enter(settings, plan)
    click.echo(_("Record {record} is corrected by record {entered}.").format(record=record, entered=entered))


def _enter(settings: Settings, plan: Plan) -> int:
    """Enter what is planned from what stands in the journal in the same moment; return the record's number."""

    async def work() -> int:
        async with opened_journal(settings) as journal, journal.changing(datetime.now(UTC)) as change:
            kind, body, private = plan(await read_from(journal))
            return await change.add(kind, body, by=who(), private=private)

    return asyncio.run(work())


def _record(typed: str) -> int:
    """Return the number of a record. Raises Misuse."""
    if _RECORD.fullmatch(typed.strip()):
        return int(typed)
    message = _(
        "expected the number of a record, such as 118, found {found}. "
        "`schoolfilter journal show NUMBER` tells the numbers of records."
    )
    raise Misuse(message.format(found=repr(typed[:60])))


def _required(text: str, what: str) -> str:
    found = text_of(text, what, _LONGEST)
    if not found:
        raise Misuse(_("{option}: expected a sentence, found nothing").format(option=what))
    return found


def _refuse_closed(incident: Incident) -> None:
    if incident.state is State.CLOSED:
        message = _("incident {number} is closed. To go on with it: schoolfilter journal reopen {number} TEXT")
        raise Failure(message.format(number=incident.id))
