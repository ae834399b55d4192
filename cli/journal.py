"""`journal`: what was found in the query log, what people did about it, and the proof that none of it was changed."""

import click

from translations import _


@click.group(help=_("The journal of access to internet content: incidents, and what was done about them."))
def journal() -> None:
    """Hold the commands about the journal."""
