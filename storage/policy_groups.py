"""The rows of one group in policy.db: itself, its networks, what is blocked for it and its safe search.

Each function is part of a transaction that the caller holds.
"""

import ipaddress
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import NamedTuple

import aiosqlite

from policy.groups import Group
from policy.hours import Hours, parse_hours
from policy.levels import Level
from policy.networks import IPNetwork
from policy.safesearch import OFF
from storage.database import value
from storage.policy_objects import FOREVER, Body, StoredObject, drop, put, read_objects
from storage.policy_rows import GroupInUse, UnknownEntry, UnknownGroup
from translations import _

GROUP = "group"
"""The kind of object (storage/policy_objects.py) that holds what changes about a group itself."""
_ORIGINS = "origins"


class StoredOrigin(NamedTuple):
    """Since when something holds, who entered it, and the document it rests on."""

    added_at: str
    added_by: str
    document: str


async def read_groups(connection: aiosqlite.Connection, at: str = FOREVER) -> AsyncIterator[Group]:
    """Yield the groups in force at a stamp of time, oldest first. Raises ValueError for what somebody else wrote."""
    moment = {"at": at}
    blocked: dict[str, set[str]] = {}
    hours: dict[str, dict[str, Hours]] = {}
    query = """
        SELECT group_id, category, hours FROM group_categories
        WHERE added_at <= :at AND (removed_at IS NULL OR removed_at > :at) ORDER BY category
    """
    async with connection.execute(query, moment) as cursor:
        async for group, category, text in cursor:
            blocked.setdefault(group, set()).add(category)
            if text:
                hours.setdefault(group, {})[category] = parse_hours(text)
    modes: dict[str, dict[str, str]] = {}
    query = """
        SELECT group_id, engine, mode FROM group_safe_search
        WHERE added_at <= :at AND (removed_at IS NULL OR removed_at > :at) ORDER BY row
    """
    async with connection.execute(query, moment) as cursor:
        async for group, engine, mode in cursor:
            modes.setdefault(group, {})[engine] = mode
    networks: dict[str, list[IPNetwork]] = {}
    query = """
        SELECT group_id, network FROM networks
        WHERE added_at <= :at AND (removed_at IS NULL OR removed_at > :at) ORDER BY network
    """
    async with connection.execute(query, moment) as cursor:
        async for group, network in cursor:
            networks.setdefault(group, []).append(ipaddress.ip_network(network))
    bodies = {each.id: each.body async for each in read_objects(connection, GROUP, at=at)}
    async with connection.execute("SELECT id FROM groups ORDER BY rowid") as cursor:
        async for (id_,) in cursor:
            if id_ in bodies:
                yield Group(
                    id_,
                    str(bodies[id_]["title"]),
                    Level(str(bodies[id_]["level"])),
                    frozenset(blocked.get(id_, ())),
                    tuple(networks.get(id_, ())),
                    hours.get(id_, {}),
                    modes.get(id_, {}),
                    supervised=_supervised(bodies[id_]),
                )


def _supervised(body: Body) -> bool:
    value = body["supervised"]
    if not isinstance(value, bool):  # a group that is taken for another kind would be free of rooms and lessons
        raise ValueError(f"expected true or false for supervised, found {value!r}")  # noqa: TRY004 - as all that is stored
    return value


async def require_group(connection: aiosqlite.Connection, id_: str) -> None:
    """Raise UnknownGroup, naming those that exist, if there is no such group."""
    query = "SELECT id FROM groups WHERE removed_at IS NULL ORDER BY rowid"
    async with connection.execute(query) as cursor:
        known = [str(row[0]) async for row in cursor]
    if id_ not in known:
        message = _("expected a group that exists ({groups}), found {group}.")
        raise UnknownGroup(message.format(groups=", ".join(known), group=id_))


async def insert_group(connection: aiosqlite.Connection, id_: str, now: str, by: str) -> None:
    """Add a group, or one of that id that was removed; `put_group` says what it is like."""
    await connection.execute(
        "INSERT INTO groups (id, added_at, added_by) VALUES (?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET"
        " added_at = excluded.added_at, added_by = excluded.added_by, removed_at = NULL, removed_by = NULL",
        (id_, now, by),
    )


