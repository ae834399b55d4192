"""The one text that an order has: what is signed, what is kept, and what is refused when it is read again."""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Container
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any, NoReturn

from policy.names import InvalidName, parse_name
from policy.orders import Addition, Order, OrderKind, Permit, Removal, Scope
from policy.sshsig import InvalidKey, key_bytes
from translations import _

FORMAT = "schoolfilter order v1"
MOST_ENTRIES = 20_000
"""Additions, removals or requests of one order: a bundle is one order, a mistyped file must not be."""
LONGEST_PERMIT = 24 * 60
LONGEST = {
    "number": 40,
    "reason": 300,
    "document": 300,
    "note": 1000,
    "entered_by": 100,
    "school": 300,
}
"""Characters of each text."""

_LARGEST = 2**53 - 1
"""The largest whole number that every reader of JSON takes as it is (RFC 8259 section 6)."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_GROUP = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_UNPRINTED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""Controls, and what is not seen or turns the direction of writing: a director signs what the eye reads. Written out,
because str.isprintable changes with Python, and an order must be good or bad for ever."""
_NAMES_A_KEY = frozenset({OrderKind.KEY, OrderKind.HANDOVER, OrderKind.REPLACEMENT})
_MEMBERS = frozenset(
    {
        "additions",
        "date",
        "document",
        "entered_at",
        "entered_by",
        "format",
        "key",
        "kind",
        "note",
        "number",
        "permit",
        "previous",
        "removals",
        "requests",
        "school",
        "sequence",
    }
)
_ADDITION = frozenset({"name", "group", "scope", "until", "reason"})
_REMOVAL = frozenset({"name", "group"})
_PERMIT = frozenset({"minutes"})
_KINDS = {str(kind): kind for kind in OrderKind}
_SCOPES = {str(scope): scope for scope in Scope}

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


class InvalidOrder(ValueError):  # noqa: N818 - reads as what it is: "except InvalidOrder"
    """The text is no order, or not in its one form; the message says what was expected and what was found."""


def order_bytes(order: Order) -> bytes:
    """Return the canonical text of an order: UTF-8, JSON in one line, members sorted, texts in NFC.

    Raises InvalidOrder for an order that `parse_order` would refuse: what cannot be read again must not be signed.
    """
    text = _written(order)
    read_order(text)
    return text.encode()


def parse_order(body: bytes) -> Order:
    """Return the order whose canonical text this is. Raises InvalidOrder."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        _no_order(repr(body[:80]))
    return read_order(text)


def read_order(text: str) -> Order:
    """Do as `parse_order`, for a text."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):  # the latter for [[[[[[…
        _no_order(repr(text[:80]))
    if not isinstance(said, dict) or said.keys() != _MEMBERS or said["format"] != FORMAT:
        _no_order(repr(text[:80]))
    _check_members(said)
    order = _built(said)
    _check_whole(order)
    # Whatever else could be written in two ways, such as a date, a letter with its accent or a space between members.
    if _written(order) != text:
        raise InvalidOrder(_("expected the text of an order in its canonical form, found it written in another way"))
    return order


def reread_order(text: str) -> Order:
    """Return the order of a text that `read_order` has taken before, four times as fast: it is not looked at again."""
    return _built(json.loads(text))


def _built(said: Any) -> Order:
    """Make an order of what its text says, which must have been checked."""
    permit = said["permit"]
    return Order(
        sequence=said["sequence"],
        kind=_KINDS[said["kind"]],
        number=said["number"],
        date=date.fromisoformat(said["date"]),
        previous=said["previous"],
        additions=tuple(
            Addition(
                row["name"],
                row["group"],
                _SCOPES[row["scope"]],
                None if row["until"] is None else date.fromisoformat(row["until"]),
                row["reason"],
            )
            for row in said["additions"]
        ),
        removals=tuple(Removal(row["name"], row["group"]) for row in said["removals"]),
        permit=None if permit is None else Permit(permit["minutes"]),
        key=said["key"],
        document=said["document"],
        note=said["note"],
        entered_at=datetime.fromisoformat(said["entered_at"]),
        entered_by=said["entered_by"],
        requests=tuple(said["requests"]),
        school=said["school"],
    )


def _written(order: Order) -> str:
    additions = [
        {
            "name": each.name,
            "group": each.group,
            "scope": each.scope,
            "until": None if each.until is None else each.until.isoformat(),
            "reason": _nfc(each.reason),
        }
        for each in order.additions
    ]
    return _encode(
        {
            "format": FORMAT,
            "sequence": order.sequence,
            "kind": order.kind,
            "number": _nfc(order.number),
            "date": order.date.isoformat(),
            "previous": order.previous,
            "additions": additions,
            "removals": [{"name": each.name, "group": each.group} for each in order.removals],
            "permit": None if order.permit is None else {"minutes": order.permit.minutes},
            "key": order.key,
            "document": _nfc(order.document),
            "note": _nfc(order.note),
            "entered_at": order.entered_at.isoformat(),
            "entered_by": _nfc(order.entered_by),
            "requests": order.requests,
            "school": _nfc(order.school),
        }
    )


