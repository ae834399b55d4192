"""`orders export`: one order as files that anybody can verify with ssh-keygen."""

import shlex
from pathlib import Path

import click

from cli.context import pass_settings
from cli.errors import Failure
from cli.handout import hand_out, make_folder
from cli.orders_show import book_of, entry_of
from policy.ledger import NAMESPACE
from policy.orders import OrderKind
from policy.sshsig import signer
from settings.model import Settings
from translations import _

_DIRECTOR = "director"
"""The name by which ssh-keygen knows whose signature it is."""


@click.command(
    "export",
    help=_(
        "Write one order, its signature and the director's public key, for `ssh-keygen -Y verify` on any machine.\n\n"
        "Example: schoolfilter orders export 7 --output /tmp/order-7"
    ),
)
@click.argument("sequence", type=click.IntRange(min=1), metavar="NUMBER")
@click.option(
    "--output",
    required=True,
    type=click.Path(file_okay=False, readable=False, path_type=Path),
    metavar="FOLDER",
    help=_("The folder to write into; it is made if need be."),
)
@pass_settings
def export_command(settings: Settings, sequence: int, output: Path) -> None:
    """Write the files and print the command."""
    entry = entry_of(book_of(settings), sequence)
    if entry.order is None or not entry.holds:
        message = _("number {sequence} in the ledger does not count; `schoolfilter orders verify` says why.")
        raise Failure(message.format(sequence=sequence))
    make_folder(output)
    body = output / f"order-{sequence}.json"
    hand_out(body, entry.sealed.body.encode())
    click.echo(_("Written: {path}").format(path=body))
    if entry.order.kind is OrderKind.PAPER:
        click.echo(_("This is a paper order: it has no signature. The next signed order holds its digest."))
        return
    signature, signers = output / f"{body.name}.sig", output / "allowed_signers"
    hand_out(signature, entry.sealed.signature.encode("ascii"))
    key = signer(entry.sealed.signature)
    hand_out(signers, f'{_DIRECTOR} namespaces="{NAMESPACE}" {key}\n'.encode("ascii"))
    for path in (signature, signers):
        click.echo(_("Written: {path}").format(path=path))
    parts = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", _DIRECTOR, "-n", NAMESPACE, "-s", str(signature)]
    click.echo(_("To verify: {command}").format(command=f"{shlex.join(parts)} <{shlex.quote(str(body))}"))
    click.echo(_("Compare the fingerprint that it shows with the one on the director's paper."))
