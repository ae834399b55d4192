"""`timetable`: the school's bells and days, and when rooms are open by themselves for whom (R1 2.1-2.4)."""

import click

from cli.context import Installation, pass_installation, pass_settings
from cli.errors import Misuse
from cli.ordered import InOrder
from cli.scene import look
from cli.timetable_days import bells, bells_on, exam, holiday, term
from cli.timetable_files import export_command, import_command
from cli.timetable_lessons import add, remove, substitute
from cli.timetable_show import Part, part_of, print_timetable
from settings.model import Settings
from translations import _


@click.group(
    cls=InOrder,
    invoke_without_command=True,
    help=_(
        "Show the timetable of internet use, or change it. Supervised rooms are open in its lessons by themselves.\n\n"
        "Example: schoolfilter timetable add --days mon,wed --lesson 2 --room room5 --teacher 'Asanova A.'"
    ),
)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_installation
@click.pass_context
def timetable(ctx: click.Context, installation: Installation, as_json: bool) -> None:
    """Show the week if no command follows."""
    if ctx.invoked_subcommand is not None:
        if as_json:
            raise Misuse(_("--json stands behind the command: timetable show --json"))
        return
    print_timetable(installation.settings, look(installation.settings), Part(), as_json)


@timetable.command(help=_("Show the timetable or a part of it. Example: schoolfilter timetable show --day mon"))
@click.option("--room", metavar="ID", help=_("Only this room."))
@click.option("--group", metavar="ID", help=_("Only this group."))
@click.option(
    "--day", metavar="YYYY-MM-DD|mon", help=_("Only this day: a date, with its substitutions, or a day of the week.")
)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def show(settings: Settings, room: str | None, group: str | None, day: str | None, as_json: bool) -> None:
    """Print the timetable."""
    scene = look(settings)
    print_timetable(settings, scene, part_of(scene, room, group, day), as_json)


for _command in (add, remove, substitute, bells, bells_on, term, holiday, exam, import_command, export_command):
    timetable.add_command(_command)
