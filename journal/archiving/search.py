"""Searching the query log, segments and archive as one.

What is found is about people: who asks enters an access record first (journal/access.py).
"""

import os
import resource
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from journal.archiving.duck import literal, opened_duck, scratch
from journal.archiving.log_table import aside, table
from journal.archiving.segment_text import open_text
from journal.archiving.statistics import By as By
from journal.archiving.statistics import Top as Top
from journal.opening import opened_journal
from policy.networks import IPNetwork, parse_address
from resolver.querylog import COLUMNS
from resolver.segments import list_segments
from settings.model import Settings

_BATCH = 4096
_OTHER_FILES = 256
_MARGIN = timedelta(days=1)
"""A segment, and so a file of the archive, may hold lines of the next day; clocks are set now and then."""
_BEGUN = "%Y%m%dT%H%M%S"


@dataclass(frozen=True, slots=True)
class Filter:
    """What is looked for: all of it at once; of several values any. What is empty asks for nothing."""

    since: datetime | None = None
    """Aware, as `until`; `since` <= time < `until`."""
    until: datetime | None = None
    clients: tuple[IPNetwork, ...] = ()
    devices: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    name: str = ""
    """This name, as the log writes it, and all below it."""
    word: str = ""
    """Part of a name: as the log writes it, or, if it is not ASCII (small letters, NFC), as people read it."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The files that are searched; no line is in two of them."""

    segments: tuple[Path, ...]
    archives: tuple[Path, ...]
    doubtful: tuple[str, ...] = ()
    """Files of the archive that are missing, or not as long as the journal says; the missing ones are not searched."""


async def sources(settings: Settings, wanted: Filter) -> Sources:
    """Return the files that can hold what is wanted. Raises StorageError, OSError."""
    async with opened_journal(settings) as journal:
        # The folder is read after the tables: a segment that is archived in between is still there, or is missed by
        # whoever opens it, who then asks again.
        archived, archives = await journal.stored_files()
    found = [
        segment.path
        for segment in list_segments(settings.paths.query_log)
        if segment.path.name not in archived
        and (wanted.until is None or segment.path.name[:15] <= _begun(wanted.until + _MARGIN))
        and (wanted.since is None or segment.written >= (wanted.since - _MARGIN).timestamp())
    ]
    first = _day(wanted.since, -_MARGIN) if wanted.since else ""
    last = _day(wanted.until, _MARGIN) if wanted.until else "9999"
    kept, doubtful = [], []
    for archive in archives:
        if first <= archive.day <= last:
            path = settings.paths.archive / archive.file
            sizes = [size for file in (path, aside(path)) if (size := _size(file)) >= 0]
            if sizes:
                kept.append(path)
            if archive.bytes not in sizes:
                doubtful.append(archive.file)
    return Sources(tuple(sorted(found)), tuple(kept), tuple(doubtful))


