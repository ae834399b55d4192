"""`journal report-site`: a person says that a site opens that should not (R1 3.4); it becomes an entry."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from cli.context import pass_settings, who
from cli.errors import Failure, Misuse
from cli.incidents import read_from
from cli.known import expect_known
from cli.printable import printable
from cli.shared_names import is_shared, protected_names, shield_of
from cli.typed import LONGEST_TEXT, id_of, site_of, text_of
from journal.incidents import Audience, Incident, Rule
from journal.numbering import numbering_of
from journal.opening import opened_journal
from papers.incident_words import state_words
from policy.names import display_name, parse_name
from settings.errors import SchoolfilterError
from settings.model import Settings
from storage.evidence import Kind, stamp
from translations import _

if TYPE_CHECKING:
    from cli.explanation import Explanation

# Policy and index are imported where they are used: the other commands of the group start without them.

_LONGEST_PERSON = 80


@click.command(
    "report-site",
    help=_(
        "Enter that somebody came upon a site that should not open (R1 3.4), and say how it is decided now. If it was "
        "a mistake, close it with a word: schoolfilter journal close NUMBER TEXT.\n\n"
        "Example: schoolfilter journal report-site casino.example --by 'Asanova A.' --room room21"
    ),
)
@click.argument("site", metavar="NAME")
@click.option("--note", default="", metavar="TEXT", help=_("What is to be seen there, in a sentence."))
@click.option("--by", "person", default="", metavar="NAME", help=_("Who came upon it."))
@click.option("--room", metavar="ROOM", help=_("In which room."))
@pass_settings
def report_site(settings: Settings, site: str, note: str, person: str, room: str | None) -> None:
    """Enter the report, tell how the name is decided for pupils now, and what to do next."""
    said, reporter = text_of(note, "--note", LONGEST_TEXT), text_of(person, "--by", _LONGEST_PERSON)
    name, place = site_of(site), id_of(room) if room else ""
    _expect_site(settings, name)
    expect_known(settings, [place])
    now = datetime.now(ZoneInfo(settings.school.time_zone))
    fault, found = "", None
    try:
        found = _decided(settings, name, now)
    except (SchoolfilterError, Failure, OSError) as error:  # a report must not be lost because of this
        fault = str(error)

    async def work() -> tuple[str, list[Incident]]:
        async with opened_journal(settings) as journal, journal.changing(now) as change:
            told = await read_from(journal)
            number = (await numbering_of(journal)).next(f"{now:%Y-%m}")
            await change.add(
                Kind.REPORTED,
                {
                    "id": number,
                    "rule": Rule.REPORT.value,
                    "severity": "",
                    "category": found.decision.reason.category if found is not None and found.decision.blocked else "",
                    "audience": Audience.RESPONSIBLE.value,
                    "room": place,
                    "group": found.asker.group if found is not None else "",
                    "lesson": "",
                    "first": stamp(now),
                    "last": stamp(now),
                    "queries": 0,
                    "names": 1,
                    "signs": [],
                    "name": name,
                    "decided": found.decision.action.value if found is not None else "",
                },
                by=who(),
                private={"by": reporter, "note": said},
            )
            return number, [each for each in told.incidents if told.site(each) == name]

    number, before = asyncio.run(work())
    if "/" in site:
        click.echo(_("The address was taken for the site {name}.").format(name=display_name(name)))
    click.echo(_("Entered as {number}.").format(number=number))
    if before:
        click.echo(_before(before))
    for line in [_unknown(fault)] if found is None else _next_steps(found, number):
        click.echo(printable(line))


def _expect_site(settings: Settings, name: str) -> None:
    """Refuse what is no site that anybody could close. Raises Misuse, Failure."""
    shown = display_name(name)
    if shield := shield_of(name, protected_names(settings)):
        message = _(
            "{name} is not entered: {rule} is protected (school.protected in the settings file) and always opens. "
            "If something is wrong there, tell whoever keeps that site."
        )
        raise Failure(message.format(name=shown, rule=display_name(shield)))
    if is_shared(name):
        message = _(
            "{name}: below this strangers have sites of their own. Give the name of the site, such as example.{name}."
        )
        raise Misuse(message.format(name=shown))


def _before(reports: Sequence[Incident]) -> str:
    """Return that a site was reported before, and what became of it."""
    listed = ", ".join(f"{each.id} ({state_words(each.state)})" for each in reports)
    return _("The site was reported before: {numbers}").format(numbers=listed)


def _decided(settings: Settings, name: str, now: datetime) -> "Explanation":
    """Return how the name is decided now for whom no network names: pupils. Raises Failure, SchoolfilterError."""
    from blocklists.index import open_current
    from cli.check import load_policy
    from cli.explanation import asker_of, explain
    from cli.wire_preview import type_number

    snapshot = asyncio.run(load_policy(settings)).at(now)
    index = open_current(settings.paths.lists)
    try:
        asker = asker_of(snapshot, settings.server.allowed_networks)
        zones = {parse_name(zone) for zone in settings.upstream.zones}
        return explain(snapshot, name, index.lookup(name), asker, index.generation, type_number("A"), zones)
    finally:
        index.close()


def _unknown(fault: str) -> str:
    return _("How it is decided now could not be found out: {error}").format(error=fault)


def _next_steps(found: "Explanation", number: str) -> list[str]:
    from cli.explanation import sentence, verdict

    text = _("{name} for the group {group}: {verdict}. {why}")
    lines = [
        text.format(
            name=display_name(found.name),
            group=found.asker.group,
            verdict=verdict(found.decision.action),
            why=sentence(found.decision.reason, found.name),
        )
    ]
    if found.decision.blocked:
        lines.append(
            _(
                "It is closed already. If it opened all the same, see whether that device asks the filter: "
                "schoolfilter check {name} --client ADDRESS"
            ).format(name=found.name)
        )
        lines.append(_("When that is clear: schoolfilter journal close {number} TEXT").format(number=number))
    else:
        lines += _closing(found)
        lines.append(_("After that: schoolfilter journal note {number} TEXT").format(number=number))
    return lines


def _closing(found: "Explanation") -> list[str]:
    """Return how to close a site that opens, where anybody can: a block closes none that the director's list opens."""
    from policy.decide import entry_for
    from policy.decision import Action, Why

    if found.decision.action not in (Action.ALLOW, Action.REWRITE) or found.decision.reason.why is Why.PROTECTED:
        return []
    entry = entry_for(found.asker.view.allow, found.name)
    if entry is None:
        return [_("To close it: schoolfilter block {name}").format(name=found.name)]
    command = f"schoolfilter remove {entry.name} --kind allow" + (f" --group {entry.group}" if entry.group else "")
    return [_("The director's list opens it. To take it off: {command}").format(command=command)]
