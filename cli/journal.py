"""`journal`: what was found in the query log, what people did about it, and the proof that none of it was changed.

A command's module is imported when the command is used: the process that keeps the journal runs for years, and what
others need is not to stay in its memory.
"""

import importlib

import click

from translations import _

COMMANDS = {
    "show": "cli.journal_show",
    "note": "cli.journal_note",
    "close": "cli.journal_note",
    "reopen": "cli.journal_note",
    "correct": "cli.journal_note",
    "settle": "cli.journal_settle",
    "report-site": "cli.journal_report",
    "contacts": "cli.journal_contacts",
    "rules": "cli.journal_rules",
    "accesses": "cli.journal_accesses",
    "print": "cli.journal_print",
    "export": "cli.journal_export",
    "verify": "cli.journal_verify",
    "erase": "cli.journal_erase",
    "archive": "cli.journal_archive",
    "run": "cli.journal_run",
    "sign": "cli.journal_sign",
}
"""The module that holds each command; the command is the click command of that name in it."""


class _Journal(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order in which people meet them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        members = vars(importlib.import_module(COMMANDS[cmd_name])).values()
        return next((each for each in members if isinstance(each, click.Command) and each.name == cmd_name), None)


@click.group(
    cls=_Journal,
    invoke_without_command=True,
    help=_("The journal of access to internet content: incidents, and what was done about them."),
)
@click.pass_context
def journal(context: click.Context) -> None:
    """Hold the commands about the journal; without one, keep it."""
    if context.invoked_subcommand is None:
        command = journal.get_command(context, "run")
        assert command is not None  # noqa: S101 - it is in COMMANDS
        context.invoke(command)