def _size(path: Path) -> int:
    """Return the size of a file; -1 if there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def _begun(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_BEGUN)


def _day(moment: datetime, margin: timedelta) -> str:
    return (moment.astimezone(UTC) + margin).date().isoformat()


@asynccontextmanager
async def opened_search(settings: Settings, wanted: Filter) -> AsyncIterator["Searcher"]:
    """Open what can hold what is wanted. Raises StorageError, DuckError, OSError."""
    with ExitStack() as stack:
        found = await sources(settings, wanted)
        if found.doubtful:  # unless a round of the archive wrote it anew just now
            found = await sources(settings, wanted)
        try:
            searcher = stack.enter_context(Searcher(settings, found))
        except FileNotFoundError:  # a round of the archive moved something just now
            searcher = stack.enter_context(Searcher(settings, await sources(settings, wanted)))
        yield searcher


class Searcher:
    """Files of the query log, open until the end of the block: what is removed meanwhile is read all the same."""

    def __init__(self, settings: Settings, searched: Sources) -> None:
        self._settings = settings
        self._sources = searched
        self._stack = ExitStack()
        self._connection: duckdb.DuckDBPyConnection
        self.damaged = 0
        """Lines of segments that were left out, because they have not the form of the log."""
        self.doubtful = searched.doubtful

    def __enter__(self) -> Self:
        """Open the files. Raises FileNotFoundError for one that was moved meanwhile."""
        with ExitStack() as stack:
            self._connection = stack.enter_context(opened_duck(self._settings))
            self._view(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close them."""
        self._stack.__exit__(kind, error, trace)

    def rows(
        self, wanted: Filter, *, newest_first: bool = False, limit: int | None = None
    ) -> Iterator[list[tuple[str, ...]]]:
        """Yield batches of rows, each the texts of COLUMNS, in order of time."""
        where, values = self._where(wanted)
        if newest_first and limit is not None and (since := self._last_days()) is not None:
            # What is asked for often is found in the last days, and then nothing older is read.
            lately = _select(f'{where} AND "at" >= ?', newest_first=True, limit=limit)
            if len(found := self._all(lately, [*values, since])) == limit:
                yield found
                return
        select = _select(where, newest_first=newest_first, limit=limit)
        # A cursor of its own: whoever counts in between does not end what is being read.
        with self._connection.cursor() as cursor:
            cursor.execute(select, values)
            while batch := cursor.fetchmany(_BATCH):
                yield batch

    def count(self, wanted: Filter) -> int:
        """Return how many queries there are."""
        where, values = self._where(wanted)
        return int(self._all(f"SELECT count(*) FROM log WHERE {where}", values)[0][0])  # noqa: S608 - values are bound

    def tops(self, wanted: Filter, column: str, limit: int) -> list[Top]:
        """Return the values of a column that are met most often, most first."""
        if column not in COLUMNS:
            raise ValueError(f"expected one of {', '.join(COLUMNS)}, found {column!r}")
        found = self._sums(wanted, f'"{column}"', "queries DESC, value", f"LIMIT {limit:d}")
        return [Top(*row) for row in found]

    def sums(self, wanted: Filter, by: By) -> list[Top]:
        """Return the queries by hour, day (both as the log has them) or column, in the order of these."""
        match by:
            case "hour" | "day":
                # Rows are grouped by the moment: a text for each of them would cost far more than the rest.
                written = "%Y-%m-%dT%H" if by == "hour" else "%Y-%m-%d"
                found = self._sums(wanted, f"date_trunc('{by}', moment)", "value", "")
                return [Top(f"{value:{written}}", queries, blocked) for value, queries, blocked in found]
            case "room" | "group" | "category" | "action":
                return [Top(*row) for row in self._sums(wanted, f'"{by}"', "value", "")]

    def copy_parquet(self, wanted: Filter, path: Path) -> int:
        """Write the rows to a Parquet file, all columns as texts, in order of time; return how many there are."""
        where, values = self._where(wanted)
        path.touch(mode=0o600)
        copy = f"COPY ({_select(where)}) TO {literal(path)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)"
        return int(self._all(copy, values)[0][0])

    def _sums(self, wanted: Filter, value: str, order: str, limit: str) -> list[tuple[Any, int, int]]:
        where, values = self._where(wanted)
        query = f"""SELECT {value} AS value, count(*) AS queries, count_if(action = 'block') FROM log
            WHERE {where} GROUP BY 1 ORDER BY {order} {limit}"""  # noqa: S608 - values are bound
        return self._all(query, values)

    def _all(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, values).fetchall()

    def _last_days(self) -> datetime | None:
        """Return when the last archived day begins, at the latest, as UTC without a zone; None if none is archived."""
        days = [path.parent.name.partition("=")[2] for path in self._sources.archives]
        return datetime.fromisoformat(max(days)) - _MARGIN if days else None

    def _view(self, stack: ExitStack) -> None:
        """Open the files and give them to DuckDB as the table `log`."""
        _allow_files(len(self._sources.segments) + len(self._sources.archives))
        folder = stack.enter_context(scratch(self._settings))
        newest = _newest(self._sources.segments)
        texts = []
        for path in self._sources.segments:
            text = open_text(path, folder, growing=path in newest)
            stack.callback(text.close)
            self.damaged += text.damaged
            texts.append((text.path, text.columns))
        archives = []
        for path in self._sources.archives:
            descriptor = _open_archive(path)
            stack.callback(os.close, descriptor)
            archives.append(f"/proc/{os.getpid()}/fd/{descriptor}")
        self._connection.execute(f"CREATE VIEW log AS {table(texts, archives)}")

    def _where(self, wanted: Filter) -> tuple[str, list[object]]:
        """Return the condition of SQL, and what stands for its question marks."""
        conditions: list[str] = []
        values: list[object] = []
        for comparison, moment in (('"at" >= ?', wanted.since), ('"at" < ?', wanted.until)):
            if moment is not None:
                conditions.append(f"{comparison}::TIMESTAMP")
                values.append(moment.astimezone(UTC).replace(tzinfo=None))
        for column, wanted_values in (
            ("device", wanted.devices),
            ("room", wanted.rooms),
            ("group", wanted.groups),
            ("category", wanted.categories),
            ("action", wanted.actions),
            ("reason", wanted.reasons),
            ("type", wanted.types),
        ):
            if wanted_values:
                conditions.append(_is_one_of(column, wanted_values))
                values += wanted_values
        if wanted.clients:
            clients = self._clients(wanted.clients)
            conditions.append(_is_one_of("client", clients))
            values += clients
        if wanted.name:
            conditions.append("(name = ? OR ends_with(name, ?))")
            values += [wanted.name, f".{wanted.name}"]
        if wanted.word and wanted.word.isascii():
            conditions.append("contains(name, ?)")
            values.append(wanted.word)
        elif wanted.word:
            values.append(self._read_with(wanted.word, " AND ".join(conditions) or "true", values))
            conditions.append("name IN (SELECT unnest(?::VARCHAR[]))")
        return " AND ".join(conditions) or "true", values

    def _read_with(self, word: str, where: str, values: Sequence[object]) -> list[str]:
        """Return the names, as the log writes them, whose letters have the word in them: the log has A-labels."""
        names = f"SELECT DISTINCT name FROM log WHERE {where} AND contains(name, 'xn--')"  # noqa: S608 - values are bound
        return [name for (name,) in self._all(names, values) if word in ".".join(map(_letters, name.split(".")))]

    def _clients(self, networks: Sequence[IPNetwork]) -> list[str]:
        """Return the clients in these networks, as the log writes them."""
        hosts = [each.network_address for each in networks if each.prefixlen == each.max_prefixlen == 32]
        found = {str(address) for address in hosts}
        wide = [each for each in networks if each.prefixlen < each.max_prefixlen or each.version == 6]
        if wide:
            for (client,) in self._all("SELECT DISTINCT client FROM log", ()):
                try:
                    address = parse_address(client)
                except ValueError:  # anonymised
                    continue
                if any(address in network for network in wide):
                    found.add(client)
        return sorted(found)


