"""`journal verify`: that no record of the journal was changed, taken out, put in or cut off."""

import asyncio

import click

from cli.context import pass_settings
from cli.inspecting import as_inspector
from cli.verdict_words import head_option, print_verdict, say_broken, say_head, say_journal, say_key_fault
from journal.trust.verifying import verify_journal
from settings.model import Settings
from storage.evidence import Head
from translations import _


@click.command(
    "verify",
    help=_(
        "Verify the journal: that no record was changed, taken out, put in or cut off, that what is signed is signed "
        "by this machine, and that the sums and tables say what the records say. Exit status: 1 if anything is "
        "broken; the first broken link is named.\n\n"
        "Example: schoolfilter journal verify --head 17:9f86d081884c7d65"
    ),
)
@head_option
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@as_inspector
@click.pass_context
@pass_settings
def verify_command(settings: Settings, ctx: click.Context, heads: tuple[Head, ...], as_json: bool) -> None:
    """Print the head to write down; exit status 1 and what is broken if anything is."""
    verdict = asyncio.run(verify_journal(settings, heads))
    if as_json:
        print_verdict(settings, verdict, {})
    elif not verdict.is_sound:
        say_broken(verdict)
        say_key_fault(settings, verdict)
    else:
        say_journal(settings, verdict)
        say_key_fault(settings, verdict)
        say_head(verdict)
    ctx.exit(0 if verdict.is_sound else 1)
