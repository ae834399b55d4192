"""Decide about questions, and about what their answers lead to: names (CNAME, SVCB) and addresses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from policy.decide import decide, is_harmful
from policy.decision import Action, Decision, Listing, Reason, Why
from policy.statements import exceptions, unshielded
from policy.views import View
from resolver.addresses import address_text
from resolver.records import Answer, addresses
from resolver.wire import Query, name_text

_OPENED = frozenset({Why.ALLOWED, Why.EXCEPTION, Why.NEEDED})
"""Rules that open a name in spite of what lists say; a locked category closes what it leads to all the same."""
_MEANT = _OPENED | {Why.PROTECTED}
"""Rules by which a name is open whatever lists say of it."""


class Index(Protocol):
    """What the lists say."""

    has_addresses: bool
    """Whether any list speaks of addresses: if not, no answer is looked through."""

    def lookup(self, name: str) -> tuple[Listing, ...]:
        """Return what is said of a name and of its parents."""

    def lookup_address(self, packed: bytes) -> tuple[Listing, ...]:
        """Return what is said of an address (4 or 16 octets) and of the networks it is in."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides by an index."""

    index: Index

    def question(self, view: View, query: Query) -> Decision:
        """Decide about the name asked for."""
        return decide(view, query.text, self.index.lookup(query.text), query.qtype)

    def answer(self, view: View, query: Query, decision: Decision, answer: Answer) -> Decision:
        """Decide again, now that it is known where the name leads; `decision` stands if nothing there speaks against.

        A list that makes an exception of the name asked for does not close what it leads to.
        What an order or a lesson's need opened, or safe search leads to, is closed again only by a locked category;
        protected names by nothing. A limited entry counts for nothing if the name leads to something harmful.
        A list in shadow mode that would have closed it is named in the decision.
        """
        index = self.index
        if decision.reason.why is Why.PROTECTED or not (answer.targets or index.has_addresses):
            return decision
        result = decision
        for via, name, listings in self._led_to(query, answer):
            verdict = decide(view, name, listings, query.qtype)
            if decision.limited and verdict.reason.why not in _MEANT and is_harmful(listings, name, query.qtype):
                return self._unpermitted(view.without_limited(), query, answer, verdict, via)
            result = _weighed(decision, result, verdict, via)
            if result.blocked:
                return result
        return result

    def _unpermitted(self, view: View, query: Query, answer: Answer, verdict: Decision, via: str) -> Decision:
        """Decide in a view without the permit, which does not cover what the answer leads to; harm is named first."""
        decision = self.question(view, query)
        if not decision.blocked:
            return self.answer(view, query, decision, answer)
        return replace(verdict, reason=replace(verdict.reason, via=via)) if verdict.blocked else decision

    def _led_to(self, query: Query, answer: Answer) -> Iterator[tuple[str, str, Sequence[Listing]]]:
        """Yield what an answer leads to (a name or an address), the name to decide, and what lists say of it."""
        index = self.index
        shields: tuple[Listing, ...] | None = None
        for target in answer.targets:
            name = name_text(target)
            listings: Sequence[Listing] = index.lookup(name)
            if listings:
                shields = self._shields(query) if shields is None else shields
                listings = unshielded(listings, shields)
            yield name, name, listings
        if index.has_addresses:
            for packed in addresses(answer):
                listings = index.lookup_address(packed)
                if listings:
                    shields = self._shields(query) if shields is None else shields
                    listings = unshielded(listings, shields)
                if listings:
                    yield address_text(packed), query.text, listings

    def _shields(self, query: Query) -> tuple[Listing, ...]:
        return exceptions(self.index.lookup(query.text), query.text, query.qtype)


def _weighed(decision: Decision, so_far: Decision, verdict: Decision, via: str) -> Decision:
    """Return what becomes of a decision when something the answer leads to is judged by itself."""
    reason = verdict.reason
    opened = decision.rewrite is not None or decision.reason.why in _OPENED
    if verdict.blocked and (not opened or reason.why is Why.LOCKED):
        return Decision(Action.BLOCK, replace(reason, via=via))
    if reason.why is Why.SHADOW and so_far is decision and decision.reason.why is Why.DEFAULT:
        return Decision(Action.ALLOW, replace(reason, via=via))
    return so_far


REBINDING = Decision(Action.BLOCK, Reason(Why.REBINDING))
"""All that the answer of a public name holds are addresses of private networks."""
