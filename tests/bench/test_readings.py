"""What dnsperf, our load generator and /proc say is read as it is meant."""

import os
from pathlib import Path

import pytest

from bench.load import Answers, Measured, parse_dnsperf, parse_own
from bench.processes import BenchError, Memory, cpu_between, cpu_seconds, cpu_ticks, parse_smaps, run_measured, tree

DNSPERF = """DNS Performance Testing Tool
Version 2.10.0

[Status] Testing complete (time limit)

Statistics:

  Queries sent:         577270
  Queries completed:    577266 (100.00%)
  Queries lost:         4 (0.00%)

  Response codes:       NOERROR 404087 (70.00%), NXDOMAIN 173179 (30.00%)
  Average packet size:  request 39, response 55
  Run time (s):         2.002893
  Queries per second:   288216.095418
"""

SMAPS = """7f0000000000-7f0000001000 r--s 00000000 fe:00 123   /state/lists/generations/x/names.marisa
Size:                  8 kB
Rss:                   4 kB
Pss:                   2 kB
7f0000002000-7f0000003000 rw-p 00000000 00:00 0
Rss:                  16 kB
Pss:                  16 kB
7f0000004000-7f0000005000 r-xp 00000000 fe:00 456   /usr/lib/libc.so.6
Rss:                  12 kB
Pss:                   1 kB
VmFlags: rd ex mr mw me
"""


def test_dnsperf_statistics_are_read() -> None:
    answers = parse_dnsperf(DNSPERF)
    assert answers == Answers(577270, 577266, 2.002893, {"NOERROR": 404087, "NXDOMAIN": 173179})


@pytest.mark.parametrize("text", ["", "Error: unable to parse", DNSPERF.partition("Run time")[0]])
def test_dnsperf_without_statistics_is_an_error_that_shows_what_it_said(text: str) -> None:
    with pytest.raises(BenchError, match="expected dnsperf's statistics"):
        parse_dnsperf(text)


def test_our_load_generator_is_read() -> None:
    text = (
        '{"sent": 10, "answered": 9, "lost": 1, "behind": 0, "seconds": 0.5, "p50_us": 40.5, "p99_us": 1000000.0, '
        '"p999_us": 1000000.0, "max_us": 1000000.0, "rcodes": {"0": 8, "3": 1}}'
    )
    assert parse_own(text) == Answers(10, 9, 0.5, {"NOERROR": 8, "NXDOMAIN": 1}, 40.5, 1_000_000.0, 1_000_000.0)


def test_cost_rate_and_loss_follow_from_one_load() -> None:
    measured = Measured(Answers(200, 100, 2.0, {}), cpu_seconds=0.001)
    assert (measured.cpu_us, measured.per_second, measured.lost) == (10.0, 50.0, 0.5)


@pytest.mark.parametrize("name", ["unbound", "a b", "x) R 1 (y", ")"])
def test_processor_time_is_read_whatever_the_command_is_called(name: str) -> None:
    stat = f"42 ({name}) S 1 42 42 0 -1 4194560 100 200 0 0 31 11 5 6 20 0 1 0 100 1000 200"
    assert cpu_ticks(stat) == 31 + 11


def test_memory_of_mapped_files_is_told_apart() -> None:
    assert parse_smaps(SMAPS, "/state/lists") == Memory(32 * 1024, 19 * 1024, 4 * 1024)
    assert parse_smaps(SMAPS, "") == Memory(32 * 1024, 19 * 1024, 0)


def test_time_of_new_processes_counts_and_a_dead_one_is_an_error() -> None:
    assert cpu_between({1: 1.0}, {1: 1.5, 2: 0.25}) == 0.75
    with pytest.raises(BenchError, match=r"\[2\] ended"):
        cpu_between({1: 1.0, 2: 1.0}, {1: 1.5})


def test_our_own_process_can_be_read() -> None:
    assert os.getpid() in tree(os.getpid())
    assert cpu_seconds(os.getpid())[os.getpid()] >= 0


def test_a_command_that_fails_is_shown_with_its_last_words(tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert run_measured(["true"], output, 10).peak_rss > 0
    with pytest.raises(BenchError, match=r"(?s)ended with 3.*no such list"):
        run_measured(["sh", "-c", "echo no such list >&2; exit 3"], output, 10)
