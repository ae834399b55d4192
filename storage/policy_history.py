"""What policy.db says was in force at a moment, each fact with since when, by whom and on what document."""

from datetime import datetime
from typing import NamedTuple

import aiosqlite

from policy.groups import Group
from policy.matrix import Fact, Key, Origin, Topic
from storage.database import value
from storage.errors import damaged
from storage.policy_db import PolicyDb
from storage.policy_groups import GROUP, group_origins, read_groups
from storage.policy_load import LESSON, PAUSE
from storage.policy_objects import read_objects
from storage.policy_rows import at_stamp

_PASSING = (LESSON, PAUSE)
"""Kinds of objects that end by themselves within hours: no policy of a day."""

_QUERIES: dict[Topic, str] = {
    Topic.SUBJECT: "SELECT group_id, category, hours, added_at, added_by, document FROM group_categories",
    Topic.SAFE_SEARCH: "SELECT group_id, engine, mode, added_at, added_by, document FROM group_safe_search",
    Topic.NETWORK: "SELECT group_id, network, '', added_at, added_by, document FROM networks",
    Topic.BLOCK: "SELECT ifnull(group_id, ''), name, note, added_at, added_by, document FROM entries",
}


class InForce(NamedTuple):
    """The policy of a moment, but for the director's list, which rests on orders."""

    groups: list[Group]
    default_group: str
    facts: dict[Key, Fact]


async def in_force(policy: PolicyDb, at: datetime | None) -> InForce:
    """Return what was in force at a moment; None means now. Raises StorageError."""
    moment = at_stamp(at)
    try:
        async with policy.reading() as connection:
            groups = [group async for group in read_groups(connection, moment)]
            default = await value(connection, "SELECT value FROM meta WHERE key = 'default_group'")
            return InForce(groups, str(default), await _facts(connection, moment))
    except (ValueError, KeyError) as error:  # what nobody here wrote
        raise damaged(policy.path, str(error)) from error


async def _facts(connection: aiosqlite.Connection, at: str) -> dict[Key, Fact]:
    facts: dict[Key, Fact] = {}
    async for row in read_objects(connection, at=at):
        if row.kind == GROUP:
            for field, origin in group_origins(row).items():
                facts[Key(Topic.GROUP, row.id, field)] = Fact(row.body[field], _origin(*origin))
        elif row.kind not in _PASSING:
            for field, said in row.body.items():
                facts[Key(row.kind, row.id, field)] = Fact(said, _origin(row.added_at, row.added_by, row.document))
    for topic, query in _QUERIES.items():
        where = "added_at <= :at AND (removed_at IS NULL OR removed_at > :at)"
        async with connection.execute(f"{query} WHERE {where}", {"at": at}) as cursor:
            async for holder, item, said, *rest in cursor:
                facts[Key(topic, holder, item)] = Fact(said, _origin(*rest))
    return facts


def _origin(added_at: str, added_by: str, document: str) -> Origin:
    return Origin(datetime.fromisoformat(added_at), added_by, document)
