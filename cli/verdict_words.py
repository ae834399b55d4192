"""What `journal verify` and `log verify` say: alike, and the first broken link first."""

from collections.abc import Callable
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

import click

from cli.amounts import number
from cli.days import minute
from cli.errors import Misuse
from cli.printable import printable
from cli.table import print_json
from journal.trust.alarms import describe_alarm
from journal.trust.device_key import key_fault
from journal.trust.heads import written
from journal.trust.verdict import Broken, Stop, Verdict, describe
from journal.trust.verifying import head_from
from policy.sshsig import InvalidKey, fingerprint
from settings.model import Settings
from storage.evidence import Head, text
from translations import _

Command = Callable[..., object]
_MOST = 5
"""Of alarms, hours without a log and the like, a person is shown so many."""


def head_option(command: Command) -> Command:
    """Give a command --head, which may be repeated."""
    return click.option(
        "--head",
        "heads",
        multiple=True,
        metavar="NUMBER:DIGITS",
        callback=_heads,
        help=_(
            "Also that this record is there: as a paper or an export has it, or as it was written down. Repeatable."
        ),
    )(command)


def _heads(_ctx: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> tuple[Head, ...]:
    try:
        return tuple(map(head_from, given))
    except ValueError:
        message = _("--head: expected number and digits as a paper has them, such as 17:9f86d081, found {found}")
        raise Misuse(message.format(found=repr(" ".join(given)[:80]))) from None


def say_broken(verdict: Verdict) -> None:
    """Print the first broken link, and how much else there is."""
    first, *rest = verdict.broken
    click.echo(printable(describe(first)), err=True)
    if rest:
        click.echo(_("Found besides: {count}. --json shows all of it.").format(count=len(rest)), err=True)


def say_journal(settings: Settings, verdict: Verdict) -> None:
    """Print what is known of a journal that is whole."""
    zone = ZoneInfo(settings.school.time_zone)
    click.echo(_("The journal is whole: {count} records.").format(count=number(verdict.head.number)))
    if verdict.signed.number:
        said = _("Signed by this machine up to record {number}, at {moment}.")
        moment = minute(datetime.fromisoformat(verdict.signed_at), zone)
        click.echo(said.format(number=verdict.signed.number, moment=moment))
    else:
        click.echo(_("No head of it is signed yet: that is done every hour while the server runs."))
    if key := _key(verdict):
        click.echo(_("Key of this machine, for evidence: {fingerprint}").format(fingerprint=key))
    if verdict.erased:
        click.echo(_("Records whose personal part was erased, as others say: {count}").format(count=verdict.erased))
    if verdict.earlier:
        said = _(
            "journal.db was damaged: {count} heads in heads.txt are of records that were lost. They are only in the "
            "file that was moved aside, on papers and in exports."
        )
        click.echo(said.format(count=verdict.earlier))
    say_alarms(verdict, zone)


def _key(verdict: Verdict) -> str:
    """Return the fingerprint of this machine's key; empty if the chain names none that can be read."""
    try:
        return fingerprint(verdict.key)
    except InvalidKey:
        return ""


def say_key_fault(settings: Settings, verdict: Verdict) -> None:
    """Print what is wrong with the key's file; the chain is none the worse for it."""
    if fault := _key_fault(settings, verdict):
        click.echo(printable(fault), err=True)


def _key_fault(settings: Settings, verdict: Verdict) -> str:
    return key_fault(settings.paths.device_key, verdict.key) if verdict.key else ""


def say_alarms(verdict: Verdict, zone: tzinfo) -> None:
    """Print what the program noticed in the past: it stays true, though the chain is whole."""
    for record in verdict.alarms[-_MOST:]:
        said = _("Alarm of {moment} (record {number}): {text}")
        moment = minute(record.at, zone)
        click.echo(printable(said.format(moment=moment, number=record.number, text=describe_alarm(record.body))))
    if len(verdict.alarms) > _MOST:
        click.echo(_("Alarms before these: {count}").format(count=len(verdict.alarms) - _MOST))


def say_head(verdict: Verdict) -> None:
    """Print what to write down, and why."""
    click.echo(
        _(
            "This cannot show what somebody did who is root here and used this machine's key. For that, write the "
            "head down or print it on a paper, and compare later: schoolfilter journal verify --head {head}"
        ).format(head=written(verdict.head))
    )


def say_stops(stops: tuple[Stop, ...], zone: tzinfo) -> None:
    """Print the hours of which there is no log."""
    for stop in stops[:_MOST]:
        said = _("No log of worker {worker} from {first} to {over}.")
        first, over = minute(stop.first, zone), minute(stop.over, zone)
        click.echo(said.format(worker=stop.worker, first=first, over=over))
    if len(stops) > _MOST:
        click.echo(_("Further stretches without a log: {count}").format(count=len(stops) - _MOST))
    if stops:
        click.echo(
            _(
                "In such hours the server stood still, could not write, or somebody took the log away before the "
                "journal had read it. Compare with what is known of those hours."
            )
        )


def print_verdict(settings: Settings, verdict: Verdict, more: dict[str, object]) -> None:
    """Print it as JSON."""
    print_json(
        {
            "sound": verdict.is_sound,
            "records": verdict.head.number,
            "head": verdict.head.link,
            "written": written(verdict.head),
            "signed": {"record": verdict.signed.number, "at": verdict.signed_at},
            "key": _key(verdict),
            "key_fault": _key_fault(settings, verdict),
            "erased": verdict.erased,
            "earlier_heads": verdict.earlier,
            "alarms": [
                {"record": each.number, "at": each.at.isoformat(), "what": text(each.body, "what")}
                | {"text": describe_alarm(each.body)}
                for each in verdict.alarms
            ],
            **more,
            "broken": [_broken_json(each) for each in verdict.broken],
        }
    )


def _broken_json(broken: Broken) -> dict[str, object]:
    return {
        "trouble": broken.trouble.value,
        "record": broken.number,
        "where": broken.where,
        "sound_until": broken.sound,
        "text": describe(broken),
    }
