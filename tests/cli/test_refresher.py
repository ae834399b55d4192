"""The process that keeps the lists current: it works when it is due, disturbs nobody, and ends at once."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from blocklists.index import open_current
from blocklists.note import Note, read_note, write_note
from blocklists.publish import rebuild
from blocklists.sources import load_sources, save_sources
from cli import refresher
from settings.load import load
from tests.blocklists.lists_folder import put
from tests.harness.waiting import until

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from pathlib import Path
from cli.refresher import serve
from settings.load import load
serve(load(Path(sys.argv[1]), {}), chance=lambda: 0.0, head_start=float(sys.argv[2]))
"""


class House:
    """A folder with a list that is a file, and the refresher of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lists = folder / "state" / "lists"
        self.config = folder / "schoolfilter.toml"
        self.file = folder / "ours.txt"
        self.process: subprocess.Popen[bytes] | None = None
        self.write()
        self.file.write_text("a.example\n")
        put(self.lists, "ours", "a.example\n")
        (source,) = load_sources(self.lists)
        save_sources(self.lists, [replace(source, location=str(self.file))])
        rebuild(self.lists)

    def write(self, **lists: object) -> None:
        lines = [f"{key} = {json.dumps(value)}" for key, value in lists.items()]
        text = "\n".join(["[paths]", f'state = "{self.folder}/state"', "[lists]", *lines])
        self.config.write_text(text + "\n")

    def start(self, head_start: float = 0.0, *, pipe: bool = False) -> "subprocess.Popen[bytes]":
        with (self.folder / "output.txt").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(self.config), str(head_start)],
                cwd=ROOT,
                stdin=subprocess.PIPE if pipe else subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return self.process

    def note(self) -> Note:
        return read_note(self.lists) or Note()

    def lists_name(self, name: str) -> bool:
        index = open_current(self.lists)
        try:
            return bool(index.lookup(name))
        finally:
            index.close()

    def output(self) -> str:
        return (self.folder / "output.txt").read_text()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    if made.process is not None:
        if made.process.stdin is not None:
            made.process.stdin.close()
        made.process.kill()
        made.process.wait(30)


def test_what_is_due_is_fetched_and_published_and_the_next_time_is_noted(house: House) -> None:
    house.file.write_text("b.example\n")
    process = house.start()
    until("a round", lambda: house.note().tried and not house.note().running, 30)
    note = house.note()
    assert (note.pid, note.changed, note.published, note.failures) == (process.pid, ("ours",), True, 0)
    assert note.next > note.tried
    assert house.lists_name("b.example")
    assert "Traceback" not in house.output()


def test_it_runs_at_the_lowest_priority_and_is_the_first_to_go_without_memory(house: House) -> None:
    process = house.start(3600)
    until("its note", lambda: house.note().next, 30)
    assert os.sched_getscheduler(process.pid) == os.SCHED_IDLE
    assert os.getpriority(os.PRIO_PROCESS, process.pid) == 19
    assert Path(f"/proc/{process.pid}/oom_score_adj").read_text() == "900\n"
    resident = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert resident < 40 << 20, "it sleeps for a day: what a compile needs must not stay in memory"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_when_told(house: House, signum: signal.Signals) -> None:
    process = house.start(3600)
    until("its note", lambda: house.note().next, 30)
    process.send_signal(signum)
    assert process.wait(5) == 0
    assert "Traceback" not in house.output()


def test_it_ends_when_the_one_who_started_it_is_gone(house: House) -> None:
    process = house.start(3600, pipe=True)
    until("its note", lambda: house.note().next, 30)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(5) == 0


def test_it_ends_at_once_in_the_middle_of_a_round_and_nothing_is_left(house: House) -> None:
    """The list is a pipe that nobody writes to, put in the place of its text: the round hangs in reading it."""
    house.file.write_text("b.example\n")
    fifo = house.lists / "texts" / ".incoming-ours"
    os.mkfifo(fifo)
    process = house.start()
    until("the round", lambda: house.note().running, 30)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    (child,) = until("its child", lambda: children.read_text().split(), 10)
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0
    until("the child to end", lambda: not Path(f"/proc/{child}").exists(), 5)
    assert house.lists_name("a.example")


def test_a_round_that_dies_is_noted_and_tried_again_later(house: House) -> None:
    (house.lists / "sources.json").write_text("{}")
    process = house.start()
    until("the failure", lambda: house.note().failures, 30)
    assert process.poll() is None
    assert house.note().error
    assert house.note().next
    assert house.lists_name("a.example")


def test_it_has_nothing_to_do_if_the_settings_say_so(house: House) -> None:
    house.write(refresh_hours=0)
    assert house.start().wait(30) == 0
    assert house.note() == Note()


def test_it_remembers_over_a_restart_when_it_is_due(house: House) -> None:
    now = until("a clock", lambda: subprocess.check_output(["date", "-Iseconds"], text=True).strip())
    write_note(house.lists, Note(good=now, tried=now))
    house.start()
    until("its note", lambda: house.note().next, 30)
    assert house.note().tried == now
    assert house.note().next > now


def test_killed_at_any_moment_it_leaves_a_working_generation(house: House) -> None:
    """kill -9 of refresher and child, again and again: the old or the new list is in force, and the last turn works."""
    for turn in range(6):
        house.file.write_text("".join(f"n{number}.t{turn}.example\n" for number in range(3000)))
        house.write(refresh_hours=1, quiet="")
        write_note(house.lists, Note())
        process = house.start()
        until("the round", lambda: house.note().running, 30)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.15 * turn)
        for pid in (process.pid, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(30)
        in_force = [house.lists_name(name) for name in ("a.example", *(f"n1.t{t}.example" for t in range(turn + 1)))]
        assert in_force.count(True) == 1
    write_note(house.lists, Note())
    house.start()
    until("the last news", lambda: house.lists_name("n1.t5.example"), 30)


def test_what_lists_hold_cannot_act_on_the_terminal_that_shows_the_journal(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    settings = load(house.config, {})
    made = refresher._Refresher(settings, refresher._Ears(-1, -1), lambda: 0.0)._make_round()
    with caplog.at_level("INFO", logger="schoolfilter.lists"):
        made.say("one:1: /ga\x1b]0;me\x07/ 5 % closes")
    assert caplog.messages == [r"one:1: /ga\u{1b}]0;me\u{7}/ 5 % closes"]
