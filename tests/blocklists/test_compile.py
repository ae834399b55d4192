"""What a compile makes of the texts."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from blocklists import compile as compiler
from blocklists.breadth import Breadth
from blocklists.compile import Built, build, check
from blocklists.disk import DISK
from blocklists.errors import BrokenIndex
from blocklists.generation import GENERATIONS, compiled_text, facts_of, read_manifest, verify
from blocklists.holding import WhyHeld
from blocklists.index import open_current
from blocklists.publish import rebuild
from blocklists.rules import Format, Rule, Scope
from blocklists.sources import load_sources, save_sources, text_path
from tests.blocklists.lists_folder import NOW, put

ADBLOCK = """
||example.net^
@@||example.org^
||example.com^$important,dnstype=AAAA
/^casino[0-9]+\\./
"""


def everything(folder: Path) -> None:
    put(folder, "one", "example.org\n0.example.org\n")
    put(folder, "two", ADBLOCK, "video")
    put(folder, "three", "example.org CNAME .\n*.example.org CNAME .\n", "vpn", Format.RPZ)
    put(folder, "four", "192.0.2.0/24\n2001:db8::/32\n", "malware", Format.ADDRESSES)


def test_compiling_the_same_lists_gives_the_same_bytes(tmp_path: Path) -> None:
    contents = []
    for name in ("first", "second"):
        folder = tmp_path / name
        everything(folder)
        manifest = rebuild(folder, now=NOW).manifest
        files = sorted(path for path in (folder / GENERATIONS / manifest.generation).rglob("*") if path.is_file())
        contents.append([(path.name, path.read_bytes()) for path in files])
    assert contents[0] == contents[1]


def test_names_patterns_and_addresses_are_counted_apart(tmp_path: Path) -> None:
    everything(tmp_path)
    manifest = rebuild(tmp_path, now=NOW).manifest
    assert (manifest.names, manifest.patterns, manifest.addresses) == (4, 1, 2)
    counts = {each.id: (each.rules, each.patterns, each.addresses, each.format) for each in manifest.lists}
    assert counts == {
        "one": (2, 0, 0, "domains"),
        "two": (4, 1, 0, "adblock"),
        "three": (2, 0, 0, "rpz"),
        "four": (2, 0, 2, "addresses"),
    }
    assert dict(manifest.categories) == {"games": 2, "video": 2, "vpn": 1}


def test_a_generation_keeps_the_texts_it_was_compiled_from(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    manifest = rebuild(tmp_path, now=NOW).manifest
    folder = tmp_path / GENERATIONS / manifest.generation
    kept = compiled_text(folder, "one")
    assert kept.samefile(text_path(tmp_path, "one")), "a second name, not a second copy"
    newer = tmp_path / "newer"
    newer.write_text("example.net\n")
    newer.replace(text_path(tmp_path, "one"))
    assert kept.read_text() == "example.org\n"
    assert manifest.lists[0].sha256 == facts_of(kept).sha256
    assert verify(folder) == manifest


def test_texts_are_copied_where_the_file_system_has_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_old: Path, _new: Path) -> None:
        raise PermissionError(1, "no links here")

    monkeypatch.setattr("os.link", refuse)
    put(tmp_path, "one", "example.org\n")
    folder = tmp_path / GENERATIONS / rebuild(tmp_path, now=NOW).manifest.generation
    assert compiled_text(folder, "one").read_text() == "example.org\n"
    assert not compiled_text(folder, "one").samefile(text_path(tmp_path, "one"))


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("other\n")], ids=["gone", "changed"])
def test_a_generation_without_its_texts_is_not_whole(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    put(tmp_path, "one", "example.org\n")
    folder = tmp_path / GENERATIONS / rebuild(tmp_path, now=NOW).manifest.generation
    damage(compiled_text(folder, "one"))
    with pytest.raises(BrokenIndex, match=r"one\.txt"):
        verify(folder)
    open_current(tmp_path).close()  # look-ups need none of them


def built(folder: Path, *, breadth: Breadth | None = None) -> Built:
    target = folder / "built"
    DISK.remove(target)
    DISK.make_folder(target)
    result = build(folder, load_sources(folder), target, DISK, NOW, breadth=breadth)
    check(target, result)
    assert read_manifest(target) == result.manifest
    return result


def test_what_covers_too_much_is_held_and_let_through_when_accepted(tmp_path: Path) -> None:
    top = [f"n{number}.example.org" for number in range(6)] + [f"n{number}.example" for number in range(94)]
    source = put(tmp_path, "one", "||example.org^\n||n1.example.org^\n||kz^\n/^n[0-9]/\n@@||example.org^\n")
    (one,) = built(tmp_path, breadth=Breadth.of(top, 5)).manifest.lists
    assert [(held.name, held.line, held.why) for held in one.held] == [
        ("example.org", 1, WhyHeld.BROAD),
        ("kz", 3, WhyHeld.SUFFIX),
        ("/^n[0-9]/", 4, WhyHeld.BROAD),
    ]
    assert one.held[0].share == 0.06
    assert (one.rules, one.held_count, one.skipped) == (2, 3, 0)
    save_sources(tmp_path, [replace(source, accepted=("example.org", "kz", "/^n[0-9]/"))])
    (one,) = built(tmp_path, breadth=Breadth.of(top, 5)).manifest.lists
    assert (one.rules, one.held_count, one.held) == (5, 0, ())


def test_what_the_school_asked_today_does_not_make_another_generation(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\nkz\n")
    contents = set()
    for share in (10, 20):
        top = [f"n{number}.example.kz" for number in range(share)] + [f"n{number}.example" for number in range(200)]
        contents.add(built(tmp_path, breadth=Breadth.of(top, 5)).manifest.content())
    assert len(contents) == 1


def test_few_of_many_held_rules_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "MAX_HELD", 2)
    put(tmp_path, "one", "kz\nkg\norg\nexample.org\n")
    (one,) = built(tmp_path).manifest.lists
    assert ([held.name for held in one.held], one.held_count) == (["kz", "kg"], 3)


def test_what_is_too_broad_is_kept_however_much_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be measured, the next compile must know what was held."""
    monkeypatch.setattr(compiler, "MAX_HELD", 1)
    put(tmp_path, "one", "kz\nkg\nexample.org\n")
    top = [f"n{number}.example.org" for number in range(100)]
    (one,) = built(tmp_path, breadth=Breadth.of(top, 5)).manifest.lists
    assert ([held.name for held in one.held], one.held_count) == (["kz", "example.org"], 3)


