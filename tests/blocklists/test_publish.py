"""A generation is published whole or not at all, whenever the power goes; a harmful one is not; the way back works."""

import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from blocklists import compile as compiler
from blocklists import publish as module
from blocklists.asked import Asked
from blocklists.errors import BrokenIndex, ListError
from blocklists.generation import CANDIDATE, CURRENT, GENERATIONS, MANIFEST, current_generation, facts_of, verify
from blocklists.index import open_current
from blocklists.publish import Limits, Published, ensure_starter, rebuild
from blocklists.rollback import discard_candidate, publish_candidate, rollback
from blocklists.sanity import Kind
from blocklists.shelf import candidate_name, generations, previous, read_candidate
from blocklists.sources import SOURCES, Source, find_source, load_sources, save_sources, text_path
from blocklists.starters import OFFERED
from policy.categories import CATEGORIES
from settings.model import ListSettings, School, Settings
from tests.blocklists.lists_folder import NOW, put
from tests.blocklists.power import FailingDisk, PowerCut

HOUR = timedelta(hours=1)
LIMITS = Limits(must_open=("school.example",), must_block=("casino.example",))

GOOD = "casino.example\nold.example\n"
HARMFUL = "casino.example\nschool.example\nnew.example\n"


def renew(folder: Path, list_id: str, text: str, category: str = "gambling") -> Source:
    """Give a list a new text as a refresh would, its row with it."""
    # Generations link to the old file: a refresh never writes into it, but puts another in its place.
    text_path(folder, list_id).unlink(missing_ok=True)
    source = put(folder, list_id, text, category)
    source = replace(source, sha256=facts_of(text_path(folder, list_id)).sha256, rules=len(text.splitlines()))
    save_sources(folder, [source if each.id == list_id else each for each in load_sources(folder)])
    return source


def renewed(folder: Path, list_id: str, text: str) -> Source:
    """Give a list a new text as a refresh does: what was rejected before stays on record."""
    rejected = source_of(folder, list_id).rejected
    return replace(renew(folder, list_id, text), rejected=rejected)


def listed(folder: Path, *names: str) -> list[bool]:
    index = open_current(folder)
    try:
        return [bool(index.lookup(name)) for name in names]
    finally:
        index.close()


def source_of(folder: Path, list_id: str) -> Source:
    return find_source(load_sources(folder), list_id)


@pytest.fixture
def harmed(tmp_path: Path) -> Path:
    """A folder with a good generation in force, then harmful news of `bets` and harmless news of `other`."""
    folder = tmp_path / "lists"
    renew(folder, "bets", GOOD)
    renew(folder, "other", "a.example\n", "games")
    rebuild(folder, now=NOW, limits=LIMITS)
    renew(folder, "bets", HARMFUL)
    renew(folder, "other", "a.example\nb.example\n", "games")
    return folder


@pytest.mark.parametrize("after", [False, True])
def test_p0_list_update_is_all_or_nothing_power_cut_at_every_step(tmp_path: Path, after: bool) -> None:
    """After a cut at any step the set in force is exactly the old or exactly the new one; the next compile works."""
    base = tmp_path / "base"
    put(base, "one", "old.example.org\n")
    rebuild(base, now=NOW)
    put(base, "one", "new.example.org\nmore.example.org\n")
    outcomes = []
    for steps in range(100):
        folder = tmp_path / f"cut-{steps}"
        shutil.copytree(base, folder)
        disk = FailingDisk(steps, after=after)
        with suppress(PowerCut):
            rebuild(folder, disk=disk, now=NOW + timedelta(hours=1))
        index = open_current(folder)
        state = bool(index.lookup("old.example.org")), bool(index.lookup("new.example.org"))
        assert state in ((True, False), (False, True))
        outcomes.append(state)
        rebuild(folder, now=NOW + timedelta(hours=2))
        assert open_current(folder).lookup("more.example.org")
        assert {path.name for path in (folder / GENERATIONS).iterdir()} >= {current_generation(folder)}
        assert not list((folder / GENERATIONS).glob(".*"))
        assert len(list((folder / GENERATIONS).iterdir())) <= 2
        if not disk.dead:
            break
    assert outcomes == sorted(outcomes, reverse=True), "once the new set is in force, later cuts keep it"
    assert len(outcomes) > 8


