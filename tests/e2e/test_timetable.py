"""The timetable opens and closes a room by itself: real server, real commands, a client in the room."""

import time
from collections.abc import Callable

from tests.e2e.conftest import Maker
from tests.harness import wire
from tests.harness.client import addresses, ask, ede
from tests.harness.server import Server
from tests.harness.waiting import note, until

LAB, OUTSIDE = "127.0.61.7", "127.0.62.7"
NAME = "wiki.example.org"
NOTED = ("--protocol", "3", "--date", "2026-08-28")


def opens(server: Server, source: str = LAB) -> bool:
    answer = ask(server.address, NAME, edns=wire.Edns(), source=source)
    return bool(addresses(answer)) and not ede(answer)


def effect(what: str, look: Callable[[], bool]) -> None:
    """Wait for the effect of a command that has just returned: it comes within a second."""
    started = time.monotonic()
    until(what, look, 10)
    note(f"{what}: {time.monotonic() - started:.3f} s after the command returned")


def test_the_timetable_opens_a_room_and_an_exam_closes_all(make: Maker) -> None:
    server = make(start=False)
    server.command("rooms", "add", "lab", "--network", "127.0.61.0/24", "--order", "5", "--date", "2026-09-01")
    server.start()
    assert not opens(server)
    assert opens(server, OUTSIDE)
    always = ("--days", "mon-sun", "--hours", "00:00-24:00", "--room", "lab", "--teacher", "Asanova A.")
    assert "lab: open by the timetable: Asanova A." in server.command("timetable", "add", "it", *always, *NOTED).stdout
    effect("the lesson opens the room", lambda: opens(server))
    server.command("timetable", "add", "it", *always, "--level", "high", *NOTED)
    effect("its level closes what no order names", lambda: not opens(server))
    server.command("timetable", "add", "it", *always, *NOTED)
    effect("it opens the room again", lambda: opens(server))
    server.command("timetable", "remove", "slot", "it", *NOTED)
    effect("without a lesson it is closed", lambda: not opens(server))
    assert opens(server, OUTSIDE)
    server.command("timetable", "exam", "maths", "2026-01-01", "2099-12-31", "--level", "off", *NOTED)
    effect("an exam closes everything", lambda: not opens(server, OUTSIDE))

    def seen(address: str) -> list[tuple[str, str, str]]:
        lines = [line for line in server.log_lines(NAME) if line["client"] == address]
        return list(dict.fromkeys((line["room"], line["action"], line["reason"]) for line in lines))

    assert seen(LAB) == [("lab", "block", "lesson"), ("lab", "allow", "default"), ("lab", "block", "timetable")]
    assert seen(OUTSIDE) == [("", "allow", "default"), ("", "block", "exam")]
