"""`log tail` shows the newest lines of all workers in order, follows them across rolls, and no name can break it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cli.log import log
from cli.log_lines import cells, layout
from cli.log_tail import make_filter
from cli.printable import printable
from cli.segments import Follower, LogLine, list_segments, newest_first, parse_line, whole_ends
from policy.decision import Action
from resolver.querylog import COLUMNS, HEADER_LINE
from tests.cli.fakes import installation, run

ROOT = Path(__file__).resolve().parents[2]


def line(second: int, name: str = "example.org", **columns: str) -> bytes:
    """Return a line of the log, `second` seconds after 10:00."""
    values = {
        "time": f"2026-09-02T10:{second // 60:02}:{second % 60:02}.250+05:00",
        "client": "10.0.0.5",
        "group": "pupils",
        "name": name,
        "type": "A",
        "action": "allow",
        "reason": "default",
        "rcode": "NOERROR",
        "source": "upstream",
        "ms": "12.3",
    } | columns
    return "\t".join(values.get(column, "") for column in COLUMNS).encode() + b"\n"


def segment(folder: Path, hour: int, worker: int, sequence: int, *lines: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"20260902T{hour:02}0000-w{worker}-{sequence:04}.tsv"
    path.write_bytes(HEADER_LINE + b"".join(lines))
    return path


def names(lines: Iterable[LogLine]) -> list[str]:
    return [each["name"] for each in lines]


def newest(folder: Path, count: int) -> list[str]:
    segments = list_segments(folder)
    return names(islice(newest_first(segments, whole_ends(segments), _no_damage), count))


def _no_damage(path: Path, raw: bytes) -> None:
    raise AssertionError(f"{path}: {raw!r}")


def test_workers_are_merged_newest_first_across_segments(tmp_path: Path) -> None:
    segment(tmp_path, 5, 0, 1, line(1, "one.example"), line(3, "three.example"))
    segment(tmp_path, 6, 0, 2, line(5, "five.example"))
    segment(tmp_path, 5, 1, 1, line(2, "two.example"), line(4, "four.example"))
    assert newest(tmp_path, 4) == ["five.example", "four.example", "three.example", "two.example"]


def test_sequence_orders_segments_of_one_second(tmp_path: Path) -> None:
    segment(tmp_path, 5, 0, 2, line(2, "second.example"))
    segment(tmp_path, 5, 0, 1, line(1, "first.example"))
    assert newest(tmp_path, 9) == ["second.example", "first.example"]


def test_lines_are_whole_where_reading_blocks_meet(tmp_path: Path) -> None:
    written = [f"n{i}.example" for i in range(3000)]
    segment(tmp_path, 5, 0, 1, *(line(i, name) for i, name in enumerate(written)))
    assert newest(tmp_path, 9999) == written[::-1]


def test_a_torn_last_line_is_not_shown_until_it_is_whole(tmp_path: Path) -> None:
    path = segment(tmp_path, 5, 0, 1, line(1, "whole.example"), line(2, "torn.example")[:-9])
    segments = list_segments(tmp_path)
    ends = whole_ends(segments)
    assert names(newest_first(segments, ends, _no_damage)) == ["whole.example"]
    follower = Follower(tmp_path, _no_damage, ends)
    assert follower.new_lines() == []
    with path.open("ab") as file:
        file.write(line(2, "torn.example")[-9:])
    assert names(follower.new_lines()) == ["torn.example"]
    assert follower.new_lines() == []


def test_following_crosses_rolls_and_new_workers_and_loses_nothing(tmp_path: Path) -> None:
    first = segment(tmp_path, 5, 0, 1, line(1, "old.example"))
    follower = Follower(tmp_path, _no_damage, whole_ends(list_segments(tmp_path)))
    with first.open("ab") as file:
        file.write(line(2, "last-of-first.example"))
    segment(tmp_path, 6, 0, 2, line(4, "first-of-second.example"))
    segment(tmp_path, 6, 1, 1, line(3, "other-worker.example"))
    assert names(follower.new_lines()) == ["last-of-first.example", "other-worker.example", "first-of-second.example"]
    first.unlink()
    assert follower.new_lines() == []
    assert first not in follower.ends


def test_a_folder_that_comes_later_is_followed(tmp_path: Path) -> None:
    follower = Follower(tmp_path / "querylog", _no_damage)
    assert follower.new_lines() == []
    segment(tmp_path / "querylog", 5, 0, 1, line(1, "first.example"))
    assert names(follower.new_lines()) == ["first.example"]


def test_damaged_lines_are_left_out_and_reported(tmp_path: Path) -> None:
    segment(tmp_path / "querylog", 5, 0, 1, line(1, "a.example"), b"half a line\n", line(2, "b.example"))
    result = run(log, installation(tmp_path), "tail")
    assert result.exit_code == 0
    assert "a.example" in result.stdout
    assert "b.example" in result.stdout
    assert "1 damaged lines" in result.stderr


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    segment(tmp_path, 5, 0, 1, line(1))
    (tmp_path / "notes.txt").write_text("mine")
    assert newest(tmp_path, 9) == ["example.org"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ["www.example.org", "example.net", "notexample.org", "example.org"]),
        (("-n", "1"), ["example.org"]),
        (("-n", "0"), []),
        (("--name", "Example.ORG"), ["www.example.org", "example.org"]),
        (("--client", "10.0.0.5"), ["www.example.org", "notexample.org", "example.org"]),
        (("--client", "2001:db8::/32"), ["example.net"]),
        (("--action", "block"), ["notexample.org"]),
        (("-n", "1", "--action", "allow", "--name", "example.org"), ["example.org"]),
    ],
)
def test_filters(tmp_path: Path, arguments: tuple[str, ...], expected: list[str]) -> None:
    segment(
        tmp_path / "querylog", 5, 0, 1,
        line(1, "www.example.org"),
        line(2, "example.net", client="2001:db8::7"),
        line(3, "notexample.org", action="block", reason="category", category="games"),
        line(4, "example.org"),
    )  # fmt: skip
    result = run(log, installation(tmp_path), "tail", "--json", *arguments)
    assert [json.loads(each)["name"] for each in result.output.splitlines()] == expected


@pytest.mark.parametrize("action", list(Action))
def test_lines_of_every_action_are_shown(tmp_path: Path, action: Action) -> None:
    segment(tmp_path / "querylog", 5, 0, 1, line(1, action=action))
    result = run(log, installation(tmp_path), "tail")
    assert result.exit_code == 0
    assert f"  {action} " in result.stdout


@pytest.mark.parametrize("arguments", [("--client", "10.0.0"), ("--name", "a b"), ("--action", "deny"), ("-n", "-1")])
def test_misuse_is_exit_status_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert run(log, installation(tmp_path), "tail", *arguments).exit_code == 2


def test_no_log_at_all_is_said(tmp_path: Path) -> None:
    result = run(log, installation(tmp_path), "tail")
    assert result.exit_code == 1
    assert "is the server running" in result.stderr


def test_columns_are_aligned_and_times_are_as_written(tmp_path: Path) -> None:
    segment(
        tmp_path / "querylog", 5, 0, 1,
        line(1),
        line(2, client="2001:db8:1111:2222:3333:4444:5555:6666", device="Ноутбук-7", action="block", reason="locked",
             category="terrorism", list="minister", rcode="NXDOMAIN", type="TYPE65280"),
        line(3, client="2001:db8:1111:2222:3333:4444:5555:6666"),
    )  # fmt: skip
    output = run(log, installation(tmp_path), "tail").output.splitlines()
    assert output[0].startswith("2026-09-02 10:00:01.250  10.0.0.5")
    assert len({row.rindex("example.org") for row in output}) == 1
    assert "Ноутбук-7" in output[1]
    assert "locked:terrorism" in output[1]


def test_follow_ends_quietly_with_ctrl_c_and_shows_what_comes(tmp_path: Path) -> None:
    path = segment(tmp_path / "querylog", 5, 0, 1, line(1, "before.example"))
    with _tail(tmp_path, "-f") as process:
        assert process.stdout is not None
        assert b"before.example" in process.stdout.readline()
        with path.open("ab") as file:
            file.write(line(2, "after.example"))
        assert b"after.example" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
    assert (process.returncode, rest, errors) == (0, b"", b"")


def test_a_reader_that_leaves_ends_it_quietly(tmp_path: Path) -> None:
    path = segment(tmp_path / "querylog", 5, 0, 1, line(1, "before.example"))
    with _tail(tmp_path, "-f") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            with path.open("ab") as file:
                file.write(line(2, "after.example"))
            time.sleep(0.02)
        assert process.wait(timeout=1) == 0
        assert process.stderr.read() == b""


def _tail(state: Path, *arguments: str) -> subprocess.Popen[bytes]:
    # Whoever starts the tests in the background may have SIGINT ignored, and a child inherits that.
    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    program += "from cli.log import log; from cli.context import Installation; "
    call = (
        f"log(['tail', *{list(arguments)!r}], obj=Installation(None, {{'SCHOOLFILTER_PATHS__STATE': {str(state)!r}}}))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program + call],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


hostile = st.binary(max_size=300).filter(lambda raw: b"\t" not in raw and b"\n" not in raw)


@given(hostile)
def test_whatever_stands_in_the_name_column_breaks_neither_line_nor_table(raw: bytes) -> None:
    """One line of the file is one line on the screen, with the name in the last column and nothing else moved."""
    harmless, strange = line(1, "NAME"), line(1, "NAME").replace(b"NAME", raw)
    found = parse_line(strange.removesuffix(b"\n"))
    usual = parse_line(harmless.removesuffix(b"\n"))
    assert found is not None
    assert usual is not None
    widths, other_widths = [0] * 9, [0] * 9
    shown, expected = layout(cells(found), widths), layout(cells(usual), other_widths)
    assert widths == other_widths
    start = expected.rindex("NAME")
    assert shown[:start] == expected[:start]
    assert shown == printable(shown)
    assert len(shown.splitlines()) == 1
    assert json.loads(json.dumps(found.as_dict())) == found.as_dict()


@given(st.binary(max_size=400))
def test_any_bytes_are_a_line_or_damage(raw: bytes) -> None:
    found = parse_line(raw)
    assert found is None or len(found.fields) == len(COLUMNS)


@given(st.text(max_size=100))
def test_printable_text_holds_nothing_that_acts_on_a_terminal(text: str) -> None:
    shown = printable(text)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]", shown)
    assert printable(shown) == shown


@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFFF), max_size=60), min_size=10, max_size=10))
def test_columns_never_grow_past_their_bound(row: list[str]) -> None:
    widths = [5] * 9
    text = layout(tuple(row), widths)
    assert max(widths) <= 40
    assert cell_len(text) - cell_len(row[-1]) == sum(widths) + 2 * 9


def test_no_filter_lets_all_pass() -> None:
    found = parse_line(line(1).removesuffix(b"\n"))
    assert found is not None
    assert make_filter(None, None, None)(found)


def test_a_line_of_a_later_version_with_more_columns_is_read() -> None:
    found = parse_line(line(1).removesuffix(b"\n") + b"\tnew")
    assert found is not None
    assert len(found.fields) == len(COLUMNS)
