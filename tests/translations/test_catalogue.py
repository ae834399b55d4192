"""The catalogues hold exactly the texts of the code, whole in every language, and say what the English says."""

import gettext
import re
import string
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Catalog, Message

from cli.main import COMMANDS
from translations import _, catalogue, choose, language, use

REMEDY = "run `python -m translations.catalogue`, translate what it names, and run it again"

_COMMANDS = "|".join(COMMANDS)
KEPT = re.compile(
    rf"`[^`]*`|--[a-z]+(?:-[a-z]+)*|\b[a-z]+\.[a-z]+_[a-z]+\b|schoolfilter (?:{_COMMANDS})\b|https?://|[a-z]+\.example"
)
"""What is typed or clicked and must not be translated: commands, options, keys, addresses."""


@pytest.fixture(params=catalogue.TRANSLATED)
def tongue(request: pytest.FixtureRequest) -> Iterator[str]:
    before = language()
    yield request.param
    use(before)


@pytest.fixture
def known(tongue: str) -> Catalog:
    return catalogue.read(tongue)


def messages(known: Catalog) -> list[Message]:
    return [message for message in known if message.id]


def ids(known: Catalog) -> set[catalogue.Message]:
    return {
        message.id if isinstance(message.id, str) else (message.id[0], message.id[1]) for message in messages(known)
    }


def pairs(known: Catalog) -> Iterator[tuple[str, str]]:
    """Yield every English text with each of its translations, plural with plural."""
    for message in messages(known):
        if isinstance(message.id, str):
            assert isinstance(message.string, str)
            yield message.id, message.string
        else:
            assert message.string
            for number, form in enumerate(message.string):
                yield message.id[min(number, 1)], form


def fields(text: str) -> set[tuple[str, str | None]]:
    return {(name, conversion) for _text, name, _spec, conversion in string.Formatter().parse(text) if name is not None}


def edges(text: str) -> tuple[str, str]:
    """Return the white space at both ends."""
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]


def test_every_text_of_the_code_is_in_the_catalogue_and_no_other(known: Catalog) -> None:
    assert ids(known) == set(catalogue.extract()), REMEDY


def test_every_text_is_translated(known: Catalog) -> None:
    assert catalogue.missing(known) == [], REMEDY
    assert not any(message.fuzzy for message in messages(known))


def test_what_the_program_reads_is_what_the_translators_wrote(tongue: str, known: Catalog) -> None:
    with catalogue.mo_path(tongue).open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message in messages(known):
        if isinstance(message.id, str):
            assert compiled.gettext(message.id) == message.string, REMEDY
        else:
            assert message.string
            assert compiled.ngettext(message.id[0], message.id[1], 1) == message.string[0], REMEDY


def test_compiling_twice_gives_the_same_bytes(tongue: str) -> None:
    once, again = (catalogue.mo_bytes(catalogue.renewed(tongue)) for _time in range(2))
    assert once == again == catalogue.mo_path(tongue).read_bytes(), REMEDY


def test_a_translation_has_the_placeholders_of_the_text(known: Catalog) -> None:
    assert [english for english, other in pairs(known) if fields(english) != fields(other)] == []


def test_a_translation_keeps_what_is_typed(known: Catalog) -> None:
    wrong = [english for english, other in pairs(known) if set(KEPT.findall(english)) - set(KEPT.findall(other))]
    assert wrong == []


def test_a_translation_begins_and_ends_as_the_text_does(known: Catalog) -> None:
    assert [english for english, other in pairs(known) if edges(english) != edges(other)] == []


def test_words_of_the_schools_own_documents_are_used(tongue: str) -> None:
    """REQUIREMENTS.md, "Words to use"."""
    use(tongue)
    director = _("The number of the director's order about it.")
    white_list = _("The director's list allows {rule} and all below it.")
    harmful = _("harmful")
    assert {
        "kk": ("бұйрығының", "«Ақ» тізім", "жағымсыз контент"),
        "ky": ("буйругунун", "«Ак» тизме", "зыяндуу контент"),
        "ru": ("приказа директора", "«Белый» список", "негативный контент"),
    }[tongue] == (
        next(word for word in ("бұйрығының", "буйругунун", "приказа директора") if word in director),
        next(word for word in ("«Ақ» тізім", "«Ак» тизме", "«Белый» список") if word in white_list),
        harmful,
    )


def test_a_language_can_be_chosen_and_left_again(tongue: str) -> None:
    use(tongue)
    assert language() == tongue
    assert _("No entries.") != "No entries."
    assert gettext.gettext("Usage:") != "Usage:"
    use("en")
    assert _("No entries.") == "No entries."
    assert gettext.gettext("Usage:") == "Usage:"
    use("de")
    assert language() == "en"


@pytest.mark.parametrize(
    ("configured", "environ", "expected"),
    [
        ("ru", {"SCHOOLFILTER_SCHOOL__LANGUAGE": "kk", "LANG": "ky_KG.UTF-8"}, "kk"),
        ("ru", {"LANG": "ky_KG.UTF-8"}, "ru"),
        ("", {"LANG": "ky_KG.UTF-8"}, "ky"),
        ("", {"LANG": "kk_KZ.UTF-8", "LC_ALL": "C"}, "en"),
        ("", {"LANG": "de_DE.UTF-8"}, "en"),
        ("", {}, "en"),
    ],
)
def test_the_school_decides_before_the_machine(configured: str, environ: dict[str, str], expected: str) -> None:
    assert choose(configured, environ) == expected


@pytest.mark.parametrize("source", ['_(f"a {b}")', '_("a" + b)', "_(b)", '_("")', '_("a", "b")'])
def test_a_text_that_is_built_cannot_be_translated_and_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"x\.py:1"):
        list(catalogue.texts_of(source, "x.py"))


def test_texts_are_found_wherever_they_stand() -> None:
    source = 'x = _("one" " two").format(a=_("three"))\nfor _ in y: pass\n'
    assert sorted(catalogue.texts_of(source, "x.py")) == ["one two", "three"]
