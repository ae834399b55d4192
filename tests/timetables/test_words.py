"""The words of four languages: no word of one table means two things, and weekdays are those of the languages."""

from collections.abc import Mapping

import pytest
from babel import Locale

from policy.hours import DAYS
from policy.levels import Level
from policy.timetable import SpanKind, Weeks
from timetables import calendar_tables, words
from timetables.words import COLUMNS, KINDS, LEVELS, WEEKDAYS, WEEKS, kind_in, meanings, plain

TABLES = {
    "slots": calendar_tables.SLOTS,
    "bells": calendar_tables.BELLS,
    "days": calendar_tables.DAYS,
    "substitutions": calendar_tables.SUBSTITUTIONS,
}


@pytest.mark.parametrize(
    "table",
    [
        *({column: COLUMNS[column] for column in columns} for columns in TABLES.values()),
        *(WEEKDAYS, LEVELS, WEEKS, KINDS),
    ],
    ids=[*TABLES, "weekdays", "levels", "weeks", "kinds"],
)
def test_no_word_means_two_things(table: Mapping[str, tuple[str, ...]]) -> None:
    for word, meaning in meanings(table).items():
        assert [other for other, its in table.items() if word in map(plain, its)] == [meaning], word


def test_every_meaning_has_words() -> None:
    assert set(LEVELS) == set(Level)
    assert set(WEEKS) == set(Weeks) - {Weeks.EVERY}
    assert set(KINDS) == {*SpanKind, "exam", "short day"}
    assert tuple(WEEKDAYS) == DAYS
    assert {column for columns in TABLES.values() for column in columns} == set(COLUMNS)


@pytest.mark.parametrize("language", ["en", "kk", "ky", "ru"])
@pytest.mark.parametrize("width", ["wide", "abbreviated"])
def test_weekdays_are_those_of_the_languages_own_calendar(language: str, width: str) -> None:
    known = meanings(WEEKDAYS)
    names = Locale(language).days["format"][width]
    assert {number: known.get(plain(name)) for number, name in names.items()} == dict(enumerate(DAYS))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Autumn holidays", "holiday"),
        ("Осенние каникулы", "holiday"),
        ("Күзгі демалыс", "holiday"),
        ("КҮЗГҮ ЭС АЛУУ", "holiday"),
        ("День Республики (праздник)", "holiday"),
        ("Exam: physics", "exam"),
        ("Физика, экзамен", "exam"),
        ("Математика емтиханы", "exam"),
        ("Holiday exam", "exam"),
        ("I тоқсан", "term"),
        ("2 четверть", "term"),
        ("Example of a lesson", "lesson"),
        ("Example", ""),
        ("Determination", ""),
        ("Parents' evening", ""),
    ],
)
def test_a_title_says_what_kind_of_days_it_is_about(text: str, kind: str) -> None:
    assert kind_in(text) == kind


def test_the_first_word_is_english_and_what_we_write() -> None:
    assert all(its[0].isascii() for table in (COLUMNS, LEVELS, WEEKS, KINDS) for its in table.values())
    assert words.NONE[0].isascii()
