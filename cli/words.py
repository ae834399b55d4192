"""Words that several commands have for the same things: for whom, on what paper, in which category, closed by what."""

from collections.abc import Iterable

from policy.decision import Reason, Why
from policy.names import display_name
from policy.orders import Order, OrderKind
from policy.subjects import subject, title_of
from translations import _, language


def audience_of(group: str | None) -> str:
    """Return for whom an entry is."""
    return _("for everyone") if group is None else _("for the group {group}").format(group=group)


def category_title(id_: str) -> str:
    """Return a category or service as people know it, with its id."""
    return id_ if subject(id_) is None else f"{title_of(id_, language())} ({id_})"


def closed_by(reason: Reason) -> str:
    """Return in a few words what closes a name."""
    match reason.why:
        case Why.LEVEL:
            return _("the level {level}").format(level=reason.rule)
        case Why.BLOCKED:
            return _("a block by hand ({rule})").format(rule=display_name(reason.rule))
        case _:
            return _("{category}, list {list}").format(category=category_title(reason.category), list=reason.list_id)


def document_of(order: Order) -> str:
    """Return an order of the ledger as people name it."""
    return order_words(order.kind, order.number, order.date.isoformat())


def order_words(kind: OrderKind, number: str, day: str) -> str:
    """Return an order of which no more is known as people name it."""
    return _order(kind, number).format(number=number, date=day)


def beginning(text: str) -> str:
    """Return words as a sentence begins with them."""
    return text[:1].upper() + text[1:]


def ranges(numbers: Iterable[int]) -> str:
    """Return numbers as people type them on a command line: `3 5-9`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return " ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _order(kind: OrderKind, number: str) -> str:
    match kind:
        case OrderKind.PAPER:
            return _("paper order {number} of {date}") if number else _("paper order without a number, of {date}")
        case OrderKind.ORDER:
            return _("order {number} of {date}")
        case OrderKind.KEY:
            return _("the director's key of {date}")
        case OrderKind.HANDOVER:
            return _("handover of the key of {date}")
        case OrderKind.REPLACEMENT:
            return _("replacement of the key of {date}")
