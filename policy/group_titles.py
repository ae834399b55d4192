"""What the groups of a new school are called: in the language of the reader, as long as nobody calls them otherwise."""

from collections.abc import Mapping
from functools import cache

from translations import LANGUAGES, _, spoken


def first_titles() -> dict[str, str]:
    """Return the titles of the groups of a new school by id, in the language in use."""
    return {
        "pupils": _("Pupils"),
        "primary": _("Pupils, grades 1 to 4"),
        "senior": _("Pupils, grades 9 to 11"),
        "teachers": _("Teachers"),
        "staff": _("Staff"),
        "guests": _("Guests"),
        "servers": _("Servers"),
    }


def shown_title(id_: str, title: str) -> str:
    """Return the title of a group as a reader of the language in use is shown it.

    The first title of a group was entered in the language of `init`; what a person chose stays as it is.
    """
    return first_titles()[id_] if title in _in_all_languages().get(id_, ()) else title


@cache
def _in_all_languages() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for language in LANGUAGES:
        with spoken(language):
            for id_, title in first_titles().items():
                found.setdefault(id_, set()).add(title)
    return {id_: frozenset(titles) for id_, titles in found.items()}