def test_expressions_past_the_bound_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "MAX_PATTERNS", 2)
    put(tmp_path, "one", "/casino[0-9]/\n/poker[0-9]/\n/slots[0-9]/\n||example.org^\n", form=Format.ADBLOCK)
    manifest = built(tmp_path).manifest
    assert manifest.patterns == 2
    assert [(held.name, held.why) for held in manifest.lists[0].held] == [("/slots[0-9]/", WhyHeld.PATTERNS)]


def test_rules_that_are_at_fault_after_all_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parsers judge them first; what they let pass must not stop a compile."""
    faulty = [Rule("(", Scope.PATTERN, False, 1), Rule("192.0.2.1/24", Scope.ADDRESS, False, 2)]
    monkeypatch.setattr(compiler, "read_items", lambda _path, _source: iter(faulty))
    put(tmp_path, "one", "example.org\n")
    manifest = built(tmp_path).manifest
    assert (manifest.lists[0].skipped, manifest.lists[0].rules, manifest.names) == (2, 0, 0)


def test_a_list_that_is_switched_off_is_not_compiled(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    put(tmp_path, "two", "example.net\n")
    one, two = load_sources(tmp_path)
    save_sources(tmp_path, [one, replace(two, enabled=False)])
    manifest = rebuild(tmp_path, now=NOW).manifest
    assert [each.id for each in manifest.lists] == ["one"]
    assert open_current(tmp_path).lookup("example.net") == ()


def test_names_are_counted_by_category_once_and_exceptions_not_at_all(tmp_path: Path) -> None:
    put(tmp_path, "one", "a.example.org\nb.example.org\n", "games")
    put(tmp_path, "two", "a.example.org\n", "games")
    put(tmp_path, "three", "||a.example.org^\n@@||c.example.org^\n", "video")
    manifest = rebuild(tmp_path, now=NOW).manifest
    assert dict(manifest.categories) == {"games": 2, "video": 1}
    assert manifest.names == 3


def test_bad_lines_are_counted_and_public_suffixes_held(tmp_path: Path) -> None:
    put(tmp_path, "one", "de\nedu.kz\nhttp://example.com/path\nno name!\nexample.org\n")
    (one,) = rebuild(tmp_path, now=NOW).manifest.lists
    assert (one.rules, one.skipped, one.unused, one.held_count) == (1, 1, 1, 2)
    assert [(held.name, held.line, held.why) for held in one.held] == [
        ("de", 1, WhyHeld.SUFFIX),
        ("edu.kz", 2, WhyHeld.SUFFIX),
    ]
    assert open_current(tmp_path).lookup("school.edu.kz") == ()


def test_many_sets_need_wider_numbers(tmp_path: Path) -> None:
    """Nine lists in all combinations make 511 membership sets: more than a byte can number."""
    lists: list[list[str]] = [[] for _ in range(9)]
    for combination in range(1, 512):
        for number, names in enumerate(lists):
            if combination >> number & 1:
                names.append(f"n{combination}.example.org")
    for number, names in enumerate(lists):
        put(tmp_path, f"list-{number}", "\n".join(names))
    manifest = rebuild(tmp_path, now=NOW).manifest
    assert manifest.width == 2
    index = open_current(tmp_path)
    for combination in (1, 2, 300, 511):
        found = [listing.list_id for listing in index.lookup(f"n{combination}.example.org")]
        assert found == [f"list-{number}" for number in range(9) if combination >> number & 1]
