"""`init`: make what a server needs to start, and leave alone what is there."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from approval.ledger_book import is_signed
from blocklists.publish import Limits, ensure_starter
from cli.asking import asks
from cli.context import Installation, pass_installation
from cli.errors import Misuse
from cli.typed import text_of
from settings.checks import COUNTRIES
from settings.load import LOCAL_CONFIG, find
from settings.model import ApprovalMode, Settings
from settings.write import settings_text
from storage.policy_db import open_policy
from translations import LANGUAGES, _, language, use

LOCAL_STATE = LOCAL_CONFIG.parent
"""Where a newcomer's `make run` keeps everything."""

CONFIG_NAME = LOCAL_CONFIG.name
TIME_ZONES = {"kz": "Asia/Almaty", "kg": "Asia/Bishkek"}


@dataclass(frozen=True, slots=True)
class Done:
    """What `prepare` found and made."""

    installation: Installation
    config: Path
    wrote_config: bool
    kept_as: Path | None = None
    """Where the settings went that a new file took the place of."""


@click.command(
    help=_(
        "Make the settings file, the state folder, the policy and the starter lists; what exists stays as it is. "
        "Example: schoolfilter init --school-name 'School 5' --country kg --language ky"
    )
)
@click.option("--school-name", metavar="TEXT", help=_("The name of the school."))
@click.option("--country", type=click.Choice(COUNTRIES), help=_("kz (default) or kg."))
@click.option("--language", "tongue", type=click.Choice(LANGUAGES), help=_("The school's language: kk, ky, ru or en."))
@click.option(
    "--state", type=click.Path(file_okay=False, path_type=Path), help=_("The folder of policy, lists and logs.")
)
@click.option(
    "--approval",
    type=click.Choice([each.value for each in ApprovalMode]),
    help=_("How the director approves: on paper (default), or by a signature with a key."),
)
@click.option(
    "--director-passphrase-file",
    "secret",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=_("Make the director's key too; its passphrase is the first line of this file."),
)
@click.option("--force-config", is_flag=True, help=_("Write new settings; the old file is kept beside the new one."))
@pass_installation
def init(
    installation: Installation,
    school_name: str | None,
    country: str | None,
    tongue: str | None,
    state: Path | None,
    approval: str | None,
    secret: Path | None,
    force_config: bool,
) -> None:
    """Prepare an installation."""
    chosen: dict[str, object] = {}
    if school_name is not None:
        chosen["school.name"] = text_of(school_name, "--school-name")
    if country is not None:
        chosen |= {"school.country": country, "school.time_zone": TIME_ZONES[country]}
    if tongue is not None:
        use(tongue)
        chosen["school.language"] = tongue
    if approval is not None:
        chosen["approval.mode"] = ApprovalMode(approval)
    done = _prepare(installation, state, chosen, force_config)
    if not done.wrote_config and (chosen or state is not None):
        message = _(
            "{path} exists and was left as it is: change it with an editor, or let --force-config write a new one."
        )
        raise Misuse(message.format(path=done.config))
    for line in _report(done):
        click.echo(line)
    if secret is not None or is_signed(done.installation.settings):
        _make_key(done.installation, secret)


def _make_key(installation: Installation, secret: Path | None) -> None:
    """Make and pin the director's key, if there is none yet and the director is here; else say what is to be done."""
    # Imported here: only schools whose director signs with a key pay for what it takes.
    from approval.orders import named_keys
    from cli.orders_key import create_key
    from cli.orders_show import book_of

    if named_keys(book_of(installation.settings)):
        return
    if secret is None:
        question = _("There is no key of the director yet. Is the director here to choose a passphrase?")
        if not (asks() and click.confirm(question)):
            named = _config_option(installation.loaded.path)
            command = f"schoolfilter {named}orders key create"
            text = _("Then, with the director: {command}. Until there is a key, nothing can be approved.")
            click.echo(text.format(command=command))
            return
    for line in create_key(installation, secret=secret):
        click.echo(line)


def prepare(state: Path, environ: Mapping[str, str] = os.environ) -> Installation:
    """Make an installation with all defaults in a state folder, settings file included; return it.

    Raises SettingsError, StorageError, ListError, OSError.
    """
    return _prepare(Installation(None, environ), state, {}, force=False).installation


def _prepare(installation: Installation, state: Path | None, chosen: Mapping[str, object], force: bool) -> Done:
    config = _config_path(installation, state)
    kept_as = None
    wrote = force or not config.exists()
    if wrote:
        if config.exists():
            kept_as = config.with_name(f"{config.name}.old")
        values = {"school.language": language(), "approval.mode": Settings().approval.mode, **chosen}
        if state is not None:
            values["paths.state"] = _state_value(config, state)
        elif config.absolute().parent.name == LOCAL_STATE.name:
            values["paths.state"] = "."  # by default it would be this folder only as long as it is called so
        _write(config, settings_text(values), kept_as)
    ready = Installation(config, installation.environ)
    settings = ready.settings
    # Whoever runs the program may read what pupils looked up, and nobody else.
    for folder in (settings.paths.state, settings.paths.lists, settings.paths.query_log, settings.paths.run):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    asyncio.run(_make_policy(settings))
    ensure_starter(settings.paths.lists, Limits.of(settings))
    return Done(ready, config, wrote, kept_as)


async def _make_policy(settings: Settings) -> None:
    async with await open_policy(settings.paths.policy_db):
        pass


def _config_path(installation: Installation, state: Path | None) -> Path:
    if installation.config is not None:
        return installation.config
    if state is not None:
        return state / CONFIG_NAME
    return find(None) or LOCAL_CONFIG


def _state_value(config: Path, state: Path) -> str:
    # A state folder that holds its own settings can be moved, copied and renamed as a whole; any other is named so that
    # nothing is relative to where somebody happened to stand.
    folder = state.absolute()
    return "." if config.absolute().parent == folder else str(folder)


def _write(config: Path, text: str, kept_as: Path | None) -> None:
    """Put the file in its place whole; nobody ever reads half of it."""
    config.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if kept_as is not None:
        kept_as.write_bytes(config.read_bytes())
    aside = config.with_name(f".{config.name}.new")
    with aside.open("w", encoding="utf-8") as file:
        # No secret stands in it, and people who may not change it may still look why a site is blocked.
        os.fchmod(file.fileno(), 0o644)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(config)


def _report(done: Done) -> list[str]:
    settings = done.installation.settings
    lines = []
    if done.kept_as is not None:
        lines.append(_("The old settings are kept as {path}.").format(path=done.kept_as))
    text = _("Settings written: {path}") if done.wrote_config else _("Settings found, left as they are: {path}")
    lines.append(text.format(path=done.config))
    lines.append(_("State folder: {path}").format(path=settings.paths.state))
    command = f"schoolfilter {_config_option(done.config)}run"
    lines.append(_("Next: look through the settings, then start the server: {command}").format(command=command))
    return lines


def _config_option(config: Path | None) -> str:
    """Return what a command needs to find these settings; empty if it finds them by itself."""
    found_by_itself = find(None)
    if config is None or (found_by_itself and found_by_itself.samefile(config)):
        return ""
    return f"--config {config} "
