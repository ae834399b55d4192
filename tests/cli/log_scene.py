"""An installation with a few queries in its log, and what its journal says of who looked at them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from journal.opening import opened_journal
from resolver.querylog import COLUMNS, HEADER_LINE
from settings.model import Paths, Settings
from storage.evidence import Kind, Record
from tests.cli.installation import Bench, prepared

WHY = ("--reason", "question of the class teacher")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """An installation whose log has four queries of 2 September 2026."""
    with prepared(tmp_path, monkeypatch) as made:
        write_segment(
            made,
            line("10:00:01", "www.example.org", client="10.0.0.5", device="lab-05", room="214"),
            line(
                "10:00:02", "games.example.net", client="10.0.0.6", action="block", reason="category", category="games"
            ),
            line("11:00:03", "example.org", client="2001:db8::7", group="teachers"),
            line("11:00:04", "notexample.org", client="10.0.0.5", device="lab-05", room="214"),
        )
        made.done("rooms", "add", "214", "--network", "10.0.0.4/31")
        yield made


def line(clock: str, name: str, **columns: str) -> bytes:
    values = {"time": f"2026-09-02T{clock}.250+05:00", "group": "pupils", "name": name, "type": "A"} | columns
    values = {"action": "allow", "reason": "default", "rcode": "NOERROR", "source": "cache", "ms": "0.1"} | values
    return "\t".join(values.get(column, "") for column in COLUMNS).encode() + b"\n"


def write_segment(bench: Bench, *lines: bytes) -> None:
    folder = bench.folder / "var" / "querylog"
    folder.mkdir(exist_ok=True)
    (folder / "20260902T050000-w0-0001.tsv").write_bytes(HEADER_LINE + b"".join(lines))


def records(bench: Bench, *kinds: Kind) -> list[Record]:
    """Return the records of the journal, with what is sealed."""

    async def read() -> list[Record]:
        async with opened_journal(Settings(paths=Paths(bench.folder / "var"))) as journal:
            return [record async for record in journal.records(kinds, private=True)]

    return asyncio.run(read())
