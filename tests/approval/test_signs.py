"""What name servers say of a listed name, and what follows from it: judged without a network, asked on loopback."""

import asyncio
import struct
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approval.records import DamagedRecord
from approval.signs import AT_ONCE, PARKED, SIGNS, Noted, Outcome, Seen, judge, load_signs, look, note_signs
from policy.names import parse_name
from tests.harness import wire
from tests.harness.upstream import FakeUpstream, Handler, Query, Send, reply, silent

DAY = date(2026, 9, 2)
NS = 2


def seen(
    *,
    exists: bool | None = True,
    address: bool = True,
    hosts: Iterable[str] = ("ns1.host.kz",),
    servers: Iterable[str] = ("host.kz",),
    primary: str = "host.kz",
) -> Seen:
    return Seen("kitap.kz", exists, address, frozenset(hosts), frozenset(servers), primary)


def noted(*servers: str, primary: str = "host.kz") -> Noted:
    return Noted(frozenset(servers), primary, DAY)


@pytest.mark.parametrize(
    ("said", "before", "outcome"),
    [
        (seen(), None, Outcome.FOUND),
        (seen(), noted("host.kz"), Outcome.FOUND),
        (seen(address=False), noted("host.kz"), Outcome.NO_ADDRESS),
        (seen(exists=False, address=False), None, Outcome.GONE),
        (seen(exists=False, address=False), noted("other.kz", primary="other.kz"), Outcome.GONE),
        (seen(exists=None, address=False), None, Outcome.SILENT),
        (seen(exists=None, address=False), noted("other.kz", primary="other.kz"), Outcome.SILENT),
        (Seen("kitap.kz"), noted("host.kz"), Outcome.SILENT),
        # Moved: all servers are other ones, and the first of them, too.
        (seen(), noted("other.kz", primary="other.kz"), Outcome.OWNER_CHANGED),
        (seen(address=False), noted("other.kz", primary="other.kz"), Outcome.OWNER_CHANGED),
        (seen(servers=["host.kz", "b.kz"]), noted("other.kz", "c.kz", primary="other.kz"), Outcome.OWNER_CHANGED),
        (seen(servers=["host.kz", "b.kz"]), noted("other.kz", "b.kz", primary="other.kz"), Outcome.FOUND),
        (seen(), noted("other.kz", primary="host.kz"), Outcome.FOUND),
        (seen(), noted("host.kz", primary="other.kz"), Outcome.FOUND),
        # What is not known is not different.
        (seen(servers=[], primary=""), noted("other.kz", primary="other.kz"), Outcome.FOUND),
        (seen(primary=""), noted("other.kz", primary="other.kz"), Outcome.FOUND),
        (seen(), noted(primary="other.kz"), Outcome.FOUND),
        (seen(), noted("other.kz", primary=""), Outcome.FOUND),
        # Parked, by its name servers or by what it is an alias of.
        (seen(hosts=["ns1.sedoparking.com"]), None, Outcome.PARKED),
        (seen(hosts=["ns1.host.kz", "77.bodis.com"]), noted("host.kz"), Outcome.PARKED),
        (seen(hosts=["parking1.ovh.net"]), None, Outcome.PARKED),
        (seen(hosts=["dns11.ovh.net"]), None, Outcome.FOUND),
        (seen(hosts=["ns1.reg.ru"]), None, Outcome.FOUND),
        (seen(hosts=["parking.reg.ru"]), None, Outcome.PARKED),
        (seen(hosts=["notsedoparking.com"]), None, Outcome.FOUND),
        (seen(exists=None, address=False, hosts=["ns1.parkingcrew.net"]), None, Outcome.PARKED),
    ],
)
def test_what_the_signs_say(said: Seen, before: Noted | None, outcome: Outcome) -> None:
    assert judge(said, before) is outcome


