"""`lists add`, `set` and `remove`: what came in is told, and what it means for this school; nothing is half done."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from blocklists.catalogue import CATALOGUE, Entry
from blocklists.errors import FetchError
from blocklists.index import open_current
from blocklists.sources import Source
from policy.presets import PRESETS_BY_ID
from tests.cli.installation import Bench, prepared
from tests.cli.query_log import write_log


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with prepared(tmp_path, monkeypatch) as bench:
        yield bench


def text(bench: Bench, content: str, name: str = "mine.txt") -> str:
    path = bench.folder / name
    path.write_text(content, encoding="utf-8")
    return str(path)


def listed(bench: Bench, name: str) -> list[tuple[str, str]]:
    index = open_current(bench.folder / "var" / "lists")
    try:
        return [(each.list_id, each.category) for each in index.lookup(name) if not each.allows]
    finally:
        index.close()


def action(bench: Bench, name: str) -> tuple[str, str]:
    found = bench.json("check", name, "--json")
    assert isinstance(found, dict)
    return found["action"], found["reason"]["why"]


FORMATS = {
    "domains": "example.org\n",
    "hosts": "127.0.0.1 localhost\n0.0.0.0 example.org\n0.0.0.0 www.example.org\n",
    "wildcard": "*.example.org\n",
    "adblock": "[Adblock Plus]\n||example.org^\n",
    "dnsmasq": "local=/example.org/\n",
    "unbound": 'server:\nlocal-zone: "example.org" always_nxdomain\n',
    "rpz": "$TTL 60\n@ SOA . . 1 1 1 1 1\n NS .\nexample.org CNAME .\n*.example.org CNAME .\n",
}


@pytest.mark.parametrize("form", FORMATS)
def test_a_list_of_any_format_is_added_and_in_force(bench: Bench, form: str) -> None:
    said = bench.done("lists", "add", "mine", text(bench, FORMATS[form]), "--category", "games")
    assert "mine: Games (games), rules: " in said
    assert "In force: generation" in said
    assert listed(bench, "www.example.org")[:1] == [("mine", "games")]
    shown = bench.json("lists", "show", "mine", "--json")
    assert isinstance(shown, dict)
    assert (shown["format"], shown["in_force"]) == (form, True)


def test_options_say_how_a_list_is_taken(bench: Bench) -> None:
    packed = bench.folder / "names.gz"
    packed.write_bytes(gzip.compress(b"example.org\n"))
    options = ("--category", "tiktok", "--title", "Ours", "--format", "domains", "--no-subdomains")
    bench.done("lists", "add", "mine", str(packed), *options)
    assert listed(bench, "example.org") == [("mine", "tiktok")]
    assert listed(bench, "www.example.org") == []
    shown = bench.done("lists", "show", "mine")
    assert "mine: Ours" in shown
    assert "A name covers itself only." in shown


def test_bad_lines_are_told_by_line_and_counted(bench: Bench) -> None:
    bad = [f"bad name {number}" for number in range(5)]
    content = "\n".join([*(f"n{number}.example" for number in range(100)), *bad, "192.0.2.7", ""])
    said = bench.done("lists", "add", "mine", text(bench, content), "--category", "games")
    assert "mine: Games (games), rules: 100, lines skipped: 5, lines without meaning for DNS: 1" in said
    assert "  mine:101: expected a domain name such as example.org, found 'bad name 0'" in said
    assert "mine:103" in said
    assert "mine:104" not in said
    assert "… and 2 more" in said


def test_what_is_mostly_bad_is_refused_unless_forced(bench: Bench) -> None:
    path = text(bench, "example.org\nexample.net\n" + "bad name\n" * 8)
    told = bench.refused(1, "lists", "add", "mine", path, "--category", "games", "--format", "domains")
    assert "expected at most 20 % of the lines at fault, found 8 of 10" in told
    assert bench.json("lists", "show", "--json") == []
    bench.done("lists", "add", "mine", path, "--category", "games", "--format", "domains", "--force")
    assert listed(bench, "example.org")


def test_names_the_school_asked_for_lately_that_would_now_be_blocked_are_told(bench: Bench) -> None:
    write_log(bench.folder / "var", {"www.example.org": 7, "example.net": 3, "example.com": 1})
    said = bench.done("lists", "add", "mine", text(bench, "example.org\nexample.net\n"), "--category", "games")
    assert "Asked for in the last 7 days, and blocked from now on: 2" in said
    assert "  www.example.org: 7 times by pupils; Games (games), example.org in mine" in said
    assert said.index("www.example.org: 7 times") < said.index("example.net: 3 times")
    assert "example.com" not in said
    said = bench.done("lists", "remove", "mine")
    assert "Asked for in the last 7 days, and open from now on: 2" in said
    assert "mine: removed" in said


def test_that_nothing_changes_for_the_school_is_told(bench: Bench) -> None:
    write_log(bench.folder / "var", {"example.com": 1})
    said = bench.done("lists", "add", "mine", text(bench, "example.org\n"), "--category", "games")
    assert "Of what the school asked for in the last 7 days, nothing is decided otherwise." in said


def test_a_new_list_that_would_close_what_must_stay_open_is_added_but_switched_off(bench: Bench) -> None:
    bench.done("lists", "add", "first", text(bench, "example.net\n", "first.txt"), "--category", "games")
    path = text(bench, "example.org\n")
    protected = {"SCHOOLFILTER_LISTS__MUST_OPEN": "example.org"}
    result = bench.run("lists", "add", "mine", path, "--category", "games", **protected)
    assert result.exit_code == 1
    assert "Refused: mine" in result.stdout
    assert listed(bench, "example.org") == []
    assert "switched off" in bench.done("lists", "show")
    bench.done("lists", "publish", "--force")
    assert listed(bench, "example.org") == [("mine", "games")]


def test_that_what_lessons_need_stays_open_is_told(bench: Bench) -> None:
    bench.done("lists", "add", "first", text(bench, "example.net\n", "first.txt"), "--category", "games")
    said = bench.done("lists", "add", "mine", text(bench, "wikipedia.org\n"), "--category", "games")
    assert (
        "wikipedia.org, which must stay open (and does: what lessons and devices need goes before categories)" in said
    )
    assert action(bench, "ru.wikipedia.org") == ("allow", "needed")


def test_a_held_name_is_told_shown_and_let_through(bench: Bench) -> None:
    said = bench.done("lists", "add", "mine", text(bench, "com.kz\nexample.org\n"), "--category", "games")
    assert "mine: held rules: 1." in said
    assert "mine:1: com.kz: a public suffix" in said
    assert listed(bench, "school.com.kz") == []
    held = bench.json("lists", "held", "--json")
    assert isinstance(held, list)
    assert [(each["list"], each["count"], each["rules"][0]["name"]) for each in held] == [("mine", 1, "com.kz")]
    assert "com.kz" in bench.done("lists", "held")
    assert "com.kz" in bench.done("lists", "show", "mine")
    assert "held: 1" in bench.done("lists", "show")
    bench.done("lists", "set", "mine", "--accept", "COM.kz.")
    assert listed(bench, "school.com.kz") == [("mine", "games")]
    assert bench.done("lists", "held") == "No rule is held.\n"
    assert "Let through by hand: com.kz" in bench.done("lists", "show", "mine")
    bench.done("lists", "set", "mine", "--hold", "com.kz")
    assert listed(bench, "school.com.kz") == []


def test_all_public_suffixes_of_a_list_can_be_meant(bench: Bench) -> None:
    path = text(bench, "com.kz\norg.kz\nexample.org\n")
    bench.done("lists", "add", "mine", path, "--category", "bypass", "--suffixes")
    assert listed(bench, "school.org.kz") == [("mine", "bypass")]
    bench.done("lists", "set", "mine", "--no-suffixes")
    assert listed(bench, "school.org.kz") == []


def test_only_what_is_held_can_be_let_through(bench: Bench) -> None:
    bench.done("lists", "add", "mine", text(bench, "com.kz\nexample.org\n"), "--category", "games")
    assert "holds no rule for example.net" in bench.refused(1, "lists", "set", "mine", "--accept", "example.net")


def test_a_list_is_put_on_trial_and_enforced(bench: Bench) -> None:
    said = bench.done("lists", "add", "mine", text(bench, "example.org\n"), "--category", "games", "--shadow")
    assert "mine is on trial: it blocks nothing" in said
    assert "on trial" in bench.done("lists", "show")
    assert action(bench, "example.org") == ("allow", "shadow")
    bench.done("lists", "set", "mine", "--enforce")
    assert action(bench, "example.org") == ("block", "category")


def test_a_list_is_switched_off_and_on(bench: Bench) -> None:
    bench.done("lists", "add", "mine", text(bench, "example.org\n"), "--category", "games")
    bench.done("lists", "set", "mine", "--disable")
    assert listed(bench, "example.org") == []
    assert "switched off" in bench.done("lists", "show")
    bench.done("lists", "set", "mine", "--enable", "--category", "video", "--title", "Films")
    assert listed(bench, "example.org") == [("mine", "video")]


def test_a_preset_goes_on_past_failures_and_names_them(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    here = text(bench, "example.org\n")
    wanted = PRESETS_BY_ID["staff"].lists

    def source_of(known: Entry) -> Source:
        list_id = known.id
        return Source(list_id, list_id, "games", here if list_id != wanted[1] else "/nowhere/at/all")

    monkeypatch.setattr("cli.lists_change.source_of", source_of)
    result = bench.run("lists", "add", "--preset", "staff")
    assert result.exit_code == 1
    assert f"{wanted[1]}: not added: expected a file, found nothing" in result.stderr
    assert f"could not add: {wanted[1]}. Try again later: schoolfilter lists add --preset staff" in result.stderr
    assert [list_id for list_id, _ in listed(bench, "example.org")] == [each for each in wanted if each != wanted[1]]
    again = bench.run("lists", "add", "--preset", "staff")
    assert again.exit_code == 1
    assert f"{wanted[0]}: is there already" in again.stdout


def test_a_copy_of_a_list_of_the_catalogue_can_be_brought_from_elsewhere(bench: Bench) -> None:
    """For schools whose line does not reach its maker: what the catalogue knows of it holds, but for the place."""
    bench.done("lists", "add", "ut1-gambling", text(bench, "www.example.org\n"))
    shown = bench.json("lists", "show", "ut1-gambling", "--json")
    assert isinstance(shown, dict)
    known = CATALOGUE["ut1-gambling"]
    assert (shown["category"], shown["licence"], shown["title"]) == (known.category, known.licence, known.title)
    assert (shown["member"], shown["checksum"]) == ("", "")
    assert listed(bench, "a.www.example.org") == [("ut1-gambling", "gambling")]


def test_a_copied_archive_keeps_its_part(bench: Bench) -> None:
    folder = bench.folder / "ut1" / "gambling"
    folder.mkdir(parents=True)
    (folder / "domains").write_text("example.org\n")
    (folder.parent / "games").mkdir()
    (folder.parent / "games" / "domains").write_text("example.net\n")
    bench.done("lists", "add", "ut1-gambling", str(folder.parent))
    assert listed(bench, "example.org")
    assert not listed(bench, "example.net")


def test_a_list_that_cannot_be_fetched_names_another_way(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_arguments: object, **_options: object) -> Source:
        raise FetchError("no route to host")

    monkeypatch.setattr("cli.lists_change.add", unreachable)
    assert "lists add ut1-gambling FILE" in bench.refused(1, "lists", "add", "ut1-gambling")
    mirror = CATALOGUE["hagezi-gambling"].urls[1]
    assert f"lists add hagezi-gambling {mirror}" in bench.refused(1, "lists", "add", "hagezi-gambling")


@pytest.mark.parametrize(
    ("status", "arguments", "told"),
    [
        (1, ("add", "x", "/nowhere", "--category", "gamez"), "did you mean 'games'"),
        (1, ("add", "x", "http://example.org/", "--category", "games"), "https://"),
        (1, ("add", "x", "/nowhere", "--category", "games"), "found nothing at /nowhere"),
        (1, ("add", "X!", "/nowhere", "--category", "games"), "expected an id"),
        (1, ("add", "ut1-gamblin"), "did you mean 'ut1-gambling'"),
        (2, ("add", "x", "/nowhere"), "--category"),
        (2, ("add",), "lists catalogue"),
        (2, ("add", "x", "--preset", "staff"), "lists catalogue"),
        (2, ("add", "--preset", "staff", "--category", "games"), "--preset takes each list as the catalogue has it"),
        (2, ("add", "--preset", "university"), "primary-school"),
        (2, ("add", "x", "/nowhere", "--category", "games", "--format", "excel"), "excel"),
        (1, ("set", "mime", "--shadow"), "did you mean 'mine'"),
        (2, ("set", "mine"), "--shadow"),
        (2, ("set", "mine", "--accept", "http://example.org/"), "did you mean example.org?"),
        (1, ("set", "mine", "--category", "gamez"), "did you mean 'games'"),
        (1, ("remove", "mine", "other"), "no list 'other'"),
        (2, ("remove",), "ID"),
    ],
)
def test_errors_name_the_next_step_and_change_nothing(
    bench: Bench, status: int, arguments: tuple[str, ...], told: str
) -> None:
    bench.done("lists", "add", "mine", text(bench, "example.org\n"), "--category", "games")
    before = bench.json("lists", "show", "--json")
    assert told in bench.refused(status, "lists", *arguments)
    assert bench.json("lists", "show", "--json") == before


def test_a_preset_keeps_its_options_and_leaves_out_what_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    here = text(bench, "example.org\n")
    first, second, *others = PRESETS_BY_ID["staff"].lists

    def source_of(known: Entry) -> Source:
        return Source(known.id, known.id, "games", here if known.id != second else "/nowhere/at/all")

    monkeypatch.setattr("cli.lists_change.source_of", source_of)
    result = bench.run("lists", "add", "--preset", "staff", "--shadow", "--except", first)
    again = f"schoolfilter lists add --preset staff --except {first} --shadow"
    assert f"could not add: {second}. Try again later: {again}\n" in result.stderr
    assert [list_id for list_id, _ in listed(bench, "example.org")] == others


def test_except_is_for_lists_of_the_preset(bench: Bench) -> None:
    told = bench.refused(2, "lists", "add", "--preset", "staff", "--except", "ut1-games-of-old")
    assert "expected lists of the preset staff" in told
    assert "--except goes with --preset" in bench.refused(2, "lists", "add", "x", "--except", "y")


def test_remove_names_the_removed_list_and_no_other_of_its_category(bench: Bench) -> None:
    names = "".join(f"n{number}.example\n" for number in range(1500))
    lists = [f"list{number}" for number in range(5)]
    for list_id in lists:
        content = names if list_id == "list0" else f"{list_id}.example\n"
        bench.done("lists", "add", list_id, text(bench, content, f"{list_id}.txt"), "--category", "games")
    said = bench.done("lists", "remove", "list0")
    assert "Note: list0: the category games shrinks" in said
    assert "list1" not in said
