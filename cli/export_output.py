"""What `journal export` and `log export` have alike: options, where the zip goes, what is said of it."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.errors import Failure, Misuse
from cli.inspecting import as_inspector
from cli.reasons import reason_option
from journal.exporting.export_data import Format
from journal.trust.device_key import device_fingerprint, device_key
from journal.trust.heads import written
from settings.model import Settings
from translations import LANGUAGES, _

if TYPE_CHECKING:
    from journal.exporting.export import Exported

Command = Callable[..., Any]


def export_options(forms: Iterable[Format], help_: str) -> Callable[[Command], Command]:
    """Return what gives a command --format (`help_` says what for), --reason, --output, --language, --as-inspector.

    It gets them as `form`, `reason`, `output` and `tongue`.
    """

    def with_options(command: Command) -> Command:
        for option in (
            as_inspector,
            click.option(
                "--language", "tongue", type=click.Choice(LANGUAGES), help=_("The language of the column headings.")
            ),
            click.option(
                "--output",
                type=click.Path(dir_okay=False, readable=False, path_type=Path),
                metavar="FILE.zip",
                help=_("The file to write; if not given: a name with the days in it, in the current folder."),
            ),
            reason_option(required=True),
            click.option(
                "--format",
                "form",
                type=click.Choice([form.value for form in forms]),
                default=Format.CSV.value,
                show_default=True,
                help=help_,
            ),
        ):
            command = option(command)
        return command

    return with_options


def zip_path(output: Path | None, name: str) -> Path:
    """Return the path of a new zip; `name` if none is asked for. Raises Misuse, and Failure if something is there."""
    path = output or Path(name)
    if path.suffix.lower() != ".zip":
        message = _("--output: expected a file whose name ends in .zip, found {path}")
        raise Misuse(message.format(path=path))
    if os.path.lexists(path):
        message = _("expected no file at {path}, found one: an export is never written over. Choose --output.")
        raise Failure(message.format(path=path))
    return path


def say_exported(settings: Settings, path: Path, exported: "Exported", count: str) -> None:
    """Say where the zip is, what it holds (`count`, in words), and what binds it to the journal."""
    fingerprint = device_fingerprint(device_key(settings.paths.device_key))
    click.echo(_("Written: {path}").format(path=path))
    click.echo(count)
    click.echo(_("Signed by the key of this machine: {fingerprint}").format(fingerprint=fingerprint))
    click.echo(_("Head of the journal: {head}").format(head=written(exported.head)))
