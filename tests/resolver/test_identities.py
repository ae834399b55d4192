"""Which MAC stands behind an address: lease files read once for each change, and every change told exactly."""

import logging
import os
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver import identities as module
from resolver.identities import SETTLED_SECONDS, Identities
from resolver.leases import Leases, read_leases
from resolver.neighbours import Neighbours

NOW = 1_800_000_000
AGES = 10 * SETTLED_SECONDS
"""So long before now files were written that nobody is writing any more."""


def mac(number: int) -> str:
    return f"00:00:5e:10:00:{number:02x}"


def lease(host: int, number: int, expires: int = NOW + 3600) -> str:
    """Return a line of dnsmasq's: address 192.0.2.`host`, MAC `number`."""
    return f"{expires} {mac(number)} 192.0.2.{host} pc-{number} *\n"


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


class Cable:
    """The kernel's neighbour table, as a test wants it."""

    def __init__(self) -> None:
        self.macs: dict[str, str] = {}
        self.reason = ""

    def __call__(self) -> Neighbours:
        return Neighbours(dict(self.macs), self.reason)


@pytest.fixture
def cable(monkeypatch: pytest.MonkeyPatch) -> Cable:
    table = Cable()
    monkeypatch.setattr(module, "neighbours", table)
    return table


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return a list that gets each file that is read."""
    read: list[Path] = []

    def noting(path: Path, now: float) -> Leases:
        read.append(path)
        return read_leases(path, now)

    monkeypatch.setattr(module, "read_leases", noting)
    return read


_written = count()


def write(path: Path, *lines: str) -> Path:
    """Write a lease file in place, as dnsmasq does, some time ago; each time a little later than the time before."""
    path.write_text("".join(lines), "utf-8")
    moment = int((NOW - AGES) * 1e9) + next(_written)
    os.utime(path, ns=(moment, moment))
    return path


def identities(*paths: Path, clock: Clock | None = None, table: bool = False) -> Identities:
    return Identities([str(path) for path in paths], table=table, clock=clock or Clock())


def addresses(*hosts: int) -> frozenset[str]:
    return frozenset(f"192.0.2.{host}" for host in hosts)


def known(found: Identities, hosts: Iterable[int]) -> dict[int, str]:
    return {host: address for host in hosts if (address := found.mac_of(f"192.0.2.{host}"))}


# -- what changes is told ----------------------------------------------------------------------------------------------


def test_addresses_that_come_go_or_change_are_told_and_no_others(tmp_path: Path) -> None:
    path = write(tmp_path / "leases", lease(1, 1), lease(2, 2), lease(3, 3))
    found = identities(path)
    assert found.mac_of("192.0.2.1") == ""
    assert found.look() == addresses(1, 2, 3)
    assert found.look() == frozenset()
    write(path, lease(2, 2), lease(3, 30), lease(4, 4))
    assert known(found, range(1, 5)) == {1: mac(1), 2: mac(2), 3: mac(3)}
    assert found.look() == addresses(1, 3, 4)
    assert known(found, range(1, 5)) == {2: mac(2), 3: mac(30), 4: mac(4)}
    assert found.look() == frozenset()


STEPS = st.lists(
    st.dictionaries(st.integers(1, 6), st.tuples(st.integers(1, 4), st.integers(NOW - 2, NOW + 6))),
    min_size=1,
    max_size=6,
)


@given(STEPS)
def test_whoever_applies_what_is_told_knows_what_is_known(
    tmp_path_factory: pytest.TempPathFactory, steps: list[dict[int, tuple[int, int]]]
) -> None:
    """The worker looks up anew only what it is told: what it remembers of all others has to hold."""
    path = tmp_path_factory.mktemp("leases") / "leases"
    clock = Clock()
    found = identities(path, clock=clock)
    remembered: dict[int, str] = {}
    for step in steps:
        write(path, *(lease(host, number, expires) for host, (number, expires) in step.items()))
        told = found.look()
        assert told <= addresses(*range(1, 7))
        for host in range(1, 7):
            now = found.mac_of(f"192.0.2.{host}")
            assert (remembered.get(host, "") != now) == (f"192.0.2.{host}" in told)
            remembered[host] = now
        in_force = {host: mac(number) for host, (number, expires) in step.items() if expires > clock.now}
        assert known(found, range(1, 7)) == in_force
        clock.now += 1


def test_the_cable_goes_before_the_lease_and_the_lease_holds_when_the_cable_is_silent(
    tmp_path: Path, cable: Cable
) -> None:
    found = identities(write(tmp_path / "leases", lease(1, 1), lease(2, 2)), table=True)
    cable.macs = {"192.0.2.2": mac(20), "fe80::9": mac(9)}
    assert found.look() == addresses(1, 2) | {"fe80::9"}
    assert (found.mac_of("192.0.2.2"), found.mac_of("fe80::9%eth0")) == (mac(20), mac(9))
    cable.macs = {"192.0.2.1": mac(1)}
    assert found.look() == addresses(2) | {"fe80::9"}
    assert known(found, (1, 2)) == {1: mac(1), 2: mac(2)}


def test_the_cable_is_not_asked_where_the_settings_say_so(cable: Cable) -> None:
    cable.macs = {"192.0.2.1": mac(1)}
    assert identities(table=False).look() == frozenset()


def test_of_two_files_the_later_one_is_believed(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one", lease(1, 1), lease(2, 2)), write(tmp_path / "two", lease(2, 20))
    found = identities(one, two)
    assert found.look() == addresses(1, 2)
    assert known(found, (1, 2)) == {1: mac(1), 2: mac(20)}


# -- each file is read once for each change ----------------------------------------------------------------------------


def test_a_file_that_has_not_changed_is_not_read_again(tmp_path: Path, reads: list[Path]) -> None:
    one, two = write(tmp_path / "one", lease(1, 1)), write(tmp_path / "two", lease(2, 2))
    found = identities(one, two)
    for _ in range(5):
        found.look()
    assert reads == [one, two]
    write(two, lease(2, 3))
    for _ in range(5):
        found.look()
    assert reads == [one, two, two]


STAT = {"st_mode": 0o100600, "st_ino": 7, "st_size": 60, "st_mtime_ns": NOW, "st_ctime_ns": NOW, "st_mtime": NOW - AGES}


@pytest.mark.parametrize("field", ["st_ino", "st_size", "st_mtime_ns", "st_ctime_ns"])
def test_each_sign_of_a_change_alone_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: list[Path], field: str
) -> None:
    path = write(tmp_path / "leases", lease(1, 1))
    found = identities(path)
    for stat in (STAT, STAT, STAT | {field: 1}, STAT | {field: 1}):
        with monkeypatch.context() as patch:
            patch.setattr(Path, "stat", lambda *_arguments, stat=stat, **_options: SimpleNamespace(**stat))
            found.look()
    assert reads == [path, path]


def test_a_file_that_may_be_read_by_now_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is told that a file may not be read changes its mode: what stands in it stays as it was."""
    path = write(tmp_path / "leases", lease(1, 1))
    found, before = identities(path), path.stat()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", _refuse)
        assert found.look() == frozenset()
    while path.stat().st_ctime_ns == before.st_ctime_ns:  # until the file system's clock has ticked
        path.chmod(0o640)
    assert found.look() == addresses(1)


