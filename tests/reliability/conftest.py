"""Servers that many tests share: tests keep apart by using names of their own (`fresh`)."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.server import Server
from tests.harness.upstream import FakeUpstream

_numbers = itertools.count(1)

BLOCKED = "gambling.example.net"
"""On a list of the category gambling, which the default group may not reach."""
LISTS = {"gambling": f"{BLOCKED}\nother-casino.example.net\n", "terrorism": "terror.example.net\n"}
PAGE_V4, PAGE_V6 = "192.168.7.7", "fd00::7"


@pytest.fixture
def fresh() -> Callable[[str], str]:
    """Return a maker of names that no other test uses."""
    return lambda label: f"{label}-{next(_numbers)}.example.org"


@pytest.fixture(scope="session")
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as fake:
        yield fake
    assert not fake.complaints, f"our server sent bad queries: {fake.complaints[:5]}"


def _serve(folder: Path, upstream: FakeUpstream, **blocking: str) -> Iterator[Server]:
    server = Server(folder, (upstream.url,), {"blocking": dict(blocking)} if blocking else {}, LISTS)
    server.prepare()
    try:
        yield server.start()
        server.stop()
    finally:
        server.kill()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, upstream: FakeUpstream) -> Iterator[Server]:
    """The server with default behaviour: blocked names get null addresses."""
    yield from _serve(tmp_path_factory.mktemp("server"), upstream)


@pytest.fixture(scope="session")
def nxdomain_server(tmp_path_factory: pytest.TempPathFactory, upstream: FakeUpstream) -> Iterator[Server]:
    """The server that says blocked names do not exist."""
    yield from _serve(tmp_path_factory.mktemp("nxdomain"), upstream, answer="nxdomain")


@pytest.fixture(scope="session")
def page_server(tmp_path_factory: pytest.TempPathFactory, upstream: FakeUpstream) -> Iterator[Server]:
    """The server that leads blocked names to a page."""
    page = {"answer": "page", "page_address": f"{PAGE_V4}, {PAGE_V6}"}
    yield from _serve(tmp_path_factory.mktemp("page"), upstream, **page)
