"""`journal show`: the incidents, or one with all that was done about it; the alarms about the evidence itself."""

import asyncio
from datetime import tzinfo
from zoneinfo import ZoneInfo

import click

from cli.alarm_page import alarm_json, alarm_lines
from cli.context import pass_settings
from cli.errors import Misuse
from cli.incident_page import incident_json, incident_lines
from cli.incidents import Told, facts_json, month_of, number_of, open_first, personal_json, read
from cli.inspecting import as_inspector
from cli.looks import look, note_inspector
from cli.printable import printable
from cli.reasons import reason_or_asked
from cli.table import print_json, print_table
from cli.typed import text_of
from journal.incident_words import category_words
from journal.incidents import Incident, Rule, State
from journal.notifying.notice_text import span
from journal.opening import opened_journal
from journal.trust.settling import ToldAlarm, read_alarms
from papers.incident_words import rule_title, state_words
from policy.names import display_name
from settings.model import Settings
from translations import _

_ALARMS_LOOK = "journal show --alarms"
_NAMES_SHOWN = 3


@click.command(
    "show",
    help=_(
        "Show the incidents, those that wait for somebody first; or one of them, with the names asked for and all that "
        "was done. Whoever sees names is on record.\n\n"
        "Example: schoolfilter journal show --state new; schoolfilter journal show 2026-11-0007"
    ),
)
@click.argument("number", required=False, metavar="[NUMBER]")
@click.option("--month", metavar="YYYY-MM", help=_("Only those numbered in this month."))
@click.option("--state", type=click.Choice([each.value for each in State]), help=_("Only those in this state."))
@click.option("--room", metavar="ROOM", help=_("Only those in this room."))
@click.option("--group", metavar="GROUP", help=_("Only those of this group."))
@click.option("--rule", type=click.Choice([each.value for each in Rule]), help=_("Only those by this rule."))
@click.option("--names", is_flag=True, help=_("Also device, client and names asked for; this look is on record."))
@click.option("--reason", default="", metavar="TEXT", help=_("Why you look; it is entered with the look."))
@click.option("--alarms", is_flag=True, help=_("Instead, what endangers the journal and the query log themselves."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@as_inspector
@pass_settings
def show(
    settings: Settings,
    number: str | None,
    month: str | None,
    state: str | None,
    room: str | None,
    group: str | None,
    rule: str | None,
    names: bool,
    reason: str,
    alarms: bool,
    as_json: bool,
) -> None:
    """Print one incident, the list, or the alarms."""
    why = text_of(reason, "--reason")
    chosen = {"--month": month, "--state": state, "--room": room, "--group": group, "--rule": rule}
    given = {option: value for option, value in chosen.items() if value}
    if (number or alarms) and (given or (number and alarms) or (alarms and names)):
        raise Misuse(_("expected one incident, a choice of them, or --alarms; found more than one of these"))
    if alarms:
        _show_alarms(settings, why, as_json=as_json)
    elif number:
        wanted = number_of(number)
        asyncio.run(_expect(settings, wanted))  # nobody looks at what is not there
        _show_one(settings, wanted, reason_or_asked(why), as_json=as_json)
    else:
        if month:
            month_of(month)
        if names:
            why = reason_or_asked(why)
        told = asyncio.run(_chosen(settings, given, why, names=names))
        found = [each for each in told.incidents if _fits(each, given)]
        _show_list(told, open_first(found), ZoneInfo(settings.school.time_zone), names=names, as_json=as_json)


async def _chosen(settings: Settings, given: dict[str, str], why: str, *, names: bool) -> Told:
    if names:
        await look(settings, "journal show --names", why, given)
    else:
        await note_inspector(settings, "journal show", why, given)
    return await read(settings, private=names)


async def _expect(settings: Settings, number: str) -> None:
    (await read(settings)).incident(number)


def _show_one(settings: Settings, number: str, why: str, *, as_json: bool) -> None:
    async def work() -> Told:
        await look(settings, "journal show", why, {"number": number})
        return await read(settings, private=True)

    told = asyncio.run(work())
    incident, zone = told.incident(number), ZoneInfo(settings.school.time_zone)
    if as_json:
        print_json(incident_json(told, incident))
    else:
        for line in incident_lines(told, incident, zone):
            click.echo(printable(line))


def _fits(incident: Incident, given: dict[str, str]) -> bool:
    found = {
        "--month": incident.month,
        "--state": incident.state.value,
        "--room": incident.room,
        "--group": incident.group,
        "--rule": incident.rule.value,
    }
    return all(found[option] == value for option, value in given.items())


def _show_list(told: Told, incidents: list[Incident], zone: tzinfo, *, names: bool, as_json: bool) -> None:
    if as_json:
        print_json([facts_json(each) | (personal_json(each) if names else {}) for each in incidents])
        return
    if not incidents:
        click.echo(_("No incidents."))
        return
    headings = [_("NUMBER"), _("WHEN"), _("WHAT"), _("CATEGORY"), _("ROOM"), _("GROUP"), _("QUERIES"), _("STATE")]
    if names:
        headings += [_("DEVICE"), _("NAMES ASKED FOR")]
    print_table(headings, (_row(told, each, zone, names=names) for each in incidents))


def _row(told: Told, incident: Incident, zone: tzinfo, *, names: bool) -> list[str]:
    site = told.site(incident)
    row = [
        incident.id,
        span(incident, zone),
        f"{rule_title(incident.rule)}: {display_name(site)}" if site else rule_title(incident.rule),
        category_words(incident),
        incident.room or "-",
        incident.group or "-",
        str(incident.queries) if incident.queries else "-",
        state_words(incident.state),
    ]
    if names:
        shown = [display_name(name) for name, _count in incident.asked]
        more = "" if len(shown) <= _NAMES_SHOWN else _(" and {count} more").format(count=len(shown) - _NAMES_SHOWN)
        row += [incident.device or incident.client or "-", ", ".join(shown[:_NAMES_SHOWN]) + more or "-"]
    return row


def _show_alarms(settings: Settings, why: str, *, as_json: bool) -> None:
    alarms, zone = asyncio.run(_alarms(settings)), ZoneInfo(settings.school.time_zone)
    if any(each.settled is not None for each in alarms):
        alarms = asyncio.run(_alarms_with_words(settings, reason_or_asked(why)))
    else:
        asyncio.run(note_inspector(settings, _ALARMS_LOOK, why, {}))
    if as_json:
        print_json([alarm_json(each) for each in alarms])
        return
    if not alarms:
        click.echo(_("No alarms."))
    for line in alarm_lines(alarms, zone):
        click.echo(printable(line))


async def _alarms(settings: Settings) -> list[ToldAlarm]:
    async with opened_journal(settings) as journal:
        return await read_alarms(journal)


async def _alarms_with_words(settings: Settings, why: str) -> list[ToldAlarm]:
    """Return the alarms with what people found, which may name a pupil: the look is entered first."""
    await look(settings, _ALARMS_LOOK, why, {})
    async with opened_journal(settings) as journal:
        return await read_alarms(journal, private=True)
