"""Who asked, by the query log: each address with the device that it was then, how often, and when first and last.

A week of a big school is three million lines: they are split as bytes and counted without an object for each.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from policy.devices import address_text
from resolver.asked import newest_blocks
from resolver.querylog import COLUMNS

_TIME, _CLIENT, _DEVICE = (COLUMNS.index(column) for column in ("time", "client", "device"))
_FIELDS = 1 + max(_TIME, _CLIENT, _DEVICE)


@dataclass(frozen=True, slots=True)
class Asker:
    """An address that asked, as one device or as none."""

    address: str
    """As policy/devices.py writes it."""
    device: str
    """The id of the device that it was then; empty if it was known as none."""
    queries: int
    first: datetime
    last: datetime


def read_askers(folder: Path, since: datetime) -> list[Asker]:
    """Return who asked since a moment, whatever came of it. Damaged lines are left out. Raises OSError."""
    found: dict[tuple[str, str], Asker] = {}
    for lines in newest_blocks(folder, since):
        for asker in _askers(lines):
            key = (asker.address, asker.device)
            before = found.get(key)
            found[key] = asker if before is None else _together(before, asker)
    return list(found.values())


def _askers(lines: list[bytes]) -> list[Asker]:
    """Return who asked in a part of one segment, which is in the order of time. Keeps no line: that costs most."""
    try:
        return list(_counted(lines))
    except ValueError:  # a damaged line among them
        return list(_counted(line for line in lines if _is_sound(line)))


def _counted(lines: Iterable[bytes]) -> Iterator[Asker]:
    """Yield who asked. Raises ValueError if it meets a damaged line; it need not meet each."""
    counts: dict[tuple[bytes, bytes], int] = {}
    first: dict[tuple[bytes, bytes], bytes] = {}
    last: dict[tuple[bytes, bytes], bytes] = {}
    for line in lines:
        fields = line.split(b"\t", _FIELDS)
        if len(fields) <= _FIELDS:
            continue
        key = (fields[_CLIENT], fields[_DEVICE])
        last[key] = fields[_TIME]
        if key in counts:
            counts[key] += 1
        else:
            counts[key], first[key] = 1, fields[_TIME]
    for key, queries in counts.items():
        client, device = key
        yield Asker(_address(client), device.decode("ascii"), queries, _moment(first[key]), _moment(last[key]))


def _is_sound(line: bytes) -> bool:
    fields = line.split(b"\t", _FIELDS)
    if len(fields) <= _FIELDS:
        return False
    try:
        _address(fields[_CLIENT])
        fields[_DEVICE].decode("ascii")
        _moment(fields[_TIME])
    except ValueError:
        return False
    return True


def _address(text: bytes) -> str:
    return address_text(text.decode("ascii"))


def _moment(text: bytes) -> datetime:
    moment = datetime.fromisoformat(text.decode("ascii"))
    if moment.tzinfo is None:
        raise ValueError(f"expected a moment with its offset, found {moment}")
    return moment


def _together(one: Asker, other: Asker) -> Asker:
    return replace(
        one, queries=one.queries + other.queries, first=min(one.first, other.first), last=max(one.last, other.last)
    )
