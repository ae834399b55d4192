"""`orders`: the ledger of the director's orders. Each command is in a module of its subject."""

import click

from cli.ordered import InOrder
from cli.orders_export import export_command
from cli.orders_key import key_group
from cli.orders_print import print_command
from cli.orders_review import review_command
from cli.orders_show import show_command
from cli.orders_verify import restore_command, verify_command
from translations import _


@click.group(cls=InOrder, help=_("The director's orders and what they leave open. Example: schoolfilter orders show"))
def orders() -> None:
    """Hold the commands about orders."""


for command in (
    show_command,
    print_command,
    review_command,
    verify_command,
    export_command,
    restore_command,
    key_group,
):
    orders.add_command(command)
