"""How `devices` shows devices: what they are known by, where they are, and when they asked last."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import click
from rich.console import Console

from cli.closures import closures_of
from cli.devices_changes import strange_places
from cli.scene import Scene
from cli.table import print_json, print_table
from cli.vicinity import look_around
from policy.devices import Device, Directory, about_randomised, body, conflicts, is_randomised
from policy.discovery import Whereabouts
from policy.names import display_name
from policy.networks import parse_address
from resolver.asked import LATELY
from resolver.askers import Asker, read_askers
from settings.model import LogDetail, Settings
from storage.policy_objects import StoredObject
from translations import _


def print_devices(settings: Settings, scene: Scene, as_json: bool) -> None:
    """Print all devices."""
    devices = scene.snapshot.directory.devices
    if not devices and not as_json:
        click.echo(_("No devices. See who asks: schoolfilter devices discover"))
        return
    seen = _seen(settings, scene, around(settings, scene))
    if as_json:
        print_json([_as_json(device, seen) for device in devices])
        return
    headings = (_("DEVICE"), _("TITLE"), _("GROUP"), _("ROOM"), _("ADDRESSES"), _("MACS"), _("SEEN LAST"))
    print_table(headings, (_row(scene, device, seen) for device in devices))
    click.echo(_("Seen last: by the query log of the last {days} days.").format(days=LATELY.days))
    _warn(settings, scene, devices)


def print_device(settings: Settings, scene: Scene, stored: StoredObject, as_json: bool) -> None:
    """Print everything about a device."""
    device = scene.device(stored.id)
    where = around(settings, scene)
    seen = _seen(settings, scene, where)
    closures = closures_of(scene.snapshot, device=device.id)
    if as_json:
        closed = [{"name": each.name, "reason": each.note} for each in closures]
        print_json({**_as_json(device, seen), "closures": closed, "since": stored.added_at, "by": stored.added_by})
        return
    of_network = _("that of the network it asks from")
    click.echo(f"{device.id}: {device.title}")
    click.echo(_("Group: {group}").format(group=device.group or of_network))
    click.echo(_("Room: {room}").format(room=device.room or of_network))
    click.echo(_("Addresses: {addresses}").format(addresses=", ".join(device.addresses) or "-"))
    click.echo(_("MACs: {macs}").format(macs=", ".join(device.macs) or "-"))
    if device.note:
        click.echo(_("Remark: {note}").format(note=device.note))
    for closure in closures:
        click.echo(_("Closed for it: {name} ({reason})").format(name=display_name(closure.name), reason=closure.note))
    asker = seen.get(device.id)
    click.echo(gets_now(scene, device, asker.address if asker is not None else address_now(device, where)))
    if asker is not None:
        text = _("Seen last: {moment}, at the address {address}.")
        click.echo(text.format(moment=moment_text(scene, asker.last), address=asker.address))
    else:
        click.echo(_("Not seen in the last {days} days.").format(days=LATELY.days))
    since = moment_text(scene, datetime.fromisoformat(stored.added_at))
    click.echo(_("So since {moment}, by {person}.").format(moment=since, person=stored.added_by))
    if any(map(is_randomised, device.macs)):
        click.echo(about_randomised())
    _warn(settings, scene, [device])


def gets_now(scene: Scene, device: Device, address: str) -> str:
    """Return which group and room a device has at an address now, and how far it is restricted; empty: nobody knows."""
    if not address and device.group is None:
        return _("Its group is that of the network it asks from.")
    place = scene.snapshot.place(parse_address(address) if address else None, device)
    level = scene.snapshot.view(place).level
    text = _("Now: group {group}, room {room}, level {level}.")
    return text.format(group=place.group, room=place.room or "-", level=level)


def address_now(device: Device, where: Whereabouts) -> str:
    """Return an address that a device has, by what was written down or by its MAC; empty if nobody knows one."""
    by_mac = (address for address, mac in where.macs.items() if mac in device.macs)
    return next(iter(device.addresses), "") or next(by_mac, "")


def asked_since(settings: Settings, since: datetime) -> list[Asker]:
    """Read in the query log who asked since a moment."""
    with Console(stderr=True).status(_("Reading the query log …")):  # shows nothing where there is no terminal
        return read_askers(settings.paths.query_log, since)


def last_seen(askers: Iterable[Asker], directory: Directory, where: Whereabouts) -> Mapping[str, Asker]:
    """Return by device how it asked last: as the device that the log calls it, else by an address or MAC of its own."""
    known = {device.id for device in directory.devices}
    found: dict[str, Asker] = {}
    for asker in sorted(askers, key=lambda each: each.last):
        of_now = directory.find(asker.address, where.mac(asker.address))
        if asker.device in known:
            found[asker.device] = asker
        elif of_now is not None:
            found[of_now.id] = asker
    return found


def warn_of_detail(settings: Settings) -> None:
    """Tell on stderr if the query log does not hold all queries."""
    if settings.log.detail is LogDetail.BLOCKED:
        text = _(
            'Note: the query log holds blocked queries only (log.detail = "blocked"): who was never blocked is not '
            "in it."
        )
        click.echo(text, err=True)


def around(settings: Settings, scene: Scene) -> Whereabouts:
    """Return what is known of addresses now."""
    return look_around(settings.devices, scene.now.timestamp()).whereabouts


def _seen(settings: Settings, scene: Scene, where: Whereabouts) -> Mapping[str, Asker]:
    return last_seen(asked_since(settings, scene.now - LATELY), scene.snapshot.directory, where)


def _warn(settings: Settings, scene: Scene, devices: Sequence[Device]) -> None:
    """Tell on stderr what cannot be as it stands, whoever brought it about."""
    warn_of_detail(settings)
    for device in devices:
        for fault in strange_places(scene, device):
            click.echo(_("Note: {device}: {fault}").format(device=device.id, fault=fault), err=True)
    for text in conflicts(scene.snapshot.directory.devices):
        click.echo(_("Note: {text}").format(text=text), err=True)


def _row(scene: Scene, device: Device, seen: Mapping[str, Asker]) -> tuple[str, ...]:
    return (
        device.id,
        device.title,
        device.group or "-",
        device.room or "-",
        ", ".join(device.addresses) or "-",
        ", ".join(device.macs) or "-",
        moment_text(scene, seen[device.id].last) if device.id in seen else "-",
    )


def moment_text(scene: Scene, moment: datetime) -> str:
    """Return a moment to the minute, as the clocks of the school show it."""
    return f"{moment.astimezone(scene.now.tzinfo):%Y-%m-%d %H:%M}"


def _as_json(device: Device, seen: Mapping[str, Asker]) -> dict[str, object]:
    return {
        "id": device.id,
        **body(device),
        "randomised": [mac for mac in device.macs if is_randomised(mac)],
        "seen_last": seen[device.id].last.isoformat() if device.id in seen else None,
    }
