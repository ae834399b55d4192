"""A room is closed until a teacher opens it: real server, real commands, clients asking from several addresses."""

import asyncio
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from policy.rooms import Lesson, body_of
from storage.policy_db import open_policy
from storage.policy_load import LESSON
from tests.e2e.conftest import Maker
from tests.harness import wire
from tests.harness.client import addresses, ask, ede
from tests.harness.server import Server
from tests.harness.upstream import address_of
from tests.harness.waiting import note, until

LAB, OTHER, TEACHER, OUTSIDE = "127.0.51.7", "127.0.52.7", "127.0.51.200", "127.0.53.7"
NAME, ELSEWHERE = "wiki.example.org", "elsewhere.example.org"


def blocked(server: Server, name: str, source: str) -> bool:
    return bool(ede(ask(server.address, name, edns=wire.Edns(), source=source)))


def opens(server: Server, name: str, source: str) -> bool:
    answer = ask(server.address, name, edns=wire.Edns(), source=source)
    return bool(addresses(answer)) and not ede(answer)


def dig(server: Server, name: str, source: str) -> str:
    """Return the address that dig gets."""
    host, port = server.address
    command = ["dig", "+short", "-b", source, f"@{host}", "-p", str(port), name, "A"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()


def effect(what: str, look: Callable[[], bool]) -> None:
    """Wait for the effect of a command that has just returned: it comes within a second."""
    started = time.monotonic()
    until(what, look, 10)
    note(f"{what}: {time.monotonic() - started:.3f} s after the command returned")


def school(make: Maker) -> Server:
    """Return a running server with two rooms; a teacher's desk stands in the first."""
    server = make(start=False)
    for room, network in (("lab", "127.0.51.0/24"), ("gym", "127.0.52.0/24")):
        server.command("rooms", "add", room, "--network", network, "--order", "5", "--date", "2026-09-01")
    server.command("groups", "set", "teachers", "--network", f"{TEACHER}/32")
    server.command("groups", "set", "pupils", "--level", "high")
    order = ("--order", "12", "--date", "2026-09-02")
    server.command("allow", NAME, "--scope", "lessons", *order)
    return server.start()


def test_a_room_opens_for_a_lesson_and_nothing_else_does(make: Maker) -> None:
    """Closed outside lessons; one name opens for the room; other rooms, pupils elsewhere and teachers are as before."""
    server = school(make)
    for address in (LAB, OTHER):
        for name in (NAME, ELSEWHERE):
            assert blocked(server, name, address)
    assert blocked(server, NAME, OUTSIDE), "the name is for lessons only"
    assert opens(server, ELSEWHERE, TEACHER)
    server.command("lesson", "start", "--room", "lab", "--teacher", "Asanova A.", "--open", NAME)
    effect("the lesson opens the name", lambda: opens(server, NAME, LAB))
    assert [dig(server, NAME, address) for address in (LAB, OTHER)] == [address_of(NAME), "0.0.0.0"]
    assert blocked(server, ELSEWHERE, LAB), "the pupils' level is high"
    assert blocked(server, NAME, OTHER)
    assert blocked(server, NAME, OUTSIDE)
    assert opens(server, ELSEWHERE, TEACHER)
    server.command("lesson", "close", NAME, "--room", "lab")
    effect("a name is closed in the lesson", lambda: blocked(server, NAME, LAB))
    server.command("lesson", "open", NAME, "--room", "lab")
    effect("and opened again", lambda: opens(server, NAME, LAB))
    server.command("lesson", "stop", "--room", "lab")
    effect("the lesson is stopped", lambda: blocked(server, NAME, LAB))

    def seen(address: str, name: str) -> list[tuple[str, str, str]]:
        lines = [line for line in server.log_lines(name) if line["client"] == address]
        assert {line["group"] for line in lines} == {"teachers" if address == TEACHER else "pupils"}
        return list(dict.fromkeys((line["room"], line["action"], line["reason"]) for line in lines))

    assert seen(LAB, NAME) == [
        ("lab", "block", "lesson"),
        ("lab", "allow", "exception"),
        ("lab", "block", "exception"),
    ]
    assert seen(LAB, ELSEWHERE) == [("lab", "block", "lesson"), ("lab", "block", "level")]
    assert seen(OTHER, NAME) == [("gym", "block", "lesson")]
    assert seen(OUTSIDE, NAME) == [("", "block", "level")]
    assert seen(TEACHER, ELSEWHERE) == [("lab", "allow", "default")]


def test_a_lesson_ends_by_itself(make: Maker) -> None:
    """It is kept with its end, and nobody gives a command then."""
    server = school(make)
    now = datetime.now(UTC).replace(microsecond=0)
    ends = now + timedelta(seconds=4)
    lesson = Lesson("l", "lab", "Asanova A.", now - timedelta(minutes=1), ends, opened=(NAME,))

    async def begin() -> None:
        policy = await open_policy(server.state / "policy.db")
        await policy.change_objects("start lesson", [(LESSON, lesson.id, body_of(lesson))], at=now, by="test")

    asyncio.run(begin())
    effect("the lesson opens the name", lambda: opens(server, NAME, LAB))
    until("the end of the lesson", lambda: blocked(server, NAME, LAB), 10)
    late = datetime.now(UTC) - ends
    note(f"closed {late.total_seconds():.3f} s after the end")
    assert late >= timedelta(), "closed before its end"
    lines = [(line["action"], line["reason"]) for line in server.log_lines(NAME) if line["client"] == LAB]
    assert list(dict.fromkeys(lines)) == [("block", "lesson"), ("allow", "exception")]
    assert lines[-1] == ("block", "lesson")


def test_a_restart_in_the_middle_of_a_lesson_keeps_it(make: Maker) -> None:
    server = school(make)
    server.command("lesson", "start", "--room", "lab", "--teacher", "Asanova A.", "--minutes", "30", "--open", NAME)
    effect("the lesson opens the name", lambda: opens(server, NAME, LAB))
    server.stop()
    server.start()
    assert opens(server, NAME, LAB)
    assert blocked(server, NAME, OTHER)
    server.command("lesson", "stop", "--room", "lab")
    effect("the lesson is stopped", lambda: blocked(server, NAME, LAB))


def test_a_pause_opens_a_room_and_is_ended(make: Maker) -> None:
    server = school(make)
    server.command("groups", "set", "pupils", "--level", "medium")
    until("the pupils' level", lambda: opens(server, ELSEWHERE, OUTSIDE))
    assert blocked(server, ELSEWHERE, LAB)
    server.command("pause", "--room", "lab", "--minutes", "10", "--reason", "open day")
    effect("the pause opens the room", lambda: opens(server, ELSEWHERE, LAB))
    assert blocked(server, ELSEWHERE, OTHER)
    assert blocked(server, "terror.example.net", LAB), "no pause opens what is unlawful"
    (ident,) = [word for word in server.command("pause", "list").stdout.split() if word.endswith("-lab-1")]
    server.command("pause", "end", ident)
    effect("the pause is ended", lambda: blocked(server, ELSEWHERE, LAB))


def test_a_name_is_closed_in_one_room(make: Maker) -> None:
    server = school(make)
    server.command("groups", "set", "pupils", "--level", "medium")
    for room in ("lab", "gym"):
        server.command("rooms", "set", room, "--unsupervised")
    until("the rooms to be open", lambda: opens(server, NAME, LAB) and opens(server, NAME, OTHER))
    server.command("rooms", "close", "lab", NAME, "--reason", "chat")
    effect("the name is closed in the room", lambda: blocked(server, NAME, LAB) and blocked(server, f"www.{NAME}", LAB))
    assert opens(server, NAME, OTHER)
    assert opens(server, NAME, TEACHER)
    server.command("rooms", "reopen", "lab", NAME)
    effect("the name is open again", lambda: opens(server, NAME, LAB))
