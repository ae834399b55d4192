"""Print docs/commands.md, made from the commands' own help: `python deploy/command_pages.py >docs/commands.md`."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 100

_HEAD = """\
# Commands

Made from each command's `--help` by `python deploy/command_pages.py >docs/commands.md`; do not edit by hand.

On an installed machine every command is given with `sudo`
([it does not run as root](install.md#why-sudo-schoolfilter-does-not-run-as-root)). Where `make run` is tried out, the
command is `.venv/bin/schoolfilter`.

Exit status: 0 done, 1 failed, 2 misused. Errors go to stderr. `NO_COLOR` is honoured.
"""


def page(root: click.Group) -> str:
    """Return the whole page."""
    with root.make_context("schoolfilter", [], resilient_parsing=True, max_content_width=WIDTH) as context:
        context.terminal_width = WIDTH
        return _HEAD + "".join(_described(root, context, 2))


def _described(group: click.Group, context: click.Context, depth: int) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        inner = click.Context(command, parent=context, info_name=name)
        yield f"\n{'#' * depth} {inner.command_path}\n\n```text\n{command.get_help(inner).rstrip()}\n```\n"
        if isinstance(command, click.Group):
            yield from _described(command, inner, depth + 1)


def main() -> None:
    """Print the page in English, wherever it is made."""
    os.environ["SCHOOLFILTER_SCHOOL__LANGUAGE"] = "en"
    sys.path.insert(0, str(ROOT))
    from cli.main import cli  # only now: what it imports is translated at once

    sys.stdout.write(page(cli))


if __name__ == "__main__":
    main()