def test_nothing_is_published_if_nothing_changed(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    first = rebuild(tmp_path, now=NOW).manifest
    second = rebuild(tmp_path, now=NOW + timedelta(days=1)).manifest
    assert second.generation == first.generation == current_generation(tmp_path)
    assert [path.name for path in (tmp_path / GENERATIONS).iterdir()] == [first.generation]


def test_a_damaged_generation_is_compiled_anew_though_nothing_changed(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    first = rebuild(tmp_path, now=NOW).manifest
    (tmp_path / GENERATIONS / first.generation / MANIFEST).unlink()
    second = rebuild(tmp_path, now=NOW)
    assert second.changed
    assert second.manifest.content() == first.content()
    assert open_current(tmp_path).lookup("example.org")
    assert [path.name for path in (tmp_path / GENERATIONS).iterdir()] == [second.manifest.generation]


def test_generations_of_one_second_or_of_a_clock_that_went_back_stay_in_order(tmp_path: Path) -> None:
    made = []
    for number, moment in enumerate((NOW, NOW, NOW - timedelta(days=30), NOW)):
        put(tmp_path, "one", f"n{number}.example\n")
        made.append(rebuild(tmp_path, now=moment).manifest.generation)
        assert not made[1:] or previous(tmp_path) == made[-2]
    assert made == sorted(made)


def test_the_previous_generation_is_kept_and_older_ones_go(tmp_path: Path) -> None:
    made = []
    for day, name in enumerate(("a", "b", "c", "d")):
        put(tmp_path, "one", f"{name}.example.org\n")
        made.append(rebuild(tmp_path, now=NOW + timedelta(days=day)).manifest.generation)
    assert sorted(path.name for path in (tmp_path / GENERATIONS).iterdir()) == made[-2:]
    verify(tmp_path / GENERATIONS / made[-2])


def test_a_generation_that_does_not_hold_what_was_compiled_is_never_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "one", "example.org\n")
    before = rebuild(tmp_path, now=NOW).manifest.generation
    put(tmp_path, "one", "example.net\n")
    monkeypatch.setattr(compiler, "reversed_labels", lambda name: name + ".")
    with pytest.raises(BrokenIndex, match=r"example\.net of one"):
        rebuild(tmp_path, now=NOW + timedelta(hours=1))
    assert current_generation(tmp_path) == before


def test_a_text_that_cannot_be_read_leaves_the_old_generation_in_force(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    before = rebuild(tmp_path, now=NOW).manifest.generation
    put(tmp_path, "two", "example.net\n")
    text_path(tmp_path, "two").unlink()
    with pytest.raises(ListError, match="lists refresh two"):
        rebuild(tmp_path, now=NOW)
    assert current_generation(tmp_path) == before


def test_a_new_folder_gets_the_starter_lists_and_a_first_generation(tmp_path: Path) -> None:
    folder = tmp_path / "lists"
    ensure_starter(folder, now=NOW)
    assert {source.category for source in load_sources(folder)} >= {category.id for category in CATEGORIES}
    assert all(source.rules and not source.skipped for source in load_sources(folder))
    assert open_current(folder).lookup("www.roblox.com")[0].category == "games"


def test_a_folder_in_order_is_left_as_it_is(tmp_path: Path) -> None:
    ensure_starter(tmp_path, now=NOW)
    put(tmp_path, "one", "example.org\n")
    rebuild(tmp_path, now=NOW)
    before = (tmp_path / CURRENT).read_text(), (tmp_path / SOURCES).read_text()
    ensure_starter(tmp_path, now=NOW + timedelta(days=1))
    assert ((tmp_path / CURRENT).read_text(), (tmp_path / SOURCES).read_text()) == before


def test_an_upgrade_brings_new_packaged_lists_and_leaves_removed_ones_removed(tmp_path: Path) -> None:
    ensure_starter(tmp_path, now=NOW)
    sources = load_sources(tmp_path)
    kept = [source for source in sources if source.id not in ("service-tiktok", "starter-games")]
    save_sources(tmp_path, kept)
    offered = tmp_path / OFFERED
    offered.write_text(offered.read_text().replace("service-tiktok\n", ""))
    ensure_starter(tmp_path, now=NOW + timedelta(days=1))
    ids = {source.id for source in load_sources(tmp_path)}
    assert "service-tiktok" in ids
    assert "starter-games" not in ids
    assert "service-tiktok" in {listing.list_id for listing in open_current(tmp_path).lookup("tiktok.com")}


def test_a_broken_index_is_compiled_again_at_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(tmp_path, "one", "example.org\n")
    rebuild(tmp_path, now=NOW)
    (tmp_path / CURRENT).write_text("gone\n")
    ensure_starter(tmp_path, now=NOW)
    assert open_current(tmp_path).lookup("example.org")
    assert "compiling the lists again" in caplog.text


@pytest.mark.parametrize("after", [False, True])
def test_a_power_cut_at_the_very_first_start_is_made_good_by_the_next(tmp_path: Path, after: bool) -> None:
    for steps in range(0, 1000, 37):
        folder = tmp_path / f"cut-{steps}"
        disk = FailingDisk(steps, after=after)
        with suppress(PowerCut):
            ensure_starter(folder, disk=disk, now=NOW)
        ensure_starter(folder, now=NOW)
        assert open_current(folder).lookup("roblox.com")
        if not disk.dead:
            return
    pytest.fail("the first start takes more steps than expected")


def test_a_harmful_text_is_refused_and_the_other_news_are_published(harmed: Path) -> None:
    before = source_of(harmed, "bets")
    done = rebuild(harmed, now=NOW + HOUR, limits=LIMITS)
    assert done.changed
    assert done.refused == ("bets",)
    assert [(p.kind, p.refuses, p.name, p.line) for p in done.problems] == [(Kind.CLOSED, True, "school.example", 2)]
    assert listed(harmed, "old.example", "new.example", "school.example", "b.example") == [True, False, False, True]
    assert done.held == 0
    assert text_path(harmed, "bets").read_text() == GOOD
    after = source_of(harmed, "bets")
    assert after.rejected == before.sha256
    assert after.sha256 == facts_of(text_path(harmed, "bets")).sha256
    assert after.enabled
    assert "bets:2: school.example (gambling) closes school.example" in after.last_error
    assert "schoolfilter lists publish --force" in after.last_error
    candidate = read_candidate(harmed)
    assert candidate is not None
    assert [each.id for each in candidate.refused] == ["bets"]
    assert candidate.problems == done.problems
    assert [(each.in_force, each.candidate) for each in generations(harmed)] == [
        (False, True) if each.name == candidate.generation else (each.name == done.manifest.generation, False)
        for each in generations(harmed)
    ]


def test_what_was_refused_is_not_compiled_again_and_waits(harmed: Path) -> None:
    rebuild(harmed, now=NOW + HOUR, limits=LIMITS)
    candidate = candidate_name(harmed)
    assert not rebuild(harmed, now=NOW + 2 * HOUR, limits=LIMITS).changed
    renew(harmed, "other", "c.example\n", "games")
    assert rebuild(harmed, now=NOW + 3 * HOUR, limits=LIMITS).refused == ()
    assert candidate_name(harmed) == candidate
    assert listed(harmed, "c.example", "new.example") == [True, False]


def test_a_new_text_that_is_harmless_ends_the_wait(harmed: Path) -> None:
    rebuild(harmed, now=NOW + HOUR, limits=LIMITS)
    save_sources(harmed, [renewed(harmed, "bets", "casino.example\nbetter.example\n"), *load_sources(harmed)[1:]])
    done = rebuild(harmed, now=NOW + 2 * HOUR, limits=LIMITS)
    assert (done.changed, done.refused) == (True, ())
    assert candidate_name(harmed) == ""
    assert listed(harmed, "better.example") == [True]
    assert source_of(harmed, "bets").rejected == ""


def test_two_refusals_wait_together(harmed: Path) -> None:
    rebuild(harmed, now=NOW + HOUR, limits=LIMITS)
    renew(harmed, "other", "school.example\n", "games")
    assert rebuild(harmed, now=NOW + 2 * HOUR, limits=LIMITS).refused == ("other",)
    candidate = read_candidate(harmed)
    assert candidate is not None
    assert {each.id for each in candidate.refused} == {"bets", "other"}
    publish_candidate(harmed, force=True, now=NOW + 3 * HOUR, limits=LIMITS)
    assert listed(harmed, "new.example", "school.example") == [True, True]
    assert {listing.list_id for listing in open_current(harmed).lookup("school.example")} == {"bets", "other"}


def test_a_new_list_that_does_harm_is_switched_off(harmed: Path) -> None:
    renew(harmed, "bets", GOOD)
    renew(harmed, "fresh", "school.example\n", "video")
    assert rebuild(harmed, now=NOW + HOUR, limits=LIMITS).refused == ("fresh",)
    fresh = source_of(harmed, "fresh")
    assert not fresh.enabled
    assert "school.example" in fresh.last_error
    assert listed(harmed, "school.example") == [False]
    done = publish_candidate(harmed, force=True, now=NOW + 2 * HOUR, limits=LIMITS)
    assert source_of(harmed, "fresh").enabled
    assert listed(harmed, "school.example") == [True]
    assert [problem.refuses for problem in done.problems] == [True]


def test_publishing_a_candidate_without_force_examines_it_again(harmed: Path) -> None:
    rebuild(harmed, now=NOW + HOUR, limits=LIMITS)
    assert publish_candidate(harmed, now=NOW + 2 * HOUR, limits=LIMITS).refused == ("bets",)
    assert listed(harmed, "new.example", "old.example") == [False, True]
    assert candidate_name(harmed)
    # The council decided that the school's own page may be closed.
    assert publish_candidate(harmed, now=NOW + 3 * HOUR, limits=Limits()).refused == ()
    assert listed(harmed, "new.example", "old.example") == [True, False]
    assert candidate_name(harmed) == ""
    assert source_of(harmed, "bets").rejected == ""
    assert source_of(harmed, "bets").last_error == ""


def test_what_was_published_by_force_is_not_refused_the_next_day(harmed: Path) -> None:
    done = rebuild(harmed, now=NOW + HOUR, limits=LIMITS, force=True)
    assert listed(harmed, "school.example") == [True]
    assert [problem.refuses for problem in done.problems] == [True]
    renew(harmed, "bets", HARMFUL + "next.example\n")
    assert rebuild(harmed, now=NOW + 2 * HOUR, limits=LIMITS).refused == ()
    assert listed(harmed, "next.example") == [True]


def test_a_candidate_can_be_discarded_and_its_text_does_not_come_back(harmed: Path) -> None:
    rebuild(harmed, now=NOW + HOUR, limits=LIMITS)
    name = candidate_name(harmed)
    assert discard_candidate(harmed) == name
    assert not (harmed / GENERATIONS / name).exists()
    assert source_of(harmed, "bets").rejected
    for act in (discard_candidate, publish_candidate):
        with pytest.raises(ListError, match="there is no candidate"):
            act(harmed)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        pytest.param(
            lambda folder: renew(folder, "bets", "else.example\n"), Kind.LOST, id="a name that must be blocked"
        ),
        pytest.param(
            lambda folder: renew(folder, "bets", "||casino.example^\n@@||casino.example^\n"), Kind.LOST, id="excepted"
        ),
    ],
)
def test_what_must_stay_blocked_is_not_let_go(tmp_path: Path, change: object, what: Kind) -> None:
    renew(tmp_path, "bets", GOOD)
    rebuild(tmp_path, now=NOW, limits=LIMITS)
    assert callable(change)
    change(tmp_path)
    done = rebuild(tmp_path, now=NOW + HOUR, limits=LIMITS)
    assert not done.changed
    assert done.refused == ("bets",)
    assert what in {problem.kind for problem in done.problems}
    assert listed(tmp_path, "casino.example") == [True]


