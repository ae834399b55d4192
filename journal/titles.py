"""Rooms and groups as people know them: their titles, from the policy in force."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from policy.group_titles import shown_title
from storage.errors import StorageError
from storage.policy_db import PolicyDb
from storage.policy_load import schedule_of


@dataclass(frozen=True, slots=True)
class Titles:
    """Titles by id. What has none, or is none any more, keeps its id."""

    rooms: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)

    def room(self, id_: str) -> str:
        """Return a room as people know it."""
        return self.rooms.get(id_) or id_

    def group(self, id_: str) -> str:
        """Return a group as readers of the language in use know it."""
        return shown_title(id_, self.groups.get(id_) or id_)


async def titles_now(policy: Path) -> Titles:
    """Return the titles of the policy in this file; none if it cannot be read: what is to be told must not wait."""
    database = PolicyDb(policy)
    try:
        groups, rooms = await database.groups(), schedule_of(await database.objects()).rooms
    except (StorageError, ValueError, OSError):
        return Titles()
    return Titles({id_: room.title for id_, room in rooms.items()}, {group.id: group.title for group in groups})
