"""The order sheet, as independent tools read it from the PDF: poppler its text, fonts and pages, zbar its QR code."""

from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from papers import order_sheet
from papers.dates import written_day
from papers.frame import spoken
from papers.order_sheet import OrderSheet, SheetEntry, SheetOrder, order_code, order_sheet_pdf
from policy.ledger import GENESIS
from policy.orders import Scope
from tests.papers.sheets import (
    DIGEST,
    ENTRY,
    FINGERPRINT,
    ORDER,
    PREVIOUS,
    SHEET,
    boxes_of,
    codes_of,
    fonts_of,
    squeezed,
    text_of,
)
from translations import _, language, use

NEW_KEY = "SHA256:ZmluZ2VycHJpbnQgb2YgdGhlIG5ldyBkaXJlY3RvcidzIGs"

HOSTILE = (
    '#import "@preview/cetz:0.3.0": *',
    '] #panic("out") [',
    '#read("frame.typ")',
    "#{1 + 1} #sys.inputs.values",
    "$ x^2 $ *strong* _emph_ `raw` <label> @label",
    "= Heading // comment /* more */",
    "- item + item / term: text",
    '"quoted" \\ back\\slash \\u{41} \\n',
    '{"json": ["}", \'x\']} {page} {count} %s {0}',
    "'; DROP TABLE orders; --",
    "<script>alert(1)</script> &amp;",
    "https://example.org/" + "path/" * 30,
    "W" * 90,
    "Щ" * 90,
    "עברית",
    "العربية",
)


def said(sheet: OrderSheet, tongue: str = "en") -> str:
    """Return the text of the printed sheet without white space."""
    return squeezed(text_of(order_sheet_pdf(sheet, tongue)))


def listed(count: int) -> tuple[SheetEntry, ...]:
    return tuple(
        replace(ENTRY, name=f"site-{number:04}.example.org", display_name=f"site-{number:04}.example.org")
        for number in range(1, count + 1)
    )


@pytest.mark.parametrize("sheet", [SHEET, ORDER], ids=["list", "order"])
def test_the_sheet_holds_everything_in_each_language(sheet: OrderSheet, tongue: str) -> None:
    text = said(sheet, tongue)
    expected = [
        sheet.school,
        _("Approved").upper(),
        _("White list of sites").upper(),
        written_day(sheet.day, tongue),
        sheet.director,
        _("School director"),
        _("Responsible person"),
        *(entry.display_name for entry in sheet.entries),
        *(entry.name for entry in sheet.entries),
        *(entry.audience or _("everyone") for entry in sheet.entries),
        *(entry.reason for entry in sheet.entries),
        *(removal.name for removal in sheet.removals),
        *(removal.audience for removal in sheet.removals),
        sheet.document,
        sheet.note,
        DIGEST,
        PREVIOUS,
        "schoolfilter orders verify",
    ]
    assert [each for each in expected if squeezed(each) not in text] == []
    assert (FINGERPRINT in text) == (sheet.signature is not None)


def test_words_and_dates_are_those_of_the_paper_and_the_commands_language_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(order_sheet, "_", lambda text: f"<{language()}> {text}")
    before = language()
    try:
        use("ru")
        text = said(SHEET, "kk")
        assert language() == "ru"
    finally:
        use(before)
    assert "<kk>Asof2026жылғы2қыркүйек" in text
    assert "<KK>WHITELISTOFSITES" in text
    assert "<ru>" not in text


def test_a_paper_order_says_so_and_names_no_key(tongue: str) -> None:
    paper, signed = said(ORDER, tongue), said(SHEET, tongue)
    mark = squeezed(_("Paper order").upper())
    assert mark in paper
    assert squeezed(_("Not signed electronically: the director's signature on paper makes it effective.")) in paper
    assert mark not in signed
    assert "SHA256:" not in paper
    assert squeezed(_("Signed electronically: {moment}").format(moment="")) in signed


def test_an_entry_on_a_paper_order_says_so_within_a_signed_list() -> None:
    paper = replace(SHEET.entries[1], order=SheetOrder("3", date(2026, 1, 15), paper=True))
    mixed = replace(SHEET, entries=(ENTRY, paper, ENTRY))
    assert said(mixed).count("paperorder") == 1
    assert "No.315Jan2026paperorder" in said(mixed)


