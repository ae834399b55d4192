"""The command `schoolfilter`: finds the language and the command's module, imports only that module and runs it."""

import importlib
import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cli.context import Installation
from cli.errors import border
from settings.load import configured_language
from translations import _, choose, use

COMMANDS: dict[str, str] = {
    "init": "cli.init",
    "run": "cli.run",
    "resolver": "cli.run",
    "status": "cli.status",
    "doctor": "cli.doctor",
    "check": "cli.check",
    "allow": "cli.allow",
    "block": "cli.block",
    "remove": "cli.remove",
    "requests": "cli.requests",
    "approve": "cli.approve",
    "reject": "cli.requests",
    "orders": "cli.orders",
    "groups": "cli.groups",
    "rooms": "cli.rooms",
    "timetable": "cli.timetable",
    "devices": "cli.devices",
    "lesson": "cli.lesson",
    "pause": "cli.pause",
    "policy": "cli.policy_matrix",
    "audit": "cli.audit",
    "categories": "cli.categories",
    "lists": "cli.lists",
    "log": "cli.log",
    "journal": "cli.journal",
    "act": "cli.act",
    "report": "cli.report",
    "handover": "cli.handover",
    "briefing": "cli.briefing",
    "parents": "cli.parents",
    "referral": "cli.referral",
    "publish": "cli.publish",
    "inspector": "cli.inspector",
    "cache": "cli.cache",
    "config": "cli.config",
}
"""The module that holds each command; the command is the click command of that name in it."""


class Schoolfilter(click.Group):
    """Loads a command's module when the command is used: `allow` starts without the resolver and its libraries."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Choose the language before anything is parsed: help texts are translated when a module is imported."""
        use(choose(configured_language(_config_argument(args)), os.environ))
        self.help = _("Filter a school's DNS and keep evidence that an inspector can trust.")
        self.params = [
            click.Option(
                ["--config"],
                type=click.Path(dir_okay=False, path_type=Path),
                metavar="FILE",
                help=_(
                    "The settings file; if not given: /etc/schoolfilter/schoolfilter.toml, else var/schoolfilter.toml."
                ),
            ),
            _version_option(),
        ]
        return super().make_context(info_name, args, parent, **extra)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List what is installed, in the order in which a school meets it."""
        del ctx
        return [name for name, module in COMMANDS.items() if importlib.util.find_spec(module) is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command."""
        del ctx
        module = COMMANDS.get(cmd_name)
        if module is None or importlib.util.find_spec(module) is None:
            return None
        members = vars(importlib.import_module(module)).values()
        return next((each for each in members if isinstance(each, click.Command) and each.name == cmd_name), None)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error of a layer below becomes one line for a person."""
        with border():
            return super().invoke(ctx)


def _config_argument(arguments: Sequence[str]) -> Path | None:
    """Find `--config FILE` by eye: the language must be known before click can parse anything."""
    for position, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if option == "--config":
            following = arguments[position + 1 : position + 2]
            return Path(value) if equals else Path(following[0]) if following else None
        if not argument.startswith("-"):
            return None
    return None


def _version_option() -> click.Option:
    def show(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
        if wanted:
            from importlib.metadata import PackageNotFoundError, version

            try:
                number = version("schoolfilter")
            except PackageNotFoundError:
                number = _("(run from its source folder, not installed)")
            click.echo(f"schoolfilter {number}")
            ctx.exit()

    return click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help=_("Show the version and exit."),
    )


def _begin(config: Path | None) -> None:
    click.get_current_context().obj = Installation(config, os.environ)


cli = Schoolfilter("schoolfilter", callback=_begin, context_settings={"help_option_names": ["-h", "--help"]})


def main() -> None:
    """Run the command line; the entry point of the distribution."""
    cli(prog_name="schoolfilter")


if __name__ == "__main__":
    main()
