"""Who asked, who never does, and when one address asks for all."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.devices import Device, Directory
from policy.discovery import (
    ENOUGH_QUERIES,
    Found,
    Lease,
    Seen,
    Sign,
    Silent,
    Suspicion,
    Whereabouts,
    advice,
    discover,
    meaning,
    router_suspicion,
    silent,
)

FIRST = datetime(2026, 9, 7, 8, tzinfo=UTC)
LAST = FIRST + timedelta(hours=5)
NOBODY = Whereabouts({}, {})


def mac(number: int) -> str:
    """Return a MAC that a maker could have given."""
    return f"00:00:5e:10:00:{number:02x}"


MADE_UP = "02:00:5e:10:00:09"


def seen(address: str, queries: int = 1) -> Seen:
    return Seen(address, queries, FIRST, LAST)


# -- what is known of an address ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("neighbours", "leases", "known"),
    [
        ({}, {}, ("", "")),
        ({"192.0.2.3": mac(3)}, {}, (mac(3), "")),
        ({}, {"192.0.2.3": Lease(mac(3), "pc-3", None)}, (mac(3), "pc-3")),
        ({"192.0.2.3": mac(3)}, {"192.0.2.3": Lease(mac(3), "pc-3", None)}, (mac(3), "pc-3")),
        # Another device has the address now: the cable is believed, and the name is not that of this device.
        ({"192.0.2.3": mac(4)}, {"192.0.2.3": Lease(mac(3), "pc-3", None)}, (mac(4), "")),
        (
            {"192.0.2.3": mac(4)},
            {"192.0.2.3": Lease(mac(3), "pc-3", None), "192.0.2.4": Lease(mac(4), "pc-4", None)},
            (mac(4), "pc-4"),
        ),
        (
            {},
            {"192.0.2.9": Lease(mac(3), "pc-3", None), "192.0.2.3": Lease(mac(3), "", None)},
            (mac(3), "pc-3"),
        ),
        ({"192.0.2.3": mac(3)}, {"192.0.2.3": Lease("", "pc-3", None)}, (mac(3), "pc-3")),
        ({}, {"192.0.2.3": Lease("", "pc-3", None)}, ("", "pc-3")),
        ({}, {"192.0.2.4": Lease("", "pc-4", None)}, ("", "")),
    ],
)
def test_the_cable_says_the_mac_and_dhcp_says_the_name(
    neighbours: Mapping[str, str], leases: Mapping[str, Lease], known: tuple[str, str]
) -> None:
    where = Whereabouts(neighbours, leases)
    assert (where.mac("192.0.2.3"), where.hostname("192.0.2.3")) == known


def test_a_device_has_the_name_of_its_ipv4_lease_by_ipv6_too() -> None:
    where = Whereabouts({"2001:db8::3": mac(3)}, {"192.0.2.3": Lease(mac(3), "pc-3", None)})
    assert where.hostname("2001:db8::3") == "pc-3"


def test_who_asked_is_found_with_all_that_is_known_the_busiest_first() -> None:
    device = Device("tablet", "Tablet", "teachers", macs=(MADE_UP,))
    where = Whereabouts({"192.0.2.9": MADE_UP}, {"192.0.2.10": Lease(mac(10), "pc-10", None)})
    found = discover(
        [seen("192.0.2.10", 3), seen("10.9.9.9", 3), seen("192.0.2.9", 6), seen("2001:db8::1", 0)],
        where,
        Directory([device]),
        lambda address: "room-12" if address.startswith("192.") else "pupils",
    )
    assert found == (
        Found("192.0.2.9", MADE_UP, "", True, device, "room-12", FIRST, LAST, 6, 0.5),
        Found("10.9.9.9", "", "", False, None, "pupils", FIRST, LAST, 3, 0.25),
        Found("192.0.2.10", mac(10), "pc-10", False, None, "room-12", FIRST, LAST, 3, 0.25),
        Found("2001:db8::1", "", "", False, None, "pupils", FIRST, LAST, 0, 0.0),
    )


def test_where_nobody_asked_nobody_is_found() -> None:
    assert discover([], NOBODY, Directory(), str) == ()
    assert [found.share for found in discover([seen("192.0.2.1", 0)], NOBODY, Directory(), str)] == [0.0]


def test_a_device_is_silent_if_none_of_its_addresses_asked() -> None:
    printer = Device("printer", "Printer", addresses=("192.0.2.5",))
    where = Whereabouts(
        {
            "192.0.2.3": mac(3),
            "2001:db8::3": mac(3),
            "192.0.2.4": mac(4),
            "192.0.2.5": mac(5),
            "fe80::5": mac(5),
            "192.0.2.1": mac(1),
        },
        {"192.0.2.6": Lease(mac(6), "pc-6", None), "192.0.2.7": Lease("", "pc-7", None)},
    )
    assert silent(["2001:db8::3", "192.0.2.4", "10.1.1.1"], where, Directory([printer]), apart=["192.0.2.1"]) == (
        Silent(mac(5), ("192.0.2.5", "fe80::5"), "", printer),
        Silent(mac(6), ("192.0.2.6",), "pc-6", None),
    )


# -- when one asks for all ---------------------------------------------------------------------------------------------

ROUTER, OWN = "192.0.2.1", "192.0.2.2"


def network(*numbers: int) -> Whereabouts:
    """Return the neighbours of those numbers; 1 is the router, which also has an IPv6 address."""
    return Whereabouts({f"192.0.2.{n}": mac(n) for n in numbers} | {"fe80::1": mac(1), "2001:db8::1": mac(1)}, {})


def look(queries: Mapping[str, int], where: Whereabouts = NOBODY, trusted: tuple[str, ...] = ()) -> Suspicion | None:
    return router_suspicion(queries, [ROUTER], where, own=[OWN, "fd00::2"], trusted=trusted)


SUSPECT: dict[str, tuple[Mapping[str, int], Whereabouts, Suspicion]] = {
    "the router asks for all": ({ROUTER: 1000}, NOBODY, Suspicion(ROUTER, 1000, 1000, 0, Sign.ROUTER, False)),
    "nine of ten": ({ROUTER: 900, "192.0.2.3": 100}, NOBODY, Suspicion(ROUTER, 900, 1000, 0, Sign.ROUTER, False)),
    "the router asks by IPv4 and IPv6": (
        {ROUTER: 500, "2001:db8::1": 450, "192.0.2.3": 50},
        network(1, 3),
        Suspicion(ROUTER, 950, 1000, 0, Sign.ROUTER, False),
    ),
    "the router asks by another address of its own": (
        {"2001:db8::1": 1000},
        network(1, 3, 4),
        Suspicion("2001:db8::1", 1000, 1000, 2, Sign.ROUTER, False),
    ),
    "this machine's own questions count for nothing": (
        {ROUTER: 1000, OWN: 5000, "fd00::2": 900, "127.0.0.1": 7000, "::1": 100},
        NOBODY,
        Suspicion(ROUTER, 1000, 1000, 0, Sign.ROUTER, False),
    ),
    "half by the router": (
        {ROUTER: 500, "192.0.2.3": 500},
        NOBODY,
        Suspicion(ROUTER, 500, 1000, 0, Sign.PARTLY, False),
    ),
    "a third by the router, as many devices silent as ask": (
        {ROUTER: 300, "192.0.2.3": 250, "192.0.2.4": 250, "192.0.2.5": 200},
        network(1, 3, 4, 5, 6, 7, 8),
        Suspicion(ROUTER, 300, 1000, 3, Sign.PARTLY, False),
    ),
    "a Wi-Fi box asks for all": (
        {"192.0.2.9": 900, "192.0.2.3": 100},
        NOBODY,
        Suspicion("192.0.2.9", 900, 1000, 0, Sign.SOMEBODY, False),
    ),
    "a device that asks by IPv6 is not the router": (
        {"2001:db8::9": 1000},
        Whereabouts({ROUTER: mac(1), "fe80::1": mac(1), "2001:db8::9": mac(9)}, {}),
        Suspicion("2001:db8::9", 1000, 1000, 0, Sign.SOMEBODY, False),
    ),
    "a Wi-Fi box asks for all, and some are silent": (
        {"192.0.2.9": 5000},
        network(1, 9, 3, 4),
        Suspicion("192.0.2.9", 5000, 5000, 2, Sign.SOMEBODY, False),
    ),
}

FINE: dict[str, tuple[Mapping[str, int], Whereabouts]] = {
    "nobody asked": ({}, NOBODY),
    "too few to say": ({ROUTER: ENOUGH_QUERIES - 1}, network(1, 3, 4, 5, 6)),
    "too few but for this machine's own": ({ROUTER: 999, OWN: 5000, "127.0.0.1": 5000}, NOBODY),
    "devices ask, the router a little": ({ROUTER: 299, "192.0.2.3": 400, "192.0.2.4": 301}, network(1, 3, 4, 5, 6, 7)),
    "the router asks much, but nobody is silent": ({ROUTER: 499, "192.0.2.3": 501}, network(1, 3)),
    "the router asks much, a printer and a switch are silent": ({ROUTER: 499, "192.0.2.3": 501}, network(1, 3, 4, 5)),
    "more devices ask than are silent": (
        {ROUTER: 400, **{f"192.0.2.{number}": 100 for number in range(10, 16)}},
        network(1, *range(10, 16), 3, 4, 5),
    ),
    "one device is busy among silent ones": ({"192.0.2.9": 899, "192.0.2.3": 101}, network(1, 9, 3, 4, 5, 6)),
}


@pytest.mark.parametrize(("queries", "where", "suspicion"), SUSPECT.values(), ids=SUSPECT)
def test_who_asks_for_others_is_suspected(queries: Mapping[str, int], where: Whereabouts, suspicion: Suspicion) -> None:
    assert look(queries, where) == suspicion


@pytest.mark.parametrize(("queries", "where"), FINE.values(), ids=FINE)
def test_where_devices_ask_by_themselves_nobody_is_suspected(queries: Mapping[str, int], where: Whereabouts) -> None:
    assert look(queries, where) is None


def test_devices_for_which_the_router_answers_by_its_mac_ask_for_themselves() -> None:
    """Proxy ARP: other IPv4 addresses with the router's MAC are not the router."""
    where = Whereabouts({ROUTER: mac(1), "192.0.2.8": mac(1), "192.0.2.9": mac(1)}, {})
    assert look({ROUTER: 100, "192.0.2.8": 500, "192.0.2.9": 400}, where) is None


