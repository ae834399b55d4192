"""The rows of one group in policy.db: itself, its networks, what is blocked for it and its safe search.

Each function is part of a transaction that the caller holds.
"""

import ipaddress
from collections.abc import AsyncIterator, Iterable, Mapping

import aiosqlite

from policy.hours import Hours, parse_hours
from policy.levels import Level
from policy.safesearch import OFF
from policy.snapshot import Group, IPNetwork
from storage.database import value
from storage.policy_rows import GroupInUse, UnknownEntry, UnknownGroup
from translations import _


async def read_groups(connection: aiosqlite.Connection) -> AsyncIterator[Group]:
    """Yield the groups in force, oldest first. Raises ValueError for a value that somebody else wrote."""
    blocked: dict[str, set[str]] = {}
    hours: dict[str, dict[str, Hours]] = {}
    query = "SELECT group_id, category, hours FROM group_categories WHERE removed_at IS NULL ORDER BY category"
    async with connection.execute(query) as cursor:
        async for group, category, text in cursor:
            blocked.setdefault(group, set()).add(category)
            if text:
                hours.setdefault(group, {})[category] = parse_hours(text)
    modes: dict[str, dict[str, str]] = {}
    query = "SELECT group_id, engine, mode FROM group_safe_search WHERE removed_at IS NULL ORDER BY row"
    async with connection.execute(query) as cursor:
        async for group, engine, mode in cursor:
            modes.setdefault(group, {})[engine] = mode
    networks: dict[str, list[IPNetwork]] = {}
    async with connection.execute(
        "SELECT group_id, network FROM networks WHERE removed_at IS NULL ORDER BY network"
    ) as cursor:
        async for group, network in cursor:
            networks.setdefault(group, []).append(ipaddress.ip_network(network))
    async with connection.execute(
        "SELECT id, title, level FROM groups WHERE removed_at IS NULL ORDER BY rowid"
    ) as cursor:
        async for id_, title, level in cursor:
            yield Group(
                id_,
                title,
                Level(level),
                frozenset(blocked.get(id_, ())),
                tuple(networks.get(id_, ())),
                hours.get(id_, {}),
                modes.get(id_, {}),
            )


async def require_group(connection: aiosqlite.Connection, id_: str) -> None:
    """Raise UnknownGroup, naming those that exist, if there is no such group."""
    query = "SELECT id FROM groups WHERE removed_at IS NULL ORDER BY rowid"
    async with connection.execute(query) as cursor:
        known = [str(row[0]) async for row in cursor]
    if id_ not in known:
        message = _("expected a group that exists ({groups}), found {group}.")
        raise UnknownGroup(message.format(groups=", ".join(known), group=id_))


async def insert_group(connection: aiosqlite.Connection, id_: str, title: str, level: Level, now: str, by: str) -> None:
    """Add a group, or one of that id that was removed."""
    await connection.execute(
        "INSERT INTO groups (id, title, level, added_at, added_by) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET title = excluded.title, level = excluded.level,"
        " added_at = excluded.added_at, added_by = excluded.added_by, removed_at = NULL, removed_by = NULL",
        (id_, title, level, now, by),
    )


async def block(
    connection: aiosqlite.Connection, id_: str, subjects: Iterable[str], hours: Hours | None, now: str, by: str
) -> None:
    """Block categories and services in these hours; those blocked in other hours get a new row."""
    text = str(hours or "")
    in_force = "SELECT hours FROM group_categories WHERE group_id = ? AND category = ? AND removed_at IS NULL"
    for subject in subjects:
        if await value(connection, in_force, (id_, subject)) == text:
            continue
        await unblock(connection, id_, subject, now, by)
        await connection.execute(
            "INSERT INTO group_categories (group_id, category, hours, added_at, added_by) VALUES (?, ?, ?, ?, ?)",
            (id_, subject, text, now, by),
        )


async def unblock(connection: aiosqlite.Connection, id_: str, subject: str, now: str, by: str) -> None:
    """End that a category or service is blocked, if it is."""
    await connection.execute(
        "UPDATE group_categories SET removed_at = ?, removed_by = ?"
        " WHERE group_id = ? AND category = ? AND removed_at IS NULL",
        (now, by, id_, subject),
    )


async def set_safe_search(
    connection: aiosqlite.Connection, id_: str, modes: Mapping[str, str], now: str, by: str
) -> None:
    """Bring each engine into its mode; `off` is having none."""
    in_force = "SELECT mode FROM group_safe_search WHERE group_id = ? AND engine = ? AND removed_at IS NULL"
    for engine, mode in modes.items():
        if (await value(connection, in_force, (id_, engine)) or OFF) == mode:
            continue
        await connection.execute(
            "UPDATE group_safe_search SET removed_at = ?, removed_by = ?"
            " WHERE group_id = ? AND engine = ? AND removed_at IS NULL",
            (now, by, id_, engine),
        )
        if mode != OFF:
            await connection.execute(
                "INSERT INTO group_safe_search (group_id, engine, mode, added_at, added_by) VALUES (?, ?, ?, ?, ?)",
                (id_, engine, mode, now, by),
            )


async def take_network(connection: aiosqlite.Connection, id_: str, network: IPNetwork, now: str, by: str) -> None:
    """Give a network to a group. Raises GroupInUse if it belongs to another one."""
    query = "SELECT group_id FROM networks WHERE network = ? AND removed_at IS NULL"
    holder = await value(connection, query, (str(network),))
    if holder == id_:
        return
    if holder is not None:
        message = _("{network} belongs to {group}: take it from there first with `groups set {group} --drop-network`.")
        raise GroupInUse(message.format(network=network, group=holder))
    await connection.execute(
        "INSERT INTO networks (network, group_id, added_at, added_by) VALUES (?, ?, ?, ?)",
        (str(network), id_, now, by),
    )


async def drop_network(connection: aiosqlite.Connection, id_: str, network: IPNetwork, now: str, by: str) -> None:
    """Take a network from a group. Raises UnknownEntry."""
    cursor = await connection.execute(
        "UPDATE networks SET removed_at = ?, removed_by = ? WHERE network = ? AND group_id = ? AND removed_at IS NULL",
        (now, by, str(network), id_),
    )
    if cursor.rowcount == 0:
        message = _("expected a network of {group}, found {network}; `schoolfilter groups show {group}` lists them.")
        raise UnknownEntry(message.format(group=id_, network=network))
