"""What is different between two states of the policy, in plain words: for `policy diff` and `audit show`."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, tzinfo

from cli.days import minute
from cli.words import audience_of, category_title
from policy.matrix import Difference, Fact, Key, Topic
from policy.names import display_name
from policy.safesearch import ENGINES_BY_ID, OFF
from translations import _

_TOPICS = frozenset(map(str, Topic))
_OF_GROUPS = (Topic.GROUP, Topic.SUBJECT, Topic.SAFE_SEARCH, Topic.NETWORK)


@dataclass(frozen=True, slots=True)
class Section:
    """What is different about one thing."""

    title: str
    lines: tuple[str, ...]


def sections(
    differences: Iterable[Difference], zone: tzinfo, note: Callable[[Key], str] = lambda _key: ""
) -> list[Section]:
    """Return the differences by what they are about, times in the zone; `note` adds a word to a line."""
    about: dict[tuple[int, str], dict[tuple[str, str], list[str]]] = {}
    for each in differences:
        if _says_nothing(each):
            continue
        verb, words = _row(each, zone)
        about.setdefault(_title(each.key), {}).setdefault((verb, note(each.key)), []).append(words)
    return [
        Section(title, tuple(_line(verb, said, words) for (verb, said), words in lines.items()))
        for (_place, title), lines in sorted(about.items())
    ]


def kind_words(kind: str) -> str:
    """Return what people call a kind of object."""
    known = {
        "room": _("room"),
        "device": _("device"),
        "lesson": _("lesson"),
        "pause": _("pause"),
        "closure": _("name closed in one place"),
        "bells": _("bells"),
        "bells-on": _("other bells on a day"),
        "term": _("term"),
        "holiday": _("holiday"),
        "exam": _("exam"),
        "slot": _("timetable"),
        "substitution": _("substitution"),
    }
    return known.get(kind, kind)


def value_words(value: object) -> str:
    """Return a value of JSON for people."""
    match value:
        case None | "":
            return "-"
        case bool():
            return _("yes") if value else _("no")
        case list():
            return ", ".join(map(value_words, value)) or "-"
        case dict():
            return ", ".join(f"{key} {value_words(each)}" for key, each in sorted(value.items())) or "-"
        case _:
            return str(value)


def field_words(field: str, kind: str = "") -> str:
    """Return what people call a field of a group or of an object of a kind."""
    known = {
        "title": _("title"),
        "level": _("level"),
        "supervised": _("supervised"),
        "networks": _("networks"),
        "group": _("group"),
        "room": _("room"),
        "device": _("device"),
        "closed": _("level without a lesson") if kind == "room" else _("closed"),
        "opened": _("opened"),
        "responsible": _("responsible person"),
        "teacher": _("teacher"),
        "person": _("person"),
        "reason": _("reason"),
        "begins": _("from"),
        "ends": _("until"),
        "name": _("name of the site"),
        "note": _("remark"),
        "document": _("document"),
        "addresses": _("addresses"),
        "macs": _("hardware addresses"),
    }
    return known.get(field, field)


def _says_nothing(found: Difference) -> bool:
    """Whether it is an empty field of an object that came or went."""
    if found.key.topic in _TOPICS or (found.before is not None and found.after is not None):
        return False
    return all(fact is None or fact.value in (None, "", []) for fact in (found.before, found.after))


def _title(key: Key) -> tuple[int, str]:
    """Return the heading under which a difference stands, with its place among the others."""
    if key.topic in _OF_GROUPS:
        return 0, _("Group {id}").format(id=key.holder)
    if key.topic == Topic.BLOCK:
        return 1, _("Blocked by hand")
    if key.topic == Topic.LISTED:
        return 2, _("The director's list")
    title = kind_words(key.topic)
    return 3, f"{title[:1].upper()}{title[1:]} {key.holder}"


def _row(found: Difference, zone: tzinfo) -> tuple[str, str]:
    """Return what happened, and to what: differences to which the same happened share a line."""
    key, before, after = found.key, found.before, found.after
    if found.only_document:
        return _("now on another document"), _item(key, after)
    match key.topic:
        case Topic.SUBJECT:
            return _subject(key, before, after)
        case Topic.SAFE_SEARCH:
            title = ENGINES_BY_ID[key.item].title if key.item in ENGINES_BY_ID else key.item
            return _("safe search"), f"{title} {_or_off(before)} → {_or_off(after)}"
        case Topic.NETWORK:
            return (_("networks of it from now on") if before is None else _("networks no longer of it")), key.item
        case Topic.BLOCK:
            return _came_or_went(before, after, _("blocked"), _("no longer blocked")), _item(key, after or before)
        case Topic.LISTED:
            return _came_or_went(before, after, _("on the list"), _("off the list")), _item(key, after or before)
    words = _value(key, after, zone)
    return field_words(key.item, key.topic), words if before is None else f"{_value(key, before, zone)} → {words}"


def _value(key: Key, fact: Fact | None, zone: tzinfo) -> str:
    if fact is not None and key.item in ("begins", "ends") and isinstance(fact.value, str):
        with suppress(ValueError):
            return minute(datetime.fromisoformat(fact.value), zone)
    return value_words(fact.value) if fact is not None else "-"


def _subject(key: Key, before: Fact | None, after: Fact | None) -> tuple[str, str]:
    title = category_title(key.item)
    if after is None:
        return _("no longer closed"), title
    if before is None:
        return _("closed"), f"{title} [{after.value}]" if after.value else title
    always = _("always")
    return _("closed at other hours"), f"{title} [{before.value or always} → {after.value or always}]"


def _came_or_went(before: Fact | None, after: Fact | None, came: str, went: str) -> str:
    if before is None:
        return came
    return went if after is None else _("changed")


def _item(key: Key, fact: Fact | None) -> str:
    match key.topic:
        case Topic.SUBJECT:
            return category_title(key.item)
        case Topic.SAFE_SEARCH:
            return _("safe search of {engine}").format(engine=key.item)
        case Topic.BLOCK:
            note = f": {fact.value}" if fact is not None and fact.value else ""
            return f"{display_name(key.item)} {audience_of(key.holder or None)}{note}"
        case Topic.LISTED:
            until = fact.value.get("until") if fact is not None and isinstance(fact.value, dict) else None
            last = f" ({_('until {day}').format(day=until)})" if until else ""
            return f"{display_name(key.item)} {audience_of(key.holder or None)}{last}"
        case Topic.NETWORK:
            return key.item
    return field_words(key.item, key.topic)


def _or_off(fact: Fact | None) -> str:
    return OFF if fact is None else value_words(fact.value)


def _line(verb: str, said: str, words: Sequence[str]) -> str:
    line = f"{verb}: {', '.join(words)}"
    return f"{line}  {said}" if said else line
