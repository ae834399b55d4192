"""`lists`: where the names of each category and service come from. Each command is in a module of its subject."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from cli.lists_catalogue import catalogue_command
from cli.lists_change import add_command, remove_command, set_command
from cli.lists_generations import (
    diff_command,
    discard_command,
    generations_command,
    publish_command,
    rollback_command,
)
from cli.lists_refresh import refresh_command
from cli.lists_search import search_command
from cli.lists_shadow import shadow_command
from cli.lists_show import held_command, show_command
from cli.ordered import InOrder
from translations import _


@click.group(cls=InOrder, help=_("Manage the lists of names. Example: schoolfilter lists show"))
@click.pass_context
def lists(context: click.Context) -> None:
    """Hold the commands about lists."""
    context.with_resource(_stepping_back())


@contextmanager
def _stepping_back() -> Iterator[None]:
    """Leave the processor to the resolver meanwhile: on a small machine a compile would make answers wait."""
    before = os.sched_getscheduler(0)
    with suppress(OSError):  # a container may forbid it
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    try:
        yield
    finally:
        with suppress(OSError):  # without privilege there is no way back; the process ends soon anyway
            os.sched_setscheduler(0, before, os.sched_param(0))


for command in (
    catalogue_command,
    add_command,
    set_command,
    remove_command,
    refresh_command,
    show_command,
    search_command,
    held_command,
    diff_command,
    publish_command,
    discard_command,
    rollback_command,
    generations_command,
    shadow_command,
):
    lists.add_command(command)