def test_what_the_operator_did_by_hand_goes_through(tmp_path: Path) -> None:
    renew(tmp_path, "bets", GOOD)
    renew(tmp_path, "other", "a.example\n")
    rebuild(tmp_path, now=NOW, limits=LIMITS)
    bets, other = load_sources(tmp_path)
    save_sources(tmp_path, [replace(bets, enabled=False), other])
    done = rebuild(tmp_path, now=NOW + HOUR, limits=LIMITS)
    assert (done.changed, done.refused) == (True, ())
    assert [(problem.kind, problem.refuses) for problem in done.problems] == [(Kind.LOST, False)]


def test_rollback_puts_index_texts_and_rows_back_and_the_bad_version_stays_away(tmp_path: Path) -> None:
    renew(tmp_path, "bets", GOOD)
    first = rebuild(tmp_path, now=NOW).manifest
    renew(tmp_path, "bets", HARMFUL)
    renew(tmp_path, "later", "later.example\n", "games")
    bad = source_of(tmp_path, "bets").sha256
    second = rebuild(tmp_path, now=NOW + HOUR).manifest
    assert rollback(tmp_path).generation == first.generation == current_generation(tmp_path)
    assert listed(tmp_path, "old.example", "new.example", "later.example") == [True, False, False]
    assert text_path(tmp_path, "bets").read_text() == GOOD
    bets, later = load_sources(tmp_path)
    assert (bets.rejected, bets.rules, bets.sha256) == (bad, 2, facts_of(text_path(tmp_path, "bets")).sha256)
    assert not later.enabled
    assert first.generation in later.last_error
    done = rebuild(tmp_path, now=NOW + 2 * HOUR)
    assert (done.changed, done.manifest.generation) == (False, first.generation)
    assert candidate_name(tmp_path) == second.generation
    # And forward again, if it was a mistake.
    publish_candidate(tmp_path, now=NOW + 3 * HOUR)
    assert listed(tmp_path, "old.example", "new.example", "later.example") == [False, True, True]
    assert candidate_name(tmp_path) == ""


