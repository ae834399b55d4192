"""`devices import` and `export`: all devices as a table that people keep in a spreadsheet."""

from collections.abc import Mapping
from typing import IO

import click

from cli.context import pass_settings
from cli.devices_changes import Said, changed, claims, holders_of, say_follows, say_notes, strange_places
from cli.errors import Misuse
from cli.scene import Change, Scene, look, make
from cli.typed import id_of
from policy.devices import Device
from policy.devices_csv import COLUMNS, Row, read_table, write_table
from settings.model import Settings
from translations import _


@click.command(
    "import",
    short_help=_("Add and change devices by a table (CSV)."),
    help=_(
        "Add and change devices by a table (CSV), all or none; - reads it from standard input. The first line names "
        "the columns: {columns}. Only id is needed; what a column is missing for stays as it is. Several addresses "
        "stand in one cell with spaces between them.\n\n"
        "Example: schoolfilter devices import devices.csv"
    ).format(columns=", ".join(COLUMNS)),
)
@click.argument("file", metavar="FILE.csv", type=click.File("rb"))
@pass_settings
def import_command(settings: Settings, file: IO[bytes]) -> None:
    """Make devices as a table has them."""
    rows = _read(file)
    scene = look(settings)
    before = {device.id: device for device in scene.snapshot.directory.devices}
    wanted = _wanted(scene, rows)
    if not wanted:
        click.echo(_("Nothing to change: all devices of the table are so already ({count}).").format(count=len(rows)))
        return
    make(settings, lambda scene: Change("import devices", _wanted(scene, rows)))
    added = sum(device.id not in before for device in wanted)
    text = _("Devices added: {added}, changed: {changed}, already so: {same}.")
    click.echo(text.format(added=added, changed=len(wanted) - added, same=len(rows) - len(wanted)))
    say_follows(wanted)
    say_notes(settings, [(before.get(device.id), device) for device in wanted])


@click.command(
    "export",
    short_help=_("Print all devices as a table (CSV)."),
    help=_(
        "Print all devices as a table (CSV), as import reads it.\n\nExample: schoolfilter devices export >devices.csv"
    ),
)
@click.option("--excel", is_flag=True, help=_("With semicolons and a mark by which Excel knows Cyrillic letters."))
@pass_settings
def export_command(settings: Settings, excel: bool) -> None:
    """Print a table."""
    devices = look(settings).snapshot.directory.devices
    table = write_table(devices, ";" if excel else ",")
    click.echo(f"\N{ZERO WIDTH NO-BREAK SPACE}{table}" if excel else table, nl=False)


def _read(file: IO[bytes]) -> list[Row]:
    """Return the rows of a file. Raises Misuse for what is no table."""
    try:
        return read_table(file.read().decode("utf-8"))
    except UnicodeDecodeError:
        message = _("{file}: expected UTF-8, found another encoding. In Excel: Save as, CSV UTF-8.")
        raise Misuse(message.format(file=file.name)) from None
    except ValueError as error:
        raise Misuse(f"{file.name}: {error}") from None


def _wanted(scene: Scene, rows: list[Row]) -> tuple[Device, ...]:
    """Return the devices that are different from those in force. Raises Misuse, which tells every bad line."""
    known = {device.id: device for device in scene.snapshot.directory.devices}
    found: dict[str, Device] = {}
    lines: dict[str, int] = {}
    faults: list[tuple[int, str]] = []
    for row in rows:
        try:
            device = _device(row, known, lines)
        except Misuse as error:
            faults += [(row.line, fault) for fault in str(error).splitlines()]
        else:
            found[device.id] = device
            faults += [(row.line, fault) for fault in strange_places(scene, device)]
        lines.setdefault(row.cells["id"], row.line)
    holders = holders_of((known | found).values())
    for device in found.values():
        for key, other in claims(device, holders):
            text = _("{key} belongs to the device {other} in line {line} too")
            if other not in lines:
                text = _("{key} belongs to the device {other}, which is not in the table")
            faults.append((lines[device.id], text.format(key=key, other=other, line=lines.get(other))))
    if faults:
        told = [_("line {line}: {fault}").format(line=line, fault=fault) for line, fault in sorted(faults)]
        raise Misuse("\n".join([*told, _("Nothing was changed.")]))
    return tuple(device for device in found.values() if known.get(device.id) != device)


def _device(row: Row, known: Mapping[str, Device], lines: Mapping[str, int]) -> Device:
    """Return the device of a row. Raises Misuse."""
    if row.fault:
        raise Misuse(row.fault)
    id_ = id_of(row.cells["id"])
    if id_ in lines:
        message = _("expected each device once, found {device} in line {line} too")
        raise Misuse(message.format(device=id_, line=lines[id_]))
    said = Said(
        row.cells.get("title"),
        row.cells.get("group"),
        row.cells.get("room"),
        row.values("address"),
        row.values("mac"),
        row.cells.get("note"),
    )
    return changed(known.get(id_) or Device(id_, id_), said)
