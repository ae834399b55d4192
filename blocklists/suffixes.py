"""Public suffixes: names such as com.kz below which strangers register theirs, so that no list may close them whole."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from blocklists.formats import Item, Rule, Scope, Skipped
from policy.names import InvalidName, parse_name

_REFUSED = "a name below a public suffix (this one would close all of it)"


@dataclass(frozen=True, slots=True)
class Suffixes:
    """The registries' part of the Public Suffix List (publicsuffix.org).

    The private part (blogspot.com, pages.dev …) is left out on purpose: lists name such hosts because they mean them.
    """

    names: frozenset[str]
    wild: frozenset[str] = frozenset()
    """Names of which every direct child is a public suffix (`*.ck`)."""
    exceptions: frozenset[str] = frozenset()
    """Children of wild names that are none (`!www.ck`)."""

    def hold(self, name: str) -> bool:
        """Tell whether the name is a public suffix; every single label is one (the list's rule `*`)."""
        _, dot, parent = name.partition(".")
        return not dot or name in self.names or (parent in self.wild and name not in self.exceptions)


def refuse_suffixes(items: Iterable[Item], suffixes: Suffixes) -> Iterator[Item]:
    """Skip the rules that would cover a whole public suffix; a rule for that very name only does no such harm."""
    hold = suffixes.hold
    for item in items:
        if isinstance(item, Rule) and item.scope is Scope.SUBTREE and hold(item.name):
            yield Skipped(item.line, _REFUSED, item.name)
        else:
            yield item


def from_rules(rules: Iterable[str]) -> Suffixes:
    """Sort the rules of the Public Suffix List by their meaning; those in no valid form are left out."""
    names: set[str] = set()
    wild: set[str] = set()
    exceptions: set[str] = set()
    for rule in rules:
        home = exceptions if rule.startswith("!") else wild if rule.startswith("*.") else names
        try:
            home.add(parse_name(rule.removeprefix("!").removeprefix("*.")))
        except InvalidName:
            continue
    return Suffixes(frozenset(names), frozenset(wild), frozenset(exceptions))


@cache
def bundled() -> Suffixes:
    """Return the list as it came with the tldextract package; the internet is never asked."""
    # Imported here: it brings an HTTP library along, 0.2 s and 20 MB that only a compile need pay.
    from tldextract import TLDExtract

    return from_rules(TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=False).tlds)
