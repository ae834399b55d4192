"""The director's list as `allow --list` and `orders show` print it."""

from collections.abc import Iterable
from datetime import date, tzinfo

from policy.names import display_name
from policy.orders import Listed, Order, OrderKind, Scope, replay
from translations import _


def in_force(orders: Iterable[Order], day: date, group: str | None = None) -> list[Listed]:
    """Return what these orders leave in force on a day, by name; for one group only, if one is given."""
    found = [each for each in replay(orders, day).values() if group in (None, each.addition.group)]
    return sorted(found, key=lambda each: (each.addition.name, each.addition.group or ""))


def headings() -> tuple[str, ...]:
    """Return the headings over `row`."""
    return (_("NAME"), _("GROUP"), _("OPENS"), _("UNTIL"), _("ORDER"), _("SINCE"), _("BY"), _("REASON"))


def row(listed: Listed, zone: tzinfo) -> tuple[str, ...]:
    """Return an entry for a table."""
    addition, order = listed.addition, listed.order
    return (
        display_name(addition.name),
        addition.group or _("everyone"),
        scope_word(addition.scope),
        addition.until.isoformat() if addition.until else "-",
        short(order),
        order.entered_at.astimezone(zone).date().isoformat(),
        order.entered_by,
        addition.reason,
    )


def scope_word(scope: Scope) -> str:
    """Return when a name opens, in a word or two."""
    return _("always") if scope is Scope.ALWAYS else _("in lessons")


def scope_and_end(scope: Scope, until: date | None) -> str:
    """Return when a name opens and until which day."""
    if until is None:
        return scope_word(scope)
    return _("{scope} until {day}").format(scope=scope_word(scope), day=until.isoformat())


def short(order: Order) -> str:
    """Return an order for a narrow column."""
    text = f"{order.number} ({order.date.isoformat()})" if order.number else f"- ({order.date.isoformat()})"
    return _("{order}, paper order").format(order=text) if order.kind is OrderKind.PAPER else text


def as_json(listed: Listed) -> dict[str, object]:
    """Return an entry for machines."""
    addition, order = listed.addition, listed.order
    return {
        "kind": "allow",
        "name": addition.name,
        "display": display_name(addition.name),
        "group": addition.group,
        "scope": addition.scope,
        "until": addition.until.isoformat() if addition.until else None,
        "reason": addition.reason,
        "order": {
            "sequence": order.sequence,
            "number": order.number,
            "date": order.date.isoformat(),
            "paper": order.kind is OrderKind.PAPER,
        },
        "document": order.document_text,
        "added_at": order.entered_at.isoformat(),
        "added_by": order.entered_by,
    }
