"""What the school asks for is counted from the query log, however it was written or damaged."""

from collections import Counter
from datetime import UTC, datetime, timedelta, tzinfo
from os import utime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists.asked import Asked
from resolver import asked as module
from resolver.asked import ShadowCount, asked_lately, read_asked, shadow_counts
from resolver.querylog import HEADER_LINE
from settings.model import Log, LogDetail, Paths, Settings

BEGUN = datetime(2026, 9, 2, 5, tzinfo=UTC)


def line(name: str, group: str = "pupils", what: str = "allow\tdefault\t\t", time: str = "10:15:30.250") -> bytes:
    return f"2026-09-02T{time}+05:00\t10.0.0.1\t\t\t{group}\t{name}\tA\t{what}\tNOERROR\tcache\t0.1\n".encode()


def write(folder: Path, number: int, *lines: bytes, worker: int = 0, hour: int = 5) -> Path:
    path = folder / f"20260902T{hour:02}0000-w{worker}-{number:04}.tsv"
    path.write_bytes(HEADER_LINE + b"".join(lines))
    return path


def test_questions_are_counted_by_group_and_name_over_all_segments(tmp_path: Path) -> None:
    write(tmp_path, 1, line("a.example"), line("b.example"), line("a.example", "staff"))
    write(tmp_path, 2, line("a.example"), line("a.example", what="block\tcategory\tgames\tone"), worker=1)
    (tmp_path / "notes.txt").write_bytes(line("c.example"))
    asked = read_asked(tmp_path)
    assert asked.counts == {("pupils", "a.example"): 3, ("pupils", "b.example"): 1, ("staff", "a.example"): 1}
    assert asked.questions == 5
    assert asked.top(1) == ("a.example",)
    assert asked.top(9) == ("a.example", "b.example")
    assert asked.opened == {"a.example": 3, "b.example": 1}
    assert asked.top(0) == ()


@pytest.mark.parametrize(
    ("what", "counts"),
    [("allow\tdefault\t\t", 3), ("rewrite\tsafe-search\t\t", 3), ("allow\tshadow\tgames\tone", 3)]
    + [(f"{action}\tcategory\tgames\tone", 0) for action in ("block", "fail")],
)
def test_only_what_was_opened_tells_what_the_school_uses(tmp_path: Path, what: str, counts: int) -> None:
    """Sixty questions for names of a blocked domain must not make its rule look too broad."""
    write(tmp_path, 1, *(line(f"r{number}.badcasino.example", what=what) for number in range(3)))
    asked = read_asked(tmp_path)
    assert (asked.questions, len(asked.top(9)), sum(asked.opened.values())) == (3, counts, counts)


