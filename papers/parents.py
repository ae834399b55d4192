"""One page for parents: why access is restricted, what is closed, what is noted, whom to ask (R3 3.6)."""

from collections.abc import Sequence
from dataclasses import dataclass

from papers.closed_words import closed_words
from papers.frame import spoken
from papers.numbered import Numbered, numbered_frame
from papers.press import Value, press
from translations import _


@dataclass(frozen=True, slots=True)
class ParentsPage:
    """What parents are told. No figures, no names of pupils."""

    paper: Numbered
    closed: Sequence[str]
    """Categories and services that are closed to all pupils."""
    partly: Sequence[str]
    """Those that are closed to some groups only."""
    only_list: bool
    """In some groups or rooms only the sites of the white list open."""
    allowed_too: bool
    """Sites that were opened are noted too, not only those that were closed."""
    retention_days: int
    anonymise_days: int
    """After so many days the log no longer says who asked; 0: not before its end."""
    contact: str
    """As people write it; empty: a line to write it on."""


def parents_pdf(page: ParentsPage, language: str) -> bytes:
    """Return the page as PDF in one of LANGUAGES, whatever language is in use. Raises PaperError."""
    with spoken(language):
        values = _values(page, language)
    return press("parents", values, language, page.paper.printed_at)


def _values(page: ParentsPage, language: str) -> dict[str, Value]:
    return {
        "frame": numbered_frame(page.paper, _("To parents: the internet at our school"), [], language),
        "sections": [
            {"heading": heading, "paragraphs": paragraphs}
            for heading, paragraphs in (
                (_("Why access is restricted"), [_why()]),
                (_("What is closed"), _what(page, language)),
                (_("What is noted, and for how long"), _noted(page)),
                (_("Who sees it"), [_who()]),
                (_("If a site is closed that your child needs"), [_opened()]),
            )
        ],
        "home": {"heading": _("What you can do at home"), "points": _home()},
        "contact": {"label": _("Ask us"), "text": page.contact},
    }


def _why() -> str:
    return _(
        "At school the internet is there for learning. The law and the school's regulations oblige us to protect "
        "children from harmful content. No filter is complete: what it does not know yet may still open. So please "
        "talk with your child, and tell us what you notice."
    )


def _what(page: ParentsPage, language: str) -> list[str]:
    closed, partly = closed_words(page.closed, language), closed_words(page.partly, language)
    said = []
    if closed:
        said.append(_("For all pupils: {categories}.").format(categories=closed))
    if partly:
        said.append(_("For some classes or age groups also: {categories}.").format(categories=partly))
    if page.only_list:
        said.append(
            _("In some rooms or classes only the sites of the white list open, which the school director approves.")
        )
    return said or [_("Harmful sites.")]


def _noted(page: ParentsPage) -> list[str]:
    if page.allowed_too:
        what = _(
            "For each query: when, from which device of the school's network, which site, and whether it was opened or "
            "closed. Pages, messages, passwords and what is typed are not noted: the filter does not see them."
        )
    else:
        what = _(
            "For each query that was closed: when, from which device of the school's network, which site. Pages, "
            "messages, passwords and what is typed are not noted: the filter does not see them."
        )
    if not page.retention_days:
        return [what, _kept()]
    if page.anonymise_days and page.anonymise_days < page.retention_days:
        long = _("After {anonymous} days the notes no longer name the device; after {days} days they are deleted.")
    else:
        long = _("After {days} days the notes are deleted.")
    return [what, long.format(anonymous=page.anonymise_days, days=page.retention_days), _kept()]


def _kept() -> str:
    """Return what outlives the notes: records of incidents are evidence; only an order removes their sealed part."""
    return _(
        "Incidents, such as attempts on purpose, stand in the school's journal of access as well, and these entries "
        "are kept: when, in which room and group, what kind of site. The device, the sites and what the school wrote "
        "about it are sealed apart; that part is deleted if the school director orders it. Parents can ask for that."
    )


def _who() -> str:
    return _(
        "The responsible person of the school. Of attempts on purpose the class teacher is told; the psychologist, if "
        "a child may need help. Each look at the notes is itself on record. Nobody passes them on, but to authorities "
        "that the law names."
    )


def _opened() -> str:
    return _(
        "Tell the class teacher or write to us: the name of the site, and what it is needed for. The responsible "
        "person asks for it, and the school director decides by an order. Sites that the law forbids stay closed."
    )


def _home() -> list[str]:
    return [
        _("Agree with your child when and for what the internet is used, and keep to it yourself."),
        _("Turn on safe search and the family settings of your router, telephone and provider."),
        _("Let the computer stand where you can see it; charge telephones outside the bedroom at night."),
        _("Ask what your child does online, without reproach: who fears a punishment does not ask for help."),
        _("Speak of passwords, photographs and money: they are never sent to strangers."),
        _("Sadness, secrecy, sudden debts or lack of sleep can be signs. The school's psychologist helps."),
    ]