def test_rollback_goes_to_a_named_generation_or_step_by_step(tmp_path: Path) -> None:
    made = []
    for number, name in enumerate(("a", "b", "c")):
        renew(tmp_path, "one", f"{name}.example\n")
        made.append(rebuild(tmp_path, now=NOW + number * HOUR, limits=Limits(keep=3)).manifest.generation)
    assert [each.name for each in generations(tmp_path)] == made[::-1]
    assert rollback(tmp_path).generation == made[1]
    assert rollback(tmp_path).generation == made[0]
    with pytest.raises(ListError, match="nothing to go back to"):
        rollback(tmp_path)
    with pytest.raises(ListError, match="is in force already"):
        rollback(tmp_path, made[0])
    with pytest.raises(ListError, match="there is no generation 20000101"):
        rollback(tmp_path, "20000101T000000Z-00000000")
    with pytest.raises(BrokenIndex):
        rollback(tmp_path, "../texts")
    assert listed(tmp_path, "a.example") == [True]
    assert rollback(tmp_path, made[2]).generation == made[2]
    assert listed(tmp_path, "c.example") == [True]
    assert text_path(tmp_path, "one").read_text() == "c.example\n"


@pytest.mark.parametrize("file", ["texts/one.txt", "names.marisa", MANIFEST])
def test_a_damaged_generation_is_not_gone_back_to(tmp_path: Path, file: str) -> None:
    renew(tmp_path, "one", "a.example\n")
    first = rebuild(tmp_path, now=NOW).manifest.generation
    renew(tmp_path, "one", "b.example\n")
    second = rebuild(tmp_path, now=NOW + HOUR).manifest.generation
    damaged = tmp_path / GENERATIONS / first / file
    damaged.unlink()
    damaged.write_bytes(b"x")
    rows = load_sources(tmp_path)
    with pytest.raises(ListError):
        rollback(tmp_path, first)
    assert current_generation(tmp_path) == second
    assert load_sources(tmp_path) == rows
    assert text_path(tmp_path, "one").read_text() == "b.example\n"


