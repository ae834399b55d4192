"""Names that are closed in one room or for one device, whatever the director's list says: closed and opened again."""

from collections.abc import Sequence

import click

from cli.errors import Failure, Misuse
from cli.scene import Change, Scene, make
from cli.typed import names_of, text_of
from policy.names import display_name, with_parents
from policy.rooms import Closure
from policy.snapshot import Snapshot
from settings.model import Settings
from translations import _


def closures_of(snapshot: Snapshot, *, room: str | None = None, device: str | None = None) -> list[Closure]:
    """Return what is closed in a room or for a device, by name."""
    found = [each for each in snapshot.closures if (each.room, each.device) == (room, device)]
    return sorted(found, key=lambda each: each.name)


def close_names(
    settings: Settings, texts: Sequence[str], reason: str, *, room: str | None = None, device: str | None = None
) -> None:
    """Close names in a room or for a device, all or none, and say so. Who has been closed already gets the new reason.

    The caller has seen that the room or the device exists.
    """
    names, note = names_of(texts), text_of(reason, "--reason")
    if not note:
        raise Misuse(_("--reason: expected why, in a sentence; found nothing"))
    closures = [Closure(_id(name, room, device), name, room, device, note) for name in names]
    scene = make(settings, lambda _: Change("close names", tuple(closures)))
    for name in names:
        shield = next((parent for parent in with_parents(name) if parent in _protected(scene)), "")
        if shield:
            text = _("Closing {name} has no effect: {rule} is protected (school.protected in the settings file).")
            click.echo(text.format(name=display_name(name), rule=display_name(shield)))
        else:
            text = _("{name} and all names below it are closed {where}.")
            click.echo(text.format(name=display_name(name), where=_where(room, device)))
    click.echo(_("The server follows within a second."))


def reopen_names(
    settings: Settings, texts: Sequence[str], *, room: str | None = None, device: str | None = None
) -> None:
    """End closures, all or none, and say so. Raises Failure for names that are not closed there."""
    names = names_of(texts)

    def plan(scene: Scene) -> Change:
        closed = {each.name: each for each in closures_of(scene.snapshot, room=room, device=device)}
        missing = [display_name(name) for name in names if name not in closed]
        if missing:
            message = _("not closed {where}: {names}. Closed are: {closed}. Nothing was changed.")
            there = ", ".join(map(display_name, closed)) or "-"
            raise Failure(message.format(where=_where(room, device), names=", ".join(missing), closed=there))
        return Change("reopen names", drops=tuple(closed[name] for name in names))

    make(settings, plan)
    for name in names:
        text = _("{name} is no longer closed {where}.")
        click.echo(text.format(name=display_name(name), where=_where(room, device)))
    click.echo(_("The server follows within a second."))


def _id(name: str, room: str | None, device: str | None) -> str:
    """Return the id under which at most one closure of a name in a place is in force."""
    return f"room/{room}/{name}" if device is None else f"device/{device}/{name}"


def _where(room: str | None, device: str | None) -> str:
    return _("in {room}").format(room=room) if device is None else _("for the device {device}").format(device=device)


def _protected(scene: Scene) -> frozenset[str]:
    return next(iter(scene.snapshot.views.values())).protected
