"""What every command starts from: which installation (settings file) it works on and who gives the command."""

import getpass
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from settings.load import Loaded, load_with_sources
from settings.model import Settings

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)  # no slots: cached_property keeps its value in the instance's dictionary
class Installation:
    """The settings a command works with; read at the first use, so that `init` and `--help` need no file."""

    config: Path | None
    """What `--config` said."""
    environ: Mapping[str, str]

    @cached_property
    def loaded(self) -> Loaded:
        """The settings and where each comes from. Raises SettingsError."""
        return load_with_sources(self.config, self.environ)

    @property
    def settings(self) -> Settings:
        """The settings. Raises SettingsError."""
        return self.loaded.settings


pass_installation = click.make_pass_decorator(Installation)
"""Decorate a command with this to get the Installation as its first argument."""


def pass_settings(command: Callable[Concatenate[Settings, P], R]) -> Callable[P, R]:
    """Decorate a command with this to get the Settings as its first argument, read when the command runs."""

    @wraps(command)
    @pass_installation
    def with_settings(installation: Installation, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return command(installation.settings, *args, **kwargs)

    return with_settings


INSPECTOR = "cli.context.inspector"
"""Where the context of a command holds the inspector in whose name it runs (cli/inspecting.py)."""


def inspects() -> bool:
    """Tell whether an inspector gives the command."""
    running = click.get_current_context(silent=True)
    return running is not None and INSPECTOR in running.meta


def who() -> str:
    """Return the name under which it is recorded: the inspector, else the person behind sudo, if there is one."""
    running = click.get_current_context(silent=True)
    if running is not None and (inspector := running.meta.get(INSPECTOR)):
        return f"inspector {inspector}"
    behind_sudo = os.environ.get("SUDO_USER", "")
    if behind_sudo:
        return behind_sudo
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no entry in passwd, as under a systemd DynamicUser
        return f"uid {os.getuid()}"
