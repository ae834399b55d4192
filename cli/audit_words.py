"""A change of the audit trail in words: what was done, and what is different since."""

from collections.abc import Iterator, Mapping
from datetime import tzinfo

from cli.difference_words import field_words, sections, value_words
from cli.words import category_title
from policy.matrix import EVERYONE, Difference, Key, Origin, Topic, differences, noted_facts
from policy.names import display_name
from storage.audit import TOOK_OVER, Change
from translations import _

_NAMED = frozenset(map(str, Topic))
"""What is about a name, an id or a field that people know; fields of other objects are words of the program."""
_NOT_SHOWN = frozenset({"asked", "digests", "kind"})
"""Shown in another way, or not for people."""


def title_of(change: Change) -> str:
    """Return what was done; a word that is not known here as it stands."""
    known = {
        "begin": _("the policy begins"),
        "carried over": _("carried over from an older version"),
        "add group": _("group added"),
        "set group": _("group changed"),
        "remove group": _("group removed"),
        "add blocks": _("blocked by hand"),
        "remove blocks": _("no longer blocked by hand"),
        "requests": _("asked of the director"),
        "requests approved": _("requests approved"),
        "requests rejected": _("requests rejected"),
        "requests withdrawn": _("requests withdrawn"),
        "order": _("order entered"),
        "ledger mended": _("ledger of orders put right"),
        "state accepted": _("accepted as it is, though no change speaks of it"),
        "add room": _("room added"),
        "set room": _("room changed"),
        "remove room": _("room removed"),
        "add device": _("device added"),
        "set device": _("device changed"),
        "remove device": _("device removed"),
        "import devices": _("devices read from a file"),
        "start lesson": _("lesson begun"),
        "extend lesson": _("lesson made longer"),
        "stop lesson": _("lesson ended"),
        "open in lesson": _("names opened in a lesson"),
        "close in lesson": _("names closed in a lesson"),
        "begin pause": _("pause begun"),
        "end pause": _("pause ended"),
        "close names": _("names closed in one place"),
        "reopen names": _("names no longer closed in one place"),
        "set bells": _("bells set"),
        "enter term": _("term entered"),
        "enter holiday": _("holiday entered"),
        "enter exam": _("exam entered"),
        "set bells of a day": _("other bells on a day"),
        "add to timetable": _("timetable: lesson added"),
        "import timetable": _("timetable read from a file"),
        "substitute": _("timetable: substitution"),
        "remove from timetable": _("taken from the timetable"),
        "director's list reviewed": _("director's list reviewed"),
        "put away": _("lessons and pauses that were over put away"),
    }
    return known.get(change.what, change.what)


def differences_of(change: Change) -> list[Difference]:
    """Return what a change made different, as far as it notes what was before and after."""
    origin = Origin(change.at, change.by, change.document)
    before, after = (noted_facts(_mapping(change.detail.get(side)), origin) for side in ("before", "after"))
    return differences(before, after)


def keys_of(change: Change) -> frozenset[Key]:
    """Return what a change made different, or which names of the director's list it is about."""
    keys = {each.key for each in differences_of(change)}
    for side in ("opens", "closes"):
        keys |= {
            Key(Topic.LISTED, str(group) or EVERYONE, str(name)) for name, group in _pairs(change.detail.get(side))
        }
    return frozenset(keys)


def search_text(change: Change) -> str:
    """Return all that a change speaks of, for `audit show --what`."""
    sides = [_mapping(change.detail.get(side)) for side in ("before", "after")]
    labels = [label for side in sides for label in side]
    items = [key.item for key in keys_of(change) if key.topic in _NAMED]
    rest = [value_words(value) for key, value in change.detail.items() if key not in ("before", "after", "digests")]
    return " ".join([change.what, title_of(change), change.document, *labels, *items, *rest]).casefold()


def lines_of(change: Change, zone: tzinfo) -> Iterator[str]:
    """Yield what a change made different, a line each, and what else it notes; times are those of the zone."""
    found = sections(differences_of(change), zone)
    for section in found:
        yield section.title
        yield from (f"  {line}" for line in section.lines)
    if "asked" in change.detail and not found:
        asked = [
            f"{_asked_words(key)} {_asked_value(key, value)}" for key, value in _mapping(change.detail["asked"]).items()
        ]
        facts = ", ".join(sorted(asked)) or _("all that holds for the group and had no document")
        yield _("nothing else is different; confirmed: {facts}").format(facts=facts)
    for key, value in sorted(change.detail.items()):
        shown = key in _NOT_SHOWN or (key in ("before", "after") and isinstance(value, dict))
        if value and not shown:
            yield f"{_detail_words(key)}: {_detail_value(value)}"


def _asked_words(key: str) -> str:
    known = {
        "block": _("closed"),
        "unblock": _("no longer closed"),
        "safe_search": _("safe search"),
        "hours": _("hours"),
    }
    return known.get(key) or field_words(key)


def _asked_value(key: str, value: object) -> str:
    if key in ("block", "unblock") and isinstance(value, list):
        return ", ".join(category_title(str(each)) for each in value)
    return value_words(value)


def _detail_words(key: str) -> str:
    known = {
        "groups": _("groups"),
        "orders": _("orders"),
        "changes": _("changes"),
        "left out": _("left out"),
        "opens": _("opens"),
        "closes": _("takes off the list"),
        "requests": _("requests"),
        "answer": _("answer"),
        "taken out": _("orders taken out"),
        "put back": _("orders put back"),
        TOOK_OVER: _("something was there of which no change speaks"),
    }
    return known.get(key) or field_words(key)


def _detail_value(value: object) -> str:
    if isinstance(value, list) and (pairs := _pairs(value)):
        return ", ".join(
            f"{display_name(str(name))} ({group})" if group else display_name(str(name)) for name, group in pairs
        )
    return value_words(value)


def _pairs(value: object) -> list[tuple[object, object]]:
    """Return names with their groups; none if something else was noted."""
    rows = value if isinstance(value, list) else []
    return [(row[0], row[1]) for row in rows if isinstance(row, list) and len(row) == 2]


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
