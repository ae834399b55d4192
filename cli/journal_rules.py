"""`journal rules`: by which rules blocked queries become incidents, and which thresholds are in force."""

import click

from cli.context import pass_settings
from cli.table import print_json
from journal.detection.rules import Explained, Rules, explained
from journal.incidents import Audience
from papers.incident_words import rule_title
from policy.categories import BY_ID
from settings.model import Settings
from translations import _


@click.command(
    help=_(
        "Show the rules by which blocked queries become incidents, with the thresholds in force. They are changed in "
        "the settings, section [incidents].\n\n"
        "Example: schoolfilter journal rules --json"
    )
)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def rules(settings: Settings, as_json: bool) -> None:
    """Print each rule."""
    in_force = Rules.of(settings)
    told = explained(in_force)
    if as_json:
        print_json(
            {
                "rules": [_json(each) for each in told],
                "unwatched_groups": sorted(in_force.unwatched_groups),
            }
        )
        return
    for each in told:
        _print(each)
    click.echo(
        _("Groups that are no pupils, of which only malicious sites become incidents: {groups}").format(
            groups=", ".join(sorted(in_force.unwatched_groups)) or "-"
        )
    )
    for category in sorted(in_force.at_risk - BY_ID.keys()):
        message = _("incidents.at_risk: there is no category {category}. See: schoolfilter categories")
        click.echo(message.format(category=category), err=True)


def _json(each: Explained) -> dict[str, object]:
    return {
        "rule": each.rule,
        "on": each.on,
        "told": each.audience,
        "explanation": each.text,
        "thresholds": each.thresholds,
    }


def _print(each: Explained) -> None:
    off = "" if each.on else " " + _("(switched off)")
    click.secho(f"{each.rule}: {rule_title(each.rule)}{off}", bold=True)
    click.echo(click.wrap_text(each.text, 100, "  ", "  "))
    click.echo("  " + _("Whose matter: {who}").format(who=_audience(each.audience)))
    for key, value in each.thresholds.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        click.echo(f"  {key} = {shown}")
    click.echo()


def _audience(audience: Audience) -> str:
    return {
        Audience.CLASS_TEACHER: _("class teacher"),
        Audience.PSYCHOLOGIST: _("psychologist"),
        Audience.RESPONSIBLE: _("responsible person"),
    }[audience]