@given(st.sets(st.sampled_from("abcd")), st.sets(st.sampled_from("abcd")), st.sampled_from(["", "a", "b"]))
def test_only_what_has_nothing_in_common_has_changed_hands(ours: set[str], theirs: set[str], primary: str) -> None:
    outcome = judge(seen(servers=ours, primary="a"), noted(*theirs, primary=primary))
    changed = bool(ours and theirs and not ours & theirs and primary == "b")
    assert (outcome is Outcome.OWNER_CHANGED) == changed


@pytest.mark.parametrize("name", sorted(PARKED))
def test_parking_services_are_canonical_names(name: str) -> None:
    assert parse_name(name) == name


@pytest.fixture
def fake() -> Iterator[FakeUpstream]:
    with FakeUpstream() as server:
        server.fallback = zone()
        yield server
        assert server.complaints == []


def zone(
    a: str | None = "198.51.100.7",
    aaaa: str | None = None,
    servers: Iterable[str] = ("ns1.host.kz", "ns2.host.kz"),
    primary: str = "ns1.host.kz",
    alias: str | None = None,
    **parts: object,
) -> Handler:
    """Answer for a domain that exists; keywords of `reply` go into every answer."""

    def handle(query: Query) -> list[Send]:
        records = []
        if alias and query.kind in (wire.A, wire.AAAA):
            records.append(wire.record("@", 300, "CNAME", f"{alias}."))
        if query.kind == wire.A and a:
            records.append(wire.record(alias or "@", 300, "A", a))
        elif query.kind == wire.AAAA and aaaa:
            records.append(wire.record(alias or "@", 300, "AAAA", aaaa))
        elif query.kind == NS:
            records += [wire.record("@", 300, NS, f"{server}.") for server in servers]
        elif query.kind == wire.SOA and primary:
            records.append(wire.record("@", 300, "SOA", f"{primary}. mail.{primary}. 1 7200 3600 1209600 300"))
        return [Send(reply(query, *records, **parts))]  # type: ignore[arg-type]  # keywords of reply

    return handle


def gone(query: Query) -> list[Send]:
    return [Send(reply(query, rcode=wire.NXDOMAIN, authority=[wire.soa()]))]


def failing(query: Query) -> list[Send]:
    return [Send(reply(query, rcode=wire.SERVFAIL))]


def ede(code: int) -> bytes:
    return struct.pack("!HHH", 15, 2, code)


def ask(fake: FakeUpstream, *names: str, patience: float = 5) -> dict[str, Seen]:
    """Look at the names, beside one that is well, so that the resolver is believed."""
    found = asyncio.run(look(["example.org", *names], fake.address, patience=patience))
    assert judge(found.pop("example.org")) is Outcome.FOUND
    return found


def outcome_of(fake: FakeUpstream, handler: Handler, patience: float = 5) -> Outcome:
    fake.on("kitap.kz", handler)
    return judge(ask(fake, "kitap.kz", patience=patience)["kitap.kz"])


def test_all_signs_of_a_name_are_gathered(fake: FakeUpstream) -> None:
    fake.on(
        "school.edu.kz",
        zone(servers=["NS1.Host.KZ", "ns.other.com.kz"], primary="Ns.Other.Com.Kz", alias="cdn.example.net"),
    )
    found = ask(fake, "www.lib.school.edu.kz")
    assert found["www.lib.school.edu.kz"] == Seen(
        "school.edu.kz",
        True,
        True,
        frozenset({"ns1.host.kz", "ns.other.com.kz", "cdn.example.net"}),
        frozenset({"host.kz", "other.com.kz"}),
        "other.com.kz",
    )
    assert {query.name for query in fake.queries(kind=NS)} == {"school.edu.kz", "example.org"}
    assert all(query.flags == wire.RD and query.size == 1232 for query in fake.queries())


def test_a_domain_is_asked_for_once_whatever_stands_below_it(fake: FakeUpstream) -> None:
    ask(fake, "kitap.kz", "a.kitap.kz", "b.kitap.kz")
    assert len(fake.queries("kitap.kz", NS)) == len(fake.queries("kitap.kz", wire.SOA)) == 1


