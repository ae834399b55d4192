"""Titles of groups: the first ones follow the reader's language, those that people chose stay."""

import pytest

from policy.group_titles import first_titles, shown_title
from storage.policy_schema import first_groups
from translations import LANGUAGES, language, spoken


@pytest.mark.parametrize("entered", LANGUAGES)
@pytest.mark.parametrize("reader", LANGUAGES)
def test_a_first_title_is_shown_in_the_language_of_the_reader(entered: str, reader: str) -> None:
    with spoken(entered):
        groups = first_groups()
    with spoken(reader):
        assert {each.id: shown_title(each.id, each.title) for each in groups} == first_titles()


def test_the_languages_differ_so_that_the_test_above_shows_something() -> None:
    titles = []
    for tongue in LANGUAGES:
        with spoken(tongue):
            titles.append(first_titles()["pupils"])
    assert len(set(titles)) == len(LANGUAGES)


@pytest.mark.parametrize(
    ("id_", "title"),
    [("pupils", "Our pupils"), ("pupils", "Teachers"), ("7-b", "Pupils"), ("pupils", "pupils"), ("pupils", "")],
)
@pytest.mark.parametrize("reader", LANGUAGES)
def test_what_a_person_chose_stays(id_: str, title: str, reader: str) -> None:
    before = language()
    with spoken(reader):
        assert shown_title(id_, title) == title
    assert language() == before
