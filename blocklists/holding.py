"""What a list says but must not do before the operator let it: close a suffix, or half of what the school uses. Pure.

Held rules are not compiled. The operator sees them (`lists held`) and lets them through by `Source.accepted` (names) or
`Source.suffixes` (all public suffixes of a list that means them).
"""

import ipaddress
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from string import ascii_lowercase, digits

from blocklists.generation import Held, WhyHeld
from blocklists.networks import IPNetwork
from blocklists.patterns import MAX_PATTERNS, MAX_UNFILTERED_SIZE, Patterns, size_of
from blocklists.rules import Rule
from blocklists.sources import Source
from blocklists.suffixes import Suffixes
from policy.names import with_parents
from policy.safesearch import ENGINES

__all__ = ["Held", "WhyHeld", "broad_names", "held_network", "held_patterns", "name_judge"]

MIN_TOP = 100
"""With fewer names asked for so far, a share of them says nothing: each of twenty names would be 5 %."""

_MEANT = ("starter:", "service:")
"""Locations of lists that come with the program: each name on them was chosen, however much it is asked for."""

_STRANGERS = (("bilim", "kuzetshy"), ("bilim", "q-4.v9"), ("kuzetshy", "q-4.v9"), ("www.bilim", "www.kuzetshy"))
"""Pairs of names with nothing in common (but `www`): an expression that is found in both of a pair below one suffix is
about their form, and closes much of that suffix."""
_LARGE = ("com", "net", "org", "ru", "kz", "kg", "uz")
"""Suffixes of which no expression may close even a letter (`a*com`)."""
_INITIALS = tuple((letter + "bilim", letter + "kuzetshy") for letter in ascii_lowercase + digits)

_WIDEST = {4: 12, 6: 28}
"""Networks wider than these prefix lengths are held: hosting companies and clouds have such, whole, with all who live
there."""
_AROUND = {4: 24, 6: 48}
"""Networks wider than these are held if they hold one of the addresses that a school cannot do without."""
_RESOLVERS = tuple(
    map(
        ipaddress.ip_address,
        (
            *("1.1.1.1", "8.8.8.8", "9.9.9.9", "77.88.8.8", "94.140.14.14", "208.67.222.222"),
            *("2606:4700:4700::1111", "2001:4860:4860::8888", "2620:fe::fe", "2a02:6b8::feed:ff", "2a10:50c0::ad1:ff"),
        ),
    )
)
"""Of resolvers that the school itself may ask. One alone may be listed: lists against bypassing name them."""
_SAFE_SEARCH = frozenset(
    ipaddress.ip_address(text) for engine in ENGINES for mode in engine.modes for text in mode.addresses
)
"""What the safe modes of search engines are answered with: even a single one of them is held."""
_OWN = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7")))
"""Private addresses: the school's own servers have them, and lists of bogus networks name them all."""


def broad_names(top: Sequence[str], percent: float) -> dict[str, float]:
    """Return the names which cover more than that share of the given ones, themselves included, and their shares."""
    names = set(top)
    if len(names) < MIN_TOP:
        return {}
    covered = Counter(parent for name in names for parent in with_parents(name))
    most = len(names) * percent / 100
    return {name: count / len(names) for name, count in covered.items() if count > most}


def name_judge(source: Source, suffixes: Suffixes, broad: Mapping[str, float]) -> Callable[[Rule], Held | None]:
    """Return the judgement of one list's rules that cover what is below a name."""
    hold, hosts = suffixes.hold, suffixes.hosts
    accepted = frozenset(source.accepted)
    meant = source.location.startswith(_MEANT)
    by_suffix = not source.suffixes

    def judge(rule: Rule) -> Held | None:
        name = rule.name
        suffix = hold(name) or (name in hosts and not meant and not rule.allows)
        if by_suffix and suffix and name not in accepted:
            return Held(name, rule.line, WhyHeld.SUFFIX, broad.get(name, 0.0))
        if name in broad and not meant and not rule.allows and name not in accepted:
            return Held(name, rule.line, WhyHeld.BROAD, broad[name])
        return None

    return judge


def held_network(source: Source, rule: Rule, network: IPNetwork) -> Held | None:
    """Judge a rule about the addresses of a network."""
    if rule.allows or rule.name in source.accepted:
        return None
    around = network.prefixlen < _AROUND[network.version] and any(address in network for address in _RESOLVERS)
    needed = around or any(address in network for address in _SAFE_SEARCH)
    if needed or network.prefixlen < _WIDEST[network.version] or _overlaps_own(network):
        return Held(rule.name, rule.line, WhyHeld.NETWORK)
    return None


def _overlaps_own(network: IPNetwork) -> bool:
    return any(network.version == own.version and network.overlaps(own) for own in _OWN)


def held_patterns(
    rules: Sequence[tuple[Source, Rule]], suffixes: Suffixes, top: Sequence[str], percent: float
) -> dict[int, Held]:
    """Judge the expressions of all lists at once; return those to be held by their number."""
    # The bounds come first: what is beyond them would make this, too, take too long.
    held = _beyond_bounds(rules)
    numbers = [number for number in range(len(rules)) if number not in held]
    patterns = Patterns([rules[number][1].name for number in numbers])
    names = frozenset(top)
    covered = Counter(found for name in names for found in patterns.found_in(name))
    most = max(len(names), MIN_TOP) * percent / 100
    closing = _closing(patterns, suffixes)
    for position, number in enumerate(numbers):
        source, rule = rules[number]
        share = covered[position] / len(names) if names else 0.0
        if rule.written in source.accepted or rule.name in source.accepted:
            continue
        if position in closing and not source.suffixes:
            held[number] = Held(rule.written or rule.name, rule.line, WhyHeld.SUFFIX, share)
        elif covered[position] > most and not rule.allows and not source.location.startswith(_MEANT):
            held[number] = Held(rule.written or rule.name, rule.line, WhyHeld.BROAD, share)
    return held


def _closing(patterns: Patterns, suffixes: Suffixes) -> set[int]:
    """Return the numbers of the expressions that close a public suffix, or much of one."""
    words = dict.fromkeys(word for pair in _STRANGERS for word in pair)
    closing: set[int] = set()
    for suffix in (*suffixes.names, *(f"any.{parent}" for parent in suffixes.wild)):
        found = {word: set(patterns.found_in(f"{word}.{suffix}")) for word in words}
        for one, other in _STRANGERS:
            closing |= found[one] & found[other]
    for suffix in _LARGE:
        for one, other in _INITIALS:
            closing.update(
                set(patterns.found_in(f"{one}.{suffix}")).intersection(patterns.found_in(f"{other}.{suffix}"))
            )
    return closing


def _beyond_bounds(rules: Sequence[tuple[Source, Rule]]) -> dict[int, Held]:
    unfiltered = set(Patterns([rule.name for _, rule in rules]).tried_on_all())
    beyond: dict[int, Held] = {}
    kept = size = 0
    for number, (_, rule) in enumerate(rules):
        own = size_of(rule.name) if number in unfiltered else 0
        if kept == MAX_PATTERNS or size + own > MAX_UNFILTERED_SIZE:
            beyond[number] = Held(rule.written or rule.name, rule.line, WhyHeld.PATTERNS)
        else:
            kept += 1
            size += own
    return beyond
