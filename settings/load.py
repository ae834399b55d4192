"""Read the settings from a TOML file and the environment, and report every mistake in them at once.

The environment wins over the file, the file over the defaults of settings/model.py. A relative `paths.state` in a file
is meant from the file's folder, so that the state does not depend on where a command is started; a file that lies
inside its own state folder says "." (or names that folder: `./var/schoolfilter.toml` with `state = "./var"`). From the
environment it is meant from the current folder, as any path on a command line.
"""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, get_origin, get_type_hints

from settings.checks import find_faults
from settings.errors import SchoolfilterError
from settings.model import Settings
from translations import _

SYSTEM_CONFIG = Path("/etc/schoolfilter/schoolfilter.toml")
LOCAL_CONFIG = Path("var/schoolfilter.toml")
SYSTEM_STATE = Path("/var/lib/schoolfilter")
"""Where the state is if the settings stand in /etc and do not say: nobody keeps databases in /etc."""
PREFIX = "SCHOOLFILTER_"

_TRUE, _FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})
_LINE = re.compile(r"\(at (?:line (\d+), column \d+|end of document)\)")


class Source(StrEnum):
    """Where a value comes from."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in the settings."""

    where: str
    """The file, or the variable of the environment."""
    key: str
    expected: str
    found: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: {self.key}" if self.key else self.where
        found = _("{place}: expected {expected}, found {found}") if self.found else _("{place}: expected {expected}")
        text = found.format(place=place, expected=self.expected, found=self.found)
        return f"{text}. {self.hint}" if self.hint else text


class SettingsError(SchoolfilterError):
    """The settings cannot be used; `problems` holds every mistake that was found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force and where each comes from."""

    settings: Settings
    path: Path | None
    """The file that was read; None if there is none and the defaults hold."""
    sources: Mapping[str, Source]
    """Source by `section.key`."""


