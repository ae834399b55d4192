"""What comes in is bounded and looked at before it may replace anything."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from blocklists import intake
from blocklists.errors import RefusedText
from blocklists.intake import Census, check_file, count, judge, store
from blocklists.rules import Format, Skipped
from blocklists.sources import Source

ONE = Source("one", "one", "games", "/x")


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_text_is_kept_as_it_is_with_its_digest(tmp_path: Path, size: int) -> None:
    data = b"example.org\r\n# \xff\n" * 9
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert store(pieces, tmp_path / "text") == store([data], tmp_path / "whole")
    assert (tmp_path / "text").read_bytes() == data


@pytest.mark.parametrize("size", [1, 1 << 16])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\xef\xbb\xbf\n  <html>", "web page"),
        (b"<?xml version='1.0'?>", "web page"),
        (b"\n" * 500 + b"<html><title>Log in to the network</title>", "web page"),
        (b"\x89PNG\r\n\x1a\n\0\0", "binary"),
        (b"example.org\n" * 100 + b"\0", "binary"),
        ("example.org\n".encode("utf-16"), "binary"),
    ],
    ids=["html", "html-bom", "xml", "portal", "picture", "late-nul", "utf-16"],
)
def test_other_things_than_lists_are_refused(tmp_path: Path, data: bytes, size: int, expected: str) -> None:
    with pytest.raises(RefusedText, match=expected):
        store((data[at : at + size] for at in range(0, len(data), size)), tmp_path / "text")


def test_an_endless_text_is_refused_before_it_fills_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MAX_TEXT", 1 << 20)

    def endless() -> Iterator[bytes]:
        while True:
            yield b"example.org" * 1000

    with pytest.raises(RefusedText, match="at most 1 MiB"):
        store(endless(), tmp_path / "text")
    assert (tmp_path / "text").stat().st_size <= 1 << 20


def test_a_file_must_be_a_regular_file_of_bearable_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MAX_TRANSFER", 1 << 20)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * ((1 << 20) + 1))
    for name, expected in (("pipe", "something else"), ("x", "nothing"), ("large", "at most 1 MiB")):
        with pytest.raises(RefusedText, match=expected):
            check_file(tmp_path / name)
    check_file(tmp_path)


def census(rules: int, faults: int = 0, unused: int = 0) -> Census:
    shown = tuple(Skipped(line, "a domain name such as example.org", "?!") for line in range(1, min(faults, 20) + 1))
    return Census(Format.DOMAINS, rules, faults, unused, shown)


@pytest.mark.parametrize(
    ("last", "now", "fine"),
    [
        (0, 1, True),
        (0, 0, False),
        (4, 1, True),
        (5, 1, True),
        (50, 5, False),
        (50, 6, True),
        (99, 1, False),
        (100, 51, True),
        (100, 50, False),
        (1_000_000, 10_000, False),
        (100, 0, False),
        (0, 1_000_000, True),
        (100, 100_100, True),
        (100, 100_101, False),
        (20_000, 200_000, True),
        (20_000, 200_001, False),
    ],
)
def test_p0_an_empty_or_absurdly_shrunken_or_grown_list_is_refused(last: int, now: int, fine: bool) -> None:
    source = Source("one", "one", "games", "/x", rules=last)
    if fine:
        judge(census(now), source)
    else:
        with pytest.raises(RefusedText, match="expected"):
            judge(census(now), source)
    if now:
        judge(census(now), source, force=True)
    else:
        with pytest.raises(RefusedText, match="found none"):
            judge(census(now), source, force=True)


@pytest.mark.parametrize(
    ("rules", "faults", "unused", "percent", "fine"),
    [
        (80, 20, 0, 20, True),
        (79, 21, 0, 20, False),
        (79, 21, 900, 20, False),  # unused lines do not hide the others
        (80, 0, 900, 20, True),
        (1, 2, 0, 20, True),
        (1, 3, 0, 20, False),
        (95, 5, 0, 4, False),
        (95, 5, 0, 100, True),
    ],
)
def test_a_text_with_too_many_bad_lines_is_refused_and_names_some(
    rules: int, faults: int, unused: int, percent: int, fine: bool
) -> None:
    found = census(rules, faults, unused)
    if not fine:
        with pytest.raises(RefusedText, match=rf"one:1: expected a domain name .*one:3: .*{faults} of|{faults} of"):
            judge(found, ONE, bad_percent=percent)
    else:
        judge(found, ONE, bad_percent=percent)
    judge(found, ONE, bad_percent=percent, force=True)


def test_a_text_of_no_names_is_refused_with_an_example(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("%%%\n" * 5)
    found = count(text, ONE)
    assert (found.rules, found.skipped, len(found.first_skipped)) == (0, 5, 5)
    with pytest.raises(RefusedText, match="one:1: expected"):
        judge(found, ONE)


@pytest.mark.parametrize("word", ["OK", "Moved", "error"])
def test_p0_a_word_that_a_server_says_is_no_list(tmp_path: Path, word: str) -> None:
    text = tmp_path / "text"
    text.write_text(word + "\n")
    source = Source("one", "one", "games", "/x", rules=99)
    for force in (False, True):
        with pytest.raises(RefusedText, match=f"found none: one:1: .*'{word.lower()}'"):
            judge(count(text, source), source, force=force)


def test_single_labels_are_no_names_by_which_a_list_is_still_large(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("bet.kz\n" + "\n".join(f"w{number}" for number in range(20)))
    found = count(text, ONE)
    assert (found.rules, found.labels) == (21, 20)
    with pytest.raises(RefusedText, match="about 20 rules"):
        judge(found, Source("one", "one", "games", "/x", rules=20))


@pytest.mark.parametrize(
    ("content", "source"),
    [
        ("zip\nmov\n", Source("one", "one", "games", "/x", suffixes=True)),
        ("*.zip\n*.mov\n", Source("one", "one", "games", "/x", suffixes=True)),
        ("||zip^\n||mov^\n", ONE),
    ],
    ids=["domains", "wildcard", "adblock"],
)
def test_a_list_that_means_whole_suffixes_has_rules(tmp_path: Path, content: str, source: Source) -> None:
    text = tmp_path / "text"
    text.write_text(content)
    found = count(text, source)
    judge(found, source)
    assert (found.rules, found.labels) == (2, 0)


def test_a_list_of_unused_lines_only_is_refused_with_some_of_them(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("example.org##.banner\nexample.net##.ad\n")
    with pytest.raises(RefusedText, match=r"found none: one:1: .*banner.*; one:2: "):
        judge(count(text, ONE), ONE)
    text.write_text("# nothing\n")
    with pytest.raises(RefusedText, match="found none: it is empty"):
        judge(count(text, ONE), ONE)


def test_rules_faults_and_unused_lines_are_counted_apart(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("example.org\nhttp://example.net/path\n%%%\n# a comment\nb.example.org\n")
    found = count(text, Source("one", "one", "games", "/x", Format.DOMAINS))
    assert (found.rules, found.skipped, found.unused) == (2, 1, 1)
    assert [skipped.line for skipped in found.first_skipped] == [3]


def test_a_rule_that_is_cancelled_before_or_after_is_not_read(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("||a.example.org^\n||a.example.org^$badfilter\n||b.example.org^\n")
    assert count(text, ONE).rules == 1
