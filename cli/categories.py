"""`categories`: what a group can be kept from, how grave it is, and how many names the lists know of it."""

from collections.abc import Mapping
from pathlib import Path

import click

from blocklists.generation import current_generation, generation_folder, read_manifest
from cli.context import pass_settings
from cli.explanation import severity_name
from cli.table import print_json, print_table
from policy.categories import CATEGORIES
from policy.services import SERVICES, ServiceKind
from settings.model import Settings
from translations import _, language


@click.command(
    help=_(
        "Show the categories that a group can be kept from, or with --services the services.\n\n"
        "Example: schoolfilter categories --services"
    )
)
@click.option("--services", "services_wanted", is_flag=True, help=_("The services: YouTube, TikTok, Roblox …"))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def categories(settings: Settings, services_wanted: bool, as_json: bool) -> None:
    """Print all categories, gravest first, or all services by kind."""
    counts = _counts(settings.paths.lists)
    if as_json:
        print_json(_services_json(counts) if services_wanted else _categories_json(counts))
    elif services_wanted:
        _print_services(counts)
    else:
        _print_categories(counts)
        click.echo(_("A group can also be kept from single services: schoolfilter categories --services"))


def _print_categories(counts: Mapping[str, int]) -> None:
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


def _print_services(counts: Mapping[str, int]) -> None:
    headings = (_("SERVICE"), _("TITLE"), _("KIND"), _("NAMES"))
    rows = (
        (service.id, service.title(language()), kind_name(service.kind), str(counts.get(service.id, 0)))
        for service in SERVICES
    )
    print_table(headings, rows)


def kind_name(kind: ServiceKind) -> str:
    """Return the word for a kind of services."""
    return {
        ServiceKind.VIDEO: _("video"),
        ServiceKind.MUSIC: _("music"),
        ServiceKind.SOCIAL: _("social network"),
        ServiceKind.MESSENGER: _("messenger"),
        ServiceKind.GAMES: _("games"),
        ServiceKind.AI: _("artificial intelligence"),
        ServiceKind.SHOPPING: _("shopping"),
        ServiceKind.MAIL: _("mail"),
    }[kind]


def _categories_json(counts: Mapping[str, int]) -> list[dict[str, object]]:
    return [
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


def _services_json(counts: Mapping[str, int]) -> list[dict[str, object]]:
    return [
        {"id": service.id, "titles": service.names, "kind": service.kind, "names": counts.get(service.id, 0)}
        for service in SERVICES
    ]


def _counts(lists_folder: Path) -> Mapping[str, int]:
    """Return how many names the generation in force has of each category; none if nothing is compiled yet."""
    generation = current_generation(lists_folder)
    return read_manifest(generation_folder(lists_folder, generation)).categories if generation else {}