@pytest.mark.parametrize(
    ("handler", "outcome"),
    [
        (zone(), Outcome.FOUND),
        (zone(a=None, aaaa="2001:db8::7"), Outcome.FOUND),
        (zone(a=None), Outcome.NO_ADDRESS),
        (zone(alias="park.example.net"), Outcome.FOUND),
        (zone(alias="77.bodis.com"), Outcome.PARKED),
        (zone(servers=["ns1.sedoparking.com"]), Outcome.PARKED),
        (zone(servers=[], primary=""), Outcome.FOUND),
        (gone, Outcome.GONE),
        (failing, Outcome.SILENT),
        # A filter speaks: its address, or its extended error.
        (zone(a="0.0.0.0", aaaa="::"), Outcome.SILENT),
        (zone(a="0.0.0.0", aaaa="2001:db8::7"), Outcome.FOUND),
        (zone(rcode=wire.NXDOMAIN, a=None, options=ede(15)), Outcome.SILENT),
        (zone(a="198.51.100.9", options=ede(17)), Outcome.SILENT),
        (zone(options=ede(3)), Outcome.FOUND),
        (zone(flags=wire.TC), Outcome.SILENT),
    ],
)
def test_what_is_answered_is_judged(fake: FakeUpstream, handler: Handler, outcome: Outcome) -> None:
    assert outcome_of(fake, handler) is outcome


@pytest.mark.parametrize(
    ("for_a", "for_aaaa", "outcome"),
    [
        (gone, gone, Outcome.GONE),
        # Some servers deny a name that has only addresses of the other family.
        (gone, zone(a=None, aaaa="2001:db8::7"), Outcome.FOUND),
        (zone(), gone, Outcome.FOUND),
        (zone(a=None), gone, Outcome.NO_ADDRESS),
        (gone, zone(a=None), Outcome.NO_ADDRESS),
        (gone, failing, Outcome.SILENT),
        (failing, gone, Outcome.SILENT),
        (failing, zone(a=None), Outcome.NO_ADDRESS),
        (failing, failing, Outcome.SILENT),
    ],
)
def test_a_name_is_gone_only_if_both_families_are_denied(
    fake: FakeUpstream, for_a: Handler, for_aaaa: Handler, outcome: Outcome
) -> None:
    def handle(query: Query) -> Iterable[Send]:
        return {wire.A: for_a, wire.AAAA: for_aaaa}.get(query.kind, zone())(query)

    assert outcome_of(fake, handle) is outcome


def test_silence_is_not_judged(fake: FakeUpstream) -> None:
    assert outcome_of(fake, silent, patience=0.5) is Outcome.SILENT
    assert len(fake.queries("kitap.kz", wire.A)) == 2


def test_one_lost_datagram_is_asked_for_again(fake: FakeUpstream) -> None:
    lost: set[tuple[str, int]] = set()

    def handle(query: Query) -> Iterable[Send]:
        if (query.name, query.kind) in lost:
            return zone()(query)
        lost.add((query.name, query.kind))
        return ()

    assert outcome_of(fake, handle, patience=0.5) is Outcome.FOUND


def test_answers_to_other_questions_are_read_past(fake: FakeUpstream) -> None:
    def handle(query: Query) -> list[Send]:
        other = wire.name_wire("other.kz") + struct.pack("!HH", query.kind, 1)
        bad = wire.record("@", 300, "A", "0.0.0.0")
        false = [
            Send(reply(query, bad, qid=query.qid ^ 1)),
            Send(reply(query, bad, question=other)),
            Send(reply(query, bad, question=query.name_raw + struct.pack("!HH", query.kind ^ 1, 1))),
            Send(reply(query, bad, qr=False)),
            Send(b"\0\1nonsense"),
            Send(reply(query, bad), via="port"),
            Send(reply(query, bad), via="address"),
        ]
        return [*false, *zone()(query)]

    assert outcome_of(fake, handle) is Outcome.FOUND


