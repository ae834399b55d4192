"""`orders key`: the director's key is made, shown, handed over, replaced, or locked with another passphrase."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from approval import keys
from approval.keys import Named
from approval.ledger_book import is_signed, pin_of
from approval.orders import named_keys, require_ready
from cli.asking import new_passphrase, passphrase, unlock
from cli.context import Installation, pass_installation, pass_settings, who
from cli.deciding import say_confirmed
from cli.ordered import InOrder
from cli.orders_show import book_of
from cli.policy_file import opened
from cli.table import print_json
from cli.typed import LONGEST_NUMBER, day_of, text_of
from cli.words import document_of
from policy.ledger_words import describe
from policy.sshsig import fingerprint
from settings.model import Settings
from storage.policy_db import PolicyDb
from translations import _

_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_place = click.option(
    "--key",
    "place",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=_("Where the key lies, as on a USB stick; if not given: director.key in the state folder."),
)
_secret = click.option(
    "--passphrase-file",
    "secret",
    type=_file,
    help=_("A file with the passphrase on its first line; if not given, it is asked for."),
)
_new_secret = click.option(
    "--new-passphrase-file",
    "new_secret",
    type=_file,
    help=_("A file with the new passphrase on its first line; if not given, it is asked for."),
)
_number = click.option(
    "--number", default="", metavar="NUMBER", help=_("The number of the order on paper about this, if there is one.")
)
_day = click.option("--date", "day", metavar="YYYY-MM-DD", help=_("The date of that order; if not given: today."))


@click.group("key", cls=InOrder, help=_("The key that the director signs with. Example: schoolfilter orders key show"))
def key_group() -> None:
    """Hold the commands about the key."""


@key_group.command("show", help=_("Show which key is in force. Example: schoolfilter orders key show"))
@_place
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def show_command(settings: Settings, place: Path | None, as_json: bool) -> None:
    """Print the key in force, by what it is trusted, and where the private one lies."""
    book = book_of(settings)
    path = place or settings.paths.director_key
    key = fingerprint(book.ledger.key) if book.ledger.key else ""
    pin = pin_of(settings)
    if as_json:
        print_json(
            {"key": key, "pin": pin, "file": str(path), "file_found": path.exists(), "mode": settings.approval.mode}
        )
        return
    if not named_keys(book):
        click.echo(_("There is no key of the director yet. Make it with: schoolfilter orders key create"))
        return
    click.echo(_("The director's key: {fingerprint}").format(fingerprint=key or _("none that counts")))
    if settings.approval.director_key:
        click.echo(_("Trusted by approval.director_key in the settings: {fingerprint}").format(fingerprint=pin))
    else:
        text = _("Trusted by {path}: {fingerprint}")
        click.echo(text.format(path=settings.paths.director_public, fingerprint=pin or _("no key there")))
    text = (
        _("The private key, locked: {path}")
        if path.exists()
        else _("The private key is not at {path}; --key names it.")
    )
    click.echo(text.format(path=path))
    if not is_signed(settings):
        click.echo(_('It need not be used: approval.mode is "paper".'))
    for finding in book.ledger.findings:
        click.echo(describe(finding), err=True)


@key_group.command("create", help=_("Make the director's first key. Example: sudo schoolfilter orders key create"))
@_place
@_number
@_day
@_secret
@pass_installation
def create_command(
    installation: Installation, place: Path | None, number: str, day: str | None, secret: Path | None
) -> None:
    """Make the key while the director is present."""
    for line in create_key(installation, place, number=number, day=day, secret=secret):
        click.echo(line)


def create_key(
    installation: Installation,
    place: Path | None = None,
    *,
    number: str = "",
    day: str | None = None,
    secret: Path | None = None,
) -> list[str]:
    """Make the director's first key; return what a person has to know and to do next."""
    settings = installation.settings
    said, chosen = _number_of(number), _day_of(settings, day)
    book = book_of(settings)
    keys.require_no_key(book)
    say_confirmed(book)
    word = new_passphrase(secret)
    path = place or settings.paths.director_key
    named = _work(
        settings,
        lambda policy: keys.create(
            policy, settings, book, word, path, number=said, day=chosen, at=datetime.now(UTC), by=who()
        ),
    )
    return [*_made(named, _("The director's key is made: {fingerprint}")), *_next(installation, named)]