def test_settings_of_a_list_are_rolled_back_with_it(tmp_path: Path) -> None:
    renew(tmp_path, "one", "a.example\n")
    rebuild(tmp_path, now=NOW)
    (one,) = load_sources(tmp_path)
    save_sources(tmp_path, [replace(one, category="video", title="changed")])
    rebuild(tmp_path, now=NOW + HOUR)
    rollback(tmp_path)
    assert source_of(tmp_path, "one").category == "gambling"
    assert source_of(tmp_path, "one").title == "one"
    assert not rebuild(tmp_path, now=NOW + 2 * HOUR).changed


@pytest.mark.parametrize("after", [False, True], ids=["before the step", "after it"])
def test_a_refusal_is_all_or_nothing_wherever_the_power_goes(harmed: Path, tmp_path: Path, after: bool) -> None:
    """What must stay open stays open after a cut at any step, and the next rebuild comes to the same end."""
    for steps in range(150):
        folder = tmp_path / f"cut-{steps}"
        shutil.copytree(harmed, folder)
        disk = FailingDisk(steps, after=after)
        with suppress(PowerCut):
            rebuild(folder, disk=disk, now=NOW + HOUR, limits=LIMITS)
        assert listed(folder, "casino.example", "old.example", "school.example") == [True, True, False]
        rebuild(folder, now=NOW + 2 * HOUR, limits=LIMITS)
        assert listed(folder, "casino.example", "old.example", "school.example", "b.example") == [
            True,
            True,
            False,
            True,
        ]
        assert text_path(folder, "bets").read_text() == GOOD
        candidate = read_candidate(folder)
        assert candidate is not None
        assert [each.id for each in candidate.refused] == ["bets"]
        assert len(generations(folder)) <= 3
        shutil.rmtree(folder)
        if not disk.dead:
            assert steps > 20
            return
    pytest.fail("a refusal takes more steps than expected")


@pytest.mark.parametrize("after", [False, True], ids=["before the step", "after it"])
def test_a_rollback_is_all_or_nothing_wherever_the_power_goes(harmed: Path, tmp_path: Path, after: bool) -> None:
    rebuild(harmed, now=NOW + HOUR)
    for steps in range(100):
        folder = tmp_path / f"cut-{steps}"
        shutil.copytree(harmed, folder)
        disk = FailingDisk(steps, after=after)
        with suppress(PowerCut):
            rollback(folder, disk=disk)
        state = tuple(listed(folder, "old.example", "new.example"))
        assert state in ((True, False), (False, True))
        assert bool(candidate_name(folder)) is (state == (True, False)), "there is always a way forward again"
        done = rebuild(folder, now=NOW + 2 * HOUR)
        again = tuple(listed(folder, "old.example", "new.example"))
        assert again in ((True, False), (False, True))
        assert again == (True, False) or state == (False, True), "what was rolled back came again"
        text = text_path(folder, "bets").read_text()
        assert (text == GOOD) is (again == (True, False))
        verify(folder / GENERATIONS / done.manifest.generation)
        shutil.rmtree(folder)
        if not disk.dead:
            assert state == again == (True, False)
            assert steps > 5
            return
    pytest.fail("a rollback takes more steps than expected")