def test_a_closed_port_is_silence_at_once() -> None:
    server = FakeUpstream()
    server.close()
    found = asyncio.run(asyncio.wait_for(look(["kitap.kz", "example.org"], server.address, patience=60), 30))
    assert {judge(each) for each in found.values()} == {Outcome.SILENT}


def test_a_resolver_that_finds_nothing_at_all_is_not_believed(fake: FakeUpstream) -> None:
    """As a router without a line does: the whole list would be called gone."""
    fake.fallback = gone
    found = asyncio.run(look(["kitap.kz", "example.org"], fake.address, patience=5))
    assert {name: judge(each) for name, each in found.items()} == dict.fromkeys(
        ["kitap.kz", "example.org"], Outcome.SILENT
    )


def test_the_only_name_of_a_list_can_be_gone(fake: FakeUpstream) -> None:
    fake.fallback = gone
    found = asyncio.run(look(["kitap.kz"], fake.address, patience=5))
    assert judge(found["kitap.kz"]) is Outcome.GONE


def test_nothing_to_look_at_asks_nothing(fake: FakeUpstream) -> None:
    assert asyncio.run(look([], fake.address)) == {}
    assert fake.queries() == []


def test_as_many_questions_as_may_be_are_on_their_way_at_once_and_no_more(fake: FakeUpstream) -> None:
    delay = 0.3
    fake.on("example.net", lambda query: [Send(each.data, delay) for each in zone()(query)])
    found = asyncio.run(look([f"n{number}.example.net" for number in range(2 * AT_ONCE)], fake.address, patience=30))
    assert {judge(each) for each in found.values()} == {Outcome.FOUND}
    arrived = sorted(query.at for query in fake.queries())
    assert arrived[AT_ONCE - 1] < arrived[0] + delay
    # Whoever is one too many must have waited for an answer to a question that came no earlier than the one before.
    assert all(late >= early + delay for early, late in zip(arrived, arrived[AT_ONCE:], strict=False))


def test_signs_are_kept_from_review_to_review(tmp_path: Path) -> None:
    ours, theirs = Noted(frozenset({"a.kz", "b.kz"}), "a.kz", DAY), date(2027, 9, 2)
    assert load_signs(tmp_path) == {}
    first = [Seen("kitap.kz", True, True, frozenset(), ours.servers, "a.kz"), Seen("silent.kz")]
    note_signs(tmp_path, first, DAY, reviewed=False)
    assert load_signs(tmp_path) == {"kitap.kz": ours}

    moved = Seen("kitap.kz", True, True, frozenset(), frozenset({"x.kz"}), "x.kz")
    fresh = Seen("fresh.kz", True, True, frozenset(), frozenset({"f.kz"}), "f.kz")
    note_signs(tmp_path, [moved, fresh], theirs, reviewed=False)
    assert load_signs(tmp_path) == {"kitap.kz": ours, "fresh.kz": Noted(frozenset({"f.kz"}), "f.kz", theirs)}
    assert judge(moved, load_signs(tmp_path)["kitap.kz"]) is Outcome.OWNER_CHANGED

    note_signs(tmp_path, [moved, Seen("fresh.kz")], theirs, reviewed=True)
    assert load_signs(tmp_path)["kitap.kz"] == Noted(frozenset({"x.kz"}), "x.kz", theirs)
    assert judge(moved, load_signs(tmp_path)["kitap.kz"]) is Outcome.FOUND
    assert load_signs(tmp_path)["fresh.kz"].servers == {"f.kz"}, "who is silent keeps the signs of before"

    note_signs(tmp_path, [moved], theirs, reviewed=True)
    assert load_signs(tmp_path).keys() == {"kitap.kz"}


@pytest.mark.parametrize(
    "text", ["", "[1]", '{"kitap.kz": {}}', '{"kitap.kz": {"servers": 1, "primary": "", "day": ""}}']
)
def test_a_damaged_record_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / SIGNS).write_text(text, encoding="utf-8")
    with pytest.raises(DamagedRecord, match=r"signs\.json: expected"):
        note_signs(tmp_path, [], DAY, reviewed=True)