@pytest.mark.parametrize(("detail", "opened"), [(LogDetail.FULL, 2), (LogDetail.BLOCKED, 0)])
def test_lists_are_weighed_by_a_week_and_by_nothing_if_only_blocked_queries_are_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, detail: LogDetail, opened: int
) -> None:
    class Friday(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Friday":
            return cls(2026, 9, 9, 5, 10, tzinfo=tz)

    monkeypatch.setattr(module, "datetime", Friday)
    settings = Settings(paths=Paths(state=tmp_path), log=Log(detail=detail))
    settings.paths.query_log.mkdir(parents=True)
    write(
        settings.paths.query_log, 1,
        line("old.example", time="10:09:59.000"),
        line("a.example"), line("b.example", what="allow\tshadow\tgames\tone"),
    )  # fmt: skip
    asked = asked_lately(settings)
    assert (asked.questions, len(asked.opened)) == (2, opened)


def test_without_a_log_nothing_was_asked(tmp_path: Path) -> None:
    assert read_asked(tmp_path / "none") == Asked.nothing()
    write(tmp_path, 1)
    assert read_asked(tmp_path) == Asked.nothing()
    assert shadow_counts(tmp_path) == ()


@pytest.mark.parametrize(
    "what",
    ["refuse\tnetwork\t\t", "refuse\trate\t\t", "local\tspecial\t\t"],
)
def test_what_no_list_has_a_say_in_is_not_counted(tmp_path: Path, what: str) -> None:
    write(tmp_path, 1, line("a.example", what=what), line("", what="refuse\tmalformed\t\t"))
    assert read_asked(tmp_path) == Asked.nothing()


@pytest.mark.parametrize(
    "damaged",
    [b"\n", b"half a line\n", b"\x00\xff\tx\n", b"\t" * 20 + b"\n", b"2026-09-02T10:15:30.250+05:00\t10.0.0.1\n"],
    ids=["empty", "words", "binary", "tabs", "short"],
)
def test_damaged_and_torn_lines_are_left_out(tmp_path: Path, damaged: bytes) -> None:
    write(tmp_path, 1, line("a.example"), damaged, line("b.example"), line("torn.example")[:-1])
    assert read_asked(tmp_path).counts == {("pupils", "a.example"): 1, ("pupils", "b.example"): 1}


@pytest.mark.parametrize("block", [1, 7, 90, 1000, 1 << 20])
def test_lines_are_whole_wherever_a_block_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(module, "_BLOCK", block)
    write(tmp_path, 1, *(line(f"n{number}.example") for number in range(50)))
    assert read_asked(tmp_path).counts == {("pupils", f"n{number}.example"): 1 for number in range(50)}


def test_the_newest_lines_count_if_there_are_too_many(tmp_path: Path) -> None:
    write(tmp_path, 1, line("old.example"), hour=4)
    write(tmp_path, 2, line("first.example"), line("second.example"), line("third.example"))
    assert {name for _, name in read_asked(tmp_path, limit_lines=2).counts} == {"second.example", "third.example"}
    assert {name for _, name in read_asked(tmp_path, limit_lines=4).counts} >= {"old.example"}
    assert read_asked(tmp_path, limit_lines=0) == Asked.nothing()


def test_only_what_was_asked_since_then_counts(tmp_path: Path) -> None:
    old = write(tmp_path, 1, line("old.example", time="08:00:00.000"), hour=3)
    utime(old, ((BEGUN - timedelta(hours=1)).timestamp(),) * 2)
    write(
        tmp_path, 2,
        line("before.example", time="10:15:29.999"), line("after.example", time="10:15:30.000"),
        line("clock-was-set.example", time="09:00:00.000"), line("later.example", time="11:00:00.000"),
    )  # fmt: skip
    since = datetime(2026, 9, 2, 5, 15, 30, tzinfo=UTC)
    assert {name for _, name in read_asked(tmp_path, since=since).counts} == {"after.example", "later.example"}


def test_random_names_do_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DISTINCT", 100)
    monkeypatch.setattr(module, "_BLOCK", 500)
    often = [line("often.example")] * 40
    write(tmp_path, 1, *often, *(line(f"r{number}.example") for number in range(1000)), *often)
    asked = read_asked(tmp_path)
    assert len(asked.counts) <= 110
    assert asked.top(1) == ("often.example",)


def test_lists_on_trial_are_counted_with_names_and_groups(tmp_path: Path) -> None:
    shadow = "allow\tshadow\tgames\ttrial"
    write(
        tmp_path, 1,
        line("a.example", what=shadow), line("a.example", "staff", what=shadow), line("b.example", what=shadow),
        line("c.example", what="allow\tshadow\tvideo\tother"), line("d.example"),
        line("e.example", what="block\tcategory\tgames\ttrial"),
        b"2026-09-02T10:15:30.250+05:00\t10.0.0.1\tpc\tallow\tshadow\tf.example\tA\tallow\tdefault\t\t\tNOERROR\tcache\t1\n",
    )  # fmt: skip
    trial = ShadowCount("trial", "games", 3, 2, (("a.example", 2), ("b.example", 1)), {"pupils": 2, "staff": 1})
    other = ShadowCount("other", "video", 1, 1, (("c.example", 1),), {"pupils": 1})
    assert shadow_counts(tmp_path) == (trial, other)
    assert shadow_counts(tmp_path, "other") == (other,)
    assert shadow_counts(tmp_path, "none") == ()
    assert shadow_counts(tmp_path, "trial", top=1)[0].top == (("a.example", 2),)
    assert shadow_counts(tmp_path, since=datetime(2026, 9, 3, tzinfo=UTC)) == ()


names = st.sampled_from(["a.example", "b.example", "xn--80a.example", r"odd\046.example"])


@given(st.lists(st.tuples(names, st.sampled_from(["pupils", "staff"])), max_size=60), st.integers(1, 400))
def test_every_line_is_counted_once(asked: list[tuple[str, str]], block: int) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", block)
        write(Path(folder), 1, *(line(name, group) for name, group in asked))
        assert read_asked(Path(folder)).counts == Counter((group, name) for name, group in asked)
