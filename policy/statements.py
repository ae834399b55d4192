"""What the lists say of one question after conditions and exceptions: what holds, and what is on trial only."""

from collections.abc import Sequence

from policy.decision import Listing, Terms
from policy.names import with_parents

_NONE = Terms()


def in_force(listings: Sequence[Listing], name: str, qtype: int) -> tuple[Sequence[Listing], Sequence[Listing]]:
    """Return the statements that hold for a name and a record type, and those of lists in shadow mode.

    An exception silences statements of its own list only: a stranger's list cannot open what another closes. With
    `$important`, exceptions without it have no effect; those that are `nearest` silence what is said of the same name
    or one above it, all others whatever their list says. None of the statements returned is an exception.
    """
    for listing in listings:
        if listing.allows or listing.terms is not None:
            break
    else:
        return listings, ()  # nearly every name: nothing to weigh
    applicable = [each for each in listings if each.terms is None or _applies(each.terms, name, qtype)]
    exceptions = [each for each in applicable if each.allows]
    held = [each for each in applicable if not each.allows and not any(_silences(one, each) for one in exceptions)]
    shadow = [each for each in held if each.terms is not None and each.terms.shadow]
    return [each for each in held if each not in shadow] if shadow else held, shadow


def exceptions(listings: Sequence[Listing], name: str, qtype: int) -> tuple[Listing, ...]:
    """Return the exceptions that hold for a name and a record type."""
    return tuple(each for each in listings if each.allows and (each.terms is None or _applies(each.terms, name, qtype)))


def unshielded(listings: Sequence[Listing], shields: Sequence[Listing]) -> Sequence[Listing]:
    """Leave out what lists say of something an answer leads to, if they make an exception of the name asked for.

    How near the exception is does not count here: it is about another name. `$important` counts as ever.
    """
    if not shields:
        return listings
    strengths = {each.list_id: False for each in shields}
    strengths.update({each.list_id: True for each in shields if (each.terms or _NONE).important})
    return [
        each
        for each in listings
        if each.allows
        or each.list_id not in strengths
        or ((each.terms or _NONE).important and not strengths[each.list_id])
    ]


def _applies(terms: Terms, name: str, qtype: int) -> bool:
    if terms.types and qtype not in terms.types:
        return False
    if qtype in terms.other_types:
        return False
    return not terms.excluded or set(terms.excluded).isdisjoint(with_parents(name))


def _silences(exception: Listing, statement: Listing) -> bool:
    if exception.list_id != statement.list_id:
        return False
    terms, other = exception.terms or _NONE, statement.terms or _NONE
    if other.important and not terms.important:
        return False
    return not terms.nearest or _nearness(statement) <= _nearness(exception)


def _nearness(listing: Listing) -> int:
    """Return how specific a statement is among those about one name or one address: the longer, the nearer.

    An expression is the least specific. Networks are written with their length (`192.0.2.0/24`), a single address
    without.
    """
    if listing.terms is not None and listing.terms.pattern:
        return 0
    _, slash, length = listing.name.partition("/")
    return int(length) if slash else _SINGLE + len(listing.name)


_SINGLE = 128
"""More than the length of any network."""
