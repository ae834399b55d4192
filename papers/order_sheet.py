"""The order sheet: the white list of sites, or one order on it, as a document to sign and hang up (R4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from papers.dates import short_day, written_day, written_moment
from papers.frame import approval, code_words, frame, grouped, signatures, spoken, verification
from papers.press import Value, press
from policy.ledger import GENESIS
from policy.orders import Scope
from translations import _


@dataclass(frozen=True, slots=True)
class SheetOrder:
    """The order on which an entry rests."""

    number: str
    """As the school's register has it; empty: it has none."""
    day: date
    paper: bool
    """Signed on paper, not electronically."""


@dataclass(frozen=True, slots=True)
class SheetEntry:
    """A site that opens."""

    name: str
    """As the filter holds it: international labels as `xn--…`."""
    display_name: str
    """As people write it."""
    audience: str
    """Title of the group for which it opens; empty: everyone."""
    scope: Scope
    until: date | None
    """The last day; None: until the director revokes it."""
    reason: str
    order: SheetOrder


@dataclass(frozen=True, slots=True)
class SheetRemoval:
    """A site that this order takes off the list."""

    name: str
    display_name: str
    audience: str
    """Title of the group for which it was open; empty: everyone."""


@dataclass(frozen=True, slots=True)
class SheetSignature:
    """The director's electronic signature."""

    signed_at: datetime
    """Aware, in the school's time zone."""
    fingerprint: str
    """Of the director's key: `SHA256:` and base64."""


@dataclass(frozen=True, slots=True)
class OrderSheet:
    """One order, or the whole list as of a day, with the last order that counted on it."""

    school: str
    director: str
    """Name; empty: a line to write it on."""
    as_of: date | None
    """The day of the whole list; None: what one order adds and removes."""
    number: str
    """As the school's register has it; empty: it has none."""
    day: date
    signature: SheetSignature | None
    """None: a paper order."""
    entries: Sequence[SheetEntry]
    """In the order in which they are numbered."""
    removals: Sequence[SheetRemoval]
    permit: int | None
    """For how many minutes teachers may open other sites in a lesson; 0: no longer; None: nothing is said of it."""
    named_key: str
    """Fingerprint of the key that the order names for the director; empty: it names none."""
    document: str
    note: str
    sequence: int
    """Place in the ledger."""
    digest: str
    """SHA-256 of the order, 64 hexadecimal digits."""
    previous_digest: str
    """Of the order before it, GENESIS for the first."""
    printed_at: datetime
    """Aware, in the school's time zone."""
    trail: str = ""
    """Number and digest of the last change of policy, as `audit verify --head` takes them; empty if none is named."""
    journal: str = ""
    """Head of the journal, as `journal verify --head` takes it; empty if there is no journal yet."""


def order_sheet_pdf(sheet: OrderSheet, language: str) -> bytes:
    """Return the sheet as PDF in one of LANGUAGES, whatever language is in use. Raises PaperError."""
    with spoken(language):
        values = _values(sheet, language)
    return press("order_sheet", values, language, sheet.printed_at)


def order_code(sheet: OrderSheet) -> str:
    """Return the text of the QR code: lines that anybody can read, with any telephone and without our server."""
    lines = [
        "schoolfilter-order:1",
        f"school {code_words(sheet.school)}",
        f"order {code_words(sheet.number) or '-'} {sheet.day.isoformat()}",
        f"seq {sheet.sequence}",
        f"sha256 {sheet.digest}",
        f"key {sheet.signature.fingerprint}" if sheet.signature else "paper",
    ]
    return "\n".join(lines)


def _values(sheet: OrderSheet, language: str) -> dict[str, Value]:
    return {
        "frame": frame(sheet.school, _("White list of sites"), _subtitles(sheet, language), _foot(sheet, language)),
        "approval": approval(sheet.director, _signed(sheet, language)),
        "paper_order": None if sheet.signature else _paper_order(),
        "columns": {
            "number": _("No."),
            "site": _("Site"),
            "audience": _("For whom"),
            "until": _("Until"),
            "reason": _("Reason"),
            "order": _("Order"),
        },
        "orders": sheet.as_of is not None,
        "entries_heading": _entries_heading(sheet),
        "entries": [_entry(entry, language) for entry in sheet.entries],
        "removals_heading": _("Sites removed from the list: {count}").format(count=len(sheet.removals)),
        "removals": [_removal(removal) for removal in sheet.removals],
        "besides_heading": _("Other provisions"),
        "besides": _besides(sheet),
        "signatures": signatures(sheet.director),
        "verification": _verification(sheet),
    }