def _nfc(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _check_members(said: dict[str, object]) -> None:
    """Refuse a member that is not of its form. Raises InvalidOrder."""
    _check_number(said["sequence"], "sequence", 1, _LARGEST)
    _check_one_of(_KINDS, said["kind"], "kind")
    _check_day(said["date"], "date")
    _check_match(_DIGEST, said["previous"], "previous")
    _check_moment(said["entered_at"])
    _check_key(said["key"])
    for member in ("number", "document", "note", "entered_by", "school"):
        _check_text(said[member], member)
    for addition in _list(said["additions"], "additions"):
        row = _object(addition, _ADDITION, "additions")
        _check_place(row)
        _check_one_of(_SCOPES, row["scope"], "scope")
        _check_text(row["reason"], "reason")
        if row["until"] is not None:
            _check_day(row["until"], "until")
    for removal in _list(said["removals"], "removals"):
        _check_place(_object(removal, _REMOVAL, "removals"))
    if said["permit"] is not None:
        _check_number(_object(said["permit"], _PERMIT, "permit")["minutes"], "minutes", 0, LONGEST_PERMIT)
    for request in _list(said["requests"], "requests"):
        _check_number(request, "requests", 1, _LARGEST)


def _check_whole(order: Order) -> None:
    """Refuse what no single member shows. Raises InvalidOrder."""
    if order.kind in _NAMES_A_KEY:
        if not order.key or order.additions or order.removals or order.permit:
            raise InvalidOrder(_("expected an order about a key to name one and to change nothing else"))
        if order.kind is OrderKind.REPLACEMENT and not order.document:
            raise InvalidOrder(_("expected the paper act by which a lost key was replaced, found no document"))
    elif order.key:
        _unexpected("key", order.key)
    elif not order.number and (order.additions or order.permit or order.kind is OrderKind.ORDER):
        raise InvalidOrder(_("expected the number of the order, found none: only a removal on paper may do without"))
    if len(set(order.requests)) < len(order.requests):
        _unexpected("requests", str(order.requests))
    places = [(each.name, each.group) for each in order.additions]
    places += [(each.name, each.group) for each in order.removals]
    if len(set(places)) < len(places):
        (name, _group), _times = Counter(places).most_common(1)[0]
        message = _("expected each name once in an order for each group, found {name} several times")
        raise InvalidOrder(message.format(name=name))


def _check_place(row: dict[str, object]) -> None:
    if row["group"] is not None:
        _check_match(_GROUP, row["group"], "group")
    name = row["name"]
    if isinstance(name, str):
        with suppress(InvalidName):
            if parse_name(name) == name:
                return
    message = _("expected a domain name in small letters such as example.org in an order, found {found}")
    raise InvalidOrder(message.format(found=_shown(name)))


def _check_key(value: object) -> None:
    if value == "":
        return
    try:
        key_bytes(value if isinstance(value, str) else "")
    except InvalidKey as error:
        raise InvalidOrder(str(error)) from error


def _check_text(value: object, member: str) -> None:
    limit = LONGEST[member]
    if not isinstance(value, str):
        _unexpected(member, value)
    if len(value) > limit or _UNPRINTED.search(value):
        message = _("expected at most {limit} visible characters on one line as {member} of an order, found {found}")
        raise InvalidOrder(message.format(limit=limit, member=member, found=_shown(value)))


def _check_day(value: object, member: str) -> None:
    if isinstance(value, str):
        with suppress(ValueError):
            date.fromisoformat(value)
            return
    _unexpected(member, value)


def _check_moment(value: object) -> None:
    if isinstance(value, str):
        with suppress(ValueError):
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is UTC and not moment.microsecond:
                return
    _unexpected("entered_at", value)


def _check_number(value: object, member: str, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        _unexpected(member, value)


def _check_match(pattern: re.Pattern[str], value: object, member: str) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        _unexpected(member, value)


def _check_one_of(known: Container[str], value: object, member: str) -> None:
    if not isinstance(value, str) or value not in known:
        _unexpected(member, value)


def _list(value: object, member: str) -> list[object]:
    if not isinstance(value, list):
        _unexpected(member, value)
    if len(value) > MOST_ENTRIES:
        message = _("expected at most {most} {member} in one order, found {count}: make several orders of it")
        raise InvalidOrder(message.format(most=MOST_ENTRIES, member=member, count=len(value)))
    return value


def _object(value: object, members: frozenset[str], member: str) -> dict[str, object]:
    if not isinstance(value, dict) or value.keys() != members:
        _unexpected(member, value)
    return value


def _unexpected(member: str, value: object) -> NoReturn:
    message = _("expected '{member}' of an order in the form that the ledger takes, found {found}")
    raise InvalidOrder(message.format(member=member, found=_shown(value)))


def _no_order(found: str) -> NoReturn:
    raise InvalidOrder(_("expected the text of an order ({format}), found {found}").format(format=FORMAT, found=found))


def _shown(value: object) -> str:
    # The value may be a list in a list in a list…, deeper than repr can follow.
    return (
        repr(value[:80]) if isinstance(value, str) else repr(value) if isinstance(value, int) else type(value).__name__
    )
