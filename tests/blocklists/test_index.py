"""A look-up says exactly what the lists say of a name and of its parents."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocklists.compile import rebuild
from blocklists.formats import Format
from blocklists.generation import GENERATIONS, MANIFEST, MEMBERSHIPS, NAMES, SETS, verify
from blocklists.index import BrokenIndex, Index, current_generation, open_current
from policy.decision import Listing
from policy.names import with_parents
from tests.blocklists.lists_folder import NOW, put


def index_of(folder: Path, **texts: str) -> Index:
    for list_id, text in texts.items():
        put(folder, list_id, text)
    rebuild(folder, now=NOW)
    return open_current(folder)


def test_a_listed_name_covers_what_is_below_it_and_nothing_else(tmp_path: Path) -> None:
    index = index_of(tmp_path, one="example.org\n")
    listing = Listing("one", "games", "example.org")
    assert index.lookup("example.org") == (listing,)
    assert index.lookup("a.b.example.org") == (listing,)
    for other in ("org", "anexample.org", "example.org.net", "example", "xexample.org", "example.or"):
        assert index.lookup(other) == ()


def test_a_hosts_line_covers_its_name_only(tmp_path: Path) -> None:
    index = index_of(tmp_path, one="0.0.0.0 example.org\n")
    assert index.lookup("example.org") == (Listing("one", "games", "example.org"),)
    assert index.lookup("www.example.org") == ()


def test_the_most_specific_name_comes_first_then_the_order_of_the_lists(tmp_path: Path) -> None:
    index = index_of(
        tmp_path, zebra="example.org\na.example.org\n", ant="||example.org^\n@@||b.a.example.org^\n||a.example.org^\n"
    )
    assert index.lookup("b.a.example.org") == (
        Listing("ant", "games", "b.a.example.org", allows=True),
        Listing("zebra", "games", "a.example.org"),
        Listing("ant", "games", "a.example.org"),
        Listing("zebra", "games", "example.org"),
        Listing("ant", "games", "example.org"),
    )


def test_a_name_listed_twice_is_said_once(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\nEXAMPLE.org\n*.example.org\n")
    manifest = rebuild(tmp_path, now=NOW)
    assert manifest.names == 1
    assert manifest.lists[0].rules == 3
    assert open_current(tmp_path).lookup("example.org") == (Listing("one", "games", "example.org"),)


@pytest.mark.parametrize(
    "name", ["", ".", "a" * 300, "ex\\046ample.org", "\\000", "пример.рф", "\ud800.example.org", "..", ".example.org"]
)
def test_names_that_no_list_can_hold_are_in_none(tmp_path: Path, name: str) -> None:
    assert index_of(tmp_path, one="example.net\n").lookup(name) == ()


def test_nothing_compiled_is_an_empty_index(tmp_path: Path) -> None:
    index = open_current(tmp_path)
    assert (index.generation, index.names, index.lookup("example.org")) == ("", 0, ())
    assert current_generation(tmp_path) == ""


def test_no_lists_compile_to_an_index_of_no_names(tmp_path: Path) -> None:
    assert rebuild(tmp_path, now=NOW).names == 0
    index = open_current(tmp_path)
    assert index.lookup("example.org") == ()
    index.close()


def test_an_index_answers_after_its_folder_is_gone_and_nothing_after_close(tmp_path: Path) -> None:
    index = index_of(tmp_path, one="example.org\n")
    put(tmp_path, "two", "example.net\n")
    rebuild(tmp_path, now=NOW)
    put(tmp_path, "three", "example.com\n")
    rebuild(tmp_path, now=NOW)
    assert not (tmp_path / GENERATIONS / index.generation).exists()
    assert index.lookup("www.example.org")
    index.close()
    index.close()
    assert index.lookup("www.example.org") == ()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _rewrite(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("name", [NAMES, SETS, MEMBERSHIPS, MANIFEST])
@pytest.mark.parametrize("damage", [Path.unlink, _cut, lambda path: path.write_bytes(b"")])
def test_damage_is_named_and_never_opened(tmp_path: Path, name: str, damage: object) -> None:
    assert callable(damage)
    index_of(tmp_path, one="example.org\nexample.net\n").close()
    damage(tmp_path / GENERATIONS / current_generation(tmp_path) / name)
    if name == MANIFEST and damage is _cut:
        assert open_current(tmp_path).names == 2  # only the last line's end is gone
        return
    with pytest.raises(BrokenIndex, match="lists refresh"):
        open_current(tmp_path)


@pytest.mark.parametrize(
    "changes", [{"format": 2}, {"byte_order": "middle"}, {"names": 7}, {"width": 3}, {"files": {}}, {"extra": 1}]
)
def test_an_index_of_another_kind_is_not_opened(tmp_path: Path, changes: Mapping[str, object]) -> None:
    index_of(tmp_path, one="example.org\n").close()
    _rewrite(tmp_path / GENERATIONS / current_generation(tmp_path) / MANIFEST, **changes)
    with pytest.raises(BrokenIndex):
        open_current(tmp_path)


@pytest.mark.parametrize("pointer", ["gone\n", "../elsewhere", "\n/etc", "."])
def test_a_pointer_to_nowhere_is_a_broken_index(tmp_path: Path, pointer: str) -> None:
    (tmp_path / "current").write_text(pointer)
    with pytest.raises(BrokenIndex):
        open_current(tmp_path)


def test_a_changed_byte_of_a_big_file_is_found_by_verify(tmp_path: Path) -> None:
    index_of(tmp_path, one="example.org\n").close()
    folder = tmp_path / GENERATIONS / current_generation(tmp_path)
    verify(folder)
    data = bytearray((folder / SETS).read_bytes())
    data[0] ^= 1
    (folder / SETS).write_bytes(data)
    with pytest.raises(BrokenIndex, match=SETS):
        verify(folder)


LABEL = st.sampled_from(["a", "b", "c", "ab", "x-y"])
NAME = st.builds(lambda labels: ".".join([*labels, "org"]), st.lists(LABEL, min_size=1, max_size=4))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(list(Format)), st.lists(st.tuples(NAME, st.booleans()), max_size=8)), max_size=4
    ),
    st.lists(NAME, min_size=1, max_size=8),
)
def test_lookup_agrees_with_a_plain_dictionary(
    lists: list[tuple[Format, list[tuple[str, bool]]]], asked: list[str]
) -> None:
    """Every listing of the name, of each parent with what it covers, the most specific first, then by list."""
    said: dict[str, dict[str, set[tuple[bool, bool]]]] = {}
    with TemporaryDirectory() as name:
        folder = Path(name)
        for number, (form, entries) in enumerate(lists):
            list_id = f"list-{number}"
            lines = []
            for listed, excepts in entries:
                allows = excepts and form is Format.ADBLOCK
                exact = form is Format.HOSTS
                pattern = {Format.HOSTS: "0.0.0.0 {}", Format.DOMAINS: "{}", Format.ADBLOCK: "||{}^"}[form]
                lines.append(("@@" if allows else "") + pattern.format(listed))
                said.setdefault(listed, {}).setdefault(list_id, set()).add((exact, allows))
            put(folder, list_id, "\n".join(lines) + "\n", form=form)
        rebuild(folder, now=NOW)
        index = open_current(folder)
        assert index.names == len(said)
        for query in asked:
            expected = [
                {(list_id, listed, allows) for exact, allows in kinds if not exact or listed == query}
                for listed in with_parents(query)
                for list_id, kinds in sorted(said.get(listed, {}).items())
            ]
            found = [(listing.list_id, listing.name, listing.allows) for listing in index.lookup(query)]
            for group in expected:
                part, found = found[: len(group)], found[len(group) :]
                assert set(part) == group
            assert not found
        index.close()
