"""The lists in force as papers name them, and names taken from them by chance."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from blocklists.generation import current_generation, generation_folder, read_manifest
from blocklists.index import Index, open_current
from blocklists.publish import ensure_starter
from journal.documents.lists_in_force import lists_in_force, samples
from policy.categories import BY_ID
from settings.model import Paths, Settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return an installation with the lists that come with the program."""
    found = Settings(paths=Paths(tmp_path_factory.mktemp("lists")))
    ensure_starter(found.paths.lists)
    return found


@pytest.fixture
def index(settings: Settings) -> Iterator[Index]:
    found = open_current(settings.paths.lists)
    yield found
    found.close()


def test_the_lists_of_categories_are_named_one_by_one_and_services_counted(settings: Settings) -> None:
    folder = settings.paths.lists
    manifest = read_manifest(generation_folder(folder, current_generation(folder)))
    found = lists_in_force(settings)
    assert found.generation == manifest.generation
    assert found.digest == manifest.content()
    assert {each.category for each in found.lists} == set(BY_ID)
    assert len(found.lists) + found.services == len(manifest.lists)
    assert sum(each.rules for each in found.lists) + found.service_rules == sum(each.rules for each in manifest.lists)
    assert all(each.refreshed is not None for each in found.lists)


def test_without_lists_there_is_nothing(tmp_path: Path) -> None:
    settings = Settings(paths=Paths(tmp_path))
    assert lists_in_force(settings).generation == ""
    assert samples(settings, Index.empty(), "seed", BY_ID, lambda _name: True) == []


def test_each_wanted_category_gives_a_name_that_its_lists_hold(settings: Settings, index: Index) -> None:
    found = samples(settings, index, "seed", [*BY_ID, "youtube"], lambda _name: True)
    assert [each.category for each in found] == sorted([*BY_ID, "youtube"])
    assert all(each.category in {said.category for said in index.lookup(each.name)} for each in found)


def test_the_seed_decides_and_only_what_is_closed_is_taken(settings: Settings, index: Index) -> None:
    def taken(seed: str) -> list[str]:
        return [each.name for each in samples(settings, index, seed, BY_ID, lambda name: len(name) % 2 == 0)]

    assert taken("one") == taken("one")
    assert taken("one") != taken("other")
    assert {len(name) % 2 for name in taken("one")} == {0}
    assert samples(settings, index, "one", BY_ID, lambda _name: False) == []
