"""`devices`: which clients the school knows by name, what they are known by, and where they are."""

from collections.abc import Callable, Sequence

import click

from cli.closures import close_names, closures_of, reopen_names
from cli.context import Installation, pass_installation, pass_settings
from cli.devices_changes import Said, changed, check, say_follows, say_notes
from cli.devices_csv import export_command, import_command
from cli.devices_discover import discover_command
from cli.devices_show import address_now, around, gets_now, print_device, print_devices
from cli.errors import Failure, Misuse
from cli.rooms_show import objects
from cli.scene import Change, Scene, look, make
from cli.typed import id_of
from policy.devices import Device, address_text, parse_mac
from settings.model import Settings
from storage.policy_load import DEVICE
from translations import _

_id_argument = click.argument("id_", metavar="ID")
_title_option = click.option("--title", metavar="TEXT", help=_("What people call the device."))
_group_option = click.option(
    "--group", metavar="ID", help=_("Its group, wherever it asks from; '' for that of the network.")
)
_room_option = click.option(
    "--room", metavar="ID", help=_("Its room, wherever it asks from; '' for that of the network.")
)
_address_option = click.option(
    "--address", "addresses", metavar="ADDRESS", multiple=True, help=_("An address that it has (may be repeated).")
)
_mac_option = click.option(
    "--mac", "macs", metavar="MAC", multiple=True, help=_("A hardware address that it has (may be repeated).")
)
_note_option = click.option("--note", metavar="TEXT", help=_("What else there is to know about it."))


@click.group(
    invoke_without_command=True,
    help=_(
        "Show the devices that have a name, or change one.\n\n"
        "Example: schoolfilter devices add pc-5-01 --room room5 --address 10.0.5.21"
    ),
)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_installation
@click.pass_context
def devices(ctx: click.Context, installation: Installation, as_json: bool) -> None:
    """List the devices if no command follows."""
    if ctx.invoked_subcommand is not None:
        if as_json:
            raise Misuse(_("--json stands behind the command: devices show ID --json"))
        return
    print_devices(installation.settings, look(installation.settings), as_json)


@devices.command(help=_("Show one device. Example: schoolfilter devices show pc-5-01"))
@_id_argument
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def show(settings: Settings, id_: str, as_json: bool) -> None:
    """Print everything about a device."""
    scene = look(settings)
    scene.device(id_)
    (stored,) = [each for each in objects(settings, DEVICE) if each.id == id_]
    print_device(settings, scene, stored, as_json)


@devices.command(
    help=_(
        "Give a client a name, and a group or a room of its own.\n\n"
        "Example: schoolfilter devices add pc-5-01 --room room5 --mac 00:00:5e:10:00:01"
    )
)
@_id_argument
@_title_option
@_group_option
@_room_option
@_address_option
@_mac_option
@_note_option
@pass_settings
def add(
    settings: Settings,
    id_: str,
    title: str | None,
    group: str | None,
    room: str | None,
    addresses: tuple[str, ...],
    macs: tuple[str, ...],
    note: str | None,
) -> None:
    """Add a device."""
    wanted = changed(Device(id_of(id_), id_), Said(title, group, room, addresses, macs, note))

    def plan(scene: Scene) -> Change:
        if any(device.id == id_ for device in scene.snapshot.directory.devices):
            message = _("there is a device {device} already: change it with `schoolfilter devices set {device}`.")
            raise Failure(message.format(device=id_))
        check(scene, wanted)
        return Change("add device", (wanted,))

    scene = make(settings, plan)
    click.echo(_("The device {device} is added.").format(device=id_))
    _say(settings, scene, None, wanted)


