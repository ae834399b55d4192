"""The lists that come with the program: one or more for each category, all of it names, nothing that schools need."""

import csv
from pathlib import Path

import pytest

from blocklists.bundles import bundles
from blocklists.disk import DISK
from blocklists.errors import ListError
from blocklists.rules import Scope
from blocklists.sources import Source, load_sources, save_sources, text_path
from blocklists.starters import (
    OFFERED,
    is_packaged,
    missing_packaged,
    packaged_sources,
    packaged_text,
    register_missing,
    register_starter,
    starter_sources,
)
from policy.bypass import BYPASS_NAMES
from policy.categories import CATEGORIES, Severity
from policy.names import parse_name, with_parents
from tests.blocklists.lists_folder import DATA, NOW
from tests.blocklists.packaged import path_of, rules_of

SOURCES = starter_sources()
NAMED = tuple(source for source in SOURCES if source.id != "starter-gambling-names")
"""All but the one that has patterns."""


def test_there_is_one_for_each_category_and_no_other_file() -> None:
    folder = path_of(SOURCES[0]).parent
    assert {path.stem for path in folder.glob("*.txt")} == {source.id.removeprefix("starter-") for source in SOURCES}
    assert [source.category for source in SOURCES[: len(CATEGORIES)]] == [category.id for category in CATEGORIES]
    assert {source.category for source in SOURCES[len(CATEGORIES) :]} == {"gambling"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.id)
def test_each_says_what_it_is_and_names_each_name_once(source: Source) -> None:
    text = packaged_text(source.location).read_text(encoding="utf-8")
    for expected in ("schoolfilter starter list: ", "Licence: Apache-2.0", "How it was chosen: "):
        assert expected in text
    rules = rules_of(source)
    names = [rule.name for rule in rules]
    assert len(names) == len(set(names))
    unlawful = {category.id for category in CATEGORIES if category.severity is Severity.UNLAWFUL}
    assert len(names) >= (10 if source.category in unlawful | {"self-harm"} else 25)


@pytest.mark.parametrize("source", NAMED, ids=lambda source: source.id)
def test_each_name_is_canonical_and_covers_what_is_below(source: Source) -> None:
    for rule in rules_of(source):
        assert rule.scope is Scope.SUBTREE
        assert parse_name(rule.name) == rule.name


def needed() -> list[tuple[str, bool]]:
    """Return what devices and lessons need, and whether all below it is needed too."""
    return [(row.name, row.subtree) for bundle in bundles() for row in bundle.rows]


def needed_beside() -> list[tuple[str, bool]]:
    """Return what the allow tables beside the repository add to it."""
    found = []
    for name in ("devices.csv", "education-kz-kg.csv"):
        with (DATA / "allow" / name).open(encoding="utf-8") as file:
            found += [(row["domain"], row["match"] == "suffix") for row in csv.DictReader(file)]
    for name in ("misp-captive-portals.txt", "misp-crl-ocsp-hosts.txt"):
        lines = (DATA / "allow" / name).read_text(encoding="utf-8").split()
        found += [(line.lower().strip("."), False) for line in lines]
    return found


def listed_of(names: list[tuple[str, bool]]) -> list[tuple[str, str]]:
    """Return which of the needed names a starter list closes, and which."""
    covered: dict[str, str] = {}
    excepted: set[str] = set()
    for source in NAMED:
        for rule in rules_of(source):
            if rule.allows:
                excepted.add(rule.name)
            else:
                covered[rule.name] = source.id
    wrong = [
        (name, covered[parent])
        for name, _below in names
        for parent in with_parents(name)
        if parent in covered and name not in excepted
    ]
    whole = {name for name, below in names if below}
    return wrong + [(name, list_id) for name, list_id in covered.items() if not whole.isdisjoint(with_parents(name))]


def test_nothing_that_lessons_or_devices_need_is_listed() -> None:
    assert listed_of(needed()) == []


@pytest.mark.skipif(not DATA.exists(), reason="the allow tables are not part of the repository")
def test_nothing_that_updates_or_certificates_need_is_listed() -> None:
    assert listed_of(needed_beside()) == []


def test_the_bypass_list_knows_the_resolvers_that_are_always_closed() -> None:
    # Without it `check` could only name the built-in rule, and a group with the rule switched off would have neither.
    bypass = next(source for source in SOURCES if source.category == "bypass")
    names = {rule.name for rule in rules_of(bypass)}
    known = {name for name in BYPASS_NAMES if not names.isdisjoint(with_parents(name))}
    assert len(known) >= len(BYPASS_NAMES) * 3 // 4


def test_an_unknown_packaged_list_is_answered_with_the_nearest() -> None:
    with pytest.raises(ListError, match="did you mean 'service:youtube'"):
        packaged_text("service:yuotube")
    with pytest.raises(ListError, match="did you mean 'starter:games'"):
        packaged_text("starter:game")
    with pytest.raises(ListError, match="there are: "):
        packaged_text("starter:../../secret")
    assert is_packaged("service:youtube")
    assert not is_packaged("https://example.org/list")


def test_a_new_school_is_given_all_packaged_lists(tmp_path: Path) -> None:
    register_starter(tmp_path, DISK, NOW)
    sources = load_sources(tmp_path)
    assert [source.id for source in sources] == [source.id for source in packaged_sources()]
    assert all(source.rules > 0 and source.skipped == 0 and source.sha256 for source in sources)
    assert text_path(tmp_path, "service-youtube").exists()
    assert missing_packaged(tmp_path, sources) == ()


def test_an_upgrade_adds_what_is_new_and_leaves_what_was_removed(tmp_path: Path) -> None:
    register_starter(tmp_path, DISK, NOW)
    kept = tuple(source for source in load_sources(tmp_path) if source.id not in {"service-vk", "starter-games"})
    save_sources(tmp_path, kept)
    offered = (tmp_path / OFFERED).read_text(encoding="utf-8").split()
    assert "service-vk" in offered
    (tmp_path / OFFERED).write_text("\n".join(each for each in offered if each != "service-tiktok"), encoding="utf-8")
    save_sources(tmp_path, [source for source in kept if source.id != "service-tiktok"])
    added = register_missing(tmp_path, DISK, NOW)
    assert [source.id for source in added] == ["service-tiktok"]  # of this version; vk and games were given back
    assert {source.id for source in load_sources(tmp_path)} == {source.id for source in kept}
    assert register_missing(tmp_path, DISK, NOW) == ()


def test_a_folder_of_the_first_version_had_the_first_lists(tmp_path: Path) -> None:
    register_starter(tmp_path, DISK, NOW)
    first = [source for source in load_sources(tmp_path) if source.id in {"starter-games", "starter-adult"}]
    save_sources(tmp_path, first)  # of its 21 lists the school removed all but two
    (tmp_path / OFFERED).unlink()
    ids = {source.id for source in missing_packaged(tmp_path, tuple(first))}
    assert "service-youtube" in ids
    assert "starter-gambling-names" in ids
    assert "starter-video" not in ids
