"""The columns of the query log, and what is counted by, in words."""

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
