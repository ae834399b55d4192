"""Who asked for a name lately, as the query log tells it: the name and all below it, and nothing beside."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from approval import demand
from approval.demand import Demand, demand_for
from resolver.querylog import HEADER_LINE

NOW = datetime(2026, 9, 2, 8, 0, tzinfo=UTC)
SINCE = NOW - timedelta(days=7)


def line(
    name: str, *, client: str = "10.0.0.5", group: str = "pupils", action: str = "block", days: float = 1
) -> bytes:
    moment = (NOW - timedelta(days=days)).isoformat(timespec="milliseconds")
    return f"{moment}\t{client}\t\t\t{group}\t{name}\tA\t{action}\tlevel\t\t\tNOERROR\tpolicy\t0.1\n".encode()


def write(folder: Path, *lines: bytes, name: str = "20260902T050000-w0-0001.tsv") -> None:
    (folder / name).write_bytes(HEADER_LINE + b"".join(lines))


def test_queries_clients_groups_and_blocks_are_counted(tmp_path: Path) -> None:
    write(
        tmp_path,
        line("a.example"),
        line("www.a.example", client="10.0.0.6"),
        line("a.example", group="teachers", client="10.0.1.1", action="allow"),
        line("b.example"),
        line("a.example"),
    )
    assert demand_for(["a.example", "c.example"], tmp_path, SINCE) == {
        "a.example": Demand({"pupils": 3, "teachers": 1}, clients=3, blocked=3),
        "c.example": Demand(),
    }
    assert demand_for(["a.example"], tmp_path, SINCE)["a.example"].queries == 4


@pytest.mark.parametrize("other", ["xa.example", "a.example.net", "a-example", "example"])
def test_a_name_that_only_looks_like_it_is_not_counted(tmp_path: Path, other: str) -> None:
    write(tmp_path, line(other), line("a.example"))
    assert demand_for(["a.example"], tmp_path, SINCE)["a.example"].queries == 1


def test_what_is_older_is_not_counted(tmp_path: Path) -> None:
    write(tmp_path, line("a.example", days=7.5), line("a.example", days=6.5))
    assert demand_for(["a.example"], tmp_path, SINCE)["a.example"].queries == 1


@pytest.mark.parametrize(
    "broken",
    [
        b"a.example\t\n",
        line("a.example").replace(b"2026-", b"2o26-"),
        line("a.example").replace(b"+00:00", b""),
        line("a.example")[:-1],
        b"\n",
    ],
    ids=["few-columns", "no-moment", "no-zone", "torn", "empty"],
)
def test_damaged_lines_are_left_out(tmp_path: Path, broken: bytes) -> None:
    write(tmp_path, line("a.example"), broken)
    assert demand_for(["a.example"], tmp_path, SINCE)["a.example"].queries == 1


def test_lines_are_found_wherever_a_block_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, *(line("a.example") + line("b.example") for _ in range(20)))
    for size in (1, 7, 100, 150, 1000):
        monkeypatch.setattr(demand, "_BLOCK", size)
        assert demand_for(["a.example", "b.example"], tmp_path, SINCE)["a.example"].queries == 20


def test_all_segments_are_read_and_other_files_are_not(tmp_path: Path) -> None:
    write(tmp_path, line("a.example"))
    write(tmp_path, line("a.example"), name="20260902T050000-w1-0001.tsv")
    (tmp_path / "notes.tsv").write_bytes(b"a.example\tsomething else\n" + line("a.example"))
    (tmp_path / "a.txt").write_bytes(line("a.example"))
    assert demand_for(["a.example"], tmp_path, SINCE)["a.example"].queries == 2
    assert demand_for(["a.example"], tmp_path / "nowhere", SINCE) == {"a.example": Demand()}
