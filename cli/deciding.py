"""What the director is shown before an order is signed or entered: requests, what they mean, what else it does."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

import click

from approval.ledger_book import Book, is_signed, read_book
from approval.orders import Draft
from approval.requests import Facts, look_up, refusals
from cli.directors_list import scope_and_end
from cli.errors import Failure
from cli.name_facts import MANY, facts_of, lines_of, say, warnings_of
from cli.policy_file import opened
from cli.requests import heading
from cli.typed import numbers_of
from cli.words import document_of, ranges
from policy.names import display_name
from policy.orders import Addition, Order, Permit, Scope, replay
from settings.model import Settings
from storage.approval_db import ApprovalDb
from storage.requests import Request, RequestKind
from translations import _

_NAMES_TOLD = 20
"""Of an order on paper that a signature confirms, so many names are told; `orders show` tells all."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is to decide about."""

    book: Book
    requests: Sequence[Request]
    facts: Mapping[str, Facts]
    """By name, of what is to open."""


def look(settings: Settings, ids: Sequence[str], everything: bool, *, bare: bool) -> Shown:
    """Read what there is to decide about; `bare`: there is something to decide even if nobody asked for anything.

    Raises Failure for a request that is not open or cannot be approved, and if there is nothing.
    """
    numbers = numbers_of(ids)

    async def read() -> tuple[Book, list[Request]]:
        async with await opened(settings) as policy:
            return await read_book(policy, settings), await ApprovalDb(policy).requests()

    book, waiting = asyncio.run(read())
    open_ = {each.id: each for each in waiting}
    missing = [number for number in numbers if number not in open_]
    if missing:
        message = _("expected open requests, found that these are not: {ids}. `schoolfilter requests` lists them.")
        raise Failure(message.format(ids=ranges(missing)))
    chosen = list(open_.values()) if everything else [open_[number] for number in numbers]
    if not (chosen or bare or (is_signed(settings) and book.unconfirmed())):
        raise Failure(_("there are no open requests. Nothing was changed."))
    names = list(dict.fromkeys(each.name for each in chosen if each.kind is RequestKind.ALLOW))
    listings = look_up(settings.paths.lists, names)
    closed = refusals(names, listings)
    if closed:
        lines = [*(each.text for each in closed), _("Reject such requests first. Nothing was changed.")]
        raise Failure("\n".join(lines))
    return Shown(book, chosen, facts_of(settings, names, None, book.snapshot, listings))


def say_draft(settings: Settings, shown: Shown, draft: Draft, zone: tzinfo, *, signing: bool) -> None:
    """Print all that an order does."""
    listed = replay(shown.book.ledger.orders, None)
    for request in shown.requests:
        click.echo(heading(request, zone))
        place = (request.name, request.group)
        if place in listed:
            say([_("It is on the list by {document}.").format(document=document_of(listed[place].order))])
        if request.kind is RequestKind.ALLOW:
            facts = _for(shown.facts[request.name], request.group)
            say(warnings_of(facts) if len(shown.requests) > MANY else lines_of(facts, settings))
    if draft.permit is not None:
        click.echo(permit_words(draft.permit))
    if signing:
        say_confirmed(shown.book)
    day = draft.date.isoformat()
    click.echo(_("All this is order {number} of {date}.").format(number=draft.number, date=day))


def say_confirmed(book: Book) -> None:
    """Print all that the director's next signature confirms besides: whoever signs must have seen every name."""
    if papers := book.unconfirmed():
        click.echo(_("The signature also confirms what was entered on paper since the last one:"))
        for paper in papers:
            say([document_of(paper), *(f"  {line}" for line in changes(paper, everything=True))])


def permit_words(permit: Permit) -> str:
    """Return what teachers may open besides the list."""
    if not permit.minutes:
        return _("Teachers may open nothing besides the list any more.")
    text = _(
        "Teachers may open, for one room in a lesson, what is not on the list and in no harmful category, "
        "for at most {minutes} minutes at a time."
    )
    return text.format(minutes=permit.minutes)


def changes(order: Order, *, everything: bool = False) -> Iterator[str]:
    """Yield what an order does, a line for each name; of many names only the first, unless `everything` is wanted."""
    lines = [_("opens {name}").format(name=_described(each)) for each in order.additions]
    lines += [_("takes off {name}").format(name=_named(each.name, each.group)) for each in order.removals]
    yield from lines if everything else lines[:_NAMES_TOLD]
    if len(lines) > _NAMES_TOLD and not everything:
        text = _("and {count} more: schoolfilter orders show {sequence}")
        yield text.format(count=len(lines) - _NAMES_TOLD, sequence=order.sequence)
    if order.permit is not None:
        yield permit_words(order.permit)


def _described(addition: Addition) -> str:
    parts = [_named(addition.name, addition.group)]
    if addition.scope is not Scope.ALWAYS or addition.until is not None:
        parts.append(scope_and_end(addition.scope, addition.until))
    said = ", ".join(parts)
    return f"{said}: {addition.reason}" if addition.reason else said


def _named(name: str, group: str | None) -> str:
    return display_name(name) if group is None else f"{display_name(name)} ({group})"


def _for(facts: Facts, group: str | None) -> Facts:
    """Return the facts for those whom a request is for."""
    if group is None:
        return facts
    return replace(facts, closed={id_: reason for id_, reason in facts.closed.items() if id_ == group})
