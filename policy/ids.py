"""What an id of a group, room or device may be: it stands in the query log, on command lines and in addresses."""

import re

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


def is_id(text: str) -> bool:
    """Whether a text is an id: then it ends no column and no line of the query log, and needs no quotes."""
    return _ID.fullmatch(text) is not None


def require_id(text: str) -> str:
    """Return an id. Raises ValueError for a text that is none."""
    if not is_id(text):
        raise ValueError(f"expected an id of small Latin letters, digits and hyphens, found {text[:60]!r}")
    return text
