"""Which lesson was on in a room at a moment and who gave it, from the policy: what an incident is entered with."""

import time
from datetime import datetime
from zoneinfo import ZoneInfo

from policy.calendar import Held
from policy.circumstances import Schedule
from policy.lessons import lessons_on
from settings.model import Settings
from storage.errors import StorageError
from storage.policy_db import PolicyDb
from storage.policy_load import schedule_of
from storage.policy_objects import read_objects

_FRESH_SECONDS = 60.0


class LessonScene:
    """The school's lessons as the policy has them. Lessons that a teacher opened by hand are known for their day."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.paths.policy_db
        self._zone = ZoneInfo(settings.school.time_zone)
        self._schedule = Schedule()
        self._read_at: float | None = None

    async def at(self, room: str, moment: datetime) -> tuple[str, str]:
        """Return the lesson in words (`7-b, Informatics`) and its teacher; empty is what nobody knows."""
        if not room:
            return "", ""
        if self._read_at is None or time.monotonic() - self._read_at >= _FRESH_SECONDS:
            self._schedule = await self._read()
            self._read_at = time.monotonic()
        local = moment.astimezone(self._zone)
        then = self._schedule.calendar.at(local.replace(tzinfo=None))
        general = then.rooms.get(room)
        planned = [("", general)] if general is not None else []
        planned += [(group, held) for (where, group), held in sorted(then.places.items()) if where == room]
        by_hand = lessons_on(self._schedule.lessons, room, local)
        teachers = [each.teacher for each in by_hand] or [held.teacher for _group, held in planned]
        return _joined([_words(group, held) for group, held in planned]), _joined(teachers)

    async def _read(self) -> Schedule:
        """Read the lessons. A policy that cannot be read must not keep an incident from being entered."""
        if not self._path.exists():
            return Schedule()
        try:
            async with PolicyDb(self._path).reading() as connection:
                return schedule_of([each async for each in read_objects(connection)])
        except (StorageError, ValueError, OSError):
            return Schedule()


def _words(group: str, held: Held) -> str:
    return ", ".join(part for part in (group, held.title) if part)


def _joined(texts: list[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))
