"""`journal settle`: a person says what was found about alarms and what was done. The alarms themselves stay."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import click

from cli.asking import asks
from cli.context import pass_settings, who
from cli.days import minute
from cli.errors import Failure, Misuse
from cli.printable import printable
from cli.typed import text_of
from journal.opening import opened_journal
from journal.trust.alarms import describe_alarm
from journal.trust.settling import ToldAlarm, read_alarms
from settings.model import Settings
from storage.evidence import Kind
from storage.journal_db import JournalDb
from translations import _

_LONGEST = 2000


@click.command(
    help=_(
        "Settle alarms: say what was found and what was done, in a sentence. Write no names of pupils. `status` and "
        "`doctor` show an alarm until then; `schoolfilter journal show --alarms` always, with its number. If the same "
        "happens again, that is a new alarm.\n\n"
        "Example: schoolfilter journal settle 118 --text 'The disk was full. It is larger now, log verify is content'"
    )
)
@click.argument("numbers", type=click.IntRange(min=1), nargs=-1, required=True, metavar="NUMBER...")
@click.option("--text", "given", metavar="TEXT", help=_("What was found and what was done. Asked for if not given."))
@pass_settings
def settle(settings: Settings, numbers: tuple[int, ...], given: str | None) -> None:
    """Enter one record for each alarm, all of them or none."""
    wanted, zone = list(dict.fromkeys(numbers)), ZoneInfo(settings.school.time_zone)
    said = _text_or_asked(settings, wanted, zone) if given is None and asks() else _sentence(given or "")
    for alarm, record in zip(wanted, asyncio.run(_enter(settings, wanted, said, zone)), strict=True):
        entered = _("The alarm of record {number} is settled (record {record}).")
        click.echo(entered.format(number=alarm, record=record))


def _text_or_asked(settings: Settings, numbers: Sequence[int], zone: tzinfo) -> str:
    """Show what is to be settled and ask what was found. Raises Failure, Misuse."""

    async def read() -> list[ToldAlarm]:
        async with opened_journal(settings) as journal:
            return await _open_ones(journal, numbers, zone)

    for alarm in asyncio.run(read()):
        line = _("Alarm of {moment} (record {number}): {text}")
        moment, words = minute(alarm.record.at, zone), describe_alarm(alarm.record.body)
        click.echo(printable(line.format(moment=moment, number=alarm.record.number, text=words)), err=True)
    question = _("What was found, and what was done? Write no names of pupils")
    return _sentence(str(click.prompt(question, err=True)))


def _sentence(text: str) -> str:
    found = text_of(text, "--text", _LONGEST)
    if not found:
        raise Misuse(_("{option}: expected a sentence, found nothing").format(option="--text"))
    return found


async def _enter(settings: Settings, numbers: Sequence[int], text: str, zone: tzinfo) -> list[int]:
    async with opened_journal(settings) as journal, journal.changing(datetime.now(UTC)) as change:
        await _open_ones(journal, numbers, zone)
        # What people write may name a pupil: it is sealed.
        return [await change.add(Kind.SETTLED, {"alarm": each}, by=who(), private={"text": text}) for each in numbers]


async def _open_ones(journal: JournalDb, numbers: Iterable[int], zone: tzinfo) -> list[ToldAlarm]:
    """Return the alarms of these records. Raises Failure, which names each that is none or is not open any more."""
    alarms = {each.record.number: each for each in await read_alarms(journal)}
    faults = []
    for number in numbers:
        if number in alarms:
            faults += _settled_already(alarms[number], zone)
        elif await journal.record(number) is None:
            said = _("there is no record {number}. See: schoolfilter journal show --alarms")
            faults.append(said.format(number=number))
        else:
            said = _("record {number} is no alarm. See: schoolfilter journal show --alarms")
            faults.append(said.format(number=number))
    if faults:
        raise Failure("\n".join([*faults, _("Nothing was changed.")]))
    return [alarms[number] for number in numbers]


def _settled_already(alarm: ToldAlarm, zone: tzinfo) -> list[str]:
    if alarm.settled is None:
        return []
    said = _("the alarm of record {number} was settled on {moment} by {by} (record {record}).")
    record = alarm.settled
    return [said.format(number=alarm.record.number, moment=minute(record.at, zone), by=record.by, record=record.number)]
