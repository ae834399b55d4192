"""Handover act, briefing sheet, parents' page, journal sheet and referral, as poppler and zbar read them."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from papers import briefing as briefing_module
from papers import parents as parents_module
from papers.briefing import LINES, briefing_pdf
from papers.dates import written_month
from papers.frame import grouped
from papers.handover import handover_pdf
from papers.incident_words import role_words, rule_words, severity_words, state_words
from papers.journal_sheet import journal_sheet_pdf
from papers.numbered import Numbered, paper_code
from papers.parents import parents_pdf
from papers.period import STATES
from papers.referral import referral_pdf
from policy.categories import CATEGORIES
from tests.papers.numbered_papers import (
    BRIEFING,
    DEVICE,
    HANDOVER,
    HEAD,
    INCIDENT,
    JOURNAL,
    PARENTS,
    REFERRAL,
    REPORTED,
    SCHOOL,
    TRAIL,
    numbered,
)
from tests.papers.sheets import boxes_of, codes_of, fonts_of, squeezed, text_of
from tests.papers.test_order_sheet import HOSTILE
from translations import _, language, use

Print = Callable[[Any, str], bytes]

PAPERS: dict[str, tuple[Any, Print]] = {
    "handover": (HANDOVER, handover_pdf),
    "briefing": (BRIEFING, briefing_pdf),
    "parents": (PARENTS, parents_pdf),
    "journal": (JOURNAL, journal_sheet_pdf),
    "referral": (REFERRAL, referral_pdf),
}
WITH_CODE = ("handover", "journal", "referral")


def said(paper: object, printed: Print, tongue: str = "en") -> str:
    """Return the text of the printed paper without white space."""
    return squeezed(text_of(printed(paper, tongue)))


def missing(expected: list[str], text: str) -> list[str]:
    return [each for each in expected if squeezed(each) not in text]


@pytest.mark.parametrize("kind", PAPERS)
def test_each_paper_names_school_number_and_head_in_each_language(kind: str, tongue: str) -> None:
    paper, printed = PAPERS[kind]
    pages = text_of(printed(paper, tongue)).split("\f")[:-1]
    for number, page in enumerate(pages, start=1):
        foot = _("Page {page} of {pages}").format(page=number, pages=len(pages))
        assert missing([foot, HEAD, "3/2026"], squeezed(page)) == []
    assert squeezed(SCHOOL) in squeezed(pages[0])


def test_each_further_page_begins_with_kind_and_number_in_one_line(tongue: str) -> None:
    incidents = tuple(replace(INCIDENT, id=f"2026-11-{number:04}") for number in range(1, 20))
    for pdf in (
        handover_pdf(HANDOVER, tongue),
        journal_sheet_pdf(replace(JOURNAL, incidents=incidents), tongue),
        briefing_pdf(BRIEFING, tongue),
    ):
        heads = {page.strip().splitlines()[0].strip() for page in text_of(pdf).split("\f")[1:-1]}
        assert len(heads) == 1
        assert _("No. {number}").format(number="3/2026") in heads.pop()


@pytest.mark.parametrize("kind", PAPERS)
def test_all_letters_are_in_the_file(kind: str) -> None:
    paper, printed = PAPERS[kind]
    fonts = fonts_of(printed(paper, "kk"))
    assert fonts
    assert set(fonts.values()) == {"yes"}


@pytest.mark.parametrize("kind", PAPERS)
def test_equal_values_give_equal_bytes(kind: str) -> None:
    paper, printed = PAPERS[kind]
    assert printed(paper, "ru") == printed(paper, "ru")


def test_words_are_those_of_the_paper_and_the_commands_language_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(briefing_module, "_", lambda text: f"<{language()}> {text}")
    before = language()
    try:
        use("ru")
        text = said(BRIEFING, briefing_pdf, "kk")
        assert language() == "ru"
    finally:
        use(before)
    assert "<kk>Whateverybodyhastoknow" in text
    assert "<ru>" not in text


@pytest.mark.parametrize("kind", WITH_CODE)
def test_the_qr_code_holds_number_and_heads(kind: str, tmp_path: Path) -> None:
    paper, printed = PAPERS[kind]
    lines = [
        "schoolfilter-paper:1",
        f"school {SCHOOL}",
        f"paper {kind} 3/2026 2026-12-02",
        f"journal {HEAD}",
        f"audit {TRAIL}",
    ]
    assert codes_of(printed(paper, "ky"), tmp_path) == ["\n".join(lines)]


@pytest.mark.parametrize("kind", WITH_CODE)
def test_a_paper_says_how_it_is_checked(kind: str) -> None:
    paper, printed = PAPERS[kind]
    text = said(paper, printed)
    assert missing([f"schoolfilter journal verify --head {HEAD}", TRAIL, squeezed(grouped(DEVICE))], text) == []


def test_no_school_can_write_a_line_of_its_own_into_the_qr_code() -> None:
    forged = replace(numbered("act"), school="School\njournal 1:0000")
    assert [line.split()[0] for line in paper_code(forged).splitlines()] == [
        "schoolfilter-paper:1", "school", "paper", "journal", "audit",
    ]  # fmt: skip


def hostile(value: object, words: str) -> Any:
    """Return a paper in which every text that a person may have written is this one."""
    kept = {"kind", "head", "trail", "rule", "state", "severity", "role", "level", "closed", "first", "sha256"}
    if isinstance(value, Numbered):
        return replace(value, school=words)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {each.name: getattr(value, each.name) for each in fields(value)}
        return replace(
            value,
            **{
                name: old if name in kept and isinstance(old, str) else hostile(old, words)
                for name, old in changed.items()
            },
        )
    if isinstance(value, tuple):
        return tuple(hostile(each, words) for each in value)
    return words if isinstance(value, str) and value else value


@pytest.mark.parametrize("words", HOSTILE, ids=lambda text: text[:24])
@pytest.mark.parametrize("kind", PAPERS)
def test_hostile_text_is_printed_as_text_wherever_it_stands(kind: str, words: str) -> None:
    paper, printed = PAPERS[kind]
    attacked = hostile(paper, words)
    assert attacked != paper
    text = said(attacked, printed)
    places = {"handover": 10, "briefing": 4, "parents": 2, "journal": 8, "referral": 3}
    assert text.count(squeezed(words)) >= places[kind]
    assert HEAD in text


# the journal


def test_the_journal_lies_on_its_long_side(tmp_path: Path) -> None:
    file = tmp_path / "journal.pdf"
    file.write_bytes(journal_sheet_pdf(JOURNAL, "en"))
    told = subprocess.run(["pdfinfo", str(file)], capture_output=True, check=True, text=True).stdout
    found = re.search(r"Page size:\s+([\d.]+) x ([\d.]+)", told)
    assert found is not None
    assert [round(float(each)) for each in found.groups()] == [842, 595]


def test_a_line_of_the_journal_says_all_that_the_commission_asks_for(tongue: str) -> None:
    text = said(JOURNAL, journal_sheet_pdf, tongue)
    expected = [
        written_month(2026, 11, tongue),
        INCIDENT.id,
        "10:15–10:41",
        INCIDENT.room,
        INCIDENT.device,
        INCIDENT.group,
        INCIDENT.lesson,
        rule_words(INCIDENT.rule),
        severity_words(INCIDENT.severity),
        _("queries: {count}").format(count=37),
        _("sites: {count}").format(count=5),
        role_words("class-teacher"),
        INCIDENT.notes[0].text,
        INCIDENT.notes[0].measures,
        state_words("reviewed"),
        REPORTED.site,
        squeezed(REPORTED.reporter),
        squeezed(REPORTED.remark),
        _("Signature"),
    ]
    assert missing(expected, text) == []


def test_a_correction_stands_beside_what_it_corrects() -> None:
    incident = replace(INCIDENT, notes=(*INCIDENT.notes, *REPORTED.notes))
    text = said(replace(JOURNAL, incidents=(incident,)), journal_sheet_pdf)
    wrong = text.index(squeezed("(record 1044): Spoke with the pupil"))
    right = text.index(squeezed("(record 1049): correction of record 1044: It was the teacher's demonstration"))
    assert wrong < right


def test_what_was_said_at_closing_and_opening_again_is_told_as_such() -> None:
    closed = replace(INCIDENT.notes[0], text="No fault", measures="", record=1050, became="closed")
    again = replace(INCIDENT.notes[0], text="It went on", measures="", record=1051, became="reopened")
    text = said(replace(JOURNAL, incidents=(replace(INCIDENT, notes=(closed, again)),)), journal_sheet_pdf)
    assert missing(["(record 1050): closed: No fault", "(record 1051): opened again: It went on"], text) == []


def test_closing_without_a_word_leaves_no_colon_behind() -> None:
    closed = replace(INCIDENT.notes[0], text="", measures="", record=1050, became="closed")
    text = said(replace(JOURNAL, incidents=(replace(INCIDENT, notes=(closed,)),)), journal_sheet_pdf)
    assert squeezed("(record 1050): closed") in text
    assert squeezed("closed:") not in text


def test_a_state_stands_in_its_column_unbroken(tongue: str) -> None:
    incidents = tuple(replace(INCIDENT, state=state) for state in STATES)
    found = {word for word, *_place in boxes_of(journal_sheet_pdf(replace(JOURNAL, incidents=incidents), tongue))}
    assert {word for state in STATES for word in state_words(state).split()} <= found


def test_names_that_were_asked_for_are_printed_only_if_they_are_given() -> None:
    named = replace(JOURNAL, with_names=True, incidents=(replace(INCIDENT, asked=("casino.example (3)",)),))
    assert squeezed("casino.example (3)") in said(named, journal_sheet_pdf)
    assert squeezed("names devices and the sites that were asked for") in said(named, journal_sheet_pdf)
    assert squeezed("names devices.") in said(JOURNAL, journal_sheet_pdf)


def test_a_notice_that_did_not_arrive_is_told_as_such() -> None:
    assert squeezed("responsible person, 18 Nov 2026 09:01: did not arrive") in said(JOURNAL, journal_sheet_pdf)


def test_a_month_without_entries_says_so_and_can_be_signed() -> None:
    text = said(replace(JOURNAL, incidents=()), journal_sheet_pdf)
    assert missing(["Nothing was entered in this month.", "Psychologist", HEAD], text) == []


def test_a_month_in_which_the_journal_was_begun_does_not_pass_for_a_clean_one() -> None:
    text = said(replace(JOURNAL, incidents=(), begun=date(2026, 11, 20)), journal_sheet_pdf)
    begun = "The journal was begun on: 20 November 2026; figures begin with this day"
    assert missing([begun, "Nothing was entered since the journal was begun."], text) == []
    assert squeezed("in this month") not in text


def test_a_month_that_goes_on_says_as_of_when_it_is() -> None:
    assert squeezed("The month is not over: as of 2 December 2026") in said(
        replace(JOURNAL, finished=False), journal_sheet_pdf
    )
    assert "Themonthisnotover" not in said(JOURNAL, journal_sheet_pdf)


def test_a_long_journal_repeats_its_heading_and_holds_every_line() -> None:
    incidents = tuple(replace(INCIDENT, id=f"2026-11-{number:04}") for number in range(1, 201))
    pages = [
        squeezed(page)
        for page in text_of(journal_sheet_pdf(replace(JOURNAL, incidents=incidents), "en")).split("\f")[:-1]
    ]
    assert len(pages) > 5
    assert all("Whathappened" in page for page in pages if "2026-11-" in page)
    assert missing([each.id for each in incidents], "".join(pages)) == []
    assert ["Psychologist" in page for page in pages] == [False] * (len(pages) - 1) + [True]


def test_long_words_stay_within_their_column() -> None:
    incident = replace(
        INCIDENT,
        room="Щ" * 50,
        device="n" * 60,
        lesson="",
        group="Ж" * 50,
        asked=("m" * 63 + ".example.org",),
        told=(),
        notes=(replace(INCIDENT.notes[0], by="", text="W" * 90, measures=""),),
    )
    found = boxes_of(journal_sheet_pdf(replace(JOURNAL, incidents=(incident,)), "en"))

    def extent(letter: str) -> tuple[float, float]:
        boxes = [box for box in found if letter * 5 in box[0]]
        assert len(boxes) > 1, f"{letter} does not stand in several lines"
        return min(box[1] for box in boxes), max(box[2] for box in boxes)

    order = ["Щ", "Ж", "m", "W"]
    assert [pair for pair in pairwise(order) if extent(pair[0])[1] > extent(pair[1])[0]] == []
    assert extent("n")[1] <= extent("Ж")[0]
    assert extent("W")[1] < 842 - 40


def test_a_note_longer_than_a_page_is_printed_to_its_end() -> None:
    text = " ".join(f"word{number}" for number in range(2000))
    note = replace(INCIDENT.notes[0], text=text)
    printed = said(replace(JOURNAL, incidents=(replace(INCIDENT, notes=(note,)),)), journal_sheet_pdf)
    assert "word1999" in printed


# the act of handover


def test_the_act_says_what_is_handed_over(tongue: str) -> None:
    state = HANDOVER.state
    text = said(HANDOVER, handover_pdf, tongue)
    expected = [
        HANDOVER.outgoing,
        HANDOVER.incoming,
        HANDOVER.keys.director,
        HANDOVER.keys.device,
        HANDOVER.inspectors[0].name,
        HANDOVER.contacts[0].name,
        role_words("class-teacher"),
        state.version,
        *state.addresses,
        state.state_folder,
        state.os_user,
        *(each.title for each in (*state.groups, *state.rooms)),
        *(each.id for each in state.lists.lists),
        "48",
        "7, 9",
        HANDOVER.incidents[0].id,
        rule_words("deliberate-attempt"),
        *(each.file for each in HANDOVER.papers),
    ]
    assert missing(expected, text) == []
    assert text.count(squeezed(HANDOVER.outgoing)) == 2  # in the text, and where it is signed
    assert text.count(squeezed(HANDOVER.incoming)) == 2


def test_an_act_of_a_school_that_has_nothing_yet_says_so() -> None:
    bare = replace(
        HANDOVER,
        keys=replace(HANDOVER.keys, director="", signed=False),
        inspectors=(),
        contacts=(),
        state=replace(
            HANDOVER.state,
            lists=replace(HANDOVER.state.lists, generation="", lists=()),
            last_order_day=None,
            requests=(),
        ),
        incidents=(),
        papers=(),
    )
    text = said(bare, handover_pdf)
    expected = [
        "none: the director signs orders on paper",
        "Inspectors' accounts none",
        "Who is told of incidents nobody",
        "No list was in force.",
        "Last order none",
        "Incidents that are not closed: 0",
        "No act and no report was drawn up yet.",
    ]
    assert missing(expected, text) == []
    assert "director'skey,locked" not in text


def test_an_act_with_many_open_incidents_holds_them_all() -> None:
    incidents = tuple(replace(HANDOVER.incidents[0], id=f"2026-11-{number:04}") for number in range(1, 151))
    assert missing([each.id for each in incidents], said(replace(HANDOVER, incidents=incidents), handover_pdf)) == []


# the briefing


@pytest.mark.parametrize("filler", [0, 200, 800])
def test_the_sheet_has_thirty_numbered_lines_of_which_the_first_page_has_eight_or_none(
    tongue: str, filler: int
) -> None:
    sheet = replace(BRIEFING, topic="Cyberbullying " * filler)
    pages = text_of(briefing_pdf(sheet, tongue)).split("\f")[:-1]
    numbers = [[int(line) for line in page.splitlines() if line.strip().isdigit()] for page in pages]
    assert [each for page in numbers for each in page] == list(range(1, LINES + 1)) == list(range(1, 31))
    first = next(page for page in numbers if page)
    assert len(first) >= 8
    if not filler:
        assert first is numbers[0]
        assert len(pages) == 2


def test_the_rules_say_what_is_closed_that_it_is_noted_and_whom_to_tell(tongue: str) -> None:
    text = said(BRIEFING, briefing_pdf, tongue)
    titles = [category.title(tongue) for category in CATEGORIES]
    assert missing([*titles, BRIEFING.topic, BRIEFING.room, BRIEFING.group, BRIEFING.contact], text) == []


def test_in_words_a_pupil_understands() -> None:
    text = said(BRIEFING, briefing_pdf)
    expected = [
        "that is noted",
        "tell the teacher at once",
        "cannot know every harmful site",
        "told to the class teacher",
    ]
    assert missing(expected, text) == []


def test_a_group_that_only_has_the_white_list_is_told_so() -> None:
    text = said(replace(BRIEFING, only_list=True, at_times=()), briefing_pdf)
    assert squeezed("Only the sites of the white list open here") in text
    assert "Atschoolthesearelosed" not in text


# the parents' page


@pytest.mark.parametrize("retention", [(90, 30), (90, 0), (0, 0)])
def test_parents_get_one_page(retention: tuple[int, int], tongue: str) -> None:
    page = replace(PARENTS, retention_days=retention[0], anonymise_days=retention[1])
    assert text_of(parents_pdf(page, tongue)).count("\f") == 1


def test_a_language_that_needs_more_letters_still_has_one_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        parents_module, "_", lambda text: text + " " + text[: len(text) * 2 // 5].translate(str.maketrans("{}", "()"))
    )
    assert text_of(parents_pdf(PARENTS, "kk")).count("\f") == 1


@pytest.mark.parametrize(
    ("page", "told", "untold"),
    [
        (PARENTS, ["After 30 days the notes no longer name the device; after 90 days"], ["for each query that was"]),
        (replace(PARENTS, anonymise_days=0), ["After 90 days the notes are deleted."], ["no longer name"]),
        (replace(PARENTS, anonymise_days=200), ["After 90 days the notes are deleted."], ["no longer name"]),
        (replace(PARENTS, retention_days=0), [], ["days the notes"]),
        (replace(PARENTS, allowed_too=False), ["For each query that was closed:"], ["opened or closed"]),
        (replace(PARENTS, only_list=False, partly=()), [], ["For some classes", "white list"]),
        (replace(PARENTS, closed=(), partly=(), only_list=False), ["Harmful sites."], ["For all pupils"]),
    ],
)
def test_the_page_says_what_holds_at_this_school(page: object, told: list[str], untold: list[str]) -> None:
    text = said(page, parents_pdf)
    assert missing(told, text) == []
    assert [each for each in untold if squeezed(each) in text] == []


@pytest.mark.parametrize("days", [0, 90])
def test_parents_are_told_that_incidents_outlive_the_notes_and_what_can_be_deleted(days: int) -> None:
    expected = ["journal of access as well, and these entries are kept", "deleted if the school director orders it"]
    assert missing(expected, said(replace(PARENTS, retention_days=days), parents_pdf)) == []


def test_parents_are_told_that_no_filter_is_complete_and_whom_to_ask() -> None:
    expected = ["No filter is complete", PARENTS.contact, "director decides by an order", "Each look at the notes"]
    assert missing(expected, said(PARENTS, parents_pdf)) == []


# the referral


def test_the_referral_holds_each_site_and_how_it_was_found(tongue: str) -> None:
    text = said(REFERRAL, referral_pdf, tongue)
    expected = [
        *(site.name for site in REFERRAL.sites),
        *(site.display_name for site in REFERRAL.sites),
        _("reported by a person, closed by hand"),
        _("reported by a person"),
        _("closed by hand"),
        _("not closed"),
        _("not known"),
    ]
    assert missing(expected, text) == []


@pytest.mark.parametrize("count", [0, 300])
def test_the_referral_counts_its_sites(count: int) -> None:
    sites = tuple(
        replace(REFERRAL.sites[0], name=f"site-{n}.example.org", display_name=f"site-{n}.example.org")
        for n in range(count)
    )
    text = said(replace(REFERRAL, sites=sites), referral_pdf)
    assert f"Sites:{count}" in text
    assert missing([site.name for site in sites], text) == []