def test_what_limits_an_entry_stands_beside_it() -> None:
    entry = replace(ENTRY, scope=Scope.LESSONS, until=date(2027, 5, 25), audience="Form 5")
    text = said(replace(SHEET, entries=(entry,)))
    assert "1kitap.kzForm5iftheteacheropensitinalesson25May2027" in text
    assert "untilrevoked" not in text
    assert "1kitap.kzeveryoneuntilrevoked" in said(replace(SHEET, entries=(ENTRY,)))


@pytest.mark.parametrize(
    ("sheet", "told", "untold"),
    [
        (replace(SHEET, entries=()), ["Sites on the list: 0"], ["Sites removed", "Other provisions"]),
        (replace(ORDER, entries=()), ["Sites removed from the list: 1"], ["Sites added"]),
        (replace(ORDER, removals=()), ["Sites added to the list: 3"], ["Sites removed"]),
        (ORDER, ["for at most 45 minutes", "Document: Акт № 3"], ["no longer"]),
        (replace(ORDER, permit=0), ["Teachers may no longer open other sites"], ["for at most"]),
        (replace(SHEET, named_key=NEW_KEY), ["key from now on", NEW_KEY], ["Document:", "Note:"]),
        (replace(SHEET, previous_digest=GENESIS), ["none: this is the first order"], [GENESIS, PREVIOUS]),
        (replace(ORDER, number=""), ["Order without a number, of 1 September 2026"], ["No. of"]),
        (replace(SHEET, number=""), ["Last order: without a number, of 1 September 2026"], ["No. of"]),
        (
            replace(SHEET, entries=(replace(ENTRY, order=SheetOrder("", date(2026, 1, 15), paper=False)),)),
            ["15 Jan 2026"],
            ["No. 15 Jan"],
        ),
    ],
    ids=lambda value: "" if isinstance(value, OrderSheet) else value[0] if value else "",
)
def test_the_sheet_says_what_there_is_and_nothing_of_what_there_is_not(
    sheet: OrderSheet, told: list[str], untold: list[str]
) -> None:
    text = said(sheet)
    assert [each for each in told if squeezed(each) not in text] == []
    assert [each for each in untold if squeezed(each) in text] == []


def test_a_director_without_a_name_leaves_a_line_to_write_on() -> None:
    text = said(replace(SHEET, director=""))
    assert SHEET.director.split()[0] not in text
    assert "SchooldirectorsignaturenameResponsiblepersonsignaturename" in text


@pytest.mark.parametrize("sheet", [SHEET, ORDER], ids=["signed", "paper"])
def test_the_qr_code_can_be_read_without_our_server(sheet: OrderSheet, tmp_path: Path) -> None:
    lines = [
        "schoolfilter-order:1",
        f"school {SHEET.school}",
        "order 12 2026-09-01",
        "seq 12",
        f"sha256 {DIGEST}",
        f"key {FINGERPRINT}" if sheet.signature else "paper",
    ]
    assert codes_of(order_sheet_pdf(sheet, "ru"), tmp_path) == ["\n".join(lines)]


def test_a_long_school_leaves_a_qr_code_that_can_be_read(tmp_path: Path) -> None:
    sheet = replace(SHEET, school="Ұзын атау " * 30, number="", entries=(ENTRY,))
    code = order_code(sheet)
    assert codes_of(order_sheet_pdf(sheet, "kk"), tmp_path) == [code]
    assert len(code) < 350
    assert "\norder - 2026-09-01\n" in code


def test_no_school_can_write_a_line_of_its_own_into_the_qr_code() -> None:
    forged = replace(SHEET, school="School\nsha256 " + PREVIOUS, number="1\nseq 2")
    assert [line.split()[0] for line in order_code(forged).splitlines()] == [
        line.split()[0] for line in order_code(SHEET).splitlines()
    ]


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: text[:24])
def test_hostile_text_is_printed_as_text_wherever_it_stands(hostile: str) -> None:
    entry = replace(
        ENTRY,
        name=hostile,
        display_name=hostile,
        audience=hostile,
        reason=hostile,
        order=replace(ENTRY.order, number=hostile),
    )
    sheet = replace(
        SHEET, school=hostile, director=hostile, number=hostile, entries=(entry,), document=hostile, note=hostile
    )
    text = said(sheet)
    # School, director twice, last order (again in the head of each further page), four columns, document and note.
    assert text.count(squeezed(hostile)) >= 10
    assert FINGERPRINT in text


