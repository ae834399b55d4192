"""What is kept of an answer, for how long, and for whom: rows 15, 16, 17, 21 and RELIABILITY section 5, Cache."""

from collections.abc import Callable, Iterable
from pathlib import Path

import dns.flags
import pytest

from tests.harness import wire
from tests.harness.client import addresses, ask, ask_raw, rcode
from tests.harness.server import Server
from tests.harness.upstream import FakeUpstream, Query, Send, reply, says
from tests.harness.waiting import until

Fresh = Callable[[str], str]
SIGNATURE = "A 8 3 300 20991231000000 20200101000000 4711 example.org. " + "A" * 84 + "=="


def _least(server: Server, name: str, kind: str = "A") -> int:
    response = ask(server.address, name, kind)
    return min(rrset.ttl for rrset in (*response.answer, *response.authority))


@pytest.mark.parametrize("negative", [False, True], ids=["positive", "negative"])
def test_row_15_ttls_count_down_and_never_grow(
    server: Server, upstream: FakeUpstream, fresh: Fresh, negative: bool
) -> None:
    name = fresh("countdown")
    upstream.on(
        name,
        says(rcode=3, authority=[wire.soa(ttl=100, minimum=100)])
        if negative
        else says(wire.record("@", 100, "A", "198.51.100.1"), wire.record("@", 100, "A", "198.51.100.2")),
    )
    seen = [_least(server, name)]
    assert seen[0] <= 100

    def lower() -> bool:
        seen.append(_least(server, name))
        return seen[-1] <= seen[0] - 2

    until("the TTL to go down by two", lower)
    assert seen == sorted(seen, reverse=True), "a TTL grew"
    assert seen[-1] > 80
    assert len(upstream.queries(name)) == 1


