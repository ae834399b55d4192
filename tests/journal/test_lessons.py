"""Which lesson an incident is entered with."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from journal.intake.lessons import LessonScene
from policy.calendar import Minutes, Slot
from policy.calendar_bodies import row
from policy.rooms import Lesson, Room, body_of
from settings.model import Paths, Settings
from storage.policy_db import PolicyDb, open_policy
from storage.policy_load import LESSON, ROOM

ZONE = ZoneInfo("Asia/Almaty")
MONDAY = datetime(2026, 11, 30, 8, 10, tzinfo=ZONE)


def _slot(id_: str, room: str, teacher: str, title: str, group: str | None = None) -> Slot:
    return Slot(
        id=id_, weekdays=frozenset({0}), window=Minutes(8 * 60, 8 * 60 + 45), room=room, group=group, level=None,
        teacher=teacher, title=title,
    )  # fmt: skip


async def _filled(path: Path) -> PolicyDb:
    policy = await open_policy(path)
    rooms = [(ROOM, id_, body_of(Room(id_, f"Room {id_}"))) for id_ in ("214", "215", "216")]
    slots = [
        row(_slot("one", "214", "A. Serik", "Informatics")),
        row(_slot("two", "215", "B. Nur", "English", "pupils")),
        row(_slot("three", "215", "C. Aman", "Kazakh", "senior")),
    ]
    by_hand = Lesson("20261130-216-1", "216", "D. Asel", MONDAY - timedelta(minutes=5), MONDAY + timedelta(minutes=30))
    puts = [*rooms, *slots, (LESSON, by_hand.id, body_of(by_hand))]
    await policy.change_objects("test", puts, at=MONDAY, by="test")
    return policy


def _settings(folder: Path) -> Settings:
    return Settings(paths=Paths(folder))


@pytest.mark.parametrize(
    ("room", "minutes", "lesson", "teacher"),
    [
        ("214", 0, "Informatics", "A. Serik"),
        ("214", 60, "", ""),
        ("215", 0, "pupils, English; senior, Kazakh", "B. Nur; C. Aman"),
        ("216", 0, "", "D. Asel"),
        ("216", 40, "", ""),
        ("no-such-room", 0, "", ""),
        ("", 0, "", ""),
    ],
)
def test_lesson_and_teacher_of_a_room(tmp_path: Path, room: str, minutes: int, lesson: str, teacher: str) -> None:
    async def work() -> tuple[str, str]:
        await _filled(tmp_path / "policy.db")
        return await LessonScene(_settings(tmp_path)).at(room, MONDAY + timedelta(minutes=minutes))

    assert asyncio.run(work()) == (lesson, teacher)


def test_the_moment_may_be_in_any_zone(tmp_path: Path) -> None:
    async def work() -> tuple[str, str]:
        await _filled(tmp_path / "policy.db")
        return await LessonScene(_settings(tmp_path)).at("214", MONDAY.astimezone(ZoneInfo("Europe/Paris")))

    assert asyncio.run(work()) == ("Informatics", "A. Serik")


def test_a_policy_that_is_missing_or_damaged_costs_no_incident(tmp_path: Path) -> None:
    async def work() -> list[tuple[str, str]]:
        missing = await LessonScene(_settings(tmp_path)).at("214", MONDAY)
        (tmp_path / "policy.db").write_bytes(b"no database at all" * 1000)
        return [missing, await LessonScene(_settings(tmp_path)).at("214", MONDAY)]

    assert asyncio.run(work()) == [("", ""), ("", "")]


def test_the_policy_is_read_at_most_once_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("journal.intake.lessons.time.monotonic", lambda: clock[0])

    async def work() -> list[str]:
        policy = await _filled(tmp_path / "policy.db")
        scene = LessonScene(_settings(tmp_path))
        before = (await scene.at("214", MONDAY))[1]
        await policy.change_objects("test", [row(_slot("one", "214", "E. New", "Informatics"))], at=MONDAY, by="test")
        cached = (await scene.at("214", MONDAY))[1]
        clock[0] = 61.0
        return [before, cached, (await scene.at("214", MONDAY))[1]]

    assert asyncio.run(work()) == ["A. Serik", "A. Serik", "E. New"]
