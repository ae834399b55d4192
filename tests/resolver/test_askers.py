"""Who asked is counted from the query log by address and device, however it was written or damaged."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from os import utime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver import asked
from resolver.askers import Asker, read_askers
from resolver.querylog import HEADER_LINE

BEGUN = datetime(2026, 9, 2, 5, tzinfo=UTC)
SINCE = BEGUN - timedelta(days=7)


def moment(second: int) -> datetime:
    return BEGUN + timedelta(seconds=second)


def line(client: str, second: int, device: str = "", action: str = "allow\tdefault") -> bytes:
    local = moment(second).astimezone(tz=None).isoformat(timespec="milliseconds")
    return f"{local}\t{client}\t{device}\tr1\tpupils\ta.example\tA\t{action}\t\t\tNOERROR\tcache\t0.1\n".encode()


def write(folder: Path, number: int, *lines: bytes, worker: int = 0) -> Path:
    path = folder / f"20260902T050000-w{worker}-{number:04}.tsv"
    path.write_bytes(HEADER_LINE + b"".join(lines))
    return path


def found(folder: Path, since: datetime = SINCE) -> dict[tuple[str, str], tuple[int, datetime, datetime]]:
    return {(each.address, each.device): (each.queries, each.first, each.last) for each in read_askers(folder, since)}


def test_each_address_is_counted_by_the_device_that_it_was_over_all_segments(tmp_path: Path) -> None:
    write(tmp_path, 1, line("10.0.0.1", 1), line("10.0.0.2", 2, "pc-2"), line("10.0.0.1", 3))
    write(tmp_path, 2, line("10.0.0.1", 9), line("10.0.0.1", 10, "pc-1"))
    write(tmp_path, 1, line("10.0.0.1", 0), line("fd00::5", 5), worker=1)
    (tmp_path / "notes.txt").write_bytes(line("10.0.0.9", 1))
    assert found(tmp_path) == {
        ("10.0.0.1", ""): (4, moment(0), moment(9)),
        ("10.0.0.1", "pc-1"): (1, moment(10), moment(10)),
        ("10.0.0.2", "pc-2"): (1, moment(2), moment(2)),
        ("fd00::5", ""): (1, moment(5), moment(5)),
    }


def test_whoever_is_refused_has_asked_too(tmp_path: Path) -> None:
    write(tmp_path, 1, line("203.0.113.5", 1, action="refuse\tnetwork"), line("10.0.0.1", 2, action="fail\tupstream"))
    assert found(tmp_path).keys() == {("203.0.113.5", ""), ("10.0.0.1", "")}


def test_what_is_older_counts_for_nothing(tmp_path: Path) -> None:
    write(tmp_path, 1, line("10.0.0.1", 1), line("10.0.0.2", 2), line("10.0.0.1", 3))
    assert found(tmp_path, moment(2)) == {
        ("10.0.0.2", ""): (1, moment(2), moment(2)),
        ("10.0.0.1", ""): (1, moment(3), moment(3)),
    }
    old = write(tmp_path, 2, line("10.0.0.3", 5))
    utime(old, (moment(1).timestamp(),) * 2)
    assert ("10.0.0.3", "") not in found(tmp_path, moment(2))


@pytest.mark.parametrize(
    "damaged",
    [
        b"junk\n",
        b"\n",
        b"2026-09-02T05:00:09.000\t10.0.0.1\t\t\tno offset\n",
        b"never\t10.0.0.1\t\t\tno moment\n",
        b"2026-09-02T05:00:09.000+00:00\t10.0.0\t\t\tno address\n",
        b"2026-09-02T05:00:09.000+00:00\t\t\t\tno address\n",
        b"2026-09-02T05:00:09.000+00:00\t10.0.0.1\t\xff\t\tno id\n",
        b"2026-09-02T05:00:09.000+00:00\t10.0.0.1",
    ],
)
def test_damaged_lines_are_left_out_and_no_others(tmp_path: Path, damaged: bytes) -> None:
    write(tmp_path, 1, line("10.0.0.1", 1), line("10.0.0.2", 1), line("10.0.0.1", 2), damaged)
    assert found(tmp_path) == {
        ("10.0.0.1", ""): (2, moment(1), moment(2)),
        ("10.0.0.2", ""): (1, moment(1), moment(1)),
    }


def test_an_ipv4_client_of_a_socket_for_both_families_is_what_it_is(tmp_path: Path) -> None:
    write(tmp_path, 1, line("::ffff:10.0.0.1", 1), line("10.0.0.1", 2), line("::ffff:a00:1", 3))
    assert found(tmp_path) == {("10.0.0.1", ""): (3, moment(1), moment(3))}


def test_where_nobody_asked_nobody_is_found(tmp_path: Path) -> None:
    assert read_askers(tmp_path / "nothing", SINCE) == []
    write(tmp_path, 1)
    assert read_askers(tmp_path, SINCE) == []


@given(st.lists(st.tuples(st.sampled_from(["10.0.0.1", "10.0.0.2", "fd00::1"]), st.sampled_from(["", "pc"]))))
def test_every_line_is_counted_once_in_whatever_pieces_the_log_is_read(
    tmp_path_factory: pytest.TempPathFactory, asked_by: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("log")
    write(folder, 1, *(line(client, second, device) for second, (client, device) in enumerate(asked_by)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asked, "_BLOCK", 150)
        counted = read_askers(folder, SINCE)
    assert {(each.address, each.device): each.queries for each in counted} == Counter(asked_by)
    for each in counted:
        seconds = [at for at, who in enumerate(asked_by) if who == (each.address, each.device)]
        assert each == Asker(each.address, each.device, len(seconds), moment(seconds[0]), moment(seconds[-1]))
