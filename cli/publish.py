"""`publish`: the section "information security" of the school's site, as static files (R2, R3 3.4)."""

import asyncio
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from approval.ledger_book import read_book
from blocklists.disk import DISK
from cli.context import pass_settings
from cli.errors import Failure
from cli.policy_file import opened
from journal.incidents import KINDS, replay
from journal.opening import opened_journal
from policy.decision import Action
from policy.orders import OrderKind
from settings.model import LogDetail, Settings
from translations import _

if TYPE_CHECKING:
    from journal.publishing.publication import Publication

_DEFAULT = Path("information-security")
_LISTED = (OrderKind.ORDER, OrderKind.PAPER)
"""Orders about the list of sites; those about the director's key are not for the public."""


@click.command(
    help=_(
        "Write the section about information security for the school's site: pages in four languages, and the same as "
        "data. No personal data, and no small counts.\n\n"
        "Example: schoolfilter publish --output /srv/www/information-security"
    )
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=_DEFAULT,
    show_default=True,
    metavar="FOLDER",
    help=_("A folder of its own: what an earlier publish wrote there is replaced as a whole."),
)
@pass_settings
def publish(settings: Settings, output: Path) -> None:
    """Write the files."""
    from journal.publishing.public_pages import files_of

    today = datetime.now(ZoneInfo(settings.school.time_zone)).date()
    files = files_of(asyncio.run(_gather(settings, today)))
    replace_folder(output, files)
    click.echo(
        _("Written: {path}. Look at it before you put it on the site: {index}").format(
            path=output, index=output / "index.html"
        )
    )


async def _gather(settings: Settings, today: date) -> "Publication":
    from journal.documents.pupils import closed_to_pupils
    from journal.publishing.publication import Document, Publication, protocols_of, public_months

    async with await opened(settings) as policy:
        book = await read_book(policy, settings)
        documents = [change.document for change in await policy.changes()]
    async with opened_journal(settings) as journal:
        incidents = replay([record async for record in journal.records(KINDS)])
        hours = [each async for each in journal.hours(Action.BLOCK)]
    orders = {Document(each.date, each.number) for each in book.ledger.orders if each.kind in _LISTED}
    return Publication(
        school=settings.school.name,
        language=settings.school.language,
        contact=settings.school.contact,
        day=today,
        closed=closed_to_pupils(book.snapshot),
        orders=sorted(orders, reverse=True),
        protocols=protocols_of(documents),
        months=public_months(hours, incidents, today, only_blocked=settings.log.detail is LogDetail.BLOCKED),
    )


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put a folder with these files in the place of the one that an earlier publish wrote. Raises Failure, OSError.

    They are written aside first: a section is never seen half written, and never half of it is old.
    """
    folder = folder.absolute()  # `.` has no name to write aside under
    _expect_own(folder, files)
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark = secrets.token_hex(4)
    aside = folder.with_name(f".{folder.name}.{mark}.part")
    old = folder.with_name(f".{folder.name}.{mark}.old")
    try:
        _write(aside, files)
        if folder.exists():
            folder.rename(old)
        try:
            aside.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    DISK.sync(folder.parent)


def _expect_own(folder: Path, files: Mapping[str, bytes]) -> None:
    """Raise Failure for a folder that holds what publish did not write: it would be lost."""
    if not os.path.lexists(folder):
        return
    found = [] if folder.is_symlink() else sorted(each.name for each in folder.iterdir())
    foreign = [name for name in found if name not in files]
    if folder.is_symlink() or foreign or (found and not _is_ours(folder)):
        message = _(
            "{folder}: expected a folder of its own for the section, empty or written by an earlier publish, found "
            "{found}. Name another one: --output FOLDER"
        )
        raise Failure(message.format(folder=folder, found=", ".join(foreign[:5]) or _("other files")))


def _is_ours(folder: Path) -> bool:
    from journal.publishing.publication import DATA, FORMAT

    with suppress(OSError, ValueError):
        data = json.loads((folder / DATA).read_text("utf-8"))
        return isinstance(data, dict) and data.get("format") == FORMAT
    return False


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)  # whatever the umask: a web server reads it
    for name, data in files.items():
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(descriptor, 0o644)
            os.fsync(descriptor)
    DISK.sync(folder)