async def end_group(connection: aiosqlite.Connection, id_: str, now: str, by: str) -> None:
    """End a group with all that is its own."""
    for statement in (
        "UPDATE networks SET removed_at = ?, removed_by = ? WHERE group_id = ? AND removed_at IS NULL",
        "UPDATE entries SET removed_at = ?, removed_by = ? WHERE group_id = ? AND removed_at IS NULL",
        "UPDATE group_categories SET removed_at = ?, removed_by = ? WHERE group_id = ? AND removed_at IS NULL",
        "UPDATE group_safe_search SET removed_at = ?, removed_by = ? WHERE group_id = ? AND removed_at IS NULL",
        "UPDATE groups SET removed_at = ?, removed_by = ? WHERE id = ?",
    ):
        await connection.execute(statement, (now, by, id_))
    await drop(connection, GROUP, id_, now, by)


async def put_group(
    connection: aiosqlite.Connection,
    id_: str,
    change: Mapping[str, object],
    document: str,
    now: str,
    by: str,
) -> None:
    """Change title, level or supervision of a group; what is None stays, with what it rests on."""
    row = {each.id: each async for each in read_objects(connection, GROUP)}.get(id_)
    current = {} if row is None else row.body
    origins = {} if row is None else dict(group_origins(row))
    fresh = {
        key: said
        for key, said in change.items()
        if said is not None and (current.get(key) != said or _is_other(document, origins[key].document))
    }
    if fresh:
        origins |= dict.fromkeys(fresh, StoredOrigin(now, by, document))
        body = {**current, **fresh, _ORIGINS: {key: list(origin) for key, origin in origins.items()}}
        await put(connection, GROUP, id_, body, document, now, by)


def group_origins(row: StoredObject) -> Mapping[str, StoredOrigin]:
    """Return since when, by whom and on what document a group has its title, its level and its supervision.

    One row holds the three, and a new title must not cost the level its protocol. Raises ValueError for what nobody
    here wrote.
    """
    own = [row.added_at, row.added_by, row.document]
    known = row.body.get(_ORIGINS)
    said = known if isinstance(known, dict) else {}
    return {key: _origin(said.get(key, own)) for key in row.body if key != _ORIGINS}


def _origin(said: object) -> StoredOrigin:
    match said:
        case [str(at), str(by), str(document)]:
            return StoredOrigin(at, by, document)
    raise ValueError(f"expected moment, person and document, found {said!r}")


def _is_other(document: str, before: str) -> bool:
    """Whether a document is given, and another one than before: then what it speaks of rests on it from now on."""
    return document not in ("", before)


async def block(
    connection: aiosqlite.Connection,
    id_: str,
    subjects: Iterable[str],
    hours: Hours | None,
    document: str,
    now: str,
    by: str,
) -> None:
    """Block categories and services in these hours; those blocked in others, or on another document, get a new row."""
    text = str(hours or "")
    for subject in subjects:
        in_force = await _in_force(
            connection, "group_categories", ("hours", "document"), group_id=id_, category=subject
        )
        if in_force is not None and in_force[0] == text and not _is_other(document, in_force[1]):
            continue
        await unblock(connection, id_, subject, now, by)
        await connection.execute(
            "INSERT INTO group_categories (group_id, category, hours, document, added_at, added_by)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (id_, subject, text, document, now, by),
        )


async def unblock(connection: aiosqlite.Connection, id_: str, subject: str, now: str, by: str) -> None:
    """End that a category or service is blocked, if it is."""
    await connection.execute(
        "UPDATE group_categories SET removed_at = ?, removed_by = ?"
        " WHERE group_id = ? AND category = ? AND removed_at IS NULL",
        (now, by, id_, subject),
    )


