"""The list of newly found harmful sites that the school refers to the state's system (R3 1.13)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from papers.dates import short_day, written_day
from papers.frame import signers, spoken
from papers.numbered import Numbered, chain_verification, numbered_frame, paper_number
from papers.press import Value, press
from policy.subjects import title_of
from translations import _


@dataclass(frozen=True, slots=True)
class ReferredSite:
    """A site that no list named. Nothing of who found it."""

    name: str
    """As the filter holds it: international labels as `xn--…`."""
    display_name: str
    """As people write it."""
    first: date
    """When it was first reported or closed."""
    category: str
    """Empty: not known."""
    reports: int
    """How often people reported it in the period."""
    closed: date | None
    """Since when the school closes it by hand; None: it does not."""


@dataclass(frozen=True, slots=True)
class Referral:
    """The sites that were found in a period, both days included."""

    paper: Numbered
    first: date
    last: date
    sites: Sequence[ReferredSite]


def referral_pdf(referral: Referral, language: str) -> bytes:
    """Return the list as PDF in one of LANGUAGES, whatever language is in use. Raises PaperError."""
    with spoken(language):
        values = _values(referral, language)
    return press("referral", values, language, referral.paper.printed_at)


def found_words(site: ReferredSite) -> str:
    """Return how a site was found."""
    if site.reports and site.closed is not None:
        return _("reported by a person, closed by hand")
    return _("reported by a person") if site.reports else _("closed by hand")


def _values(referral: Referral, language: str) -> dict[str, Value]:
    subtitles = [
        _("No. {number}").format(number=paper_number(referral.paper)),
        _("Found from {first} to {last}").format(
            first=written_day(referral.first, language), last=written_day(referral.last, language)
        ),
    ]
    return {
        "frame": numbered_frame(referral.paper, _("Newly found sites with harmful content"), subtitles, language),
        "about": _(
            "To be referred to the state's system. None of the lists by which the school filters named these sites on "
            "the day of printing. A person reported them or closed them by hand: whether they are unlawful, who gets "
            "this list decides."
        ),
        "count": _("Sites: {count}").format(count=len(referral.sites)),
        "columns": [
            _("No."),
            _("Site"),
            _("First seen"),
            _("Category"),
            _("How found"),
            _("Reports"),
            _("Closed at the school since"),
        ],
        "rows": [_row(site, language) for site in referral.sites],
        "signatures": signers([(_("Responsible person"), ""), (_("School director"), "")]),
        "verification": chain_verification(referral.paper),
    }


def _row(site: ReferredSite, language: str) -> dict[str, Value]:
    return {
        "site": site.display_name,
        "name": "" if site.display_name == site.name else site.name,
        "first": short_day(site.first, language),
        "category": title_of(site.category, language) if site.category else _("not known"),
        "found": found_words(site),
        "reports": str(site.reports),
        "closed": short_day(site.closed, language) if site.closed is not None else _("not closed"),
    }
