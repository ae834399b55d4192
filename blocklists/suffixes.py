"""Public suffixes: names such as com.kz below which strangers register theirs, so that no list may close them whole."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from blocklists.errors import ListError
from policy.names import InvalidName, parse_name, with_parents
from translations import _


@dataclass(frozen=True, slots=True)
class Suffixes:
    """The Public Suffix List (publicsuffix.org)."""

    names: frozenset[str]
    wild: frozenset[str] = frozenset()
    """Names of which every direct child is a public suffix (`*.ck`)."""
    exceptions: frozenset[str] = frozenset()
    """Children of wild names that are none (`!www.ck`)."""
    above: frozenset[str] = frozenset()
    """Names that are no suffixes but have some below them (`sch.uk` of `*.sch.uk`): who closes one closes those."""
    hosts: frozenset[str] = frozenset()
    """The private part of the list: hosts of strangers' sites (`blogspot.com`, `pages.dev`) that belong to a firm."""

    def hold(self, name: str) -> bool:
        """Tell whether the name is a public suffix or holds some; every single label is one (the list's rule `*`)."""
        _first, dot, parent = name.partition(".")
        return (
            not dot or name in self.names or (parent in self.wild and name not in self.exceptions) or name in self.above
        )


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
    above = wild.union(*(islice(with_parents(name), 1, None) for name in names | wild)) - names
    return Suffixes(frozenset(names), frozenset(wild), frozenset(exceptions), frozenset(above))


@cache
def bundled() -> Suffixes:
    """Return the list as it came with the tldextract package; the internet is never asked.

    Raises ListError if the package is not whole.
    """
    # Its file is read without importing the package: that brings an HTTP library along, 20 MB on top of every compile.
    spec = find_spec("tldextract")
    if spec is None or spec.origin is None:
        raise ListError(_("the package tldextract is not installed whole: install schoolfilter again"))
    text = Path(spec.origin).with_name(".tld_set_snapshot").read_text(encoding="utf-8")
    registries, firms = (
        from_rules(line.split()[0] for line in part.splitlines() if line.strip() and line[:2] != "//")
        for part in text.partition("===BEGIN PRIVATE DOMAINS===")[::2]
    )
    return replace(registries, hosts=firms.names)
