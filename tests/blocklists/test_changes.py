"""What differs between two generations: counted name by name, and weighed by what the school asks for."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocklists.asked import Asked
from blocklists.changes import CategoryChange, Changes, compare, count_differences, pair_to_compare, turned
from blocklists.errors import ListError
from blocklists.generation import GENERATIONS
from blocklists.publish import Limits, rebuild
from blocklists.rollback import rollback
from blocklists.sources import load_sources, save_sources, text_path
from policy.levels import Level
from policy.views import View
from tests.blocklists.lists_folder import NOW, put


def view(group: str, *closed: str) -> View:
    return View(group, Level.MEDIUM, frozenset(closed), {}, {}, frozenset())


VIEWS = {"pupils": view("pupils", "games", "video"), "staff": view("staff", "video")}


def renew(folder: Path, list_id: str, text: str, category: str = "games") -> None:
    text_path(folder, list_id).unlink(missing_ok=True)
    put(folder, list_id, text, category)


def generation(folder: Path, hours: int) -> str:
    return rebuild(folder, now=NOW + timedelta(hours=hours), limits=Limits(keep=9)).manifest.generation


def both(folder: Path, old: Mapping[str, str], new: Mapping[str, str], category: str = "games") -> Changes:
    """Compile lists, then others in their place, and compare."""
    names = []
    for hours, texts in enumerate((old, new)):
        for list_id, text in texts.items():
            renew(folder, list_id, text, category)
        save_sources(folder, [each for each in load_sources(folder) if each.id in texts])
        names.append(generation(folder, hours))
    return compare(folder, names[0], names[1], Asked.nothing(), VIEWS)


def test_names_are_counted_by_list_and_by_category(tmp_path: Path) -> None:
    found = both(
        tmp_path,
        {"one": "a.example\nb.example\n", "two": "b.example\nz.example\n", "gone": "g.example\n"},
        {"one": "b.example\nc.example\nd.example\n", "two": "b.example\nz.example\n", "fresh": "c.example\n"},
    )
    assert [(each.id, each.before, each.now, each.added, each.removed) for each in found.lists] == [
        ("one", 2, 3, 2, 1),
        ("fresh", 0, 1, 1, 0),
        ("gone", 1, 0, 0, 1),
    ]
    assert found.categories == (CategoryChange("games", 4, 4, 2, 2),)


def test_exceptions_patterns_and_networks_are_counted_too(tmp_path: Path) -> None:
    found = both(
        tmp_path,
        {"rules": "||a.example^\n", "ips": "192.0.2.0/24\n198.51.100.7\n"},
        {"rules": "||a.example^\n@@||b.example^\n/casino[0-9]+x/\n", "ips": "192.0.2.0/24\n203.0.113.9\n"},
    )
    assert [(each.id, each.added, each.removed) for each in found.lists] == [("rules", 2, 0), ("ips", 1, 1)]


def test_a_category_that_is_renamed_moves_all_its_names(tmp_path: Path) -> None:
    renew(tmp_path, "one", "a.example\nb.example\n", "games")
    old = generation(tmp_path, 0)
    renew(tmp_path, "one", "a.example\nb.example\n", "video")
    found = compare(tmp_path, old, generation(tmp_path, 1), Asked.nothing(), VIEWS)
    assert {(each.id, each.added, each.removed) for each in found.categories} == {("games", 0, 2), ("video", 2, 0)}
    assert found.lists == ()


def test_what_the_school_asks_for_is_weighed(tmp_path: Path) -> None:
    renew(tmp_path, "one", "a.example\nb.example\nsame.example\n", "games")
    old = generation(tmp_path, 0)
    renew(tmp_path, "one", "b.example\nsame.example\nc.example\n", "games")
    new = generation(tmp_path, 1)
    asked = Asked(
        {
            ("pupils", "www.a.example"): 5,
            ("staff", "www.a.example"): 50,
            ("pupils", "c.example"): 7,
            ("pupils", "x.c.example"): 70,
            ("pupils", "same.example"): 900,
            ("pupils", "nobody.example"): 900,
            ("former", "c.example"): 900,
        }
    )
    found = compare(tmp_path, old, new, asked, VIEWS)
    assert [(each.name, each.group, each.count) for each in found.closes] == [
        ("x.c.example", "pupils", 70),
        ("c.example", "pupils", 7),
    ]
    assert [(each.name, each.group, each.count) for each in found.opens] == [("www.a.example", "pupils", 5)]
    assert found.closes[0].now.reason.list_id == "one"
    assert found.questions == sum(asked.counts.values())


def test_what_is_held_now_and_what_is_not_any_more(tmp_path: Path) -> None:
    found = both(tmp_path, {"one": "a.example\nedu.kz\n"}, {"one": "a.example\ncom.kz\n"})
    (change,) = found.lists
    assert [held.name for held in change.held] == ["com.kz"]
    assert [held.name for held in change.let_through] == ["edu.kz"]


def test_equal_generations_do_not_differ(tmp_path: Path) -> None:
    renew(tmp_path, "one", "a.example\n")
    name = generation(tmp_path, 0)
    found = compare(tmp_path, name, name, Asked({("pupils", "a.example"): 1}), VIEWS)
    assert (found.lists, found.categories, found.closes, found.opens) == ((), (), (), ())


def test_the_candidate_is_compared_with_what_is_in_force_else_that_with_the_one_before(tmp_path: Path) -> None:
    renew(tmp_path, "one", "a.example\n")
    with pytest.raises(ListError, match="nothing to compare"):
        pair_to_compare(tmp_path)
    first = generation(tmp_path, 0)
    with pytest.raises(ListError, match="nothing to compare"):
        pair_to_compare(tmp_path)
    renew(tmp_path, "one", "b.example\n")
    source = load_sources(tmp_path)[0]
    save_sources(tmp_path, [source])
    second = generation(tmp_path, 1)
    assert pair_to_compare(tmp_path) == (first, second)
    renew(tmp_path, "one", "c.example\n")
    limits = Limits(must_open=("c.example",), keep=9)
    assert rebuild(tmp_path, now=NOW + timedelta(hours=2), limits=limits).refused == ("one",)
    old, new = pair_to_compare(tmp_path)
    assert old == second
    assert new > second
    assert [each.added for each in compare(tmp_path, old, new, Asked.nothing(), VIEWS).lists] == [1]
    assert rollback(tmp_path).generation == first


TEXTS = st.dictionaries(
    st.sampled_from(["one", "two"]),
    st.sets(st.sampled_from([f"{a}.{b}.example" for a in "xyz" for b in "pqr"]), min_size=1),
    min_size=1,
)


@settings(max_examples=25, deadline=None)
@given(TEXTS, TEXTS)
def test_counts_agree_with_the_texts(old: dict[str, set[str]], new: dict[str, set[str]]) -> None:
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        names = []
        for hours, texts in enumerate((old, new)):
            for list_id, listed in texts.items():
                renew(folder, list_id, "\n".join(sorted(listed)) + "\n")
            save_sources(folder, [each for each in load_sources(folder) if each.id in texts])
            names.append(folder / GENERATIONS / generation(folder, hours))
        added, removed = count_differences(*names)
        for list_id in ("one", "two"):
            before, now = old.get(list_id, set()), new.get(list_id, set())
            assert (added["list", list_id], removed["list", list_id]) == (len(now - before), len(before - now))
        before, now = set().union(*old.values()), set().union(*new.values())
        assert (added["category", "games"], removed["category", "games"]) == (len(now - before), len(before - now))


def test_only_names_of_which_the_lists_say_otherwise_are_decided() -> None:
    class Silent:
        def lookup(self, _name: str) -> tuple[()]:
            return ()

    asked = Asked({("pupils", f"n{number}.example"): 1 for number in range(9)})
    assert turned(asked, Silent(), Silent(), VIEWS) == ()
