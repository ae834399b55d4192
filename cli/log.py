"""`log`: read the query log, live and archived."""

import click

from cli.log_export import export_command
from cli.log_search import search
from cli.log_stats import stats
from cli.log_tail import tail
from cli.log_verify import verify_command
from cli.ordered import InOrder
from translations import _


@click.group(cls=InOrder, help=_("Read the query log."))
def log() -> None:
    """Hold the commands about the query log."""


log.add_command(tail)
log.add_command(search)
log.add_command(stats)
log.add_command(export_command)
log.add_command(verify_command)
