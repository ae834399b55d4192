"""`schoolfilter cache`: make running workers forget what upstreams said."""

import click

from cli.arguments import NAME
from cli.context import Installation, pass_installation
from cli.control import ControlError, flush, read_listening, worker_sockets
from cli.errors import Failure, Misuse
from cli.terminal import Terminal
from policy.names import display_name
from translations import _


@click.group(help=_("Look after the answers that the workers keep."))
def cache() -> None:
    """Hold the commands about the answer cache."""


@cache.command(
    name="flush",
    help=_(
        "Make every worker forget a name and all below it, so that it is asked for anew.\n\n"
        "Example: schoolfilter cache flush example.org"
    ),
)
@click.argument("name", type=NAME, required=False)
@click.option("--all", "everything", is_flag=True, help=_("Forget every name."))
@pass_installation
def flush_command(installation: Installation, name: str | None, everything: bool) -> None:
    """Ask every worker; exit status 1 if one of them did not do it."""
    if (name is None) is not everything:
        raise Misuse(_("expected a name such as example.org, or --all, and not both"))
    run = installation.settings.paths.run
    listening = read_listening(run)
    if listening is None:
        raise Failure(_("expected a running server, found none: its cache ends with it, so there is nothing to forget"))
    forgotten, failures = 0, []
    sockets = worker_sockets(run)
    for worker, path in sockets.items():
        try:
            forgotten += flush(path, name or "")
        except ControlError as error:
            failures.append(_("worker {worker}: {error}").format(worker=worker, error=error))
    if len(sockets) < listening.workers:
        failures.append(
            _("expected {workers} control sockets in {run}, found {found}").format(
                workers=listening.workers, run=run, found=len(sockets)
            )
        )
    what = _("the whole cache") if name is None else display_name(name)
    Terminal().say(_("{what}: {count} answers forgotten").format(what=what, count=forgotten))
    if failures:
        raise Failure("; ".join(failures))
