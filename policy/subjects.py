"""What a list feeds and a group can be kept from: a category or a service. The two have no id in common."""

from collections.abc import Iterable
from difflib import get_close_matches

from policy.categories import BY_ID, Category
from policy.services import SERVICES_BY_ID, Service

Subject = Category | Service

SUBJECT_IDS: tuple[str, ...] = (*BY_ID, *SERVICES_BY_ID)


def subject(id_: str) -> Subject | None:
    """Return the category or service of that id; None if there is none."""
    return BY_ID.get(id_) or SERVICES_BY_ID.get(id_)


def title_of(id_: str, language: str) -> str:
    """Return the title of a category or service in a language; the id itself if it is neither."""
    found = subject(id_)
    return id_ if found is None else found.title(language)


def nearest(text: str, known: Iterable[str] = SUBJECT_IDS) -> str:
    """Return the id that was probably meant; empty if none is near."""
    return next(iter(get_close_matches(text.lower(), list(known), n=1, cutoff=0.5)), "")