@pytest.mark.parametrize("after", [False, True], ids=["before the step", "after it"])
def test_publishing_by_force_is_all_or_nothing_wherever_the_power_goes(
    harmed: Path, tmp_path: Path, after: bool
) -> None:
    rebuild(harmed, now=NOW + HOUR, limits=LIMITS)
    for steps in range(150):
        folder = tmp_path / f"cut-{steps}"
        shutil.copytree(harmed, folder)
        disk = FailingDisk(steps, after=after)
        with suppress(PowerCut):
            publish_candidate(folder, disk=disk, now=NOW + 2 * HOUR, limits=LIMITS, force=True)
        state = tuple(listed(folder, "old.example", "new.example"))
        assert state in ((True, False), (False, True))
        rebuild(folder, now=NOW + 3 * HOUR, limits=LIMITS)
        assert tuple(listed(folder, "old.example", "new.example")) in ((True, False), (False, True))
        assert listed(folder, "casino.example", "b.example") == [True, True]
        shutil.rmtree(folder)
        if not disk.dead:
            assert state == (False, True)
            return
    pytest.fail("publishing takes more steps than expected")


_PROGRAM = """
import sys
from pathlib import Path
from datetime import UTC, datetime
from blocklists.publish import Limits, rebuild
print("begun", flush=True)
rebuild(Path(sys.argv[1]), limits=Limits(must_open=("school.example",)))
"""


def test_a_working_generation_is_in_force_whenever_the_process_is_killed(tmp_path: Path) -> None:
    """kill -9 of a real rebuild at many moments: the old or the new generation is in force, and the next one works."""
    base = tmp_path / "base"
    old = "".join(f"n{number}.example\n" for number in range(2000))
    renew(base, "bets", old)
    rebuild(base, now=NOW)
    chance = random.Random(3)  # noqa: S311 - moments, not secrets
    new = old + "".join(f"m{number}.example\n" for number in range(2000))
    took = 0.0
    outcomes = set()
    for turn in range(12):
        folder = tmp_path / f"kill-{turn}"
        shutil.copytree(base, folder)
        renew(folder, "bets", new)
        begun = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(folder)], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        with process.stdout:
            assert process.stdout.readline() == b"begun\n"
            if turn:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(took * chance.random())
                process.send_signal(signal.SIGKILL)
            process.wait(60)
        took = took or time.monotonic() - begun
        state = tuple(listed(folder, "n1.example", "m1.example"))
        assert state in ((True, False), (True, True))
        outcomes.add(state)
        rebuild(folder)
        assert listed(folder, "n1.example", "m1.example") == [True, True]
        assert not list((folder / GENERATIONS).glob(".*"))
        shutil.rmtree(folder)
    assert (True, True) in outcomes


def there_and_back(folder: Path) -> tuple[str, str]:
    """Make two generations, go back to the first and forward to the second; return both."""
    renew(folder, "bets", GOOD)
    first = rebuild(folder, now=NOW, limits=LIMITS).manifest.generation
    renew(folder, "bets", GOOD + "second.example\n")
    second = rebuild(folder, now=NOW + HOUR, limits=LIMITS).manifest.generation
    rollback(folder)
    assert candidate_name(folder) == second
    assert rollback(folder, second).generation == second
    assert candidate_name(folder) == ""
    assert not (folder / CANDIDATE).exists()
    return first, second


def test_what_is_in_force_is_never_the_candidate_and_a_refusal_leaves_it(tmp_path: Path) -> None:
    _first, second = there_and_back(tmp_path)
    renew(tmp_path, "bets", HARMFUL)
    done = rebuild(tmp_path, now=NOW + 2 * HOUR, limits=LIMITS)
    assert (done.changed, done.refused) == (False, ("bets",))
    assert current_generation(tmp_path) == second
    assert listed(tmp_path, "second.example", "school.example") == [True, False]
    assert rebuild(tmp_path, now=NOW + 3 * HOUR, limits=LIMITS).refused == ()
    assert listed(tmp_path, "second.example", "school.example") == [True, False]


@pytest.mark.parametrize("pointer", [False, True], ids=["by itself", "with a pointer left by an older version"])
def test_going_forward_again_and_a_good_update_leave_something_to_go_back_to(tmp_path: Path, pointer: bool) -> None:
    _first, second = there_and_back(tmp_path)
    if pointer:
        (tmp_path / CANDIDATE).write_text(second + "\n")
        assert candidate_name(tmp_path) == ""
    renew(tmp_path, "bets", GOOD + "third.example\n")
    assert rebuild(tmp_path, now=NOW + 2 * HOUR, limits=LIMITS).changed
    assert previous(tmp_path) == second
    verify(tmp_path / GENERATIONS / second)


def test_nobody_goes_back_to_what_was_refused(harmed: Path) -> None:
    rebuild(harmed, now=NOW + HOUR, limits=LIMITS)
    refused, in_force = candidate_name(harmed), current_generation(harmed)
    with pytest.raises(ListError, match="lists publish --force"):
        rollback(harmed, refused)
    assert current_generation(harmed) == in_force
    # Another candidate takes its place; it does not become one of those to go back to.
    rollback(harmed)
    assert candidate_name(harmed) == in_force
    assert rollback(harmed, in_force).generation == in_force
    assert refused in [each.name for each in generations(harmed)]
    assert previous(harmed) not in ("", refused)
    with pytest.raises(ListError, match="was refused and never in force"):
        rollback(harmed, refused)


