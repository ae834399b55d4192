"""What people write about what a group is kept from: categories, services, hours, safe search, presets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import click

from cli.errors import Misuse
from cli.words import category_title
from policy.categories import BY_ID
from policy.hours import Hours, InvalidHours, parse_hours
from policy.presets import PRESETS, PRESETS_BY_ID, Preset
from policy.safesearch import ENGINES, ENGINES_BY_ID, OFF, ON
from policy.subjects import SUBJECT_IDS, nearest
from translations import _

YOUTUBE = "youtube"
"""Not a search engine, and it has two safe modes: an option of its own."""

_SEARCH = tuple(engine.id for engine in ENGINES if engine.id != YOUTUBE)
Command = Callable[..., None]

_EXAMPLE_HOURS = "mon-fri 08:00-13:30, 14:15-18:00; sat 08:00-12:00"


@dataclass(frozen=True, slots=True)
class Restrictions:
    """What the options of one command ask for; what was not given is empty."""

    preset: Preset | None
    block: tuple[str, ...]
    hours: Hours | None
    unblock: tuple[str, ...]
    safe_search: Mapping[str, str]


def options(command: Command) -> Command:
    """Give a command the options that `restrictions_of` reads, but for --unblock."""
    for option in (
        click.option("--youtube", type=click.Choice(_youtube_modes()), help=_("The restricted mode of YouTube.")),
        click.option(
            "--safe-search",
            "safe_search",
            multiple=True,
            metavar="on|off|ENGINE=on|off",
            help=_("For all search engines or one: {engines} (may be repeated).").format(engines=", ".join(_SEARCH)),
        ),
        click.option(
            "--hours",
            metavar="HOURS",
            help=_("When that of --block is blocked, such as '{hours}'; else: always.").format(hours=_EXAMPLE_HOURS),
        ),
        click.option(
            "--block",
            "block",
            multiple=True,
            metavar="ID",
            help=_("Close a category or a service, such as games or tiktok (may be repeated)."),
        ),
        click.option(
            "--preset",
            type=click.Choice([preset.id for preset in PRESETS]),
            help=_("Level, what is blocked and safe search as suits them; what else is given goes before it."),
        ),
    ):
        command = option(command)
    return command


def restrictions_of(
    preset: str | None,
    block: Sequence[str],
    hours: str | None,
    unblock: Sequence[str],
    safe_search: Sequence[str],
    youtube: str | None,
) -> Restrictions:
    """Return what the options mean. Raises Misuse, which says what was expected and names the nearest."""
    _known([*block, *unblock])
    if hours is not None and not block:
        raise Misuse(_("--hours: expected --block beside it: the hours are those of what is blocked"))
    if hours is not None and preset is not None:
        raise Misuse(
            _("expected --preset or --hours, found both: set the preset first, then the hours of what you name")
        )
    modes = _modes(safe_search)
    if youtube is not None:
        modes[YOUTUBE] = youtube
    return Restrictions(
        PRESETS_BY_ID[preset] if preset else None,
        tuple(block),
        _hours(hours) if hours is not None else None,
        _openable(unblock),
        modes,
    )


def safe_search_line(modes: Mapping[str, str]) -> str:
    """Return the engines that answer in their safe mode, as people read them."""
    parts = [
        engine.title if mode == ON else f"{engine.title} ({mode})"
        for engine in ENGINES
        if (mode := modes.get(engine.id, OFF)) != OFF
    ]
    return ", ".join(parts) or "-"


def _youtube_modes() -> list[str]:
    return [OFF, *(mode.name for mode in ENGINES_BY_ID[YOUTUBE].modes)]


def _known(ids: Sequence[str]) -> None:
    unknown = []
    for id_ in ids:
        if id_ not in SUBJECT_IDS:
            near = nearest(id_)
            hint = _("did you mean {name}?").format(name=near) if near else _("`schoolfilter categories` lists them.")
            message = _("expected a category or a service, found {text}: {hint}")
            unknown.append(message.format(text=repr(id_[:60]), hint=hint))
    if unknown:
        raise Misuse("\n".join(unknown))


def _openable(ids: Sequence[str]) -> tuple[str, ...]:
    locked = [category_title(id_) for id_ in ids if id_ in BY_ID and BY_ID[id_].locked]
    if locked:
        message = _("the law forbids {categories}: closed for every group, nobody can open it. Nothing was changed.")
        raise Misuse(message.format(categories=", ".join(locked)))
    return tuple(ids)


def _hours(text: str) -> Hours:
    try:
        return parse_hours(text)
    except InvalidHours as error:
        raise Misuse(f"--hours: {error}") from None


def _modes(texts: Sequence[str]) -> dict[str, str]:
    modes: dict[str, str] = {}
    for text in texts:
        engine, equals, mode = text.strip().lower().rpartition("=")
        if mode not in (ON, OFF) or (equals and engine not in _SEARCH):
            raise Misuse(_safe_search_expected(text, engine))
        modes |= {engine: mode} if equals else dict.fromkeys(_SEARCH, mode)
    return modes


def _safe_search_expected(text: str, engine: str) -> str:
    if engine == YOUTUBE:
        return _("--safe-search is for search engines: use --youtube {modes}").format(modes="|".join(_youtube_modes()))
    message = _("--safe-search: expected on, off, or one engine such as google=on ({engines}), found {text}")
    return message.format(engines=", ".join(_SEARCH), text=repr(text[:60]))
