"""Clients: who is served, in which view, and how much each may ask while others ask too."""

import ipaddress

import pytest

from policy.snapshot import Place
from resolver import clients as module
from resolver.cache import ViewState
from resolver.clients import BURST_SECONDS, UNLIMITED, Client, Clients, Standing
from tests.resolver.world import policy, staff

RATE = 100
BURST = RATE * BURST_SECONDS
NETWORKS = ("127.0.0.0/8", "10.0.0.0/8", "::1/128", "fd00::/8")
MAC = "02:00:5e:10:00:03"


class School:
    """Clients of one policy that can be changed."""

    def __init__(self, rate: int = RATE, networks: tuple[str, ...] = NETWORKS) -> None:
        self.snapshot = policy(groups=[staff()])
        self.states: dict[str, ViewState] = {}
        self.macs: dict[str, str] = {}
        self.clients = Clients(
            networks, rate, self.standing, routers=("10.0.0.1",), mac_of=lambda address: self.macs.get(address, "")
        )

    def standing(self, address: str, mac: str) -> Standing:
        """Return where an address stands; the device is called as its MAC."""
        group = self.snapshot.group_of(address) if address else self.snapshot.default_group
        state = self.states.setdefault(group, ViewState(self.snapshot.views[group], 100, 100_000))
        return Place(group, "", mac), state

    def change(self) -> None:
        """Put a new policy in force."""
        self.states = {}
        self.clients.policy_changed()

    def client(self, address: str, now: float = 0.0) -> Client:
        """Return a client."""
        return self.clients.get(ipaddress.ip_address(address).packed, now)

    def ask(self, address: str, now: float) -> bool:
        """Ask once, as the listeners do it; return whether that is served."""
        client = self.client(address, now)
        client.budget -= 1
        return client.budget >= 0 or not self.clients.over_rate(client, now)

    def served(self, address: str, count: int, now: float) -> int:
        """Ask many times at one moment; return how many of them are served."""
        return sum(self.ask(address, now) for _ in range(count))


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("127.0.0.1", True), ("127.255.255.255", True), ("10.1.2.3", True), ("11.0.0.1", False), ("192.0.2.1", False),
        ("::1", True), ("::2", False), ("fd00::5", True), ("2001:db8::1", False), ("0.0.0.0", False),
    ],
)  # fmt: skip
def test_only_allowed_networks_are_served(address: str, allowed: bool) -> None:
    client = School().client(address)
    assert client.allowed == allowed
    assert client.address == address
    client.state.finished.put(b"known", (0.0, b"", b"", 0, None))
    assert (client.lookup(b"known") is not None) == allowed


def test_a_client_is_in_the_view_of_its_group() -> None:
    school = School()
    assert school.client("10.0.9.7").state.view.group == "staff"
    assert school.client("10.0.8.7").state.view.group == "pupils"
    assert school.client("10.0.9.7").prefix == b"10.0.9.7\t\t\tstaff\t"
    assert school.client("10.0.9.7") is school.client("10.0.9.7")


def test_a_client_alone_is_never_limited() -> None:
    school = School()
    assert school.served("10.0.0.1", 50 * BURST, 0.0) == 50 * BURST
    assert not school.clients.refused()
    assert school.client("10.0.0.1").queries == 50 * BURST


def test_without_a_rate_nobody_is_limited() -> None:
    school = School(rate=0)
    assert school.client("10.0.0.1").budget == UNLIMITED
    for _ in range(3):
        assert school.served("10.0.0.1", BURST, 0.0) == BURST
        assert school.served("10.0.0.2", BURST, 0.0) == BURST


