"""Domain names as policy and lists hold them: canonical text, parents, reversed labels."""

import re
from collections.abc import Iterator

import idna

MAX_NAME = 253
"""Longest name as text without the final dot (RFC 1035 section 2.3.4: 255 octets on the wire)."""

_CANONICAL = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC_LABEL = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")


class InvalidName(ValueError):  # noqa: N818 - reads as what it is: "except InvalidName"
    """The text is not a domain name; the message says what was expected and what was found."""


def parse_name(text: str) -> str:
    """Return the canonical form of a name that a person or a list wrote.

    Canonical: lower case, international labels as A-labels (`xn--…`, RFC 5891), no final dot.
    Raises InvalidName for an empty text, an address, a URL, a label over 63 or a name over 253 octets.
    """
    name = text.strip().lower()
    if not name.isascii():
        try:
            name = ".".join(map(_a_label, idna.uts46_remap(name, std3_rules=False).split(".")))
        except idna.IDNAError as error:
            raise InvalidName(f"expected a domain name such as example.org, found {text[:80]!r}: {error}") from None
    name = name.removesuffix(".")
    if len(name) > MAX_NAME:
        raise InvalidName(f"expected a name of at most {MAX_NAME} characters, found {len(name)}: {text[:40]!r}…")
    if not _CANONICAL.fullmatch(name):
        raise InvalidName(f"expected a domain name such as example.org, found {text[:80]!r}")
    if _NUMERIC_LABEL.fullmatch(name.rpartition(".")[2]):
        raise InvalidName(f"expected a domain name, found the address or number {text[:80]!r}")
    return name


def _a_label(label: str) -> str:
    # Label by label: IDNA 2008 forbids the underscore, but `_dmarc` may stand above an international name.
    return label if label.isascii() else idna.alabel(label).decode("ascii")


def _u_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        letters = idna.ulabel(label)
        # Letters are shown only if they lead back to this very name, so that what people read can be typed again.
        return letters if _a_label(idna.uts46_remap(letters, std3_rules=False)) == label else label
    except (idna.IDNAError, UnicodeError):
        return label


def display_name(name: str) -> str:
    """Return the name as people write it: A-labels turned to their letters where that is possible."""
    return ".".join(map(_u_label, name.split("."))) if "xn--" in name else name


def with_parents(name: str) -> Iterator[str]:
    """Yield the name, then each parent up to its top-level domain: a.b.c, b.c, c."""
    while True:
        yield name
        _, dot, name = name.partition(".")
        if not dot:
            return


def reversed_labels(name: str) -> str:
    """Return the key of the list index: ads.example.com becomes `com.example.ads.`.

    The final dot makes every parent a prefix of its children and of nobody else.
    """
    return ".".join(name.split(".")[::-1]) + "."
