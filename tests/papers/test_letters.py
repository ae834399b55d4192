"""What is printed of a text, and that the fonts have every letter of it."""

import re
import unicodedata

import pytest
import typst
from hypothesis import given
from hypothesis import strategies as st

from papers.letters import MISSING, PRINTABLE, printable

LETTERS = "әғқңөұүһіӘҒҚҢӨҰҮҺІёйъыэюяЁЙЪЫЭЮЯ№«»“”–—…"
"""Of Kazakh, Kyrgyz and Russian, and what stands between their words."""


def printed(text: str, style: str) -> bytes:
    """Print a text for archives: typst then refuses a letter that no font has."""
    source = f"#set text({style})\n#sys.inputs.text"
    return typst.compile(
        source.encode(), ignore_system_fonts=True, sys_inputs={"text": text}, pdf_standards="a-2u", timestamp=0
    )


@pytest.mark.parametrize("style", ["weight: 400", "weight: 600", "weight: 700", 'style: "italic"'])
def test_the_fonts_have_every_letter_that_is_called_printable(style: str) -> None:
    letters = [chr(point) for first, last in PRINTABLE for point in range(first, last + 1)]
    # One that is not assigned is in no font, and comes into a text as rarely.
    assigned = [letter for letter in letters if unicodedata.category(letter) != "Cn"]
    printed(" ".join(assigned), f'font: ("Libertinus Serif", "DejaVu Sans Mono"), {style}')


@pytest.mark.parametrize("style", ["weight: 400", "weight: 600", "weight: 700", 'style: "italic"'])
def test_words_of_the_schools_are_never_set_with_letters_of_two_fonts(style: str) -> None:
    assert printable(LETTERS) == LETTERS
    printed(LETTERS, f'font: "Libertinus Serif", fallback: false, {style}')


def test_names_of_sites_are_never_set_with_letters_of_two_fonts() -> None:
    printed(LETTERS, 'font: "DejaVu Sans Mono", fallback: false')


def test_a_letter_without_a_font_is_an_error_of_typst_and_not_a_gap() -> None:
    with pytest.raises(typst.TypstError, match="could not be displayed"):
        printed("\N{CJK UNIFIED IDEOGRAPH-4E2D}", 'font: "Libertinus Serif"')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Қазақ тілі, Кыргыз тили; № 5 «Өнүгүү»", "Қазақ тілі, Кыргыз тили; № 5 «Өнүгүү»"),
        ("  two\n lines\tand a\u00a0half\r\n", "two lines and a half"),
        ("и\u0306 е\u0308", "й ё"),
        ("bell \x07, escape \x1b[31m, delete \x7f", f"bell {MISSING}, escape {MISSING}[31m, delete {MISSING}"),
        ("\u202egro.elpmaxe", f"{MISSING}gro.elpmaxe"),
        ("zero\u200bwidth so\u00adft", f"zero{MISSING}width so{MISSING}ft"),
        ("o\u0336n", f"o{MISSING}n"),
        ("中 😀", f"{MISSING} {MISSING}"),
        ("\ud800", MISSING),
        ("עברית العربية", "עברית العربية"),
        ('#import "x" ] $ \\', '#import "x" ] $ \\'),
        ("", ""),
    ],
)
def test_what_cannot_be_printed_shows_that_something_stood_there(text: str, expected: str) -> None:
    assert printable(text) == expected


@given(st.text(st.characters(), max_size=60))
def test_any_text_becomes_one_line_of_printable_letters(text: str) -> None:
    line = printable(text)
    assert all(any(first <= ord(letter) <= last for first, last in PRINTABLE) for letter in line)
    assert not re.search(r"\s\s|^\s|\s$", line)
    assert printable(line) == line