def _refuse(*_arguments: object) -> bytes:
    raise PermissionError(13, "Permission denied")


def test_a_second_change_within_the_same_tick_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: list[Path]
) -> None:
    """A file system may have no finer clock than some milliseconds; dnsmasq writes into the same file."""
    path, clock = write(tmp_path / "leases", lease(1, 1)), Clock()
    found = identities(path, clock=clock)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", lambda *_arguments, **_options: SimpleNamespace(**STAT | {"st_mtime": NOW}))
        found.look()
        path.write_text(lease(1, 2), "utf-8")
        for _ in range(4):
            clock.now += 1
            found.look()
    assert found.mac_of("192.0.2.1") == mac(2)
    assert reads == [path, path]


def test_a_lease_runs_out_by_itself_and_holds_again_when_the_clock_is_put_back(
    tmp_path: Path, reads: list[Path]
) -> None:
    clock = Clock()
    path = write(tmp_path / "leases", lease(1, 1, NOW + 10), lease(2, 2, NOW + 20), lease(3, 3, 0))
    found = identities(path, clock=clock)
    clock.now = NOW + 10**9
    assert found.look() == addresses(3)
    clock.now = NOW
    assert found.look() == addresses(1, 2)
    clock.now = NOW + 9.9
    assert found.look() == frozenset()
    clock.now = NOW + 10
    assert found.look() == addresses(1)
    assert known(found, (1, 2, 3)) == {2: mac(2), 3: mac(3)}
    clock.now = NOW + 20
    assert found.look() == addresses(2)
    assert reads == [path]


# -- files that vanish or cannot be read -------------------------------------------------------------------------------


def test_what_a_file_said_holds_until_it_runs_out_when_the_file_vanishes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    path = write(tmp_path / "leases", lease(1, 1, NOW + 10), lease(2, 2))
    found = identities(path, clock=clock)
    found.look()
    path.unlink()
    assert found.look() == frozenset()
    assert known(found, (1, 2)) == {1: mac(1), 2: mac(2)}
    clock.now += 10
    assert found.look() == addresses(1)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert f"{path}: expected the lease file of a DHCP server, found no file" in caplog.text
    write(path, lease(3, 3))
    assert found.look() == addresses(2, 3)
    assert known(found, (1, 2, 3)) == {3: mac(3)}


def test_a_file_that_comes_later_is_read_when_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "leases"
    found = identities(path)
    assert found.look() == frozenset()
    write(path, lease(1, 1))
    assert found.look() == addresses(1)


def test_a_damaged_file_leaves_what_was_known_and_is_not_read_over_and_over(tmp_path: Path, reads: list[Path]) -> None:
    path = write(tmp_path / "leases", lease(1, 1))
    found = identities(path)
    found.look()
    write(path, "<!DOCTYPE html>\n")
    for _ in range(3):
        assert found.look() == frozenset()
    assert found.mac_of("192.0.2.1") == mac(1)
    assert reads == [path, path]


def test_one_bad_file_does_not_hide_the_others(tmp_path: Path) -> None:
    found = identities(tmp_path / "nothing", tmp_path, write(tmp_path / "leases", lease(1, 1)))
    assert found.look() == addresses(1)


def test_a_complaint_is_made_once_and_again_only_after_all_was_well(
    tmp_path: Path, cable: Cable, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "leases"
    found = identities(path, table=True)
    cable.reason = "The kernel does not tell."
    for _ in range(3):
        found.look()
    assert sorted(record.getMessage().partition(" ")[2][:10] for record in caplog.records) == sorted(
        ["The kernel", str(path)[:10]]
    )
    caplog.clear()
    write(path, lease(1, 1))
    cable.reason = ""
    found.look()
    assert not caplog.records
    path.unlink()
    found.look()
    assert [str(path) in record.getMessage() for record in caplog.records] == [True]
