"""How `rooms` shows rooms: who is in them, what holds there now, and on which order it rests."""

import asyncio

import click

from cli.closures import closures_of
from cli.policy_file import opened
from cli.protocol import document_words
from cli.room_words import as_json as holding_json
from cli.room_words import exams_in, room_lines, short
from cli.scene import Scene
from cli.table import print_json, print_table
from policy.lessons import holding, levels_in
from policy.levels import Level
from policy.names import display_name
from policy.rooms import Room, body_of
from settings.model import Settings
from storage.policy_objects import StoredObject
from translations import _


def print_rooms(scene: Scene, as_json: bool) -> None:
    """Print all rooms."""
    found = sorted(scene.snapshot.schedule.rooms.values(), key=lambda room: room.id)
    if as_json:
        print_json([_as_json(scene, room) for room in found])
    elif not found:
        click.echo(_("No rooms. Add one: schoolfilter rooms add room5 --network 10.0.5.0/24"))
    else:
        headings = (
            _("ROOM"),
            _("TITLE"),
            _("NETWORKS"),
            _("GROUP"),
            _("IN LESSONS"),
            _("RESPONSIBLE"),
            _("AT PRESENT"),
        )
        print_table(headings, (_row(scene, room) for room in found))


def print_room(scene: Scene, stored: StoredObject, as_json: bool) -> None:
    """Print everything about a room."""
    room = scene.room(stored.id)
    if as_json:
        origin = {"document": stored.document, "since": stored.added_at, "by": stored.added_by}
        print_json({**_as_json(scene, room), **origin})
        return
    click.echo(f"{room.id}: {room.title}")
    networks = ", ".join(map(str, room.networks)) or "-"
    click.echo(_("Networks: {networks}").format(networks=networks))
    click.echo(_("Group of clients of which nothing else says it: {group}").format(group=room.group or "-"))
    if room.supervised:
        text = _("Supervised: in lessons {level}, outside lessons {closed}.")
    else:
        text = _("Not supervised: {level} at any time.")
    click.echo(text.format(level=_level_words(room.level), closed=room.closed))
    text = _("Responsible: {person} ({document})")
    click.echo(text.format(person=room.responsible or "-", document=document_words(stored.document)))
    for closure in closures_of(scene.snapshot, room=room.id):
        click.echo(_("Closed there: {name} ({reason})").format(name=display_name(closure.name), reason=closure.note))
    for line in room_lines(scene, room.id):
        click.echo(line)


def objects(settings: Settings, kind: str) -> list[StoredObject]:
    """Return what is in force of a kind, with what it rests on."""

    async def read() -> list[StoredObject]:
        async with await opened(settings) as policy:
            return await policy.objects(kind)

    return asyncio.run(read())


def _row(scene: Scene, room: Room) -> tuple[str, ...]:
    return (
        room.id,
        room.title,
        ", ".join(map(str, room.networks)) or "-",
        room.group or "-",
        _level_words(room.level),
        room.responsible or "-",
        short(holding(scene.circumstances, room.id, scene.now), scene.now),
    )


def _level_words(level: Level | None) -> str:
    return _("as each group") if level is None else level.value


def _as_json(scene: Scene, room: Room) -> dict[str, object]:
    lesson = scene.circumstances.lesson_in(room.id)
    return {
        "id": room.id,
        **body_of(room),
        "closures": [{"name": each.name, "reason": each.note} for each in closures_of(scene.snapshot, room=room.id)],
        "now": {
            **holding_json(holding(scene.circumstances, room.id, scene.now)),
            "lesson": lesson.id if lesson is not None else None,
            "opened": list(lesson.opened) if lesson is not None else [],
            "closed": list(lesson.closed) if lesson is not None else [],
            "exams": [exam.id for exam in exams_in(scene, room.id)],
            "levels": levels_in(scene.snapshot, room.id),
        },
    }
