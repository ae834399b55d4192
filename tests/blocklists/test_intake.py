"""What comes in is bounded, unpacked and looked at before it may replace anything."""

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocklists import intake
from blocklists.errors import RefusedText
from blocklists.formats import Format
from blocklists.intake import Census, count, file_chunks, judge, store
from blocklists.sources import Source
from blocklists.suffixes import bundled


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["example.org", "b.example.net", "# x"]), min_size=1), st.integers(1, 100))
def test_gzip_is_undone_however_it_is_cut_into_pieces(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], size: int
) -> None:
    target = tmp_path_factory.mktemp("in") / "text"
    data = "\n".join(lines).encode()
    half = len(data) // 2
    members = gzip.compress(data[:half], mtime=0) + gzip.compress(data[half:], mtime=0) + b"\0" * 4
    plain = store(pieces(data, size), target)
    assert target.read_bytes() == data
    assert store(pieces(gzip.compress(data, mtime=0), size), target) == plain
    assert store(pieces(members, size), target) == plain
    assert target.read_bytes() == data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\xef\xbb\xbf\n  <html>", "web page"),
        (gzip.compress(b"<html>404</html>", mtime=0), "web page"),
        (b"<?xml version='1.0'?>", "web page"),
        (b"PK\x03\x04\0\0", "binary"),
        (gzip.compress(gzip.compress(b"example.org\n" * 9, mtime=0), mtime=0), "binary"),
        ("example.org\n".encode("utf-16"), "binary"),
        (gzip.compress(os.urandom(4000).hex().encode(), mtime=0)[:-20], "cut off"),
        (gzip.compress(b"example.org\n", mtime=0)[:3], "cut off"),
        (b"\x1f\x8b" + b"garbage" * 9, "damaged"),
        (gzip.compress(b"example.org\n", mtime=0) + b"more", "damaged"),
    ],
)
def test_other_things_than_lists_are_refused(tmp_path: Path, data: bytes, expected: str) -> None:
    with pytest.raises(RefusedText, match=expected):
        store([data], tmp_path / "text")


def test_a_gzip_bomb_is_refused_before_it_fills_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MAX_TEXT", 1 << 20)
    bomb = gzip.compress(b"example.org\n" * (1 << 22), mtime=0)
    with pytest.raises(RefusedText, match="at most 1 MiB"):
        store([bomb], tmp_path / "text")
    assert (tmp_path / "text").stat().st_size <= 1 << 20


def test_an_endless_transfer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MAX_TRANSFER", 1 << 20)

    def endless() -> Iterator[bytes]:
        while True:
            yield b"example.org\n" * 1000

    with pytest.raises(RefusedText, match="at most 1 MiB"):
        store(endless(), tmp_path / "text")


def test_a_file_must_be_a_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, expected in (
        (tmp_path / "pipe", "something else"),
        (tmp_path, "something else"),
        (tmp_path / "x", "nothing"),
    ):
        with pytest.raises(RefusedText, match=expected):
            list(file_chunks(path))


def census(rules: int) -> Census:
    return Census(Format.DOMAINS, rules, 0, ())


@pytest.mark.parametrize(
    ("last", "now", "fine"),
    [
        (0, 1, True),
        (0, 0, False),
        (50, 1, True),
        (99, 1, True),
        (100, 50, True),
        (100, 49, False),
        (1_000_000, 10_000, False),
        (100, 0, False),
        (100, 1_000_000, True),
    ],
)
def test_p0_an_empty_or_absurdly_shrunken_list_is_refused(last: int, now: int, fine: bool) -> None:
    source = Source("one", "one", "games", "/x", rules=last)
    if fine:
        judge(census(now), source)
    else:
        with pytest.raises(RefusedText, match="expected"):
            judge(census(now), source)


def test_a_text_of_no_names_is_refused_with_an_example(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("address=/example.org/0.0.0.0\n" * 5)
    found = count(text, None, bundled())
    assert (found.rules, found.skipped, len(found.first_skipped)) == (0, 5, 5)
    with pytest.raises(RefusedText, match="one:1: expected a domain name"):
        judge(found, Source("one", "one", "games", "/x"))