def test_a_trusted_router_that_does_not_say_who_asked_is_told_apart() -> None:
    suspicion = look({ROUTER: 1000}, trusted=("192.0.2.77", ROUTER))
    assert suspicion == Suspicion(ROUTER, 1000, 1000, 0, Sign.ROUTER, True)


@pytest.mark.parametrize(
    ("asked", "more", "suspicion"),
    [
        (990, 10, Suspicion(ROUTER, 990, 1000, 0, Sign.ROUTER, False)),
        (500, 500, Suspicion(ROUTER, 500, 1000, 0, Sign.PARTLY, False)),
        (499, 501, None),
        (0, 5000, None),
    ],
)
def test_queries_of_clients_that_nobody_has_named_count_and_nobody_is_silent_then(
    asked: int, more: int, suspicion: Suspicion | None
) -> None:
    queries = {ROUTER: asked} if asked else {}
    assert router_suspicion(queries, [ROUTER], network(1, 3, 4, 5, 6), more=more) == suspicion


@given(
    st.dictionaries(st.sampled_from([f"192.0.2.{n}" for n in range(1, 9)]), st.integers(1, 5000)),
    st.sets(st.integers(1, 9)),
)
def test_whoever_is_suspected_asked_much_and_more_than_any_one_else(
    queries: dict[str, int], neighbours: set[int]
) -> None:
    suspicion = look(queries, network(*neighbours))
    if suspicion is not None:
        assert suspicion.queries == queries[suspicion.address]
        assert suspicion.total == sum(count for address, count in queries.items() if address != OWN)
        assert 0.3 <= suspicion.share <= 1
        assert suspicion.reason is not Sign.SOMEBODY or suspicion.address != ROUTER


