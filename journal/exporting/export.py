"""Exports: a zip with data, a signed manifest, and the proof that both stand in the chain of evidence.

    data/…                what was asked for
    README.txt, check.py  how to check it, without this program
    allowed_signers       this machine's key, for ssh-keygen
    manifest.json, .sig   what, for whom, why; the digests of the files above; signed
    chain/proof.jsonl     the records about the period and of this export, up to the head (journal/trust/proof.py)
    chain/head.txt, .sig  where the chain stood, signed (journal/trust/heads.py)
    SHA256SUMS            the digests of all files above

The manifest comes first, then its digest is entered in the chain, then the proof of that record is taken: so none of
them can be exchanged without the others.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import BinaryIO
from zipfile import ZipFile
from zoneinfo import ZoneInfo

from blocklists.generation import current_generation
from blocklists.index import BrokenIndex
from journal.exporting.export_data import Column, Data
from journal.exporting.export_package import Package
from journal.exporting.export_readme import SIGNER, readme
from journal.intake.days import days_of_segment
from journal.trust.alarms import altered
from journal.trust.coverage import within
from journal.trust.device_key import EXPORT_NAMESPACE, HEAD_NAMESPACE, device_key
from journal.trust.heads import head_message
from journal.trust.proof import proof
from journal.trust.signing import sign_head
from policy.sshsig import public_text, sign
from settings.model import Settings
from storage.evidence import Body, Head, Kind, Record, canonical, stamp, text
from storage.journal_db import JournalDb
from translations import _


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an export is of, for whom and why."""

    what: str
    """`log` or `journal`."""
    period: tuple[str, str]
    """The first and the last day, or moment."""
    filters: Mapping[str, str]
    """What else it was limited to, by option."""
    reason: str
    by: str
    access: int
    """The record of the look."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What came of it."""

    rows: int
    record: int
    """Its Kind.EXPORT record."""
    manifest: str
    """SHA-256 of manifest.json."""
    head: Head
    """The signed head that the proof leads to."""


async def write_export(
    journal: JournalDb,
    settings: Settings,
    out: BinaryIO,
    wanted: Wanted,
    data: Data,
    columns: Sequence[Column],
    numbers: Collection[int],
) -> Exported:
    """Write the zip, and enter the export in the chain. Raises OSError, StorageError, DeviceKeyError.

    `numbers`: the records whose content the proof shows, beside that of the export and of the look. Whoever gives the
    zip away does so only if nothing was raised; the record may stand even so.
    """
    key = device_key(settings.paths.device_key)
    public = public_text(key.public_key())
    made = datetime.now(UTC)
    with ZipFile(out, "w") as archive:
        package = Package(archive)
        rows = package.stream(data)
        school = settings.school.name or _("(no name of the school is set)")
        period = " – ".join(filter(None, wanted.period))
        doubtful = await _altered(journal, settings, wanted)
        package.add("README.txt", readme(school, period, data.path, rows, doubtful))
        package.add("check.py", files("journal.exporting").joinpath("check_export.py").read_bytes())
        package.add("allowed_signers", f'{SIGNER} namespaces="{EXPORT_NAMESPACE},{HEAD_NAMESPACE}" {public}\n'.encode())
        said = {
            **_said(settings, wanted),
            "made": stamp(made),
            "rows": rows,
            "columns": [{"name": column.name, "heading": column.heading} for column in columns],
            "form": data.form,
            "altered": [{"segment": name, "record": number} for number, name in doubtful.items()],
            "files": [each.said() for each in package.files],
            "key": public,
        }
        octets = f"{canonical(said)}\n".encode(errors="surrogateescape")
        digest = sha256(octets).hexdigest()
        entered = datetime.now(UTC)
        body: Body = {
            "what": wanted.what, "format": data.path.rpartition(".")[2], "from": wanted.period[0],
            "to": wanted.period[1], "rows": rows, "manifest": digest, "reason": wanted.reason, "access": wanted.access,
        }  # fmt: skip
        async with journal.changing(entered) as change:
            record = await change.add(Kind.EXPORT, body, by=wanted.by, private={"filters": dict(wanted.filters)})
        head = await sign_head(journal, settings, entered)
        stood = Head(head.number, head.link)
        package.add("manifest.json", octets)
        package.add("manifest.json.sig", sign(key, EXPORT_NAMESPACE, octets).encode())
        with package.opened("chain/proof.jsonl") as file:
            async for line in proof(journal, {*numbers, *doubtful, wanted.access, record}, until=head.number):
                file.write(line.encode("ascii"))
        package.add("chain/head.txt", head_message(stood, head.at))
        package.add("chain/head.txt.sig", head.signature.encode())
        package.add("SHA256SUMS", package.sums())
    return Exported(rows, record, digest, stood)


def _said(settings: Settings, wanted: Wanted) -> Body:
    """Return what the manifest says of who asked for what, and by which program and lists."""
    return {
        "format": 1,
        "what": wanted.what,
        "school": settings.school.name,
        "time_zone": settings.school.time_zone,
        "from": wanted.period[0],
        "to": wanted.period[1],
        "filters": dict(wanted.filters),
        "reason": wanted.reason,
        "by": wanted.by,
        "access": wanted.access,
        "program": _program(),
        "lists": _lists_in_force(settings),
    }


async def _altered(journal: JournalDb, settings: Settings, wanted: Wanted) -> dict[int, str]:
    """Return the segments of the period that were altered after they had been taken in, by the record that says so."""
    if wanted.what != "log":
        return {}
    zone = ZoneInfo(settings.school.time_zone)
    since, until = (_moment(text, zone, days=days) for days, text in enumerate(wanted.period))
    alarms = {each.number: altered(each.body) async for each in journal.records((Kind.ALARM,))}
    return {number: name for number, name in alarms.items() if name and within(name, since, until)}


def _moment(text: str, zone: tzinfo, *, days: int) -> datetime | None:
    """Return the moment that is meant; of a day the begin, or with `days=1` the end. None for an empty text."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else (moment + timedelta(days=days)).replace(tzinfo=zone)


def _program() -> str:
    try:
        return f"schoolfilter {version('schoolfilter')}"
    except PackageNotFoundError:
        return "schoolfilter"


def _lists_in_force(settings: Settings) -> str:
    """Return the name of the generation of lists; empty if there is none that can be read."""
    try:
        return current_generation(settings.paths.lists)
    except BrokenIndex:
        return ""


async def records_of(journal: JournalDb, first: str, last: str) -> list[int]:
    """Return the numbers of the records about the query log of these days (YYYY-MM-DD; empty: no bound)."""
    last = last or "9999"
    about = (Kind.SEGMENT, Kind.ARCHIVE, Kind.REWRITTEN, Kind.DAY)
    return [record.number async for record in journal.records(about) if _concerns(record, first, last)]


def _concerns(record: Record, first: str, last: str) -> bool:
    body = record.body
    match record.kind:
        case Kind.SEGMENT:
            return any(first <= day <= last for day in days_of_segment(body))
        case Kind.DAY:
            return first <= text(body, "date") <= last
        case _:
            return first <= text(body, "file").partition("date=")[2][:10] <= last
