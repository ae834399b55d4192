"""Names that are no site: the school's protected ones, and those below which strangers have sites of their own."""

from collections.abc import Iterable

from blocklists.errors import ListError
from blocklists.suffixes import bundled
from policy.names import parse_name, with_parents
from settings.model import Settings


def is_shared(name: str) -> bool:
    """Tell whether a name is a public suffix, holds some, or is a host of strangers' sites (`blogspot.com`).

    No name is, if that list is missing: neither a report nor a block may be lost because of it.
    """
    try:
        suffixes = bundled()
    except (ListError, OSError):
        return False
    return suffixes.hold(name) or name in suffixes.hosts


def protected_names(settings: Settings) -> frozenset[str]:
    """Return the names that nothing closes, with all below them (R2)."""
    return frozenset(map(parse_name, settings.school.protected))


def shield_of(name: str, protected: Iterable[str]) -> str:
    """Return the protected name that a name is or lies below; empty if there is none."""
    known = frozenset(protected)
    return next((parent for parent in with_parents(name) if parent in known), "")
