"""The query log read forward: all workers in one order of time, and nothing that is not a whole line."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.queries import queries_since
from resolver.dependencies import Query
from resolver.querylog import HEADER_LINE

NOW = datetime(2026, 9, 2, 5, 0, tzinfo=UTC)
WEEK = timedelta(days=7)


def line(seconds: float, name: str, action: str = "block", reason: str = "level", client: str = "10.0.0.5") -> bytes:
    moment = (NOW + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    return (
        f"{moment}\t{client}\t\t\tpupils\t{name}\tA\t{action}\t{reason}\tgames\tmine\tNOERROR\tpolicy\t0.1\n".encode()
    )


def segment(folder: Path, name: str, *lines: bytes, age: timedelta = timedelta()) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(HEADER_LINE + b"".join(lines))
    written = (NOW - age).timestamp()
    os.utime(folder / name, (written, written))


def test_lines_of_all_workers_come_in_the_order_of_time(tmp_path: Path) -> None:
    segment(tmp_path, "20260902T050000-w0-0002.tsv", line(3, "c.example"), line(5, "e.example", "allow", "default"))
    segment(tmp_path, "20260902T040000-w0-0001.tsv", line(1, "a.example"))
    segment(tmp_path, "20260902T050000-w1-0001.tsv", line(2, "b.example"), line(4, "d.example", "rewrite"))
    found = list(queries_since(tmp_path, NOW - WEEK))
    assert "".join(query.name[0] for query in found) == "abcde"
    assert [query.blocked for query in found] == [True, True, True, False, False]
    assert found[0] == Query(NOW.timestamp() + 1, "10.0.0.5", "a.example", True, "level", "games", "mine")


def test_what_is_older_is_left_out(tmp_path: Path) -> None:
    segment(tmp_path, "20260801T050000-w0-0001.tsv", line(3, "late-in-an-old-file.example"), age=WEEK + WEEK)
    segment(
        tmp_path, "20260902T050000-w0-0002.tsv", line(-WEEK.total_seconds() - 1, "old.example"), line(0, "new.example")
    )
    assert [query.name for query in queries_since(tmp_path, NOW - WEEK)] == ["new.example"]


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(b"\n", id="empty"),
        pytest.param(line(0, "a.example")[:-1], id="torn"),
        pytest.param(line(0, "a.example").replace(b"2026", b"year"), id="no-time"),
        pytest.param(line(0, "a.example").replace(b"games", b"\xff"), id="no-ascii"),
        pytest.param(line(0, "a.example", "refuse"), id="turned-away"),
        pytest.param(line(0, "a.example", "fail"), id="no-answer"),
        pytest.param(line(0, "a.example", "local"), id="answered-by-ourselves"),
        pytest.param(line(0, "a.example", "nonsense"), id="unknown-action"),
        pytest.param(b"\0" * 5000 + b"\n", id="zeros-of-a-power-cut"),
    ],
)
def test_other_lines_are_left_out(tmp_path: Path, damaged: bytes) -> None:
    segment(tmp_path, "20260902T050000-w0-0001.tsv", line(0, "b.example"), damaged)
    assert [query.name for query in queries_since(tmp_path, NOW - WEEK)] == ["b.example"]


def test_no_log_is_no_error(tmp_path: Path) -> None:
    assert list(queries_since(tmp_path / "nowhere", NOW)) == []
