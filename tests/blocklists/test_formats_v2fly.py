"""Includes of v2fly lists are resolved as their own builder resolves them."""

import gzip
import tarfile
from collections.abc import Callable

import pytest

from blocklists.errors import ListError, RefusedText
from blocklists.formats import parse, v2fly
from blocklists.rules import Format, Rule, Scope, Skipped
from tests.blocklists.lists_folder import DATA

FILES = {
    "top": ["# about", "top.example.org", "include:inner @ads", "include:other", "include:top"],
    "inner": ["plain.example.org", "ad.example.org @ads # why", "full:cn.example.org @ads @cn", "include:deep @-cn"],
    "deep": ["deep.example.org", "deep-ad.example.org @ads", "deep-cn.example.org @ads @cn", "include:inner"],
    "other": ["other.example.org &top", "regexp:^other[0-9]+\\.example\\.org$ @!cn", "include:missing @ads"],
    "out": ["include:../../etc/passwd", "include:/etc/passwd"],
    "chain0": ["include:chain1"],
}


def read(name: str) -> list[str] | None:
    if name.startswith("chain") and name != "chain0":
        return [f"{name}.example.org", f"include:chain{int(name[5:]) + 1}"]
    return FILES.get(name)


def flat(name: str) -> list[str]:
    return [line for line in v2fly.flatten(name, read) if not line.startswith("#")]


def test_includes_are_resolved_with_their_conditions() -> None:
    assert flat("top") == [
        "top.example.org",
        "ad.example.org @ads",
        "full:cn.example.org @ads @cn",
        "deep-ad.example.org @ads",
        "ad.example.org @ads",  # of inner once more: other conditions have come on the way
        "other.example.org &top",
        "regexp:^other[0-9]+\\.example\\.org$ @!cn",
        "include:missing @ads",
    ]


def test_every_line_stands_below_the_name_of_its_file() -> None:
    assert list(v2fly.flatten("deep", read)) == [
        "# from deep",
        "deep.example.org",
        "deep-ad.example.org @ads",
        "deep-cn.example.org @ads @cn",
        "# from inner",
        "plain.example.org",
        "ad.example.org @ads",
        "full:cn.example.org @ads @cn",
        "# from deep",  # with @-cn: another choice of lines than the first time
        "deep.example.org",
        "deep-ad.example.org @ads",
        "# from inner",
        "plain.example.org",
        "ad.example.org @ads",
        "# from deep",
        "# from inner",
        "# from deep",
    ]


def test_a_missing_include_is_a_fault_and_loses_nothing_else() -> None:
    items = list(parse(v2fly.flatten("top", read), Format.V2FLY))
    (fault,) = [item for item in items if isinstance(item, Skipped)]
    assert fault.fault
    assert fault.text == "include:missing @ads"
    assert len(items) == 8


def test_no_include_leads_out_of_the_folder() -> None:
    asked = []

    def ask(name: str) -> list[str] | None:
        asked.append(name)
        return FILES.get(name)

    assert list(v2fly.flatten("out", ask))[1:] == FILES["out"]
    assert asked == ["out"]


@pytest.mark.parametrize("name", ["nothing", "", "../out", "a/b"])
def test_a_list_that_is_not_there_is_an_error(name: str) -> None:
    with pytest.raises(ListError, match="has no list"):
        list(v2fly.flatten(name, read))


def test_includes_end() -> None:
    lines = flat("chain0")
    assert 10 < len(lines) < 100
    assert lines[-1].startswith("include:")


def test_a_file_read_again_and_again_under_other_conditions_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(v2fly, "_MOST_TEXT", 100_000)
    lines = ["a.example.org"] * 100 + [f"include:a @x{number}" for number in range(12)]
    with pytest.raises(RefusedText, match="usual size, found 'a'"):
        list(v2fly.flatten("a", lambda _name: lines))


@pytest.mark.parametrize(
    ("line", "name", "scope"),
    [
        ("domain:a.example.org:@ads", "a.example.org", Scope.SUBTREE),
        ("full:a.example.org:@cn,@!ads", "a.example.org", Scope.EXACT),
        ("a.example.org:@cn", "a.example.org", Scope.SUBTREE),
        ("domain:A.example.org:@ads,@cn # why", "a.example.org", Scope.SUBTREE),
        (r"regexp:^ads[0-9]\.example\.org$:@ads", r"^ads[0-9]\.example\.org$", Scope.PATTERN),
        ("keyword:casino:@ads", "casino", Scope.PATTERN),
    ],
)
def test_attributes_as_published_lists_have_them(line: str, name: str, scope: Scope) -> None:
    (rule,) = parse([line], Format.V2FLY)
    assert isinstance(rule, Rule)
    assert (rule.name, rule.scope) == (name, scope)


def test_published_attributes_decide_about_includes_too() -> None:
    files = {"a": ["include:b @ads"], "b": ["full:x.example.org:@cn,@ads", "domain:y.example.org:@cn"]}
    assert list(v2fly.flatten("a", files.get))[2:3] == ["full:x.example.org:@cn,@ads"]
    assert "domain:y.example.org:@cn" not in list(v2fly.flatten("a", files.get))


@pytest.mark.skipif(not DATA.exists(), reason="the real lists are not part of the repository")
def test_the_real_services_are_flattened_as_their_makers_flatten_them() -> None:
    ask = _archive()
    expanded = sorted((DATA / "lists" / "v2fly" / "expanded").iterdir())
    assert len(expanded) > 70
    for path in expanded:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
        name = path.name.partition(".txt")[0]
        assert _rules(v2fly.flatten(name, ask)) == _rules(text.split("\n")), name


def _archive() -> Callable[[str], list[str] | None]:
    with tarfile.open(DATA / "lists" / "v2fly" / "data-all.tar.gz") as archive:
        files = {}
        for member in archive:
            stream = archive.extractfile(member)
            if stream is not None:
                files[member.name.rpartition("/")[2]] = stream.read().decode().split("\n")
    return files.get


def _rules(lines: object) -> set[tuple[str, Scope]]:
    items = list(parse(lines, Format.V2FLY))  # type: ignore[arg-type] # any lines
    assert all(isinstance(item, Rule) for item in items)
    return {(item.name, item.scope) for item in items if isinstance(item, Rule)}
