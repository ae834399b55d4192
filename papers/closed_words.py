"""What is closed, as people read it in a sentence."""

from collections.abc import Sequence

from policy.subjects import title_of


def closed_words(ids: Sequence[str], language: str) -> str:
    """Return the titles of categories and services: `Terrorism, Drugs, Games`; empty if there are none.

    Titles stay as they are written elsewhere, so that a reader finds them again.
    """
    return ", ".join(title_of(id_, language) for id_ in ids)
