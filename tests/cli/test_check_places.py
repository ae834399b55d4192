"""`check` for a client in a room, of a device, in a lesson: what holds at that moment, and the words for it."""

import asyncio
import ipaddress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli import check as check_module
from cli.context import Installation
from policy import devices, rooms
from policy.devices import Device
from policy.rooms import Lesson, Room
from storage.policy_db import open_policy
from storage.policy_load import DEVICE, LESSON, ROOM
from tests.cli.fakes import installation, run
from tests.cli.installation import FakeIndex
from tests.cli.test_check import explained

NINE = datetime(2026, 9, 2, 4, 0, tzinfo=UTC)
"""09:00 in Almaty."""


class NoIndex(FakeIndex):
    """Lists that hold nothing, of which nothing is compiled."""

    generation = ""
    has_addresses = False


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Return a school with a supervised room and a lesson in it on 2 September 2026 at 9."""
    monkeypatch.setattr(check_module, "open_current", lambda _folder: NoIndex({}))
    where = installation(tmp_path, school__time_zone="Asia/Almaty")
    lab = Room("lab", "Informatics", (ipaddress.IPv4Network("10.1.0.0/16"),))
    lesson = Lesson("1", "lab", "Asanova G.", NINE, NINE.replace(minute=45), closed=("toys.example.org",))
    tablet = Device("tablet-7", "Tablet", None, "lab", ("10.9.0.7",))

    async def prepare() -> None:
        policy = await open_policy(where.settings.paths.policy_db)
        puts = [
            (ROOM, "lab", rooms.body_of(lab)),
            (LESSON, "1", rooms.body_of(lesson)),
            (DEVICE, "tablet-7", devices.body(tablet)),
        ]
        await policy.change_objects("test", puts, at=NINE, by="test")

    asyncio.run(prepare())
    return where


@pytest.mark.parametrize(
    ("at", "name", "action", "why"),
    [
        ("2026-09-02 08:59", "example.org", "block", "lesson"),
        ("2026-09-02 09:00", "example.org", "allow", "default"),
        ("2026-09-02 09:44", "toys.example.org", "block", "exception"),
        ("2026-09-02 09:45", "example.org", "block", "lesson"),
    ],
)
@pytest.mark.parametrize(("client", "device"), [("10.1.2.3", ""), ("10.9.0.7", "tablet-7")])
def test_a_room_is_open_in_its_lesson_only(
    school: Installation, at: str, name: str, action: str, why: str, client: str, device: str
) -> None:
    found = explained(school, name, "--client", client, "--at", at)
    assert (found["action"], found["room"], found["device"]) == (action, "lab", device)
    reason = found["reason"]
    assert isinstance(reason, dict)
    assert reason["why"] == why


def test_people_read_who_teaches_until_when_and_why_it_is_closed_otherwise(school: Installation) -> None:
    during = run(check_module.check, school, "example.org", "--client", "10.1.2.3", "--at", "2026-09-02 09:10")
    assert "lab: a lesson of Asanova G. until 09:45" in during.output
    after = run(check_module.check, school, "example.org", "--client", "10.9.0.7", "--at", "2026-09-02 10:10")
    assert "No lesson is going on in this supervised room" in after.output
    assert "10.9.0.7 (the device tablet-7)" in after.output
