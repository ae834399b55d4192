"""Files that are handed out: readable by anybody, and never written through what somebody else laid in their place."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.handout import hand_out


@pytest.fixture(autouse=True)
def narrow() -> Iterator[None]:
    """Run with the umask of the installed command."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    """Return the permissions of a file, without following a link."""
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.parametrize("before", [None, b"a longer text of before"])
def test_anybody_may_read_what_is_handed_out_and_nothing_else_is_left(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "order-7.json"
    if before is not None:
        path.write_bytes(before)
    hand_out(path, b"order")
    assert path.read_bytes() == b"order"
    assert mode(path) == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_in_its_place_is_replaced_and_what_it_leads_to_stays_as_it_is(tmp_path: Path) -> None:
    key, folder = tmp_path / "director.key", tmp_path / "theirs"
    key.write_bytes(b"secret")
    folder.mkdir()
    path = folder / "order-7.json"
    path.symlink_to(key)
    hand_out(path, b"order")
    assert (key.read_bytes(), mode(key)) == (b"secret", 0o600)
    assert not path.is_symlink()
    assert (path.read_bytes(), mode(path)) == (b"order", 0o644)


def test_a_second_name_of_a_file_is_replaced_and_the_file_stays_as_it_is(tmp_path: Path) -> None:
    key, path = tmp_path / "director.key", tmp_path / "order-7.json"
    key.write_bytes(b"secret")
    path.hardlink_to(key)
    hand_out(path, b"order")
    assert (key.read_bytes(), mode(key), path.read_bytes()) == (b"secret", 0o600, b"order")


def test_a_link_to_nothing_makes_no_file_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "order-7.json"
    path.symlink_to(tmp_path / "elsewhere")
    hand_out(path, b"order")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"order"


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        with pytest.raises(FileExistsError, match=path.name):
            hand_out(path, b"order")
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [link, pipe]


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "order-7.json"
    path.write_bytes(b"before")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        hand_out(path, b"order")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