def busy(school: School, seconds: float, flood: int, others: int = 3, begin: float = 0.0) -> tuple[int, int]:
    """Let one client flood while others ask a little; return how many queries of each kind were served."""
    flooding = little = 0
    steps = int(seconds * 10)
    for step in range(steps):
        now = begin + step / 10
        for other in range(others):
            little += school.ask(f"10.0.1.{other}", now)
        flooding += school.served("10.0.0.1", flood // 10, now)
    return flooding, little


def test_a_flooding_client_is_limited_and_the_others_are_not() -> None:
    school = School()
    flooding, little = busy(school, 10, flood=10 * RATE)
    assert little == 300
    assert flooding <= RATE * 10 + 2 * BURST
    (refused,) = school.clients.refused()
    assert (refused.address, refused.refused) == ("10.0.0.1", 100 * RATE - flooding)


def test_a_flooding_client_still_gets_its_rate() -> None:
    """Row 32: the limit answers REFUSED, it never blackholes a whole school behind one address."""
    school = School()
    busy(school, 10, flood=10 * RATE)
    flooding, _ = busy(school, 10, flood=10 * RATE, begin=10.0)
    assert flooding >= RATE * 10 * 0.9


def test_a_client_that_stops_flooding_is_served_again_after_a_burst_s_time() -> None:
    school = School()
    busy(school, 20, flood=20 * RATE)
    later = 20.0 + BURST_SECONDS + 1
    assert school.ask("10.0.1.0", later)
    assert school.served("10.0.0.1", 10, later) == 10, "what was refused is still held against it"


def test_a_page_load_is_a_burst_and_no_flood() -> None:
    school = School()
    for second in range(20):
        assert school.ask("10.0.1.1", second)
        assert school.served("10.0.0.1", RATE, float(second)) == RATE


def test_a_change_of_policy_assigns_anew_and_forgives_nothing() -> None:
    school = School()
    before = school.client("10.0.9.7")
    before.budget -= 77
    before.refused = 5
    school.change()
    after = school.client("10.0.9.7")
    assert after.queries == 77
    assert after.refused == 5
    assert after.state is school.states["staff"]
    assert after.lookup == after.state.finished.young.get


def test_two_changes_of_policy_in_a_row_forgive_nothing_either() -> None:
    """A new policy and new lists may come in one moment, with no query between."""
    school = School()
    school.client("10.0.9.7").budget -= 77
    school.change()
    school.change()
    assert school.client("10.0.9.7").queries == 77


def test_a_client_that_waits_finds_its_view_of_now() -> None:
    school = School()
    before = school.client("10.0.9.7")
    state = before.state
    school.change()
    now = school.clients.current(before)
    assert now.octets == before.octets
    assert now.state is not state


def test_clients_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Source addresses can be forged."""
    monkeypatch.setattr(module, "MAX_CLIENTS", 50)
    school = School()
    for number in range(500):
        assert school.client(str(ipaddress.ip_address("10.0.0.0") + number)).allowed
        assert len(school.clients.by_octets) <= 50


def test_a_line_of_the_log_names_device_room_and_group() -> None:
    school = School()
    school.macs = {"10.0.0.7": "tablet-7"}
    assert school.client("10.0.0.7").prefix == b"10.0.0.7\ttablet-7\t\tpupils\t"
    assert school.client("10.0.0.8").prefix == b"10.0.0.8\t\t\tpupils\t"


def test_another_device_with_the_address_is_noticed_and_what_the_client_used_up_stays_used_up() -> None:
    school = School()
    client = school.client("10.0.0.7")
    client.budget -= 5
    school.macs = {"10.0.0.7": "tablet-7"}
    school.clients.learn_anew(["10.0.0.7", "10.0.0.99"])
    again = school.client("10.0.0.7")
    assert again is client
    assert (again.place.device, again.queries) == ("tablet-7", 5)


def test_another_device_behind_a_router_is_noticed_as_well() -> None:
    school = School()
    router = school.client("10.0.0.1")
    known = school.clients.behind(router, "10.0.0.7", "", 0.0)
    said = school.clients.behind(router, "10.0.0.7", MAC, 0.0)
    itself = school.clients.behind(router, "", "", 0.0)
    known.budget -= 5
    school.macs = {"10.0.0.7": "tablet-7", "10.0.0.1": "router-1"}
    school.clients.learn_anew(["10.0.0.7", "10.0.0.1"])
    assert school.clients.behind(router, "10.0.0.7", "", 0.0) is known
    assert (known.place.device, known.queries) == ("tablet-7", 5)
    assert school.clients.behind(router, "10.0.0.7", MAC, 0.0) is said
    assert said.place.device == MAC, "the router knows better than the neighbour table"
    assert school.clients.behind(router, "", "", 0.0) is itself
    assert itself.place.device == "router-1"
    assert school.client("10.0.0.1") is router


@pytest.mark.parametrize("written", ["10.0.0.1", "::ffff:10.0.0.1", "::ffff:a00:1"])
def test_a_router_is_recognised_however_it_is_written(written: str) -> None:
    clients = Clients(NETWORKS, RATE, School().standing, routers=(written,))
    assert clients.get(ipaddress.ip_address("10.0.0.1").packed, 0.0).front
    assert not clients.get(ipaddress.ip_address("10.0.0.2").packed, 0.0).front


def test_a_router_asks_on_behalf_of_others_each_with_a_place_of_its_own() -> None:
    school = School()
    router = school.client("10.0.0.1")
    assert router.front
    assert router.prefix == b""
    known = school.clients.behind(router, "10.0.0.9", "02:00:5e:10:00:01", 0.0)
    assert known.prefix == b"10.0.0.9\t02:00:5e:10:00:01\t\tpupils\t"
    assert school.clients.behind(router, "10.0.0.9", "02:00:5e:10:00:01", 0.0) is known
    nameless = school.clients.behind(router, "", "02:00:5e:10:00:02", 0.0)
    assert nameless.prefix == b"10.0.0.1\t02:00:5e:10:00:02\t\tpupils\t"
    itself = school.clients.behind(router, "", "", 0.0)
    assert itself.prefix == b"10.0.0.1\t\t\tpupils\t"
    assert len({id(each) for each in (router, known, nameless, itself)}) == 4
    stranger = school.clients.behind(router, "192.0.2.1", "", 0.0)
    assert not stranger.allowed


def test_of_whom_only_the_mac_is_known_stands_where_the_mac_says_and_never_where_the_router_does() -> None:
    """Whatever the router's address has: another group, a room, a device of the same address."""
    school = School()
    school.snapshot = policy(groups=[staff("10.0.0.0/24")])
    asked: list[tuple[str, str]] = []
    standing = school.standing

    def noted(address: str, mac: str) -> Standing:
        asked.append((address, mac))
        return standing(address, mac)

    school.clients = Clients(NETWORKS, RATE, noted, routers=("10.0.0.1",), mac_of=lambda _: "router-1")
    router = school.client("10.0.0.1")
    nameless = school.clients.behind(router, "", MAC, 0.0)
    assert asked[-1] == ("", MAC)
    assert nameless.prefix == f"10.0.0.1\t{MAC}\t\tpupils\t".encode()
    assert school.clients.behind(router, "10.0.0.1", MAC, 0.0) is not nameless, "the address was said"
    assert asked[-1] == ("10.0.0.1", MAC)
    school.change()
    assert school.clients.current(nameless).place.group == "pupils"
    assert asked[-1] == ("", MAC)
    school.change()
    assert school.clients.behind(school.client("10.0.0.1"), "", MAC, 0.0) is nameless
    assert asked[-1] == ("", MAC)
    assert school.clients.behind(router, "", "", 0.0).place == Place("staff", "", "router-1"), "it asks for itself"


def test_who_is_behind_a_router_pays_for_itself_if_it_has_an_address_and_else_from_the_router_s_budget() -> None:
    school = School()
    router = school.client("10.0.0.1")
    assert school.clients.behind(router, "10.0.0.9", MAC, 0.0).payer is None
    assert school.clients.behind(router, "", MAC, 0.0).payer is router
    assert school.clients.behind(router, "", "", 0.0).payer is router


def test_clients_behind_a_router_are_bounded_and_the_router_stays_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device can make up a new MAC for each question."""
    monkeypatch.setattr(module, "MAX_CLIENTS", 50)
    school = School()
    router = school.client("10.0.0.1")
    for number in range(500):
        school.clients.behind(school.client("10.0.0.1"), "", f"02:00:5e:10:{number // 256:02x}:{number % 256:02x}", 0.0)
        school.clients.behind(school.client("10.0.0.1"), f"10.0.{number // 256}.{number % 256}", MAC, 0.0)
        assert len(school.clients.by_octets) <= 50
        assert school.client("10.0.0.1") is router
    for number in range(500):
        school.client(str(ipaddress.ip_address("10.0.4.0") + number))
        assert len(school.clients.by_octets) <= 50
    assert school.client("10.0.0.1") is router, "nor does a forged address make it forget what it used up"


def test_who_is_behind_a_router_finds_its_place_of_now_after_a_change() -> None:
    school = School()
    router = school.client("10.0.0.1")
    behind = school.clients.behind(router, "10.0.9.1", "", 0.0)
    assert behind.place.group == "staff"
    school.change()
    school.snapshot = policy(groups=[staff("10.0.8.0/24")])
    assert school.clients.current(behind).place.group == "pupils"
    assert school.clients.behind(school.client("10.0.0.1"), "10.0.9.1", "", 0.0) is behind