class _Unreadable(Exception):  # noqa: N818 - never leaves this module
    """A value is of the wrong kind."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(expected, found)
        self.expected, self.found = expected, found


SECTIONS: dict[str, type] = get_type_hints(Settings)
KINDS: dict[str, Any] = {
    f"{section}.{name}": kind for section, holder in SECTIONS.items() for name, kind in get_type_hints(holder).items()
}
"""The type of each setting by `section.key`."""


def find(path: Path | None) -> Path | None:
    """Return the settings file to read: the one named, else the system's, else the one under ./var, else None."""
    if path is not None:
        return path
    return next((known for known in (SYSTEM_CONFIG, LOCAL_CONFIG) if known.is_file()), None)


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Return the settings. Raises SettingsError, which lists every mistake at once."""
    return load_with_sources(path, environ).settings


def load_with_sources(path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """Return the settings and where each comes from. Raises SettingsError, which lists every mistake at once."""
    found = find(path)
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    sources: dict[str, Source] = {}
    for source, raw in (
        (Source.FILE, _file_values(found, problems) if found else ()),
        (Source.ENVIRONMENT, _environment_values(environ, problems)),
    ):
        for where, key, value in raw:
            try:
                values[key] = _convert(KINDS[key], value, from_text=source is Source.ENVIRONMENT)
            except _Unreadable as error:
                problems.append(Problem(where, key, error.expected, error.found))
                continue
            places[key], sources[key] = where, source
    # The checks of ranges run over what could be read even if something could not: a person mends everything in one go.
    settings = _build(values)
    nowhere = str(found) if found else _("(no settings file)")
    for fault in find_faults(settings):
        where = places.get(fault.key, nowhere)
        problems.append(Problem(where, fault.key, fault.expected, fault.found, fault.hint))
    if problems:
        raise SettingsError(tuple(problems))
    state = _place_state(settings.paths.state, found, sources.get("paths.state", Source.DEFAULT))
    every = {key: sources.get(key, Source.DEFAULT) for key in KINDS}
    return Loaded(_build({**values, "paths.state": state}), found, every)


def configured_language(path: Path | None) -> str:
    """Return `school.language` as far as it can be read; empty if not: the mistakes are told in another place."""
    found = find(path)
    try:
        table = tomllib.loads(found.read_text("utf-8")) if found else {}
    except (OSError, ValueError):
        return ""
    school = table.get("school")
    value = school.get("language") if isinstance(school, dict) else None
    return value if isinstance(value, str) else ""


def _place_state(state: Path, file: Path | None, source: Source) -> Path:
    state = state.expanduser()
    if state.is_absolute():
        return state
    if file is None or source is Source.ENVIRONMENT:
        return Path.cwd() / state
    folder = file.absolute().parent
    if source is Source.DEFAULT and folder == SYSTEM_CONFIG.parent:
        return SYSTEM_STATE
    if state.parts and folder.parts[-len(state.parts) :] == state.parts:
        return folder
    return folder / state


def _build(values: Mapping[str, Any]) -> Settings:
    sections: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for key, value in values.items():
        section, _dot, name = key.partition(".")
        sections[section][name] = value
    return Settings(**{section: SECTIONS[section](**given) for section, given in sections.items()})


Raw = tuple[str, str, object]
"""Where it stands, `section.key`, the value as written."""


def _file_values(path: Path, problems: list[Problem]) -> Iterator[Raw]:
    where = str(path)
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        hint = _("`schoolfilter init --config {path}` writes one.").format(path=path)
        problems.append(Problem(where, "", _("a settings file"), _("nothing there"), hint))
        return
    except OSError as error:
        problems.append(Problem(where, "", _("a settings file that can be read"), error.strerror or str(error)))
        return
    except UnicodeDecodeError as error:
        found = _("a byte that is not UTF-8 at offset {offset}").format(offset=error.start)
        problems.append(Problem(where, "", _("text in UTF-8"), found))
        return
    except tomllib.TOMLDecodeError as error:
        line = _LINE.search(str(error))
        place = f"{where}:{line[1]}" if line and line[1] else where
        problems.append(Problem(place, "", _("TOML, as `key = value` under a [section]"), str(error)))
        return
    for section, content in table.items():
        if section not in SECTIONS:
            problems.append(_unknown(where, f"[{section}]", section, SECTIONS, _("a section that exists")))
        elif not isinstance(content, dict):
            expected = _("a section, as [{section}]").format(section=section)
            problems.append(Problem(where, section, expected, _shown(content)))
        else:
            names = get_type_hints(SECTIONS[section])
            for name, value in content.items():
                if name in names:
                    yield where, f"{section}.{name}", value
                else:
                    problems.append(_unknown(where, f"{section}.{name}", name, names, _("a key that exists")))


def _environment_values(environ: Mapping[str, str], problems: list[Problem]) -> Iterator[Raw]:
    variables = {_variable(key): key for key in KINDS}
    for name in sorted(environ):
        rest = name.removeprefix(PREFIX).lower()
        if not name.startswith(PREFIX):
            continue
        if key := variables.get(name):
            yield name, key, environ[name]
        # One underscore instead of two is the usual slip; any other SCHOOLFILTER_ variable is not a setting.
        elif "__" in rest or rest.partition("_")[0] in SECTIONS:
            problems.append(_unknown(name, "", name, variables, _("the name of a setting")))


def _variable(key: str) -> str:
    return PREFIX + key.replace(".", "__").upper()


def _unknown(where: str, key: str, word: str, known: Mapping[str, object], expected: str) -> Problem:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if near:
        hint = _("Did you mean {name}?").format(name=near[0])
    else:
        hint = _("Known here: {names}.").format(names=", ".join(known))
    return Problem(where, key, expected, word, hint)


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, str) else str(value)


def _convert(kind: Any, value: object, *, from_text: bool) -> Any:
    """Return the value as the setting's type. Raises _Unreadable."""
    if get_origin(kind) is tuple:
        return _words(value, from_text=from_text)
    if get_origin(kind) is dict:
        return _zones(value, from_text=from_text)
    if kind is bool:
        return _boolean(value, from_text=from_text)
    if kind in (int, float):
        return _number(kind, value, from_text=from_text)
    if not isinstance(value, str):
        raise _Unreadable(_("a text in quotes"), _shown(value))
    if issubclass(kind, StrEnum):
        if value not in [member.value for member in kind]:
            raise _Unreadable(_("one of {words}").format(words=", ".join(kind)), _shown(value))
        return kind(value)
    if issubclass(kind, Path) and not value.strip():  # to Path it would be the same as "."
        raise _Unreadable(_("a folder, such as /var/lib/schoolfilter"), _shown(value))
    return kind(value)


def _words(value: object, *, from_text: bool) -> tuple[str, ...]:
    if from_text:
        return tuple(word for part in str(value).split(",") if (word := part.strip()))
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise _Unreadable(_('a list of texts, as ["one", "two"]'), _shown(value))
    return tuple(value)


def _zones(value: object, *, from_text: bool) -> dict[str, tuple[str, ...]]:
    if from_text:
        pairs = [part.partition("=") for part in str(value).split(";") if part.strip()]
        if not all(equals for _zone, equals, _servers in pairs):
            raise _Unreadable(_("zones as school.local=udp://192.0.2.1;other.local=udp://192.0.2.2"), _shown(value))
        return {zone.strip(): _words(servers, from_text=True) for zone, _equals, servers in pairs}
    if not isinstance(value, dict):
        raise _Unreadable(_('a table, as { "school.local" = ["udp://192.0.2.1"] }'), _shown(value))
    return {str(zone): _words(servers, from_text=False) for zone, servers in value.items()}


def _boolean(value: object, *, from_text: bool) -> bool:
    if from_text and str(value).strip().lower() in _TRUE | _FALSE:
        return str(value).strip().lower() in _TRUE
    if not isinstance(value, bool):
        raise _Unreadable(_("true or false"), _shown(value))
    return value


def _number(kind: type[int] | type[float], value: object, *, from_text: bool) -> int | float:
    expected = _("a whole number") if kind is int else _("a number")
    if from_text:
        try:
            return kind(str(value))
        except ValueError:
            raise _Unreadable(expected, _shown(value)) from None
    # bool is a kind of int in Python, but `workers = true` is a mistake.
    if isinstance(value, bool) or not isinstance(value, int if kind is int else (int, float)):
        raise _Unreadable(expected, _shown(value))
    return kind(value)
