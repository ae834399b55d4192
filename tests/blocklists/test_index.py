"""A look-up says exactly what the lists say of a name and of its parents."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from ipaddress import ip_address, ip_network
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocklists.generation import (
    CANDIDATE,
    CURRENT,
    GENERATIONS,
    MANIFEST,
    MEMBERSHIPS,
    NAMES,
    PATTERNS,
    SETS,
    other_generations,
    verify,
    verify_current,
)
from blocklists.index import BrokenIndex, Index, current_generation, open_current, open_older
from blocklists.publish import Limits, rebuild
from blocklists.rules import Format
from blocklists.sources import save_sources
from policy.decision import Listing, Terms
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
    manifest = rebuild(tmp_path, now=NOW).manifest
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
    assert rebuild(tmp_path, now=NOW).manifest.names == 0
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


@pytest.mark.parametrize("name", [NAMES, SETS, MEMBERSHIPS, PATTERNS, MANIFEST])
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
    "changes",
    [
        {"format": 1},
        {"byte_order": "middle"},
        {"names": 7},
        {"addresses": 1},
        {"width": 3},
        {"files": {}},
        {"extra": 1},
    ],
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


def test_verify_current_reads_every_byte_of_what_is_in_force(tmp_path: Path) -> None:
    assert verify_current(tmp_path) is None
    index_of(tmp_path, one="example.org\n").close()
    manifest = verify_current(tmp_path)
    assert manifest is not None
    names = tmp_path / GENERATIONS / manifest.generation / NAMES
    data = bytearray(names.read_bytes())
    data[len(data) // 2] ^= 1
    names.write_bytes(data)
    open_current(tmp_path).close()  # a bit of a big file is not seen at opening: it would have to be read whole
    with pytest.raises(BrokenIndex, match=NAMES):
        verify_current(tmp_path)


def test_an_exact_listing_says_nothing_of_an_odd_name_below_it(tmp_path: Path) -> None:
    index = index_of(tmp_path, one="0.0.0.0 example.org\n", two="||example.org^\n")
    for odd in ("a\\032b.example.org", "\\000.example.org", ".".join(["x" * 60] * 5) + ".example.org"):
        assert [listing.list_id for listing in index.lookup(odd)] == ["two"]


def test_below_speaks_of_children_and_not_of_the_name_itself(tmp_path: Path) -> None:
    put(tmp_path, "zone", "*.example.org CNAME .\nexample.net CNAME .\n*.example.net CNAME .\n", form=Format.RPZ)
    rebuild(tmp_path, now=NOW)
    index = open_current(tmp_path)
    assert index.lookup("example.org") == ()
    assert index.lookup("www.example.org") == (Listing("zone", "games", "example.org"),)
    assert index.lookup("example.net") == (Listing("zone", "games", "example.net"),)
    assert index.lookup("www.example.net") == (Listing("zone", "games", "example.net"),)


def test_terms_come_with_the_listing(tmp_path: Path) -> None:
    text = "||example.org^$important\n||example.net^$dnstype=AAAA|A,denyallow=a.example.net\n"
    index = index_of(tmp_path, one=text)
    assert index.lookup("www.example.org")[0].terms == Terms(important=True)
    (listing,) = index.lookup("example.net")
    assert listing.terms is not None
    assert (sorted(listing.terms.types), listing.terms.excluded) == ([1, 28], ("a.example.net",))


def test_a_list_in_shadow_says_so_in_each_statement(tmp_path: Path) -> None:
    source = put(tmp_path, "one", "example.org\n||example.net^$important\n/casino[0-9]+/\n", form=Format.ADBLOCK)
    save_sources(tmp_path, [replace(source, shadow=True)])
    manifest = rebuild(tmp_path, now=NOW).manifest
    index = open_current(tmp_path)
    assert index.lookup("example.net")[0].terms == Terms(important=True, shadow=True)
    assert index.lookup("casino7.example")[0].terms == Terms(pattern=True, shadow=True)
    assert manifest.lists[0].shadow
    assert dict(manifest.categories) == {}


def test_expressions_are_searched_in_names_and_come_last(tmp_path: Path) -> None:
    index = index_of(tmp_path, one="/^casino[0-9]+\\./\n||casino7.org^\n@@/^casino9\\./\n")
    assert index.lookup("casino7.org") == (
        Listing("one", "games", "casino7.org"),
        Listing("one", "games", "/^casino[0-9]+\\./", False, Terms(pattern=True)),
    )
    assert [listing.allows for listing in index.lookup("casino9.net")] == [False, True]
    assert index.lookup("www.casino7.net") == ()
    index.close()
    assert index.lookup("casino7.net") == ()


def test_addresses_are_found_by_the_networks_that_hold_them(tmp_path: Path) -> None:
    put(tmp_path, "bad", "192.0.2.0/24\n192.0.2.7\n2001:db8::/32\n", form=Format.ADDRESSES)
    manifest = rebuild(tmp_path, now=NOW).manifest
    assert (manifest.names, manifest.addresses, manifest.lists[0].addresses) == (0, 3, 3)
    index = open_current(tmp_path)
    assert index.has_addresses

    def found(text: str) -> list[str]:
        return [listing.name for listing in index.lookup_address(ip_address(text).packed)]

    assert found("192.0.2.7") == ["192.0.2.7", "192.0.2.0/24"]
    assert found("192.0.2.8") == found("::ffff:192.0.2.8") == ["192.0.2.0/24"]
    assert found("192.0.3.7") == found("::") == []
    assert found("2001:db8:1::1") == ["2001:db8::/32"]
    assert found("64:ff9b::192.0.2.7") == ["192.0.2.7", "192.0.2.0/24"], "made by DNS64"
    assert found("64:ff9b::192.0.3.7") == found("64:ff9b:1::192.0.2.7") == []
    for name in ("192.0.2.7", "7.2.0.192.in-addr.arpa", "4", "\\4", "\\4.1", "0.\\4"):
        assert index.lookup(name) == ()
    index.close()
    assert index.lookup_address(ip_address("192.0.2.7").packed) == ()


def test_without_networks_no_address_need_be_looked_up(tmp_path: Path) -> None:
    index = index_of(tmp_path, one="example.org\n")
    assert not index.has_addresses
    assert index.lookup_address(bytes(4)) == ()
    assert not Index.empty().has_addresses


PUBLIC = st.integers(20 << 24, (22 << 24) - 1)
"""Numbers of addresses that are of no special kind, and near enough to each other."""


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(PUBLIC, st.integers(8, 32)), max_size=12),
    st.lists(PUBLIC, max_size=6),
)
def test_address_lookup_agrees_with_the_standard_library(given: list[tuple[int, int]], asked: list[int]) -> None:
    networks = {ip_network((number, bits), strict=False) for number, bits in given}
    with TemporaryDirectory() as name:
        folder = Path(name)
        put(folder, "bad", "".join(f"{each}\n" for each in networks), form=Format.ADDRESSES)
        (compiled,) = rebuild(folder, now=NOW).manifest.lists
        held = {ip_network(each.name) for each in compiled.held}
        index = open_current(folder)
        for number in [*asked, *(number for number, _ in given)]:
            address = ip_address(number)
            expected = sorted((n for n in networks - held if address in n), key=lambda n: -n.prefixlen)
            found = [ip_network(listing.name) for listing in index.lookup_address(address.packed)]
            assert found == expected
        index.close()


def test_an_older_generation_is_taken_but_none_that_was_refused(tmp_path: Path) -> None:
    assert open_older(tmp_path) is None
    index_of(tmp_path, one="example.org\n").close()
    older = current_generation(tmp_path)
    put(tmp_path, "one", "example.net\n")
    newer = rebuild(tmp_path, now=NOW + timedelta(hours=1)).manifest.generation
    (tmp_path / CURRENT).write_text("gone\n")
    for refused, expected in (("", newer), (newer, older), (older, newer)):
        (tmp_path / CANDIDATE).write_text(refused + "\n")
        index = open_older(tmp_path)
        assert index is not None
        assert index.generation == expected
        index.close()
    (tmp_path / GENERATIONS / newer / MANIFEST).unlink()
    assert open_older(tmp_path) is None


def test_in_the_place_of_what_is_in_force_comes_what_was_before_it(tmp_path: Path) -> None:
    """What is newer than the generation in force was given up: it is the last resort, and the candidate none."""
    assert other_generations(tmp_path) == []
    made = []
    for hours in range(5):
        put(tmp_path, "one", f"n{hours}.example.org\n")
        made.append(rebuild(tmp_path, now=NOW + timedelta(hours=hours), limits=Limits(keep=9)).manifest.generation)
    (tmp_path / CURRENT).write_text(made[2] + "\n")
    (tmp_path / CANDIDATE).write_text(made[4] + "\n")
    assert other_generations(tmp_path) == [made[1], made[0], made[3]]
    index = open_older(tmp_path)
    assert index is not None
    assert index.generation == made[1]
    index.close()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (MEMBERSHIPS, b"{}"),
        (MEMBERSHIPS, b"no JSON"),
        (PATTERNS, b"no JSON"),
        (PATTERNS, b'[["a", "/a/"]]'),
        (PATTERNS, b'[["a", "/a/", 99]]'),
    ],
    ids=["no-memberships", "memberships-no-json", "patterns-no-json", "no-number", "unknown-number"],
)
def test_a_side_table_that_cannot_be_understood_is_a_broken_index(tmp_path: Path, name: str, content: bytes) -> None:
    """Its digest may be right: a newer program of the same format could have written it."""
    index_of(tmp_path, one="||example.org^\n/casino[0-9]/\n").close()
    folder = tmp_path / GENERATIONS / current_generation(tmp_path)
    (folder / name).write_bytes(content)
    files = json.loads((folder / MANIFEST).read_text())["files"]
    files[name]["sha256"] = sha256(content).hexdigest()
    _rewrite(folder / MANIFEST, files=files)
    with pytest.raises(BrokenIndex, match=name):
        open_current(tmp_path)


LABEL = st.sampled_from(["a", "b", "ab", "x-y"])
NAME = st.builds(lambda labels: ".".join([*labels, "org"]), st.lists(LABEL, min_size=1, max_size=3))

STATEMENTS: dict[Format, list[tuple[str, bool, bool, bool, Terms | None]]] = {
    # a line; whether it speaks of the name, of those below; whether it allows; its terms
    Format.DOMAINS: [("{}", True, True, False, None)],
    Format.HOSTS: [("0.0.0.0 {}", True, False, False, None)],
    Format.ADBLOCK: [
        ("||{}^", True, True, False, None),
        ("@@||{}^", True, True, True, None),
        ("||{}^$important", True, True, False, Terms(important=True)),
        ("@@||{}^$important", True, True, True, Terms(important=True)),
        ("||{}^$dnstype=AAAA", True, True, False, Terms(types=(28,))),
        ("||{}^$denyallow=z.org", True, True, False, Terms(excluded=("z.org",))),
    ],
    Format.RPZ: [
        ("{} CNAME .", True, False, False, None),
        ("*.{} CNAME *.", False, True, False, None),
        ("{} CNAME rpz-passthru.", True, False, True, Terms(nearest=True)),
        ("*.{} CNAME rpz-passthru.", False, True, True, Terms(nearest=True)),
    ],
}
LIST = st.sampled_from(list(STATEMENTS)).flatmap(
    lambda form: st.tuples(
        st.just(form), st.booleans(), st.lists(st.tuples(NAME, st.sampled_from(STATEMENTS[form])), max_size=8)
    )
)


@settings(max_examples=80, deadline=None)
@given(st.lists(LIST, max_size=4), st.lists(NAME, min_size=1, max_size=8))
def test_lookup_agrees_with_a_plain_dictionary(
    lists: list[tuple[Format, bool, list[tuple[str, tuple[str, bool, bool, bool, Terms | None]]]]], asked: list[str]
) -> None:
    """Every listing of the name, of each parent with what it covers, the most specific first, then by list."""
    with TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        sources = []
        for number, (form, shadow, entries) in enumerate(lists):
            text = "".join(statement[0].format(name) + "\n" for name, statement in entries)
            sources.append(replace(put(folder, f"list-{number}", text, form=form), shadow=shadow))
        save_sources(folder, sources)
        manifest = rebuild(folder, now=NOW).manifest
        index = open_current(folder)
        assert index.names == manifest.names == len({name for _, _, entries in lists for name, _ in entries})
        for query in asked:
            found = list(index.lookup(query))
            for parent in with_parents(query):
                for number, (_form, shadow, entries) in enumerate(lists):
                    expected = {
                        Listing(f"list-{number}", "games", parent, allows, replace(terms or Terms(), shadow=True))
                        if shadow
                        else Listing(f"list-{number}", "games", parent, allows, terms)
                        for name, (_, itself, below, allows, terms) in entries
                        if name == parent and (itself if parent == query else below)
                    }
                    part, found = found[: len(expected)], found[len(expected) :]
                    assert set(part) == expected
            assert not found
        index.close()
