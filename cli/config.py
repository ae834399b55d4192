"""`config`: check the settings, and show which are in force and where each comes from."""

import click

from cli import machine
from cli.context import Installation, pass_installation
from cli.settings_doubts import doubts, place
from cli.table import print_json, print_table
from policy.names import InvalidName, parse_name
from resolver.upstream.address import InvalidUpstream, parse_upstream
from settings.load import KINDS, Loaded, Problem, SettingsError, Source
from settings.model import Settings
from settings.write import toml_value
from translations import _


@click.group(help=_("Check or show the settings. Example: schoolfilter config check"))
def config() -> None:
    """Hold the commands about settings."""


@config.command(help=_("Check the settings file and the environment; every mistake is listed. Example: config check"))
@pass_installation
def check(installation: Installation) -> None:
    """Read the settings as the server would and try what can be tried without a network."""
    loaded = installation.loaded
    problems = tuple(_problems(loaded))
    if problems:
        raise SettingsError(problems)
    found = doubts(loaded, mine=machine.state_folder(loaded.settings.paths).mine)
    if found:
        for each in found:
            click.echo(each.text, err=True)
        # Not an error: an update must not fail because a group was renamed.
        click.echo(
            _("The server starts with these settings, but what is named above does not do what it is there for.")
        )
    elif loaded.path is None:
        click.echo(_("There is no settings file; the defaults are fine. `schoolfilter init` writes one."))
    else:
        click.echo(_("{path} is fine.").format(path=loaded.path))


@config.command(help=_("Show every setting in force and where it comes from. Example: schoolfilter config show"))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_installation
def show(installation: Installation, as_json: bool) -> None:
    """Print the settings with their sources."""
    loaded = installation.loaded
    values = {key: _value(loaded.settings, key) for key in KINDS}
    if as_json:
        shown = {key: {"value": _plain(value), "source": loaded.sources[key]} for key, value in values.items()}
        print_json({"file": str(loaded.path) if loaded.path else None, "settings": shown})
        return
    click.echo(_("File: {path}").format(path=loaded.path or "-"))
    rows = ((key, _source(loaded.sources[key]), toml_value(value)) for key, value in values.items())
    print_table((_("SETTING"), _("FROM"), _("VALUE")), rows)


def _problems(loaded: Loaded) -> list[Problem]:
    """Return what the layers above the settings would refuse: names and upstreams in their exact form."""
    school, upstream = loaded.settings.school, loaded.settings.upstream
    names = [("school.protected", name) for name in school.protected]
    names += [("upstream.private_zones", zone) for zone in upstream.private_zones]
    names += [("upstream.zones", zone) for zone in upstream.zones]
    found = []
    for key, text in names:
        try:
            parse_name(text)
        except InvalidName:
            found.append(Problem(place(loaded, key), key, _("a domain name such as example.org"), repr(text)))
    servers = [("upstream.servers", server) for server in upstream.servers]
    servers += [("upstream.zones", server) for each in upstream.zones.values() for server in each]
    for key, text in servers:
        try:
            parse_upstream(text)
        except InvalidUpstream as error:
            found.append(Problem(place(loaded, key), key, str(error).removeprefix("expected ")))
    return found


def _value(settings: Settings, key: str) -> object:
    section, _dot, name = key.partition(".")
    return getattr(getattr(settings, section), name)


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float | tuple | dict) else str(value)


def _source(source: Source) -> str:
    return {
        Source.DEFAULT: _("default"),
        Source.FILE: _("file"),
        Source.ENVIRONMENT: _("environment"),
    }[source]