def _letters(label: str) -> str:
    """Return a label in its letters. Fast: whether they are lawful, as policy.names.display_name asks, is no matter."""
    try:
        return label[4:].encode().decode("punycode") if label.startswith("xn--") else label
    except UnicodeError:
        return label


def _is_one_of(column: str, values: Sequence[str]) -> str:
    return f'"{column}" IN ({", ".join("?" * len(values))})' if values else "false"


def _select(where: str, *, newest_first: bool = False, limit: int | None = None) -> str:
    columns = ", ".join(f'"{column}"' for column in COLUMNS)
    direction = "DESC" if newest_first else "ASC"
    most = "" if limit is None else f" LIMIT {limit:d}"
    # The text of the time is made of what is found, not of what is sorted.
    return f"""SELECT {columns} FROM log WHERE {where}
        ORDER BY "at" {direction}, client {direction}, name {direction}, "type" {direction}{most}"""  # noqa: S608 - values are bound


def _newest(segments: Sequence[Path]) -> set[Path]:
    """Return the last segment of each worker: it may be written to. Segments are in the order of their names."""
    return set({path.name.split("-")[1]: path for path in segments}.values())


def _allow_files(count: int) -> None:
    """Raise how many files this process may have open, as far as it may: years of an archive are more than 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OTHER_FILES + 2 * count  # DuckDB opens each once more
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


def _open_archive(path: Path) -> int:
    flags = os.O_RDONLY | os.O_CLOEXEC
    try:
        return os.open(path, flags)
    except FileNotFoundError:  # entered in the journal, and about to be put in its place (journal/archiving/archive.py)
        return os.open(aside(path), flags)