def test_each_generation_of_a_run_has_a_second_of_its_own(harmed: Path) -> None:
    """The refused one and the one that is published without it must not differ by their digests alone."""
    done = rebuild(harmed, now=NOW + HOUR, limits=LIMITS)
    candidate = candidate_name(harmed)
    assert candidate.partition("-")[0] < done.manifest.generation.partition("-")[0]


@pytest.mark.parametrize("file", ["names.marisa", MANIFEST])
def test_a_damaged_generation_in_force_does_not_let_harm_through(harmed: Path, file: str) -> None:
    bets = text_path(harmed, "bets").read_text()
    renew(harmed, "bets", GOOD)
    damaged = rebuild(harmed, now=NOW + HOUR, limits=LIMITS).manifest.generation
    renew(harmed, "bets", bets)
    path = harmed / GENERATIONS / damaged / file
    path.unlink()
    path.write_bytes(b"x")
    done = rebuild(harmed, now=NOW + 2 * HOUR, limits=LIMITS)
    assert (done.changed, done.refused) == (True, ("bets",))
    assert listed(harmed, "casino.example", "school.example", "b.example") == [True, False, True]
    verify(harmed / GENERATIONS / current_generation(harmed))


def asking(domain: str, count: int = 60, *, blocked: bool = False) -> Asked:
    """Return what a school asks in which one phone asks for many names of a domain."""
    names = [f"r{number}.{domain}" for number in range(count)] + [f"n{number}.example" for number in range(200)]
    opened = {name: 1 for name in names if not blocked or not name.endswith(domain)}
    return Asked({("pupils", name): 1 for name in names}, opened)


def kinds(done: Published) -> list[tuple[Kind, bool, str]]:
    return [(problem.kind, problem.refuses, problem.rule) for problem in done.problems]


@pytest.mark.parametrize("changed", [False, True], ids=["same text", "new text"])
@pytest.mark.parametrize("rule", ["badcasino.example", "/^r[0-9]+\\.badcasino/"], ids=["name", "expression"])
@pytest.mark.parametrize("blocked", [True, False], ids=["pupils ask", "staff may"])
def test_p0_nobody_opens_a_listed_domain_by_asking_for_it(
    tmp_path: Path, rule: str, changed: bool, blocked: bool
) -> None:
    text = f"||casino.example^\n{rule}\n" if rule[0] == "/" else f"casino.example\n{rule}\n"
    renew(tmp_path, "bets", text)
    renew(tmp_path, "other", "a.example\n")
    rebuild(tmp_path, now=NOW, limits=LIMITS)
    renew(tmp_path, "other", "b.example\n")
    if changed:
        renew(tmp_path, "bets", text + "||more.example^\n" if rule[0] == "/" else text + "more.example\n")
    asked = asking("badcasino.example", blocked=blocked)
    done = rebuild(tmp_path, now=NOW + HOUR, limits=LIMITS, asked=asked)
    assert (done.changed, done.held) == (True, 0)
    assert listed(tmp_path, "r1.badcasino.example") == [True]
    assert kinds(done) == ([] if blocked else [(Kind.BROAD, False, rule)])
    for problem in done.problems:
        assert "23 %" in problem.words()


def test_a_name_that_was_listed_for_itself_alone_is_held_when_all_below_it_follows(tmp_path: Path) -> None:
    renew(tmp_path, "bets", "0.0.0.0 portal.example\n0.0.0.0 casino.example\n")
    rebuild(tmp_path, now=NOW, limits=LIMITS)
    renew(tmp_path, "bets", "||portal.example^\n||casino.example^\n")
    asked = asking("portal.example")
    asked = replace(asked, opened={**asked.opened, "portal.example": 9})
    done = rebuild(tmp_path, now=NOW + HOUR, limits=LIMITS, asked=asked)
    assert kinds(done) == [(Kind.HELD, False, "portal.example")]
    assert "bets:1: portal.example covers 23 %" in done.problems[0].words()
    assert "schoolfilter lists held bets" in done.problems[0].words()
    assert listed(tmp_path, "r1.portal.example", "casino.example") == [False, True]


def test_no_rule_of_a_locked_category_is_held_for_being_broad(tmp_path: Path) -> None:
    renew(tmp_path, "law", "portal.example\n", "terrorism")
    renew(tmp_path, "games", "portal.example\n", "games")
    done = rebuild(tmp_path, now=NOW, asked=asking("portal.example"))
    assert {(problem.kind, problem.lists) for problem in done.problems} == {
        (Kind.HELD, ("games",)),
        (Kind.BROAD, ("law",)),
    }
    assert {each.list_id for each in open_current(tmp_path).lookup("portal.example")} == {"law"}