@key_group.command(
    "handover",
    help=_(
        "A new director: the key in force vouches for a new one.\n\n"
        "Example: sudo schoolfilter orders key handover --number 40 --date 2027-08-20"
    ),
)
@_place
@_number
@_day
@_secret
@_new_secret
@pass_installation
def handover_command(
    installation: Installation,
    place: Path | None,
    number: str,
    day: str | None,
    secret: Path | None,
    new_secret: Path | None,
) -> None:
    """Make the new director's key."""
    settings = installation.settings
    said, chosen = _number_of(number), _day_of(settings, day)
    path = place or settings.paths.director_key
    book = book_of(settings)
    require_ready(book)
    say_confirmed(book)
    old = unlock(keys.read_key(book, path), secret, _("The passphrase of the director who leaves"))
    new = new_passphrase(new_secret)
    named = _work(
        settings,
        lambda policy: keys.hand_over(
            policy, settings, book, old, new, path, number=said, day=chosen, at=datetime.now(UTC), by=who()
        ),
    )
    for line in _made(named, _("The new director's key is made: {fingerprint}")):
        click.echo(line)
    click.echo(_("The key of the director who leaves signs nothing any more: {path}.old").format(path=named.path))
    click.echo(_("director.pub and approval.director_key stay as they are: the old key vouches for the new one."))


@key_group.command(
    "replace",
    help=_(
        "The key or its passphrase is lost: make a new one on a paper act that the director has signed.\n\n"
        "Example: sudo schoolfilter orders key replace --act 3 --date 2026-10-01"
    ),
)
@click.option("--act", required=True, metavar="NUMBER", help=_("The number of the act."))
@click.option("--date", "day", required=True, metavar="YYYY-MM-DD", help=_("The date of the act."))
@_place
@_secret
@pass_installation
def replace_command(installation: Installation, act: str, day: str, place: Path | None, secret: Path | None) -> None:
    """Make a key in the place of the lost one."""
    settings = installation.settings
    chosen = day_of(day, "--date")
    document = f"act {text_of(act, '--act', LONGEST_NUMBER)} of {chosen.isoformat()}"
    say_confirmed(book_of(settings))
    word = new_passphrase(secret)
    path = place or settings.paths.director_key
    named = _work(
        settings,
        lambda policy: keys.replace(
            policy, settings, word, path, document=document, day=chosen, at=datetime.now(UTC), by=who()
        ),
    )
    for line in _made(named, _("A new key of the director is in the place of the lost one: {fingerprint}")):
        click.echo(line)
    for line in _next(installation, named):
        click.echo(line)


@key_group.command(
    "passphrase", help=_("Lock the key with another passphrase. Example: sudo schoolfilter orders key passphrase")
)
@_place
@_secret
@_new_secret
@pass_settings
def passphrase_command(settings: Settings, place: Path | None, secret: Path | None, new_secret: Path | None) -> None:
    """Change the passphrase; the key stays the same."""
    path = place or settings.paths.director_key
    keys.read_key(book_of(settings), path)
    old = passphrase(secret, _("The present passphrase"))
    keys.change_passphrase(path, old, new_passphrase(new_secret))
    click.echo(_("The key is locked with the new passphrase: {path}").format(path=path))
    click.echo(_("Copies made before still open with the old one: put a new copy into the safe, destroy the others."))


def _work(settings: Settings, work: Callable[[PolicyDb], Awaitable[Named]]) -> Named:
    async def do() -> Named:
        async with await opened(settings) as policy:
            return await work(policy)

    return asyncio.run(do())


def _made(named: Named, text: str) -> Iterator[str]:
    yield text.format(fingerprint=named.fingerprint)
    yield _("Write this fingerprint on the director's paper: by it anybody can tell that nothing was exchanged.")
    yield _("The private key, locked with the passphrase: {path}").format(path=named.path)
    yield _("Keep the passphrase, and put a copy of that file into the safe: without both, nothing can be signed.")
    if named.confirmed:
        yield _("Paper orders that its signature confirms: {count}").format(count=len(named.confirmed))
        yield from (f"  {document_of(order)}" for order in named.confirmed)


def _next(installation: Installation, named: Named) -> Iterator[str]:
    settings, config = installation.settings, installation.loaded.path
    if settings.approval.director_key not in ("", named.fingerprint):
        text = _(
            "Next: the settings name another key, so that nothing signed with this one counts yet. Set "
            'approval.director_key = "{fingerprint}" in {path}, then start the server again.'
        )
        yield text.format(fingerprint=named.fingerprint, path=config)
        return
    if not is_signed(settings):
        yield _('Next: set approval.mode = "signature" in {path}, then start the server again.').format(path=config)
    if not settings.approval.director_key:
        text = _(
            'So that nobody but root can exchange the key, set approval.director_key = "{fingerprint}" in {path}, too.'
        )
        yield text.format(fingerprint=named.fingerprint, path=config)


def _number_of(number: str) -> str:
    return text_of(number, "--number", LONGEST_NUMBER)


def _day_of(settings: Settings, day: str | None) -> date:
    return day_of(day, "--date") if day else datetime.now(ZoneInfo(settings.school.time_zone)).date()
