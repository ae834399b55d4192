"""How the commands that draw papers up are told languages and a folder, and how their papers reach the person."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.context import who
from cli.errors import Failure
from cli.handout import NoPlaceError, confidential, hand_out, try_place
from journal.documents.kept_papers import KeptPaper, PaperKind, keep_paper
from journal.opening import opened_journal
from journal.trust.device_key import device_fingerprint, device_key
from journal.trust.heads import written
from settings.model import Settings
from storage.audit import Head as TrailHead
from storage.evidence import Body, Head
from translations import LANGUAGES, _

if TYPE_CHECKING:
    from papers.numbered import Numbered

# papers/ is imported where it is used: help and all other commands start without the press.

Command = Callable[..., None]
Draw = Callable[["Numbered", str], bytes]
"""Given what every numbered paper carries, and the language: the PDF."""


def paper_options(command: Command) -> Command:
    """Give a command --language and --output, as `tongues` and `output`."""
    for option in (
        click.option(
            "--output",
            type=click.Path(file_okay=False, readable=False, path_type=Path),
            default=Path(),
            metavar="FOLDER",
            help=_("Where the PDF is written besides; if not given: the current folder."),
        ),
        click.option(
            "--language",
            "tongues",
            type=click.Choice(LANGUAGES),
            multiple=True,
            help=_("May be given several times. If not given: the school's language."),
        ),
    ):
        command = option(command)
    return command


def languages_of(settings: Settings, tongues: Sequence[str]) -> list[str]:
    """Return the languages asked for, each once; the school's if none is."""
    return list(dict.fromkeys(tongues)) or [settings.school.language]


def expect_place(folder: Path, kind: PaperKind, *, personal: bool) -> None:
    """Raise Failure if no copy of a paper of this kind can be written into a folder: before it has a number."""
    copy = folder / f"{kind}-{secrets.token_hex(4)}.pdf"  # the number is not known yet, and the file does not stay
    try:
        try_place(copy, public=not personal)
    except (OSError, NoPlaceError) as error:
        message = _("{path}: {error}. Nothing was drawn up")
        next_step = _("Name a place where you may write, such as --output /tmp")
        raise Failure(f"{message.format(path=folder, error=error.strerror or error)}\n{next_step}") from error


async def draw_up(
    settings: Settings,
    kind: PaperKind,
    draw: Draw,
    tongues: Sequence[str],
    *,
    trail: TrailHead,
    now: datetime,
    says: Body,
) -> KeptPaper:
    """Draw a numbered paper up and keep it. `now`: aware, in the school's time zone. Errors as keep_paper says."""
    from papers.numbered import Numbered

    def pdf(number: int, head: Head, language: str) -> bytes:
        key = device_fingerprint(device_key(settings.paths.device_key))
        paper = Numbered(
            settings.school.name, kind, number, written(head), f"{trail.number}:{trail.digest[:16]}", now, key
        )
        return draw(paper, language)

    async with opened_journal(settings) as journal:
        return await keep_paper(
            journal, settings, kind, pdf, languages_of(settings, tongues), at=now, by=who(), says=says
        )


def say_behind(seconds: int) -> None:
    """Tell on stderr that figures lack the last queries, if they do."""
    if seconds:
        message = _("The journal is {seconds} s behind the query log: what was asked since is not counted.")
        click.echo(message.format(seconds=seconds), err=True)


def deliver(kept: KeptPaper, folder: Path, *, personal: bool) -> None:
    """Write a copy of each file of a paper into a folder and say so. `personal`: nobody else may read it there.

    Raises Failure: the paper is kept and entered in any case, and the message says where.
    """
    from papers.kinds import paper_words

    for file in kept.files:
        copy = folder / file.name
        try:
            data = file.read_bytes()
            if personal:
                with confidential(copy) as target:
                    target.write(data)
            else:
                hand_out(copy, data)
        except (OSError, NoPlaceError) as error:
            message = _("{path}: {error}. The paper is drawn up and entered in the journal; it is kept as {kept}")
            lines = [message.format(path=copy, error=error.strerror or error, kept=file)]
            lines += [error.next_step] if isinstance(error, NoPlaceError) else []
            raise Failure("\n".join(lines)) from error
        click.echo(_("Written: {path}").format(path=copy))
    click.echo(
        _("Entered in the journal as record {record}: {kind} No. {number}/{year}.").format(
            record=kept.record, kind=paper_words(kept.kind), number=kept.number, year=kept.year
        )
    )
