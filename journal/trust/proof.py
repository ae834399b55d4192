"""Proofs that records stand in the chain: what a paper or an export carries with it, for whoever has a signed head.

A proof is text, one JSON object a line, in the order of the chain, from the first record that it shows to the head that
it ends at. A record that is shown stands there with its whole content (but for what is sealed), of any other only the
digest: it tells nothing of what it says. The first line also has `before`, the link of the record before it.

    {"before":LINK,"number":7,"at":AT,"kind":KIND,"by":BY,"body":TEXT,"seal":SEAL}
    {"number":8,"digest":DIGEST}
    {"number":9,"at":AT,"kind":KIND,"by":BY,"body":TEXT,"seal":SEAL}

All values but `number` are texts, exactly as they are kept; `body` is a JSON text itself. The lines are ASCII: other
characters are written `\\uXXXX`. To check a proof, begin with `before` and go from line to line:

    digest = SHA-256 of the JSON text [number,at,kind,by,body,seal] in UTF-8, without spaces, characters not escaped
             (Python: json.dumps([...], ensure_ascii=False, separators=(",", ":")).encode(errors="surrogateescape"))
    link   = SHA-256 of the ASCII text: link of the line before, digest, line feed

Digests and links are 64 hexadecimal digits, small letters. Numbers go up by one. The link of the last line has to be
that of the signed head of this number (journal/trust/heads.py says what is signed).
"""

import json
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass

from storage.evidence import GENESIS, Head, Stored, digest_of, link_of
from storage.journal_db import JournalDb

_CONTENT = ("at", "kind", "by", "body", "seal")
_DIGITS = len(GENESIS)


class BrokenProof(ValueError):  # noqa: N818 - reads as what it is
    """A proof does not have the form, or does not lead to the head. `line` counts from 1; 0: the whole of it."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


@dataclass(frozen=True, slots=True)
class Proven:
    """What a proof shows."""

    before: Head
    """What the first of its records follows."""
    head: Head
    """Where it ends."""
    shown: tuple[Stored, ...]
    """The records whose content is shown."""


async def proof(journal: JournalDb, numbers: Collection[int], *, until: int | None = None) -> AsyncIterator[str]:
    """Yield the lines that prove records `numbers`, each with its line feed, up to record `until` (None: the last).

    Nothing if no number is given. Raises ValueError if one of them is not in the chain.
    """
    wanted = set(numbers)
    if not wanted:
        return
    first = min(wanted)
    before = await _link_before(journal, first)
    async for stored in journal.stored(after=first - 1, until=until):
        says: dict[str, object] = {"before": before} if stored.number == first else {}
        says["number"] = stored.number
        if stored.number in wanted:
            says |= {key: getattr(stored, key) for key in _CONTENT}
            wanted.remove(stored.number)
        else:
            says["digest"] = stored.digest
        yield json.dumps(says, separators=(",", ":")) + "\n"
    if wanted:
        raise ValueError(f"expected records of the chain, found {sorted(wanted)[:5]}")


def check_proof(lines: Iterable[str], head: Head) -> Proven:
    """Return what a proof shows if it leads to this head; raise BrokenProof otherwise. Pure."""
    before: Head | None = None
    number, link = 0, ""
    shown: list[Stored] = []
    for count, line in enumerate(lines, 1):
        says = _read(count, line)
        if before is None:
            link = _hexadecimal(count, says.pop("before", None))
            number = _number(count, says.get("number")) - 1
            before = Head(number, link)
        number += 1
        if says.pop("number", None) != number:
            raise BrokenProof(count, f"expected record {number}")
        if says.keys() == {"digest"}:
            link = link_of(link, _hexadecimal(count, says["digest"]))
            continue
        if says.keys() != set(_CONTENT) or not all(isinstance(value, str) for value in says.values()):
            raise BrokenProof(count, f"expected a digest or {', '.join(_CONTENT)}, all texts")
        at, kind, by, body, seal = (str(says[key]) for key in _CONTENT)
        link = link_of(link, digest_of(number, at, kind, by, body, seal))
        shown.append(Stored(number, at, kind, by, body, seal, link))
    if before is None:
        raise BrokenProof(0, "expected at least one record, found none")
    if (number, link) != head:
        raise BrokenProof(
            0, f"expected to end at record {head.number} with the link {head.link}, found {number}, {link}"
        )
    return Proven(before, head, tuple(shown))


async def _link_before(journal: JournalDb, number: int) -> str:
    async for stored in journal.stored(after=number - 2, until=number - 1):
        return stored.link
    return GENESIS


def _read(count: int, line: str) -> dict[str, object]:
    try:
        says = json.loads(line, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise BrokenProof(count, f"expected a JSON object: {error}") from error
    if not isinstance(says, dict):
        raise BrokenProof(count, "expected a JSON object")
    return says


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Two readers may differ about which of two values counts."""
    if len({key for key, _value in pairs}) != len(pairs):
        raise ValueError("a key stands there twice")
    return dict(pairs)


def _number(count: int, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BrokenProof(count, "expected a number from 1 on")
    return value


def _hexadecimal(count: int, value: object) -> str:
    if not isinstance(value, str) or len(value) != _DIGITS or set(value) - set("0123456789abcdef"):
        raise BrokenProof(count, f"expected {_DIGITS} hexadecimal digits")
    return value