@pytest.mark.parametrize("rule", ["portal.example", "/^r[0-9]+\\.portal/"], ids=["name", "expression"])
@pytest.mark.parametrize("asked", [None, Asked.nothing()], ids=["not asked", "nothing is known"])
def test_without_a_measure_unchanged_texts_keep_what_was_decided(
    tmp_path: Path, rule: str, asked: Asked | None
) -> None:
    renew(tmp_path, "one", f"||a.example^\n{rule}\n")
    first = rebuild(tmp_path, now=NOW, asked=asking("portal.example"))
    assert first.held == 1
    assert not rebuild(tmp_path, now=NOW + HOUR, asked=asked).changed
    renew(tmp_path, "two", "b.example\n")
    assert rebuild(tmp_path, now=NOW + HOUR, asked=asked).held == 1
    off = Limits(broad_percent=100) if asked is None else Limits(top_names=0)
    assert rebuild(tmp_path, now=NOW + HOUR, asked=asked, limits=off).held == 0
    # The other way: what is in force stays so, whoever asks.
    assert rebuild(tmp_path, now=NOW + 2 * HOUR, asked=asking("portal.example")).held == 0
    assert rebuild(tmp_path, now=NOW + 2 * HOUR, asked=asked).held == 0


def test_an_accepted_rule_is_let_through_without_a_measure(tmp_path: Path) -> None:
    source = renew(tmp_path, "one", "portal.example\n")
    rebuild(tmp_path, now=NOW, asked=asking("portal.example"))
    save_sources(tmp_path, [replace(source, accepted=("portal.example",))])
    assert rebuild(tmp_path, now=NOW + HOUR).held == 0
    assert kinds(rebuild(tmp_path, now=NOW + 2 * HOUR, asked=asking("portal.example"), force=True)) == []


def test_a_start_after_an_upgrade_keeps_what_is_held_and_what_must_stay_open(tmp_path: Path) -> None:
    ensure_starter(tmp_path, LIMITS, now=NOW)
    renew(tmp_path, "one", "portal.example\n")
    save_sources(tmp_path, [each for each in load_sources(tmp_path) if each.id != "service-tiktok"])
    assert rebuild(tmp_path, now=NOW + HOUR, limits=LIMITS, asked=asking("portal.example")).held == 1
    renew(tmp_path, "two", "school.example\n")
    offered = tmp_path / OFFERED
    offered.write_text(offered.read_text().replace("service-tiktok\n", ""))
    ensure_starter(tmp_path, LIMITS, now=NOW + 2 * HOUR)
    assert "service-tiktok" in {listing.list_id for listing in open_current(tmp_path).lookup("tiktok.com")}
    assert listed(tmp_path, "school.example", "portal.example") == [False, False]


def test_what_was_rolled_back_once_is_remembered_until_it_is_published(tmp_path: Path) -> None:
    shas = []
    for number, name in enumerate("abc"):
        renewed_row = renew(tmp_path, "one", f"{name}.example\n")
        shas.append(renewed_row.sha256)
        rebuild(tmp_path, now=NOW + number * HOUR, limits=Limits(keep=9))
    rollback(tmp_path)
    rollback(tmp_path)
    assert source_of(tmp_path, "one").rolled_back == (shas[1], shas[2])
    publish_candidate(tmp_path, now=NOW + 9 * HOUR)
    assert source_of(tmp_path, "one").sha256 == shas[1]
    assert source_of(tmp_path, "one").rolled_back == (shas[2],)


def test_limits_are_read_from_the_settings_in_canonical_form() -> None:
    settings = Settings(
        school=School(protected=("Мектеп.қаз",)),
        lists=ListSettings(must_open=("School.Example.",), must_block=("bad.example",), keep=5, broad_percent=7),
    )
    limits = Limits.of(settings)
    assert (limits.must_open, limits.must_block) == (("school.example",), ("bad.example",))
    assert limits.protected == ("xn--e1aaogsq.xn--80ao21a",)
    assert (limits.keep, limits.broad_percent) == (5, 7)
    with pytest.raises(ListError, match=r"lists\.must_open in the settings: expected a domain name"):
        Limits.of(replace(settings, lists=ListSettings(must_open=("192.0.2.1",))))


def test_every_expectation_can_be_met_by_what_comes_with_the_program(tmp_path: Path) -> None:
    """The starter lists close no name that must stay open so that it harms, and hold all that must stay blocked."""
    ensure_starter(tmp_path, now=NOW)
    expected = module.expectations(Limits())
    index = open_current(tmp_path)
    assert [name for name in expected.blocked if not index.lookup(name)] == []
    assert expected.open