def test_what_has_no_letters_shows_as_a_gap_and_stops_nothing() -> None:
    reason = "bell \x07 override \u202egro.elpmaxe\u202c zero\u200bwidth \ud800 中 😀 o\u0336\u0336"
    text = said(replace(SHEET, entries=(replace(ENTRY, reason=reason),)))
    assert "bell�override�gro.elpmaxe�zero�width���o��" in text


def test_long_words_stay_within_their_column(tmp_path: Path) -> None:
    """Each word of the row lies left of the words of the next column: nothing runs over another or off the page."""
    entry = replace(
        ENTRY,
        name="n" * 63 + "." + "m" * 63 + ".example.org",
        display_name="Щ" * 60 + ".example.org",
        audience="Ж" * 60,
        reason="W" * 120,
        order=SheetOrder("Ю" * 30, date(2026, 9, 1), paper=True),
    )
    pdf = order_sheet_pdf(replace(SHEET, entries=(entry,)), "en")
    columns = {letter: extent_of(pdf, letter) for letter in "ЩnmЖWЮ"}
    ends = [("Щ", "Ж"), ("n", "Ж"), ("m", "Ж"), ("Ж", "W"), ("W", "Ю")]
    assert [(left, right) for left, right in ends if columns[left][1] > columns[right][0]] == []
    assert columns["Ю"][1] < 595 - 40


def extent_of(pdf: bytes, letter: str) -> tuple[float, float]:
    """Return where words of five or more of this letter begin and end on the page, in points from the left."""
    found = [box for box in boxes_of(pdf) if letter * 5 in box[0]]
    assert len(found) > 1, f"{letter} does not stand in several lines"
    return min(box[1] for box in found), max(box[2] for box in found)


@pytest.mark.parametrize("count", [3, 60, 300])
def test_each_page_says_which_it_is_of_how_many_and_of_which_order(count: int, tongue: str) -> None:
    pages = text_of(order_sheet_pdf(replace(SHEET, entries=listed(count)), tongue)).split("\f")[:-1]
    assert (len(pages) == 1) == (count == 3)
    for number, page in enumerate(pages, start=1):
        foot = _("Page {page} of {pages}").format(page=number, pages=len(pages))
        assert squeezed(foot) in squeezed(page)
        assert DIGEST[:16] in page
        assert squeezed(written_day(SHEET.day, tongue)) in squeezed(page)


def test_the_head_of_the_table_is_repeated_and_the_last_page_is_to_be_signed() -> None:
    pages = text_of(order_sheet_pdf(replace(SHEET, entries=listed(60)), "en")).split("\f")[:-1]
    with_sites = [squeezed(page) for page in pages if ".example.org" in page]
    assert len(with_sites) > 1
    assert all("No.SiteForwhomUntilReasonOrder" in page for page in with_sites)
    signed = ["Responsibleperson" in squeezed(page) and FINGERPRINT in squeezed(page) for page in pages]
    assert signed == [False] * (len(pages) - 1) + [True]


def test_a_reason_longer_than_a_page_is_printed_to_its_end() -> None:
    reason = " ".join(f"word{number}" for number in range(3000))
    text = said(replace(SHEET, entries=(replace(ENTRY, reason=reason),)))
    assert [number for number in range(3000) if f"word{number}" not in text] == []


def test_two_thousand_entries_are_printed_each_once() -> None:
    text = said(replace(SHEET, entries=listed(2000)), "ru")
    assert [entry.name for entry in listed(2000) if text.count(entry.name) != 1] == []
    assert "2000site-2000.example.org" in text


def test_equal_sheets_give_equal_bytes_and_another_day_gives_others() -> None:
    assert order_sheet_pdf(SHEET, "ky") == order_sheet_pdf(replace(SHEET), "ky")
    later = replace(SHEET, printed_at=SHEET.printed_at + timedelta(days=1))
    assert order_sheet_pdf(SHEET, "ky") != order_sheet_pdf(later, "ky")


def test_all_fonts_are_in_the_file(tongue: str) -> None:
    fonts = fonts_of(order_sheet_pdf(ORDER, tongue))
    assert {name.partition("-")[0] for name in fonts} == {"LibertinusSerif", "DejaVuSansMono"}
    assert set(fonts.values()) == {"yes"}


def test_the_language_is_given_back_even_if_the_words_fail() -> None:
    before = language()
    other = "ru" if before != "ru" else "kk"
    seen = []
    with suppress(RuntimeError), spoken(other):
        seen.append(language())
        raise RuntimeError
    assert [*seen, language()] == [other, before]