def test_row_15_an_answer_with_ttl_0_is_not_used_again(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    name = fresh("zero")
    numbers = iter(range(1, 200))
    upstream.on(name, lambda q: [Send(reply(q, wire.record("@", 0, "A", f"198.51.100.{next(numbers)}")))])
    first, second = ask(server.address, name), ask(server.address, name)
    assert addresses(first) != addresses(second)
    assert first.answer[0].ttl == second.answer[0].ttl == 0


def test_row_15_the_least_ttl_of_a_chain_ends_the_answer(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    name, target = fresh("short"), fresh("target")
    upstream.on(target, says(wire.record("@", 1, "A", "198.51.100.1")))
    upstream.on(name, says(wire.record("@", 300, "CNAME", f"{target}."), wire.record(target, 1, "A", "198.51.100.1")))
    ask(server.address, name)

    def asked_again() -> bool:
        ask(server.address, name)
        return len(upstream.queries(name)) + len(upstream.queries(target)) > 1  # whichever of the two

    until("the upstream is asked again", asked_again)


@pytest.mark.parametrize("ttl", [86_400 * 30, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF], ids=hex)
def test_row_15_absurd_ttls_are_capped(server: Server, upstream: FakeUpstream, fresh: Fresh, ttl: int) -> None:
    """The cap itself is checked in every answer (`judged`): at most 5 minutes downstream."""
    name = fresh("absurd")
    upstream.on(name, says(wire.record("@", ttl, "A", "198.51.100.1")))
    for _ in range(2):
        assert addresses(ask(server.address, name)) == ["198.51.100.1"]


def test_row_15_one_rrset_has_one_ttl_the_least(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    """RFC 2181 5.2."""
    name = fresh("uneven")
    upstream.on(name, says(wire.record("@", 200, "A", "198.51.100.1"), wire.record("@", 20, "A", "198.51.100.2")))
    for _ in range(2):
        (rrset,) = ask(server.address, name).answer
        assert rrset.ttl <= 20
        assert len(rrset) == 2


@pytest.mark.parametrize("code", [0, 3], ids=["NODATA", "NXDOMAIN"])
@pytest.mark.parametrize(("ttl", "minimum", "most"), [(300, 60, 60), (30, 3600, 30), (86400, 86400, 300)])
def test_row_16_negative_answers_are_kept_with_their_soa(
    server: Server, upstream: FakeUpstream, fresh: Fresh, code: int, ttl: int, minimum: int, most: int
) -> None:
    name = fresh("negative")
    upstream.on(name, says(rcode=code, authority=[wire.soa(ttl=ttl, minimum=minimum)]))
    for _ in range(3):
        response = ask(server.address, name, edns=wire.Edns())
        assert response.rcode() == code
        assert not response.answer
        (soa,) = [rrset for rrset in response.authority if rrset.rdtype == wire.SOA]
        assert soa.ttl <= most
    assert len(upstream.queries(name)) == 1


def test_row_16_nodata_is_for_one_type_only(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    name = fresh("nodata")
    assert not ask(server.address, name, "MX").answer
    assert ask(server.address, name, "A").answer


@pytest.mark.parametrize("code", [0, 3], ids=["NODATA", "NXDOMAIN"])
def test_row_16_a_negative_answer_without_soa_is_not_kept(
    server: Server, upstream: FakeUpstream, fresh: Fresh, code: int
) -> None:
    name = fresh("nosoa")
    upstream.on(name, says(rcode=code))
    for _ in range(2):
        response = ask(server.address, name)
        assert response.rcode() == code
        assert not response.answer
    assert len(upstream.queries(name)) >= 2


def test_row_16_nxdomain_behind_a_cname_keeps_the_cname(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    name, target = fresh("alias"), fresh("gone")
    upstream.on(target, says(rcode=3, authority=[wire.soa()]))
    upstream.on(name, says(wire.record("@", 300, "CNAME", f"{target}."), rcode=3, authority=[wire.soa()]))
    for _ in range(2):
        response = ask(server.address, name)
        assert rcode(response) == "NXDOMAIN"
        assert [rrset.rdtype for rrset in response.answer] == [wire.CNAME]


def test_row_17_failures_are_kept_for_a_while_and_retries_are_bounded(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    name = fresh("broken")
    upstream.on(name, says(rcode=2))
    assert rcode(ask(server.address, name)) == "SERVFAIL"
    first = len(upstream.queries(name))
    assert first <= 6, f"{first} tries for one question"
    for _ in range(20):
        assert rcode(ask(server.address, name)) == "SERVFAIL"
    # A second may have passed meanwhile: one more round at most, not twenty.
    assert len(upstream.queries(name)) <= 2 * first
    upstream.on(name, says(wire.record("@", 300, "A", "198.51.100.1")))
    until("the failure to be forgotten", lambda: rcode(ask(server.address, name)) == "NOERROR", 40)


def test_row_17_a_silent_name_is_not_asked_in_a_storm(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    name = fresh("mute")
    upstream.on(name, lambda _: ())
    for _ in range(10):
        assert rcode(ask(server.address, name)) == "SERVFAIL"
    assert len(upstream.queries(name)) <= 16


def _signed(query: Query) -> Iterable[Send]:
    """An upstream that gives signatures to whoever asks for them (and validates unless told not to)."""
    records = [wire.record("@", 300, "A", "198.51.100.1")]
    if query.dnssec_ok:
        records.append(wire.record("@", 300, "RRSIG", SIGNATURE))
    wants_ad = query.dnssec_ok or query.flags & wire.AD
    return [Send(reply(query, *records, flags=wire.AD if wants_ad and not query.flags & wire.CD else 0))]


def _types(server: Server, name: str, *, do: bool, cd: bool = False) -> set[int]:
    flags = wire.RD | (wire.CD if cd else 0)
    response = ask(server.address, name, flags=flags, edns=wire.Edns(flags=wire.DO if do else 0))
    return {int(rrset.rdtype) for rrset in response.answer}


@pytest.mark.parametrize("do_first", [True, False])
def test_row_21_signatures_only_for_who_asks_with_do(
    server: Server, upstream: FakeUpstream, fresh: Fresh, do_first: bool
) -> None:
    name = fresh("signed")
    upstream.on(name, _signed)
    for do in (do_first, not do_first, do_first, not do_first):
        assert _types(server, name, do=do) == ({wire.A, 46} if do else {wire.A})


@pytest.mark.parametrize("additionals", [0, 1, 3])
@pytest.mark.parametrize("order", [1, -1])
def test_row_21_signatures_nobody_asked_for_are_taken_out(
    server: Server, upstream: FakeUpstream, fresh: Fresh, additionals: int, order: int
) -> None:
    """An upstream that always sends them. RFC 4035 3.2.1: not to a client without DO, unless it asks for that type."""
    name = fresh("oversigned")
    address, signature = wire.record("@", 300, "A", "198.51.100.1"), wire.record("@", 300, "RRSIG", SIGNATURE)
    glue = [wire.record("@", 300, "AAAA", f"2001:db8::{n + 1}") for n in range(additionals)]
    both = (address, signature)[::order]
    upstream.on(name, lambda q: [Send(reply(q, *([signature] if q.kind == 46 else both), additional=glue))])
    for _ in range(2):
        assert {int(rrset.rdtype) for rrset in ask(server.address, name).answer} == {wire.A}
    assert ask(server.address, name, "RRSIG").answer


def test_row_21_do_and_cd_go_upstream_and_have_entries_of_their_own(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    name = fresh("bits")
    upstream.on(name, _signed)
    for _ in range(2):
        for do in (False, True):
            for cd in (False, True):
                _types(server, name, do=do, cd=cd)
    seen = {(query.dnssec_ok, bool(query.flags & wire.CD)) for query in upstream.queries(name)}
    # A server may always ask with DO; but CD answers are for CD clients only, and DO goes up when asked.
    assert {cd for _, cd in seen} == {False, True}
    assert (True, False) in seen
    assert (True, True) in seen


def test_row_21_a_bogus_answer_fetched_with_cd_is_not_given_to_others(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    name = fresh("bogus")

    def validating(query: Query) -> Iterable[Send]:
        if query.flags & wire.CD:
            return [Send(reply(query, wire.record("@", 300, "A", "203.0.113.66")))]
        return [Send(reply(query, rcode=2))]

    upstream.on(name, validating)
    assert addresses(ask(server.address, name, flags=wire.RD | wire.CD)) == ["203.0.113.66"]
    assert rcode(ask(server.address, name)) == "SERVFAIL"
    assert addresses(ask(server.address, name, flags=wire.RD | wire.CD)) == ["203.0.113.66"]


def test_row_21_ad_is_never_invented_nor_given_unasked(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    """RFC 6840 5.7, 5.8: AD in the answer only if the query had AD or DO (and only if the upstream said so)."""
    name = fresh("ad")
    upstream.on(name, says(wire.record("@", 300, "A", "198.51.100.1"), flags=wire.AD))
    for _ in range(2):
        assert not ask(server.address, name).flags & dns.flags.AD
    unvalidated = fresh("noad")
    for _ in range(2):
        for flags, edns in ((wire.RD | wire.AD, None), (wire.RD, wire.Edns(flags=wire.DO))):
            assert not ask(server.address, unvalidated, flags=flags, edns=edns).flags & dns.flags.AD


def test_cut_answers_are_not_kept_as_whole(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    """The upstream cuts on UDP and has no TCP just now: later it has, and the whole answer comes."""
    name = fresh("cut")
    upstream.on(name, lambda q: [Send(close=True)] if q.tcp else [Send(reply(q, flags=wire.TC))])
    message = wire.query(name)
    found = ask_raw(server.address, message)
    assert found is not None
    assert wire.header(found)[1] & wire.TC or wire.rcode_of(found) == wire.SERVFAIL, "TC was removed"
    upstream.on(
        name,
        lambda q: [Send(reply(q, wire.record("@", 300, "A", "198.51.100.1")) if q.tcp else reply(q, flags=wire.TC))],
    )

    def whole() -> bool:
        found = ask_raw(server.address, message)
        return found is not None and wire.header(found)[3] == 1

    until("the whole answer", whole, 40)


def test_the_case_of_the_question_neither_splits_the_cache_nor_leaks(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    name = fresh("casing")
    for text in (name, name.upper(), name.title(), name):
        response = ask(server.address, text)
        assert response.question[0].name.to_text(omit_final_dot=True) == text
        assert response.answer[0].name.to_text(omit_final_dot=True) in {text, name}
    assert len(upstream.queries(name)) == 1


def test_flush_makes_the_upstream_be_asked_again(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    name, other = fresh("flushed"), fresh("kept")
    for asked in (name, other):
        ask(server.address, asked)
        ask(server.address, asked)
        assert len(upstream.queries(asked)) == 1
    answer = server.control(0, {"do": "flush", "name": name})
    flushed = answer.get("flushed")
    assert isinstance(flushed, int)
    assert flushed >= 1
    for asked in (name, other):
        ask(server.address, asked)
    assert len(upstream.queries(name)) == 2
    assert len(upstream.queries(other)) == 1


def test_the_cache_is_bounded_in_entries_and_bytes(tmp_path: Path, upstream: FakeUpstream, fresh: Fresh) -> None:
    """Small answers beyond the number of entries, then large ones beyond the bytes; all are answered."""
    server = Server(tmp_path, (upstream.url,), {"cache": {"entries": 300, "megabytes": 1}})
    server.prepare()
    small, large = fresh("small"), fresh("large")
    upstream.on(large, lambda q: [Send(reply(q, *_many_texts(60)) if q.tcp else reply(q, flags=wire.TC))])
    try:
        server.start()
        for n in range(1000):
            ask(server.address, f"n{n}.{small}")
        for n in range(200):
            ask(server.address, f"n{n}.{large}", "TXT", tcp=True)
        status = server.worker()
        entries, octets = status.get("cache_entries"), status.get("cache_bytes")
        assert isinstance(entries, int)
        assert isinstance(octets, int)
        assert entries <= 600, "two layers, 300 each"
        assert octets <= 2 << 20
        server.stop()
    finally:
        server.kill()


def _many_texts(number: int) -> list[bytes]:
    return [wire.record("@", 300, "TXT", f'"{n} {"z" * 240}"') for n in range(number)]
