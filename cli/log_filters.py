"""What `log search` and `log export` are asked for: options, as a filter and as the record of the look has them."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import wraps
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from cli.arguments import NETWORK
from cli.context import Installation, pass_installation
from cli.days import clock_of, future, start_of
from cli.errors import Misuse
from cli.known import expect_known
from cli.typed import in_calendar, names_of, text_of
from policy.decision import Action
from policy.networks import IPNetwork
from translations import _

if TYPE_CHECKING:
    from journal.archiving.search import Filter

Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the query log is asked for."""

    filter: "Filter"
    words: dict[str, str]
    """By option, as it was typed; without the period."""
    period: tuple[str, str]
    """The first and the last day, or moment; empty: not given."""

    def options(self) -> dict[str, str]:
        """Return all of it, as the record of a look has it."""
        given = {"--from": self.period[0], "--to": self.period[1], **self.words}
        return {option: value for option, value in given.items() if value}

    def days(self, zone: tzinfo) -> tuple[str, str]:
        """Return the first and the last day that can have to do with it, YYYY-MM-DD; empty: no bound."""
        first, last = self.filter.since, self.filter.until
        return (
            first.astimezone(zone).date().isoformat() if first else "",
            (last - timedelta(milliseconds=1)).astimezone(zone).date().isoformat() if last else "",
        )


def filters(command: Command) -> Command:
    """Give a command the options about which queries it is for, as one argument `asked`."""

    @wraps(command)
    @pass_installation
    def with_filter(
        installation: Installation,
        /,
        *args: Any,
        client: tuple[IPNetwork, ...],
        device: tuple[str, ...],
        room: tuple[str, ...],
        group: tuple[str, ...],
        category: tuple[str, ...],
        action: tuple[str, ...],
        below: str | None,
        word: str,
        first: str | None,
        last: str | None,
        today: bool,
        **others: Any,
    ) -> Any:
        from journal.archiving.search import Filter  # DuckDB is loaded only when it is used

        zone = ZoneInfo(installation.settings.school.time_zone)
        now = datetime.now(zone)
        if today:
            if first or last:
                raise Misuse(_("--today: expected neither --from nor --to beside it"))
            first = last = now.date().isoformat()
        since, begins = _moment(first, "--from", now, zone)
        if first and since is not None and since > now:
            raise future(first, "--from")
        until, ends = _moment(last, "--to", now, zone, days=1)
        if since is not None and until is not None and until <= since:
            raise Misuse(_("--to: expected a day or a moment after --from, found {found}").format(found=ends))
        name = names_of([below])[0] if below else ""
        found = Filter(
            since=since, until=until, clients=client, devices=device, rooms=room, groups=group,
            categories=category, actions=action, name=name, word=_word(word),
        )  # fmt: skip
        expect_known(installation.settings, room, group, category)
        words = {
            "NAME": name,
            "--word": found.word,
            "--client": _list(map(str, client)),
            "--device": _list(device),
            "--room": _list(room),
            "--group": _list(group),
            "--category": _list(category),
            "--action": _list(action),
        }
        given = {option: value for option, value in words.items() if value}
        return command(*args, asked=Asked(found, given, (begins, ends)), **others)

    decorated: Command = with_filter
    for option in reversed(_options()):
        decorated = option(decorated)
    return decorated


def _options() -> Sequence[Callable[[Command], Command]]:
    return (
        click.argument("below", metavar="[NAME]", required=False),
        click.option("--word", default="", metavar="TEXT", help=_("Only names with this in them.")),
        click.option(
            "--client", type=NETWORK, multiple=True, help=_("Only this address or network; may be given several times.")
        ),
        click.option("--device", multiple=True, metavar="ID", help=_("Only this device; may be given several times.")),
        click.option("--room", multiple=True, metavar="ID", help=_("Only this room; may be given several times.")),
        click.option("--group", multiple=True, metavar="ID", help=_("Only this group; may be given several times.")),
        click.option(
            "--category", multiple=True, metavar="ID", help=_("Only this category; may be given several times.")
        ),
        click.option(
            "--action",
            multiple=True,
            type=click.Choice([action.value for action in Action]),
            help=_("Only what ended so; may be given several times."),
        ),
        click.option("--from", "first", metavar="DAY", help=_("The first day, or a moment as '2026-09-02 10:00'.")),
        click.option("--to", "last", metavar="DAY", help=_("The last day, or the moment before which it ends.")),
        click.option("--today", is_flag=True, help=_("The same as --from and --to with today's date.")),
    )


def _moment(text: str | None, what: str, now: datetime, zone: tzinfo, *, days: int = 0) -> tuple[datetime | None, str]:
    """Return when a day begins, or ends with `days=1`, or the moment that is meant; and the day or moment in full."""
    if text is None:
        return None, ""
    try:
        day = in_calendar(date.fromisoformat(text.strip()))
    except ValueError:
        pass
    else:
        return start_of(day + timedelta(days=days), zone), day.isoformat()
    moment = clock_of(text, what, now, zone)
    if in_calendar(moment.date()) != moment.date():
        moment = start_of(in_calendar(moment.date()), zone)
    return moment, moment.isoformat()


def _word(typed: str) -> str:
    """Return part of a name in the letters that names have: small, and each one sign however it was typed (NFC)."""
    return unicodedata.normalize("NFC", text_of(typed, "--word").lower())


def _list(values: Any) -> str:
    return " ".join(values)