def _subtitles(sheet: OrderSheet, language: str) -> list[str]:
    day = written_day(sheet.day, language)
    if sheet.as_of is None:
        order = _("Order No. {number} of {day}") if sheet.number else _("Order without a number, of {day}")
        return [order.format(number=sheet.number, day=day)]
    last = _("Last order: No. {number} of {day}") if sheet.number else _("Last order: without a number, of {day}")
    return [
        _("As of {day}").format(day=written_day(sheet.as_of, language)),
        last.format(number=sheet.number, day=day),
    ]


def _foot(sheet: OrderSheet, language: str) -> str:
    return _("Ledger {sequence}, SHA-256 {digest}… Printed: {moment}").format(
        sequence=sheet.sequence, digest=sheet.digest[:16], moment=written_moment(sheet.printed_at, language)
    )


def _signed(sheet: OrderSheet, language: str) -> str:
    if sheet.signature is None:
        return ""
    moment = written_moment(sheet.signature.signed_at, language)
    return _("Signed electronically: {moment}").format(moment=moment)


def _paper_order() -> dict[str, Value]:
    return {
        "mark": _("Paper order"),
        "meaning": _("Not signed electronically: the director's signature on paper makes it effective."),
    }


def _entries_heading(sheet: OrderSheet) -> str:
    if sheet.as_of is None:
        return _("Sites added to the list: {count}").format(count=len(sheet.entries))
    return _("Sites on the list: {count}").format(count=len(sheet.entries))


def _entry(entry: SheetEntry, language: str) -> dict[str, Value]:
    return {
        **_site(entry),
        "lessons": _("if the teacher opens it in a lesson") if entry.scope is Scope.LESSONS else "",
        "until": short_day(entry.until, language) if entry.until else _("until revoked"),
        "reason": entry.reason,
        "order": _("No. {number}").format(number=entry.order.number) if entry.order.number else "",
        "day": short_day(entry.order.day, language),
        "paper": _("paper order") if entry.order.paper else "",
    }


def _removal(removal: SheetRemoval) -> dict[str, Value]:
    return {**_site(removal), "lessons": "", "reason": ""}


def _site(site: SheetEntry | SheetRemoval) -> dict[str, Value]:
    return {
        "site": site.display_name,
        "name": "" if site.display_name == site.name else site.name,
        "audience": site.audience or _("everyone"),
    }


def _besides(sheet: OrderSheet) -> list[str]:
    said = []
    if sheet.permit:
        permit = _("In their lessons teachers may open other sites for at most {minutes} minutes at a time.")
        said.append(permit.format(minutes=sheet.permit))
    elif sheet.permit is not None:
        said.append(_("Teachers may no longer open other sites in their lessons."))
    if sheet.document:
        said.append(_("Document: {document}").format(document=sheet.document))
    if sheet.note:
        said.append(_("Note: {note}").format(note=sheet.note))
    return said


def _verification(sheet: OrderSheet) -> dict[str, Value]:
    first = sheet.previous_digest == GENESIS
    previous = _("none: this is the first order") if first else grouped(sheet.previous_digest)
    rows = [
        (_("Place in the ledger of orders"), str(sheet.sequence)),
        (_("Digest of the order (SHA-256)"), grouped(sheet.digest)),
        (_("Digest of the order before it"), previous),
    ]
    if sheet.trail:
        rows.append((_("Head of the audit trail"), sheet.trail))
    if sheet.journal:
        rows.append((_("Head of the journal's chain"), sheet.journal))
    if sheet.signature:
        rows.append((_("Fingerprint of the director's key"), grouped(sheet.signature.fingerprint)))
    if sheet.named_key:
        rows.append((_("Fingerprint of the director's key from now on"), grouped(sheet.named_key)))
    return verification(
        rows,
        _(
            "To check, run the command below on the school's server. It names the first order that was changed, moved "
            "or removed. Compare what it shows with this sheet; the QR code holds the same."
        ),
        "schoolfilter orders verify",
        order_code(sheet),
    )
