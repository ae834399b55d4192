"""Does a listed name still belong to whom the director trusted? The signs of it, and `signs.json` with those of before.

A site may end, and a stranger may register its name: then the director's list opens what nobody approved. The signs are
the name servers of the registered domain: who they were when the list was last looked through is kept and compared.
"""

import asyncio
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from dnslib import AAAA, CNAME, EDNS0, NS, QTYPE, RCODE, RR, SOA, A, DNSError, DNSQuestion, DNSRecord

from approval.records import read_record, write_record
from blocklists.suffixes import bundled
from policy.name_warnings import registered_domain
from policy.names import with_parents

SIGNS = "signs.json"

AT_ONCE = 20
"""How many questions are on their way at the same time: a school's line is thin, and lessons go first."""
PATIENCE = 1.5
"""Seconds for one try."""
TRIES = 2

# Who parks a name has no site there: the name is for sale, or shows advertisements. Only services whose servers do
# nothing else stand here: registrars that park on the servers of their customers' sites (GoDaddy, reg.ru) do so under
# the names given. After the list of the MISP project (parking-domain-ns, CC0), without registrars.
_PARKED = """
    above.com afternic.com bodis.com cashparking.com dan.com domainmarket.com dsredirection.com dsredirects.com
    hugedomains.com parking.reg.ru parking1.ovh.net parking2.ovh.net parkingcrew.net parklogic.com sedo.com
    sedoparking.com undeveloped.com uniregistrymarket.link ztomy.com
"""
PARKED = frozenset(_PARKED.split())

_FILTERED = range(15, 19)
"""Extended errors Blocked, Censored, Filtered, Prohibited (RFC 8914): a filter speaks, not the name's own servers."""


class Outcome(StrEnum):
    """What the signs say about a name."""

    FOUND = "found"
    GONE = "gone"
    """The name does not exist any more."""
    NO_ADDRESS = "no-address"
    """It exists, but has no address of its own; names below it may have some."""
    PARKED = "parked"
    """It is for sale."""
    OWNER_CHANGED = "owner-changed"
    """None of its name servers is where they all were: it may have changed hands."""
    SILENT = "silent"
    """No answer, or one of a filter: nothing can be said."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was answered about a name. Empty means: nothing was, or nothing is there."""

    registered: str
    """Its registered domain."""
    exists: bool | None = None
    """None: no answer that could be believed."""
    has_address: bool = False
    hosts: frozenset[str] = frozenset()
    """The name servers of the registered domain, and what the name is an alias of."""
    servers: frozenset[str] = frozenset()
    """The registered domains of the name servers."""
    primary: str = ""
    """The registered domain of the first name server (SOA, field MNAME)."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What name servers said of a registered domain when the list was last looked through."""

    servers: frozenset[str]
    primary: str
    day: date


def judge(seen: Seen, noted: Noted | None = None) -> Outcome:
    """Return what the signs of a name say, compared with those that were noted."""
    if any(parent in PARKED for host in seen.hosts for parent in with_parents(host)):
        return Outcome.PARKED
    if seen.exists is None:
        return Outcome.SILENT
    if not seen.exists:
        return Outcome.GONE
    if noted is not None and _all_different(seen, noted):
        return Outcome.OWNER_CHANGED
    return Outcome.FOUND if seen.has_address else Outcome.NO_ADDRESS


def _all_different(seen: Seen, noted: Noted) -> bool:
    """Tell whether nothing is as it was. What is not known is not different: a server may just be silent."""
    known = seen.servers and noted.servers and seen.primary and noted.primary
    return bool(known) and seen.servers.isdisjoint(noted.servers) and seen.primary != noted.primary


def load_signs(state: Path) -> Mapping[str, Noted]:
    """Return what was noted, by registered domain. Raises DamagedRecord and OSError."""
    return read_record(state / SIGNS, _noted, {})


def note_signs(state: Path, seen: Iterable[Seen], today: date, *, reviewed: bool) -> None:
    """Keep the signs for the next look. Raises DamagedRecord and OSError.

    `reviewed`: a person has looked the list through, so that what is true now replaces what was; else only domains that
    are new get theirs noted. Domains that were not looked at are forgotten.
    """
    before = load_signs(state)
    kept: dict[str, Noted] = {}
    for each in seen:
        old = before.get(each.registered)
        if each.servers and each.primary and (reviewed or old is None):
            kept[each.registered] = Noted(each.servers, each.primary, today)
        elif old is not None:
            kept[each.registered] = old
    content = {
        domain: {"servers": sorted(each.servers), "primary": each.primary, "day": each.day.isoformat()}
        for domain, each in kept.items()
    }
    write_record(state / SIGNS, content)


def _noted(raw: Any) -> dict[str, Noted]:
    return {
        str(domain): Noted(frozenset(map(str, each["servers"])), str(each["primary"]), date.fromisoformat(each["day"]))
        for domain, each in raw.items()
    }