@devices.command(
    "set",
    help=_(
        "Change a device.\n\n"
        "Example: schoolfilter devices set pc-5-01 --room room6 --drop-address 10.0.5.21 --address 10.0.6.21"
    ),
)
@_id_argument
@_title_option
@_group_option
@_room_option
@_address_option
@_mac_option
@click.option(
    "--drop-address",
    "drop_addresses",
    metavar="ADDRESS",
    multiple=True,
    help=_("An address that it no longer has (may be repeated)."),
)
@click.option(
    "--drop-mac",
    "drop_macs",
    metavar="MAC",
    multiple=True,
    help=_("A hardware address that it no longer has (may be repeated)."),
)
@_note_option
@pass_settings
def set_(
    settings: Settings,
    id_: str,
    title: str | None,
    group: str | None,
    room: str | None,
    addresses: tuple[str, ...],
    macs: tuple[str, ...],
    drop_addresses: tuple[str, ...],
    drop_macs: tuple[str, ...],
    note: str | None,
) -> None:
    """Change a device, all of it or nothing."""
    before: list[Device] = []

    def plan(scene: Scene) -> Change:
        device = scene.device(id_)
        kept_addresses = _without(device, device.addresses, drop_addresses, address_text)
        kept_macs = _without(device, device.macs, drop_macs, parse_mac)
        wanted = changed(device, Said(title, group, room, (*kept_addresses, *addresses), (*kept_macs, *macs), note))
        if wanted == device:
            raise Misuse(_("expected something to change, such as --room, --address or --mac; --help lists them"))
        check(scene, wanted)
        before.append(device)
        return Change("set device", (wanted,))

    scene = make(settings, plan)
    click.echo(_("The device {device} is changed.").format(device=id_))
    _say(settings, scene, before[0], scene.device(id_))


@devices.command(help=_("Remove a device. Example: schoolfilter devices remove pc-5-01"))
@_id_argument
@pass_settings
def remove(settings: Settings, id_: str) -> None:
    """Remove a device, with what was closed for it; its history stays."""

    def plan(scene: Scene) -> Change:
        return Change("remove device", drops=(scene.device(id_), *closures_of(scene.snapshot, device=id_)))

    make(settings, plan)
    text = _("The device {device} is removed: it gets what its network gets. The server follows within a second.")
    click.echo(text.format(device=id_))


@devices.command(
    help=_(
        "Close names for one device, whatever the director's list says.\n\n"
        "Example: schoolfilter devices close pc-5-01 youtube.com --reason 'films in lessons'"
    )
)
@_id_argument
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--reason", required=True, metavar="TEXT", help=_("Why, in a sentence; pupils read it."))
@pass_settings
def close(settings: Settings, id_: str, names: tuple[str, ...], reason: str) -> None:
    """Close names for a device."""
    look(settings).device(id_)
    close_names(settings, names, reason, device=id_)


@devices.command(
    help=_("Let names be open for a device again. Example: schoolfilter devices reopen pc-5-01 youtube.com")
)
@_id_argument
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@pass_settings
def reopen(settings: Settings, id_: str, names: tuple[str, ...]) -> None:
    """End closures for a device."""
    look(settings).device(id_)
    reopen_names(settings, names, device=id_)


devices.add_command(discover_command)
devices.add_command(import_command)
devices.add_command(export_command)


def _without(device: Device, own: Sequence[str], drop: Sequence[str], read: Callable[[str], str]) -> list[str]:
    """Return what a device keeps of its addresses or MACs. Raises Misuse for what it does not have."""
    try:
        dropped = [read(text) for text in drop]
    except ValueError as error:
        raise Misuse(str(error)) from None
    missing = [each for each in dropped if each not in own]
    if missing:
        message = _("expected what {device} has ({own}), found {missing}")
        raise Misuse(message.format(device=device.id, own=", ".join(own) or "-", missing=", ".join(missing)))
    return [each for each in own if each not in dropped]


def _say(settings: Settings, scene: Scene, before: Device | None, after: Device) -> None:
    click.echo(gets_now(scene, after, address_now(after, around(settings, scene))))
    say_follows([after])
    say_notes(settings, [(before, after)])
