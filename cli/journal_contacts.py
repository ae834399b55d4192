"""`journal contacts`: who is told of incidents, and how."""

import asyncio
import re
from collections.abc import Iterable
from datetime import UTC, datetime

import click

from cli.context import pass_settings, who
from cli.errors import Failure, Misuse
from cli.known import expect_known
from cli.table import print_json, print_table
from cli.typed import id_of, text_of
from journal.incident_words import channel_words
from journal.notifying.contacts import Channel, Contact, Role, contacts_of, removal
from journal.notifying.notice_text import sample
from journal.notifying.notices import contacts as read_contacts
from journal.notifying.notices import deliver
from journal.notifying.sending import NotSent
from journal.opening import opened_journal
from papers.incident_words import role_words
from policy.subjects import nearest
from settings.checks import is_mail_address
from settings.model import Settings
from storage.evidence import Kind, Record
from translations import LANGUAGES, _

EXAMPLE = "schoolfilter journal contacts add NAME --role responsible --mail ADDRESS"
"""How somebody is entered."""
_LONGEST_NAME = 80
_CHAT = re.compile(r"-?[0-9]{1,20}|@[A-Za-z0-9_]{1,32}")


@click.group(
    "contacts",
    invoke_without_command=True,
    help=_("Show who is told of incidents. Example: schoolfilter journal contacts"),
)
@click.pass_context
def contacts(ctx: click.Context) -> None:
    """List the contacts if no command follows."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_command)


@contacts.command("list", help=_("Show who is told of incidents."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def list_command(settings: Settings, as_json: bool) -> None:
    """Print the contacts: names and roles of staff, and by what they are told, but no addresses."""
    found = asyncio.run(_known(settings))
    if as_json:
        print_json([dict(each.body) for each in found])
    elif not found:
        click.echo(_("Nobody is told of incidents. Enter somebody: {command}").format(command=EXAMPLE))
    else:
        headings = (_("NAME"), _("ROLE"), _("GROUPS"), _("ROOMS"), _("TOLD BY"), _("LANGUAGE"))
        print_table(headings, map(_row, found))


@contacts.command(
    help=_(
        "Enter somebody who is told of incidents, in place of what was entered under this name.\n\n"
        "Example: schoolfilter journal contacts add 'Asanova A.' --role class-teacher --group pupils "
        "--mail asanova@school.example"
    )
)
@click.argument("name")
@click.option("--role", type=click.Choice([each.value for each in Role]), required=True, help=_("What the person is."))
@click.option("--group", "groups", multiple=True, metavar="GROUP", help=_("Only incidents of this group; repeatable."))
@click.option("--room", "rooms", multiple=True, metavar="ROOM", help=_("Only incidents in this room; repeatable."))
@click.option("--mail", metavar="ADDRESS", help=_("Told by mail to this address."))
@click.option("--telegram", metavar="CHAT", help=_("Told by Telegram: the number of the chat with the school's bot."))
@click.option("--language", "tongue", type=click.Choice(LANGUAGES), help=_("If not given: the school's language."))
@pass_settings
def add(
    settings: Settings,
    name: str,
    role: str,
    groups: tuple[str, ...],
    rooms: tuple[str, ...],
    mail: str | None,
    telegram: str | None,
    tongue: str | None,
) -> None:
    """Enter a contact and say what is still missing for notices to arrive."""
    contact = Contact(
        0,
        _name(name),
        Role(role),
        tuple(dict.fromkeys(map(id_of, groups))),
        tuple(dict.fromkeys(map(id_of, rooms))),
        tongue or settings.school.language,
        _channels(mail, telegram),
        _mail(mail),
        _chat(telegram),
    )
    if contact.role is Role.CLASS_TEACHER and not (contact.groups or contact.rooms):
        message = _("expected whose class teacher this is: --group GROUP or --room ROOM, found neither")
        raise Misuse(message)
    expect_known(settings, contact.rooms, contact.groups)
    replaced = asyncio.run(_entered(settings, contact))
    text = _("{name} is told of incidents from now on ({role}).")
    if replaced:
        text = _("{name} is told of incidents as said now ({role}); what was entered before is no longer in force.")
    click.echo(text.format(name=contact.name, role=role_words(contact.role)))
    for missing in missing_settings(settings, contact):
        click.echo(missing, err=True)
    click.echo(_("Try it: schoolfilter journal contacts test '{name}'").format(name=contact.name))


@contacts.command(help=_("Tell somebody no more. Example: schoolfilter journal contacts remove 'Asanova A.'"))
@click.argument("name")
@pass_settings
def remove(settings: Settings, name: str) -> None:
    """End a contact and erase the addresses; that somebody was told stays in the journal."""

    async def work() -> None:
        async with opened_journal(settings) as journal, journal.changing(datetime.now(UTC)) as change:
            records = [each async for each in journal.records((Kind.CONTACT,))]
            contact = _of(name, contacts_of(records).values())
            erased = _sealed(records, contact.name)
            await change.add(Kind.CONTACT, {**removal(contact.name), "unsealed": erased}, by=who())
            await change.unseal(erased)

    asyncio.run(work())
    click.echo(_("{name} is told no more; the addresses are erased.").format(name=_name(name)))


@contacts.command("test", help=_("Send a test notice now. Example: schoolfilter journal contacts test 'Asanova A.'"))
@click.argument("name")
@pass_settings
def test_command(settings: Settings, name: str) -> None:
    """Send a notice that is none by every way to a contact. Raises Failure if one of them fails."""

    async def work() -> tuple[list[str], list[str]]:
        async with opened_journal(settings) as journal:
            contact = _of(name, await read_contacts(journal))
        said = sample(school=settings.school.name, language=contact.language)
        sent, faults = [], []
        for channel in contact.channels:
            try:
                await deliver(contact, channel, said, (), settings, datetime.now(UTC))
            except NotSent as error:
                faults.append(_("{channel}: {error}").format(channel=channel_words(channel), error=error))
            else:
                sent.append(_("{channel}: sent").format(channel=channel_words(channel)))
        return sent, faults

    sent, faults = asyncio.run(work())
    for each in sent:
        click.echo(each)
    if faults:
        raise Failure("\n".join(faults))


async def _known(settings: Settings) -> list[Contact]:
    async with opened_journal(settings) as journal:
        return list(contacts_of([each async for each in journal.records((Kind.CONTACT,))]).values())


async def _entered(settings: Settings, contact: Contact) -> bool:
    """Enter a contact; return whether there was one of that name. What was sealed before is erased."""
    async with opened_journal(settings) as journal, journal.changing(datetime.now(UTC)) as change:
        records = [each async for each in journal.records((Kind.CONTACT,))]
        erased = _sealed(records, contact.name)
        await change.unseal(erased)
        await change.add(Kind.CONTACT, {**contact.body, "unsealed": erased}, by=who(), private=contact.private)
        return contact.name in contacts_of(records)


def _sealed(records: Iterable[Record], name: str) -> list[int]:
    """Return the records that hold addresses of somebody: a record that erases them names these, for verifying."""
    return [each.number for each in records if each.seal and each.body.get("name") == name]


def _of(name: str, known: Iterable[Contact]) -> Contact:
    """Return the contact of that name. Raises Failure, which names the nearest of those that exist."""
    by_name = {each.name: each for each in known}
    found = _name(name)
    if found not in by_name:
        if not by_name:
            raise Failure(_("nobody is told of incidents yet. Enter somebody: {command}").format(command=EXAMPLE))
        message = _("expected somebody who is told of incidents, such as {near}, found {found}")
        raise Failure(message.format(near=nearest(found, by_name) or min(by_name), found=found))
    return by_name[found]


def _row(contact: Contact) -> tuple[str, ...]:
    return (
        contact.name,
        role_words(contact.role),
        ", ".join(contact.groups) or _("all"),
        ", ".join(contact.rooms) or _("all"),
        ", ".join(map(channel_words, contact.channels)),
        contact.language,
    )


def _name(name: str) -> str:
    found = text_of(name, "NAME", _LONGEST_NAME)
    if not found:
        raise Misuse(_("expected the name of a person, found nothing"))
    return found


def _channels(mail: str | None, telegram: str | None) -> tuple[Channel, ...]:
    found = [channel for channel, given in ((Channel.MAIL, mail), (Channel.TELEGRAM, telegram)) if given]
    if not found:
        raise Misuse(_("expected how the person is told: --mail ADDRESS or --telegram CHAT, found neither"))
    return tuple(found)


def _mail(mail: str | None) -> str:
    found = (mail or "").strip()
    if found and not is_mail_address(found):
        message = _("--mail: expected an address such as asanova@school.example, found {found}")
        raise Misuse(message.format(found=repr(found[:80])))
    return found


def _chat(telegram: str | None) -> str:
    found = (telegram or "").strip()
    if found and not _CHAT.fullmatch(found):
        message = _("--telegram: expected the number of a chat, such as 123456789, or @CHANNEL, found {found}")
        raise Misuse(message.format(found=repr(found[:80])))
    return found


def missing_settings(settings: Settings, contact: Contact) -> list[str]:
    """Return which settings are missing for a contact's notices."""
    notices, found = settings.notices, []
    if Channel.MAIL in contact.channels and not (notices.smtp_server and notices.mail_from):
        found.append(_("No mail can be sent yet: set notices.smtp_server and notices.mail_from in the settings."))
    if Channel.TELEGRAM in contact.channels and not notices.telegram_token_file:
        found.append(_("Nothing can be sent by Telegram yet: set notices.telegram_token_file in the settings."))
    return found