async def look(names: Collection[str], server: tuple[str, int], *, patience: float = PATIENCE) -> dict[str, Seen]:
    """Ask a resolver (address and port, by UDP) for the signs of canonical names. Never raises for what it answers.

    A resolver that finds none of several names is not believed: the line is down, or it answers for a portal.
    """
    suffixes = bundled()
    asker = _Asker(server, patience)
    homes = {name: registered_domain(name, suffixes) for name in names}
    domains = dict.fromkeys(homes.values())
    async with asyncio.TaskGroup() as tasks:
        of_names = {name: tasks.create_task(_addresses(asker, name)) for name in homes}
        of_domains = {domain: tasks.create_task(_authority(asker, domain)) for domain in domains}
    found = {}
    for name, home in homes.items():
        exists, has_address, aliases = of_names[name].result()
        servers, primary = of_domains[home].result()
        found[name] = Seen(
            home,
            exists,
            has_address,
            servers | aliases,
            frozenset(registered_domain(each, suffixes) for each in servers),
            registered_domain(primary, suffixes) if primary else "",
        )
    if len(found) > 1 and not any(each.exists for each in found.values()):
        return {name: Seen(each.registered) for name, each in found.items()}
    return found


async def _addresses(asker: "_Asker", name: str) -> tuple[bool | None, bool, frozenset[str]]:
    """Return whether a name exists (None: not known), whether it has an address, and what it is an alias of."""
    exists: bool | None = False
    aliases: set[str] = set()
    # A name is gone only if both questions are answered so: some servers deny a name for which they lack one type.
    for kind in (QTYPE.A, QTYPE.AAAA):
        answer = await asker.ask(name, kind)
        if answer is None:
            exists = exists or None
            continue
        records = [record.rdata for record in answer.rr]
        aliases.update(_text(each.label) for each in records if type(each) is CNAME)
        if any(isinstance(each, A | AAAA) for each in records):
            return True, True, frozenset(aliases)
        if answer.header.rcode == RCODE.NOERROR:
            exists = True
    return exists, False, frozenset(aliases)


async def _authority(asker: "_Asker", domain: str) -> tuple[frozenset[str], str]:
    """Return the name servers of a domain and the first of them; empty if they are not known."""
    answer = await asker.ask(domain, QTYPE.NS)
    if answer is None:
        return frozenset(), ""
    servers = frozenset(_text(each.rdata.label) for each in answer.rr if type(each.rdata) is NS)
    answer = await asker.ask(domain, QTYPE.SOA)
    starts = [] if answer is None else [each.rdata for each in answer.rr if isinstance(each.rdata, SOA)]
    return servers, _text(starts[0].mname) if starts else ""


def _text(label: object) -> str:
    return str(label).lower().removesuffix(".")


class _Asker:
    """Asks one resolver, a few questions at a time."""

    def __init__(self, server: tuple[str, int], patience: float) -> None:
        self._server = server
        self._patience = patience
        self._free = asyncio.Semaphore(AT_ONCE)

    async def ask(self, name: str, kind: int) -> DNSRecord | None:
        """Return a whole answer that says what there is or that there is nothing; None for all others and silence."""
        async with self._free:
            for _ in range(TRIES):
                try:
                    async with asyncio.timeout(self._patience):
                        answer = await self._exchange(DNSQuestion(name, kind))
                except (TimeoutError, OSError):
                    continue
                return answer if _believable(answer) else None
        return None

    async def _exchange(self, question: DNSQuestion) -> DNSRecord:
        loop = asyncio.get_running_loop()
        query = DNSRecord(q=question)
        query.header.id = secrets.randbits(16)
        query.header.rd = 1
        query.add_ar(EDNS0(udp_len=1232))
        waiting: asyncio.Future[DNSRecord] = loop.create_future()
        # Connected: the kernel tells of a closed port and lets nobody else answer. A port of its own for each question.
        transport, _protocol = await loop.create_datagram_endpoint(
            lambda: _Exchange(query, waiting), remote_addr=self._server
        )
        try:
            transport.sendto(query.pack())
            return await waiting
        finally:
            transport.close()


class _Exchange(asyncio.DatagramProtocol):
    """Waits for the answer to a query; whatever else comes is read past."""

    def __init__(self, query: DNSRecord, waiting: "asyncio.Future[DNSRecord]") -> None:
        self._query = query
        self._waiting = waiting

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - the form that asyncio calls
        try:
            answer = DNSRecord.parse(data)
        except DNSError:
            return
        ours, header = self._query, answer.header
        same = header.qr and header.id == ours.header.id and len(answer.questions) == 1
        same = same and answer.q.qtype == ours.q.qtype and _text(answer.q.qname) == _text(ours.q.qname)
        if same and not self._waiting.done():
            self._waiting.set_result(answer)

    def error_received(self, exc: Exception) -> None:
        if not self._waiting.done():
            self._waiting.set_exception(exc)


def _believable(answer: DNSRecord) -> bool:
    """Tell whether an answer is whole and of the name's own servers, and not that of a filter."""
    if answer.header.tc or answer.header.rcode not in (RCODE.NOERROR, RCODE.NXDOMAIN):
        return False
    options = [option for record in answer.ar if record.rtype == QTYPE.OPT for option in record.rdata]
    if any(option.code == 15 and int.from_bytes(option.data[:2]) in _FILTERED for option in options):
        return False
    return not any(_is_null(record) for record in answer.rr)


def _is_null(record: RR) -> bool:
    """Tell whether an address is 0.0.0.0 or ::, with which filters answer."""
    return isinstance(record.rdata, A | AAAA) and not any(record.rdata.data)
