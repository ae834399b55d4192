"""`categories`: what kinds of resources there are, how grave each is, and how many names the lists know of it."""

from collections.abc import Mapping
from pathlib import Path

import click

from blocklists.generation import current_generation, generation_folder, read_manifest
from cli.context import pass_settings
from cli.explanation import severity_name
from cli.table import print_json, print_table
from policy.categories import CATEGORIES
from settings.model import Settings
from translations import _, language


@click.command(help=_("Show the categories that a group can be kept from.\n\nExample: schoolfilter categories"))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def categories(settings: Settings, as_json: bool) -> None:
    """Print all categories, gravest first."""
    counts = _counts(settings.paths.lists)
    if as_json:
        print_json(
            [
                {
                    "id": category.id,
                    "titles": category.names,
                    "severity": category.severity,
                    "locked": category.locked,
                    "clause": category.clause,
                    "names": counts.get(category.id, 0),
                }
                for category in CATEGORIES
            ]
        )
        return
    headings = (_("CATEGORY"), _("TITLE"), _("SEVERITY"), _("CLAUSE"), _("NAMES"))
    rows = (
        (
            category.id,
            category.title(language()),
            severity_name(category.severity),
            category.clause,
            str(counts.get(category.id, 0)),
        )
        for category in CATEGORIES
    )
    print_table(headings, rows)


def _counts(lists_folder: Path) -> Mapping[str, int]:
    """Return how many names the generation in force has of each category; none if nothing is compiled yet."""
    generation = current_generation(lists_folder)
    return read_manifest(generation_folder(lists_folder, generation)).categories if generation else {}
