"""What a person says of a device, checked against all others, and what there is to know about it afterwards."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network

import click

from cli.errors import Failure, Misuse
from cli.groups_notes import warn_outside
from cli.scene import Scene
from cli.typed import LONGEST_TEXT, text_of
from policy.devices import Device, about_randomised, address_text, is_randomised, parse_mac
from settings.model import DeviceSettings, Settings
from storage.policy_rows import UnknownGroup
from translations import _

_LONGEST_TITLE = 80


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be different about a device; None: as it is."""

    title: str | None = None
    """Empty: as its id."""
    group: str | None = None
    """Empty: none, as for the room."""
    room: str | None = None
    addresses: Sequence[str] | None = None
    macs: Sequence[str] | None = None
    note: str | None = None


Pair = tuple[Device | None, Device]
"""A device before and after a change; None: it is new."""


def changed(device: Device, said: Said) -> Device:
    """Return the device with what was said. Raises Misuse, which tells everything that is wrong, a line each."""
    faults: list[str] = []
    wanted = replace(
        device,
        title=device.title if said.title is None else _text(said.title, "title", _LONGEST_TITLE, faults) or device.id,
        group=device.group if said.group is None else said.group or None,
        room=device.room if said.room is None else said.room or None,
        addresses=device.addresses if said.addresses is None else _each(said.addresses, address_text, faults),
        macs=device.macs if said.macs is None else _each(said.macs, parse_mac, faults),
        note=device.note if said.note is None else _text(said.note, "note", LONGEST_TEXT, faults),
    )
    if faults:
        raise Misuse("\n".join(faults))
    return wanted


def strange_places(scene: Scene, device: Device) -> Iterator[str]:
    """Yield what is wrong if the group or the room of a device does not exist."""
    for find, id_ in ((scene.group, device.group), (scene.room, device.room)):
        if id_ is not None:
            try:
                find(id_)
            except (UnknownGroup, Failure) as error:
                yield str(error)


def holders_of(devices: Iterable[Device]) -> Mapping[str, Sequence[str]]:
    """Return by address and MAC which devices have it."""
    holders: dict[str, list[str]] = {}
    for device in devices:
        for key in (*device.addresses, *device.macs):
            holders.setdefault(key, []).append(device.id)
    return holders


def claims(device: Device, holders: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Yield which addresses and MACs of a device another one has, and its id."""
    for key in (*device.addresses, *device.macs):
        yield from ((key, other) for other in holders.get(key, ()) if other != device.id)


def taken(device: Device, holders: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield what is wrong if another device has the same address or MAC, and how to move it."""
    for key, other in claims(device, holders):
        option = "--drop-mac" if key in device.macs else "--drop-address"
        text = _("{key} belongs to the device {other}. To move it: schoolfilter devices set {other} {option} {key}")
        yield text.format(key=key, other=other, option=option)


def check(scene: Scene, device: Device) -> None:
    """Raise Failure if a device cannot be so among all others, with everything that is in the way."""
    faults = [*strange_places(scene, device), *taken(device, holders_of(scene.snapshot.directory.devices))]
    if faults:
        raise Failure("\n".join([*faults, _("Nothing was changed.")]))


def say_follows(devices: Iterable[Device]) -> None:
    """Print from when on a change holds."""
    if any(device.macs and not device.addresses for device in devices):
        text = _("The server follows within a second; by its MAC a device is known some seconds after its next query.")
        click.echo(text)
    else:
        click.echo(_("The server follows within a second."))


def say_notes(settings: Settings, pairs: Sequence[Pair]) -> None:
    """Tell on stderr what there is to think of in what is new about devices."""
    after = [device for _before, device in pairs]
    addresses = [
        each for before, device in pairs for each in _new(device.addresses, before.addresses if before else ())
    ]
    macs = {device.id: _new(device.macs, before.macs if before else ()) for before, device in pairs}
    unknowable = [device.id for device in after if not device.addresses and not device.macs]
    if unknowable:
        text = _("Note: not recognised until it has an address or a MAC: {devices}.")
        click.echo(text.format(devices=", ".join(unknowable)), err=True)
    made_up = [id_ for id_, new in macs.items() if any(map(is_randomised, new))]
    if made_up:
        text = _("Note ({devices}): {about}")
        click.echo(text.format(devices=", ".join(made_up), about=about_randomised()), err=True)
    if any(macs.values()) and not _macs_are_seen(settings.devices):
        text = _(
            "Note: no MAC is ever seen, because devices.neighbours is off and the settings name no lease file and no "
            "trusted router. Give the device an address, or set devices.neighbours = true."
        )
        click.echo(text, err=True)
    warn_outside(settings, [ip_network(address) for address in addresses])


def _new(after: Sequence[str], before: Sequence[str]) -> list[str]:
    return [each for each in after if each not in before]


def _macs_are_seen(settings: DeviceSettings) -> bool:
    return bool(settings.neighbours or settings.lease_files or settings.trusted_routers)


def _text(text: str, what: str, longest: int, faults: list[str]) -> str:
    try:
        return text_of(text, what, longest)
    except Misuse as error:
        faults.append(str(error))
        return ""


def _each(texts: Sequence[str], read: Callable[[str], str], faults: list[str]) -> tuple[str, ...]:
    """Return the texts in their one form, each once."""
    found: dict[str, None] = {}
    for text in texts:
        try:
            found[read(text)] = None
        except ValueError as error:
            faults.append(str(error))
    return tuple(found)
