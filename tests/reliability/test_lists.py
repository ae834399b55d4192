"""Lists: a bad refresh keeps the last good one; without network the first answer is right: row 13."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import wire
from tests.harness.client import ask, ede
from tests.harness.load import Load
from tests.harness.server import Server
from tests.harness.upstream import FakeUpstream
from tests.harness.waiting import until

NAMES = [f"casino{n}.example.net" for n in range(300)]
GOOD = "\n".join(NAMES) + "\n"


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory, upstream: FakeUpstream) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("lists"), (upstream.url,), {}, {"gambling": GOOD})
    server.prepare()
    try:
        yield server.start()
        server.stop()
    finally:
        server.kill()


def _blocked(server: Server, name: str) -> bool:
    return bool(ede(ask(server.address, name, edns=wire.Edns())))


BAD_CONTENT = {
    "empty": b"",
    "only comments": b"# nothing\n! nothing\n",
    "one per cent": "\n".join(NAMES[:3]).encode(),
    "HTML": b"<!DOCTYPE html>\n<html><head><title>404</title></head>\n<body><h1>Not found</h1></body></html>\n" * 50,
    "garbage": bytes(range(256)) * 200,
    "one line of 10 MB": b"a" * 10_000_000,
    "a gzip file": b"\x1f\x8b\x08\0\0\0\0\0\0\3" + b"\x55" * 500,
}


@pytest.mark.parametrize("what", BAD_CONTENT)
def test_row_13_a_bad_refresh_keeps_the_last_good_list_and_says_so(listed: Server, what: str) -> None:
    source: Path = listed.folder / "test-gambling.txt"
    source.write_bytes(BAD_CONTENT[what])
    try:
        done = listed.command("lists", "refresh", "test-gambling", check=False)
        assert done.returncode == 1
        assert done.stderr.strip()
        assert "Traceback" not in done.stderr
        for name in (NAMES[0], NAMES[150], NAMES[-1], f"www.{NAMES[7]}"):
            assert _blocked(listed, name)
    finally:
        source.write_text(GOOD)


def test_row_13_a_source_that_is_gone_keeps_the_last_good_list(listed: Server) -> None:
    source: Path = listed.folder / "test-gambling.txt"
    source.unlink()
    try:
        done = listed.command("lists", "refresh", "test-gambling", check=False)
        assert done.returncode == 1
        assert _blocked(listed, NAMES[42])
    finally:
        source.write_text(GOOD)


def test_row_13_a_good_refresh_takes_effect_without_restart(listed: Server) -> None:
    source: Path = listed.folder / "test-gambling.txt"
    assert not _blocked(listed, "brandnew.example.net")
    source.write_text(GOOD + "brandnew.example.net\n")
    listed.command("lists", "refresh", "test-gambling")
    until("the new name to be blocked", lambda: _blocked(listed, "brandnew.example.net"))
    source.write_text(GOOD)
    listed.command("lists", "refresh", "test-gambling")
    until("the name to be open again", lambda: not _blocked(listed, "brandnew.example.net"))


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "http://127.0.0.1/list.txt", "https://127.0.0.1/list.txt", "https://localhost/x"]
)
def test_row_13_lists_come_neither_from_this_machine_by_url_nor_in_clear(listed: Server, location: str) -> None:
    done = listed.command("lists", "add", "evil", location, "--category", "games", check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert '"evil"' not in listed.command("lists", "show", "--json", check=False).stdout


def test_row_13_after_a_restart_without_network_the_first_answer_is_right(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """No upstream at all: the very first query after the start, for a listed name, gets the sinkhole."""
    dead = FakeUpstream()
    dead.close()
    server = Server(
        tmp_path_factory.mktemp("boot"), (dead.url,), {}, {"gambling": GOOD, "terrorism": "t.example.net\n"}
    )
    server.prepare()
    try:
        for first in (NAMES[5], "www.t.example.net"):
            server.start()
            assert _blocked(server, first)
            server.stop()
    finally:
        server.kill()


def test_row_13_a_reload_under_load_loses_no_query_and_opens_no_name(listed: Server) -> None:
    """A name that is in the old and in the new set is never open, not even for one answer."""
    source: Path = listed.folder / "test-gambling.txt"
    with Load(listed.address, lambda client, n: f"x{client}-{n}.{NAMES[n % 100]}", clients=2, pause=0.002) as load:
        for n in range(3):
            source.write_text(GOOD + f"extra{n}.example.net\n")
            listed.command("lists", "refresh", "test-gambling")
            until("the new set", lambda n=n: _blocked(listed, f"extra{n}.example.net"))  # type: ignore[misc]
    source.write_text(GOOD)
    assert load.sent > 100
    assert not load.lost
    opened = [name for name, answer in load.answers.items() if b"\0\4\0\0\0\0" not in answer]
    assert not opened
