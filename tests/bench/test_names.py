"""Names are the same everywhere, no two are equal, and no unlisted name is covered by a listed one."""

import gzip
from pathlib import Path

from bench.names import hits, listed, unique, unlisted, write_lines
from policy.names import parse_name, with_parents

SOME = 20_000


def test_names_are_the_same_on_every_machine() -> None:
    assert [listed(number) for number in (0, 1, 6)] == [
        "bababababa.com",
        "megekogigehost.kg",
        "ads.konatopemi-tofo.info",
    ]


def test_listed_names_are_canonical_and_no_two_are_equal() -> None:
    names = [listed(number) for number in range(SOME)]
    assert len(set(names)) == SOME
    assert all(parse_name(name) == name for name in names)


def test_no_listed_name_covers_an_unlisted_one() -> None:
    on_list = {listed(number) for number in range(SOME)}
    asked = [unlisted(number) for number in range(SOME)]
    assert not any(parent in on_list for name in asked for parent in with_parents(name))


def test_no_name_is_asked_in_two_miss_runs() -> None:
    assert len({name for run in range(4) for name in unique(run, 1_000)}) == 4_000


def test_hits_hold_the_wanted_share_of_listed_names_evenly_mixed() -> None:
    on_list = {listed(number) for number in range(300)}
    blocked = [any(parent in on_list for parent in with_parents(name)) for name in hits(1_000, 300)]
    assert sum(blocked) == 300
    assert all(sum(blocked[at : at + 10]) == 3 for at in range(0, 1_000, 10))


def test_lines_are_packed_when_the_name_says_so(tmp_path: Path) -> None:
    assert write_lines(tmp_path / "plain", ["a", "b"]).read_text() == "a\nb\n"
    with gzip.open(write_lines(tmp_path / "packed.gz", ["a", "b"]), "rt") as file:
        assert file.read() == "a\nb\n"
