"""The sheet on which pupils' briefing on harmful content is recorded: the rules in plain words, lines to sign (R4)."""

from collections.abc import Sequence
from dataclasses import dataclass

from papers.closed_words import closed_words
from papers.frame import signers, spoken
from papers.numbered import Numbered, numbered_frame, paper_number
from papers.press import Value, press
from translations import _

LINES = 30
"""A class; a second sheet is printed for a larger one."""


@dataclass(frozen=True, slots=True)
class BriefingSheet:
    """What is told to whom."""

    paper: Numbered
    group: str
    """Title of the group."""
    room: str
    """Title of the room; empty: a line to write it on."""
    topic: str
    """What else was spoken of; empty: the rules alone."""
    only_list: bool
    """Only the sites of the white list open."""
    closed: Sequence[str]
    """Categories and services that are closed to the group."""
    at_times: Sequence[str]
    """Those that are closed at some hours only."""
    contact: str
    """Of the school, as people write it; empty: none is named."""


def briefing_pdf(sheet: BriefingSheet, language: str) -> bytes:
    """Return the sheet as PDF in one of LANGUAGES, whatever language is in use. Raises PaperError."""
    with spoken(language):
        values = _values(sheet, language)
    return press("briefing", values, language, sheet.paper.printed_at)


def _values(sheet: BriefingSheet, language: str) -> dict[str, Value]:
    subtitles = [
        _("Sheet No. {number}").format(number=paper_number(sheet.paper)),
        _("For whom: {group}").format(group=sheet.group),
    ]
    return {
        "frame": numbered_frame(sheet.paper, _("Briefing on harmful content"), subtitles, language),
        "topic": _("Topic: {topic}").format(topic=sheet.topic) if sheet.topic else "",
        "rules_heading": _("What everybody has to know"),
        "rules": _rules(sheet, language),
        "blanks": [
            {"label": _("Date of the briefing"), "text": ""},
            {"label": _("Room"), "text": sheet.room},
            {"label": _("Who held it: office and name"), "text": ""},
        ],
        "pupils_heading": _("I was briefed and understood the rules"),
        "columns": [_("No."), _("Surname and first name"), _("Signature")],
        "lines": LINES,
        "signatures": signers([(_("Who held the briefing"), ""), (_("Responsible person"), "")]),
    }


def _rules(sheet: BriefingSheet, language: str) -> list[str]:
    closed, at_times = closed_words(sheet.closed, language), closed_words(sheet.at_times, language)
    if sheet.only_list:
        what = _("Only the sites of the white list open here: the school director approved it.")
    elif closed:
        what = _("At school these are closed: {categories}.").format(categories=closed)
    else:
        what = _("At school harmful sites are closed.")
    contact = _("You can also write or call: {contact}.").format(contact=sheet.contact) if sheet.contact else ""
    said = [
        what,
        _("At certain hours also: {categories}.").format(categories=at_times) if at_times else "",
        _(
            "Why: such sites can harm you. They draw people into violence, dependence and debts, they deceive, and "
            "some are forbidden by law. At school the internet is there for learning."
        ),
        _(
            "A closed site does not open, and that is noted: when, from which device and what. Whoever comes to one by "
            "mistake has done nothing wrong. Attempts on purpose, and attempts to get around the filter, are told to "
            "the class teacher."
        ),
        _(
            "The filter cannot know every harmful site. If you see something that frightens or disturbs you, close it "
            "and tell the teacher at once. Nobody is punished for telling."
        ),
        _(
            "Do not send anybody your address, photographs, passwords or money. If somebody threatens you, or asks you "
            "to keep a secret from adults, tell an adult whom you trust: the teacher, the psychologist, your parents."
        ),
        _("If a site that you need for learning is closed, tell the teacher: the director can have it opened."),
        contact,
    ]
    return [rule for rule in said if rule]