async def set_safe_search(
    connection: aiosqlite.Connection, id_: str, modes: Mapping[str, str], document: str, now: str, by: str
) -> None:
    """Bring each engine into its mode; `off` is having none."""
    for engine, mode in modes.items():
        in_force = await _in_force(connection, "group_safe_search", ("mode", "document"), group_id=id_, engine=engine)
        current, rests_on = (OFF, document) if in_force is None else in_force
        if current == mode and not _is_other(document, rests_on):
            continue
        await connection.execute(
            "UPDATE group_safe_search SET removed_at = ?, removed_by = ?"
            " WHERE group_id = ? AND engine = ? AND removed_at IS NULL",
            (now, by, id_, engine),
        )
        if mode != OFF:
            await connection.execute(
                "INSERT INTO group_safe_search (group_id, engine, mode, document, added_at, added_by)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (id_, engine, mode, document, now, by),
            )


async def take_network(
    connection: aiosqlite.Connection, id_: str, network: IPNetwork, document: str, now: str, by: str
) -> None:
    """Give a network to a group. Raises GroupInUse if it belongs to another one."""
    in_force = await _in_force(connection, "networks", ("group_id", "document"), network=str(network))
    if in_force is not None:
        holder, rests_on = in_force
        if holder != id_:
            message = _(
                "{network} belongs to {group}: take it from there first with `groups set {group} --drop-network`."
            )
            raise GroupInUse(message.format(network=network, group=holder))
        if not _is_other(document, rests_on):
            return
        await drop_network(connection, id_, network, document, now, by)
    await connection.execute(
        "INSERT INTO networks (network, group_id, document, added_at, added_by) VALUES (?, ?, ?, ?, ?)",
        (str(network), id_, document, now, by),
    )


async def drop_network(
    connection: aiosqlite.Connection, id_: str, network: IPNetwork, document: str, now: str, by: str
) -> None:
    """Take a network from a group. Raises UnknownEntry, but not if it was taken before and now a document is given."""
    cursor = await connection.execute(
        "UPDATE networks SET removed_at = ?, removed_by = ? WHERE network = ? AND group_id = ? AND removed_at IS NULL",
        (now, by, str(network), id_),
    )
    if cursor.rowcount:
        return
    query = "SELECT 1 FROM networks WHERE network = ? AND group_id = ?"
    if not document or await value(connection, query, (str(network), id_)) is None:
        message = _("expected a network of {group}, found {network}; `schoolfilter groups show {group}` lists them.")
        raise UnknownEntry(message.format(group=id_, network=network))


async def confirm(connection: aiosqlite.Connection, group: Group, document: str, now: str, by: str) -> None:
    """Let all that holds for a group on no document rest on this one."""
    rows = [row async for row in read_objects(connection, GROUP) if row.id == group.id]
    own = {key: row.body[key] for row in rows for key, origin in group_origins(row).items() if not origin.document}
    await put_group(connection, group.id, own, document, now, by)
    for subject in await _bare(connection, "group_categories", "category", group.id):
        await block(connection, group.id, [subject], group.hours.get(subject), document, now, by)
    modes = {
        engine: group.safe_search[engine] for engine in await _bare(connection, "group_safe_search", "engine", group.id)
    }
    await set_safe_search(connection, group.id, modes, document, now, by)
    for network in await _bare(connection, "networks", "network", group.id):
        await take_network(connection, group.id, ipaddress.ip_network(network), document, now, by)


async def _bare(connection: aiosqlite.Connection, table: str, column: str, id_: str) -> list[str]:
    """Return what is in force for a group on no document."""
    query = f"SELECT {column} FROM {table} WHERE group_id = ? AND document = '' AND removed_at IS NULL ORDER BY row"  # noqa: S608 - names from above
    async with connection.execute(query, (id_,)) as cursor:
        return [str(row[0]) async for row in cursor]


async def _in_force(
    connection: aiosqlite.Connection, table: str, columns: tuple[str, str], **key: str
) -> tuple[str, str] | None:
    """Return two columns of the row in force for a key; None if there is none."""
    where = " AND ".join(f"{column} = :{column}" for column in key)
    query = f"SELECT {', '.join(columns)} FROM {table} WHERE {where} AND removed_at IS NULL"  # noqa: S608 - names from above
    async with connection.execute(query, key) as cursor:
        row = await cursor.fetchone()
    return None if row is None else (str(row[0]), str(row[1]))
