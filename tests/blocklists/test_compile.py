"""A generation is published whole or not at all, whenever the power goes."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from blocklists import compile as compiler
from blocklists.compile import ensure_starter, rebuild
from blocklists.disk import Disk
from blocklists.errors import BrokenIndex, ListError
from blocklists.generation import CURRENT, GENERATIONS, MANIFEST, current_generation, verify
from blocklists.index import open_current
from blocklists.sources import SOURCES, load_sources, save_sources, text_path
from policy.categories import CATEGORIES
from tests.blocklists.lists_folder import NOW, put


class PowerCut(BaseException):
    """Nothing in the program may catch it, as nothing catches a power cut."""


class FailingDisk(Disk):
    """Loses power before or after its n-th step and does nothing from then on."""

    def __init__(self, steps: int, *, after: bool) -> None:
        self.left = steps
        self.after = after
        self.dead = False

    def _step(self, action: Callable[[], None]) -> None:
        if self.dead:
            raise PowerCut
        if self.left == 0:
            self.dead = True
            if self.after:
                action()
            raise PowerCut
        self.left -= 1
        action()

    def write(self, path: Path, data: bytes) -> None:
        def half() -> None:
            path.write_bytes(data[: len(data) // 2])

        self._step(lambda: super(FailingDisk, self).write(path, data) if not self.dead else half())

    def save(self, path: Path, writer: Callable[[Path], None]) -> None:
        self._step(lambda: writer(path))

    def sync(self, path: Path) -> None:
        self._step(lambda: super(FailingDisk, self).sync(path))

    def make_folder(self, path: Path) -> None:
        self._step(lambda: super(FailingDisk, self).make_folder(path))

    def move(self, old: Path, new: Path) -> None:
        self._step(lambda: super(FailingDisk, self).move(old, new))

    def remove(self, path: Path) -> None:
        self._step(lambda: super(FailingDisk, self).remove(path))


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


def test_compiling_the_same_lists_gives_the_same_bytes(tmp_path: Path) -> None:
    contents = []
    for name in ("first", "second"):
        folder = tmp_path / name
        put(folder, "one", "example.org\n0.example.org\n")
        put(folder, "two", "||example.net^\n@@||example.org^\n", "video")
        manifest = rebuild(folder, now=NOW)
        files = sorted((folder / GENERATIONS / manifest.generation).iterdir())
        contents.append([(path.name, path.read_bytes()) for path in files])
    assert contents[0] == contents[1]


def test_nothing_is_published_if_nothing_changed(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    first = rebuild(tmp_path, now=NOW)
    second = rebuild(tmp_path, now=NOW + timedelta(days=1))
    assert second.generation == first.generation == current_generation(tmp_path)
    assert [path.name for path in (tmp_path / GENERATIONS).iterdir()] == [first.generation]


def test_a_damaged_generation_is_compiled_anew_though_nothing_changed(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    first = rebuild(tmp_path, now=NOW)
    (tmp_path / GENERATIONS / first.generation / MANIFEST).unlink()
    assert rebuild(tmp_path, now=NOW).generation == first.generation
    assert open_current(tmp_path).lookup("example.org")


def test_the_previous_generation_is_kept_and_older_ones_go(tmp_path: Path) -> None:
    made = []
    for day, name in enumerate(("a", "b", "c", "d")):
        put(tmp_path, "one", f"{name}.example.org\n")
        made.append(rebuild(tmp_path, now=NOW + timedelta(days=day)).generation)
    assert sorted(path.name for path in (tmp_path / GENERATIONS).iterdir()) == made[-2:]
    verify(tmp_path / GENERATIONS / made[-2])


def test_a_generation_that_does_not_hold_what_was_compiled_is_never_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "one", "example.org\n")
    before = rebuild(tmp_path, now=NOW).generation
    put(tmp_path, "one", "example.net\n")
    monkeypatch.setattr(compiler, "reversed_labels", lambda name: name + ".")
    with pytest.raises(BrokenIndex, match=r"example\.net of one"):
        rebuild(tmp_path, now=NOW + timedelta(hours=1))
    assert current_generation(tmp_path) == before


def test_a_text_that_cannot_be_read_leaves_the_old_generation_in_force(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    before = rebuild(tmp_path, now=NOW).generation
    put(tmp_path, "two", "example.net\n")
    text_path(tmp_path, "two").unlink()
    with pytest.raises(ListError, match="lists refresh two"):
        rebuild(tmp_path, now=NOW)
    assert current_generation(tmp_path) == before


def test_a_list_that_is_switched_off_is_not_compiled(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    put(tmp_path, "two", "example.net\n")
    one, two = load_sources(tmp_path)
    save_sources(tmp_path, [one, replace(two, enabled=False)])
    manifest = rebuild(tmp_path, now=NOW)
    assert [each.id for each in manifest.lists] == ["one"]
    assert open_current(tmp_path).lookup("example.net") == ()


def test_names_are_counted_by_category_once_and_exceptions_not_at_all(tmp_path: Path) -> None:
    put(tmp_path, "one", "a.example.org\nb.example.org\n", "games")
    put(tmp_path, "two", "a.example.org\n", "games")
    put(tmp_path, "three", "||a.example.org^\n@@||c.example.org^\n", "video")
    manifest = rebuild(tmp_path, now=NOW)
    assert dict(manifest.categories) == {"games": 2, "video": 1}
    assert manifest.names == 3


def test_bad_lines_are_counted_and_public_suffixes_refused(tmp_path: Path) -> None:
    put(tmp_path, "one", "de\nedu.kz\nhttp://x/\nexample.org\n")
    (one,) = rebuild(tmp_path, now=NOW).lists
    assert (one.rules, one.skipped) == (1, 3)
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
    manifest = rebuild(tmp_path, now=NOW)
    assert manifest.width == 2
    index = open_current(tmp_path)
    for combination in (1, 2, 300, 511):
        found = [listing.list_id for listing in index.lookup(f"n{combination}.example.org")]
        assert found == [f"list-{number}" for number in range(9) if combination >> number & 1]


def test_a_new_folder_gets_the_starter_lists_and_a_first_generation(tmp_path: Path) -> None:
    folder = tmp_path / "lists"
    ensure_starter(folder, now=NOW)
    assert [source.category for source in load_sources(folder)] == [category.id for category in CATEGORIES]
    assert all(source.rules and not source.skipped for source in load_sources(folder))
    assert open_current(folder).lookup("www.roblox.com")[0].category == "games"


def test_a_folder_in_order_is_left_as_it_is(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    ensure_starter(tmp_path, now=NOW)
    assert [source.id for source in load_sources(tmp_path)] == ["one"]
    before = (tmp_path / CURRENT).read_text(), (tmp_path / SOURCES).read_text()
    ensure_starter(tmp_path, now=NOW + timedelta(days=1))
    assert ((tmp_path / CURRENT).read_text(), (tmp_path / SOURCES).read_text()) == before


def test_a_broken_index_is_compiled_again_at_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(tmp_path, "one", "example.org\n")
    rebuild(tmp_path, now=NOW)
    (tmp_path / CURRENT).write_text("gone\n")
    ensure_starter(tmp_path, now=NOW)
    assert open_current(tmp_path).lookup("example.org")
    assert "compiling the lists again" in caplog.text


@pytest.mark.parametrize("after", [False, True])
def test_a_power_cut_at_the_very_first_start_is_made_good_by_the_next(tmp_path: Path, after: bool) -> None:
    for steps in range(0, 100, 3):
        folder = tmp_path / f"cut-{steps}"
        disk = FailingDisk(steps, after=after)
        with suppress(PowerCut):
            ensure_starter(folder, disk=disk, now=NOW)
        ensure_starter(folder, now=NOW)
        assert open_current(folder).lookup("roblox.com")
        if not disk.dead:
            return
    pytest.fail("the first start takes more steps than expected")
