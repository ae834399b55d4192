"""The lists that come with the program: one for each category, all of it names, nothing that schools need."""

import csv
from pathlib import Path

import pytest

from blocklists.formats import Rule, Scope
from blocklists.sources import detect_in, read_items
from blocklists.starters import starter_file, starter_sources
from blocklists.suffixes import bundled
from policy.categories import CATEGORIES, Severity
from policy.names import with_parents
from tests.blocklists.lists_folder import DATA

SOURCES = starter_sources()


def rules_of(location: str) -> list[Rule]:
    path = Path(str(starter_file(location)))
    items = list(read_items(path, detect_in(path), bundled()))
    assert all(isinstance(item, Rule) for item in items), "a starter list has no line that is skipped"
    return [item for item in items if isinstance(item, Rule)]


def test_there_is_one_for_each_category_and_no_other_file() -> None:
    folder = Path(str(starter_file("starter:games"))).parent
    assert {path.stem for path in folder.glob("*.txt")} == {category.id for category in CATEGORIES}
    assert [source.category for source in SOURCES] == [category.id for category in CATEGORIES]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.category)
def test_each_says_what_it_is_and_names_each_name_once(source: object) -> None:
    location = getattr(source, "location", "")
    text = starter_file(location).read_text(encoding="utf-8")
    for expected in ("schoolfilter starter list: ", "Licence: Apache-2.0", "How it was chosen: "):
        assert expected in text
    rules = rules_of(location)
    names = [rule.name for rule in rules]
    assert len(names) == len(set(names))
    assert all(rule.scope is Scope.SUBTREE for rule in rules)
    unlawful = {category.id for category in CATEGORIES if category.severity is Severity.UNLAWFUL}
    assert len(names) >= (10 if location.removeprefix("starter:") in unlawful | {"self-harm"} else 25)


def needed() -> list[tuple[str, bool]]:
    """Return what devices and lessons need, and whether all below it is needed too."""
    found = []
    for name in ("devices.csv", "education-kz-kg.csv"):
        with (DATA / "allow" / name).open(encoding="utf-8") as file:
            found += [(row["domain"], row["match"] == "suffix") for row in csv.DictReader(file)]
    for name in ("misp-captive-portals.txt", "misp-crl-ocsp-hosts.txt"):
        lines = (DATA / "allow" / name).read_text(encoding="utf-8").split()
        found += [(line.lower().strip("."), False) for line in lines]
    return found


@pytest.mark.skipif(not DATA.exists(), reason="the allow tables are not part of the repository")
def test_nothing_that_lessons_updates_or_certificates_need_is_listed() -> None:
    covered: dict[str, str] = {}
    excepted: set[str] = set()
    for source in SOURCES:
        for rule in rules_of(source.location):
            if rule.allows:
                excepted.add(rule.name)
            else:
                covered[rule.name] = source.id
    names = needed()
    wrong = [
        (name, covered[parent])
        for name, _below in names
        for parent in with_parents(name)
        if parent in covered and name not in excepted
    ]
    whole = {name for name, below in names if below}
    wrong += [(name, list_id) for name, list_id in covered.items() if not whole.isdisjoint(with_parents(name))]
    assert wrong == []
