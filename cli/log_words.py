"""The columns of the query log, and what is counted by, in words."""

from collections.abc import Sequence

import click

from cli.printable import printable
from journal.exporting.export_data import Column
from resolver.querylog import COLUMNS
from translations import _


def heading(column: str) -> str:
    """Return what stands above a column of the log, or above hours and days."""
    return {
        "hour": _("hour"),
        "day": _("day"),
        "time": _("time"),
        "client": _("client"),
        "device": _("device"),
        "room": _("room"),
        "group": _("group"),
        "name": _("name asked for"),
        "type": _("type"),
        "action": _("action"),
        "reason": _("rule"),
        "category": _("category"),
        "list": _("list"),
        "rcode": _("response code"),
        "source": _("source"),
        "ms": _("milliseconds"),
    }[column]


def log_columns() -> list[Column]:
    """Return the columns of an export of the query log, with headings in the language in use."""
    return [Column(name, heading(name), number=name == "ms") for name in COLUMNS]


def say_doubtful(files: Sequence[str]) -> None:
    """Warn on stderr of files of the archive that are not what the journal says of them."""
    for file in files:
        message = _(
            "{file} is missing, or not as long as the journal says: what is shown of that day may be wrong or lack "
            "queries. See: schoolfilter log verify"
        )
        click.echo(printable(message.format(file=file)), err=True)
