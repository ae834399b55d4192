"""Who asked for a name lately: counted in the query log for the few names that somebody wants opened or closed."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

_BLOCK = 8 << 20
_COLUMNS = (b"time", b"client", b"group", b"name", b"action")


@dataclass(frozen=True, slots=True)
class Demand:
    """How often a name, or one below it, was asked for."""

    groups: Mapping[str, int] = field(default_factory=dict)
    """Queries by group, the busiest first."""
    clients: int = 0
    """How many different clients."""
    blocked: int = 0
    """How many of the queries were blocked."""

    @property
    def queries(self) -> int:
        """How often in all."""
        return sum(self.groups.values())


@dataclass(slots=True)
class _Tally:
    groups: Counter[str] = field(default_factory=Counter)
    clients: set[bytes] = field(default_factory=set)
    blocked: int = 0


def demand_for(names: Collection[str], log_folder: Path, since: datetime) -> dict[str, Demand]:
    """Return who asked for each of these canonical names since a moment; nothing if there is no log. Raises OSError.

    The log is searched for the names themselves, so a week of a big school takes a second for each.
    """
    tallies = {name: _Tally() for name in names}
    for path in sorted(log_folder.glob("*.tsv")):
        try:
            if path.stat().st_mtime < since.timestamp():
                continue
            _count(path, tallies, since)
        except FileNotFoundError:
            continue  # retention took it away between the listing and the look
    return {
        name: Demand(dict(tally.groups.most_common()), len(tally.clients), tally.blocked)
        for name, tally in tallies.items()
    }


def _count(path: Path, tallies: Mapping[str, _Tally], since: datetime) -> None:
    with path.open("rb") as file:
        columns = file.readline().rstrip(b"\n").split(b"\t")
        if not set(_COLUMNS) <= set(columns):
            return
        time_at, client_at, group_at, name_at, action_at = map(columns.index, _COLUMNS)
        rest = b""
        while block := file.read(_BLOCK):
            whole, _newline, rest = (rest + block).rpartition(b"\n")
            for name, tally in tallies.items():
                wanted = name.encode()
                for line in _lines_with(whole, wanted + b"\t"):
                    fields = line.split(b"\t")
                    if len(fields) < len(columns) or not _covers(wanted, fields[name_at]):
                        continue
                    if not _is_since(fields[time_at], since):
                        continue
                    tally.groups[fields[group_at].decode("utf-8", "replace")] += 1
                    tally.clients.add(fields[client_at])
                    tally.blocked += fields[action_at] == b"block"


def _lines_with(block: bytes, text: bytes) -> Iterator[bytes]:
    """Yield the whole lines in which a text stands, each once."""
    at = block.find(text)
    while at >= 0:
        end = block.find(b"\n", at)
        end = len(block) if end < 0 else end
        yield block[block.rfind(b"\n", 0, at) + 1 : end]
        at = block.find(text, end)


def _covers(wanted: bytes, name: bytes) -> bool:
    return name == wanted or name.endswith(b"." + wanted)


def _is_since(moment: bytes, since: datetime) -> bool:
    try:
        return datetime.fromisoformat(moment.decode("ascii")) >= since
    except (ValueError, TypeError):  # damaged, or without its zone
        return False
