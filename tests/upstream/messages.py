"""DNS messages for tests, made and answered by dnspython; queries and inboxes for upstreams under test."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import dns.message
import dns.rrset

from resolver.upstream.kept import KeptUpstream

Upstream = TypeVar("Upstream", bound=KeptUpstream)

TIMEOUT = 10.0
"""How long a test waits for what must come, in seconds."""


def query(name: str = "www.example.org", *, ident: int = 0x1234, edns: bool = True) -> bytes:
    """Return a query for the address of a name."""
    return dns.message.make_query(name, "A", use_edns=0 if edns else -1, id=ident).to_wire()


def answer(message: bytes, *texts: str) -> bytes:
    """Return the answer to a query: an address, or a TXT record that makes it as long as a test wants it."""
    asked = dns.message.from_wire(message)
    reply = dns.message.make_response(asked, recursion_available=True)
    name = asked.question[0].name
    if texts:
        reply.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", " ".join(f'"{text}"' for text in texts)))
    else:
        reply.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.1"))
    return reply.to_wire(max_size=65535)


def name_in(message: bytes) -> str:
    """Return the name that a message asks for, as the test wrote it."""
    return dns.message.from_wire(message).question[0].name.to_text(omit_final_dot=True)


class Inbox:
    """Takes what `done` gets, and notices what must not happen: a second call, or one from inside ask()."""

    def __init__(self) -> None:
        self.replies: dict[str, list[bytes | None]] = {}
        self._asking = False

    def ask(self, upstream: KeptUpstream, message: bytes, label: str = "") -> Callable[[], None]:
        """Ask, and file the outcome under a label."""
        filed = self.replies.setdefault(label, [])

        def done(reply: bytes | None) -> None:
            assert not self._asking, "done was called inside ask()"
            filed.append(reply)

        self._asking = True
        try:
            return upstream.ask(message, done)
        finally:
            self._asking = False

    async def outcome(self, label: str = "") -> bytes | None:
        """Wait for the one outcome."""
        filed = self.replies[label]
        await until(lambda: bool(filed))
        await asyncio.sleep(0)
        assert len(filed) == 1
        return filed[0]


async def ask(upstream: KeptUpstream, message: bytes) -> bytes | None:
    """Ask one query and return the outcome."""
    inbox = Inbox()
    inbox.ask(upstream, message)
    return await inbox.outcome()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(TIMEOUT):
        while not condition():
            await asyncio.sleep(0.002)


@asynccontextmanager
async def closing(upstream: Upstream) -> AsyncIterator[Upstream]:
    """Close an upstream when the test is over, and see that nothing of it is left."""
    try:
        yield upstream
    finally:
        upstream.close()
        async with asyncio.timeout(TIMEOUT):
            await upstream.wait_closed()
        assert not upstream.alive