# -- in words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "sight"),
    [
        (Sign.ROUTER, "99 % of 1000 queries come from one address, 192.0.2.1, which is the router."),
        (Sign.PARTLY, "99 % of 1000 queries come from the router, 192.0.2.1. That is more than it needs for itself."),
        (Sign.SOMEBODY, "99 % of 1000 queries come from one address, 192.0.2.1."),
    ],
)
@pytest.mark.parametrize(
    ("quiet", "others"), [(0, ""), (4, " Other devices that are in the network and never ask: 4.")]
)
def test_people_are_told_what_it_does_to_their_rules(reason: Sign, sight: str, quiet: int, others: str) -> None:
    assert meaning(Suspicion(ROUTER, 999, 1000, quiet, reason, False)) == (
        f"{sight}{others} All devices behind it look like one: every rule by room, group or device is blind, and the "
        "log cannot tell who asked."
    )


@pytest.mark.parametrize("reason", [Sign.ROUTER, Sign.PARTLY])
def test_people_are_told_what_to_change_on_their_router(reason: Sign) -> None:
    told = advice(Suspicion(ROUTER, 1000, 1000, 4, reason, False), "192.0.2.2")
    assert "option 6): as DNS server 192.0.2.2 and no other, instead of its own address 192.0.2.1" in told[0]
    for maker in ("OpenWrt", "Keenetic", "MikroTik", "TP-Link"):
        (line,) = (each for each in told if each.startswith(maker))
        assert "192.0.2.2" in line
    assert "add-mac, strip-mac, add-subnet=32,128 and strip-subnet" in told[-1]
    assert "trusted_routers" in told[-1]


def test_people_are_told_what_else_may_ask_for_others() -> None:
    told = advice(Suspicion("192.0.2.9", 1000, 1000, 4, Sign.SOMEBODY, False), "192.0.2.2")
    assert told[0] == "If 192.0.2.9 is the only device in use now, this is no fault."
    assert any("AP mode" in each for each in told)
    assert any("domain controller" in each and "give out 192.0.2.2" in each for each in told)
    assert not any("{" in each for each in told)


def test_people_are_told_what_a_trusted_router_lacks() -> None:
    (told,) = advice(Suspicion(ROUTER, 1000, 1000, 4, Sign.ROUTER, True), "192.0.2.2")
    assert "its queries do not say who asked" in told
    assert "strip-subnet" in told
