"""Rooms, devices and lessons as clients feel them: who is who, one view for all that get the same, the bell."""

import ipaddress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dns.edns
import pytest

from policy.circumstances import Schedule
from policy.decision import Listing, Terms
from policy.devices import Device, Directory
from policy.groups import Group
from policy.levels import Level
from policy.needed import Needed
from policy.rooms import Closure, Lesson, Room
from policy.snapshot import Reserve, Snapshot, build_snapshot
from policy.views import Entry, EntryKind
from resolver import engine as engine_module
from resolver.cache import ViewState
from tests.harness import wire
from tests.resolver.test_succession import change
from tests.resolver.world import World, address_record, allow, columns, texts

NINE = datetime(2026, 9, 2, 9, 0, tzinfo=UTC)
NAME, BOOK = "www.example.org", "book.example.org"
ROUTER = "10.0.0.1"
LAB_PC, HALL_PC, LIBRARY_PC, TEACHER_PC = "10.0.5.7", "10.0.6.7", "10.0.7.7", "10.0.5.200"
MAC = "02:00:5e:10:00:01"

GROUPS = (
    Group("pupils", "Pupils", Level.MEDIUM, frozenset({"games"}), supervised=True),
    Group("teachers", "Teachers", Level.LOW, frozenset()),
)


def net(text: str) -> tuple[ipaddress.IPv4Network, ...]:
    """Return a network as rooms hold it."""
    return (ipaddress.IPv4Network(text),)


ROOMS = {
    "lab": Room("lab", "Informatics", net("10.0.5.0/24")),
    "hall": Room("hall", "Hall", net("10.0.6.0/24")),
    "library": Room("library", "Library", net("10.0.7.0/24"), supervised=False, level=Level.HIGH),
}
LESSON = Lesson("1", "lab", "Asanov", NINE, NINE + timedelta(minutes=45), opened=("video.example.org",))
DEVICES = (
    Device("teacher-pc", "Teacher's", "teachers", None, (TEACHER_PC,)),
    Device("tablet", "Tablet", None, "hall", (), (MAC,)),
)


def school(*entries: Entry, lessons: tuple[Lesson, ...] = (), closures: tuple[Closure, ...] = ()) -> Snapshot:
    """Return a policy with three rooms and two devices, not yet at any moment."""
    return build_snapshot(
        GROUPS,
        (allow(BOOK), *entries),
        default_group="pupils",
        schedule=Schedule(ROOMS, lessons=lessons),
        directory=Directory(DEVICES),
        closures=closures,
    )


def reason(world: World, client: str, name: str = NAME) -> tuple[str, str]:
    """Return action and reason of what a client hears; an open name is answered by the fake server."""
    heard = world.ask(name, client=client)
    if not heard.messages:
        world.server.reply(-1, address_record(ttl=600))
        world.finish()
        row = columns(world.lines[-1])
    else:
        row = columns(heard.line)
    return row["action"], row["reason"]


def test_each_room_has_its_level_and_a_teacher_has_their_own() -> None:
    world = World(school(lessons=(LESSON,)).at(NINE))
    assert reason(world, LAB_PC) == ("allow", "default")
    assert reason(world, HALL_PC) == ("block", "lesson")
    assert reason(world, LIBRARY_PC) == ("block", "level")
    assert reason(world, LIBRARY_PC, BOOK) == ("allow", "allowed")
    assert reason(world, HALL_PC, BOOK) == ("block", "lesson"), "without a lesson not even the director's list opens"
    assert reason(world, TEACHER_PC) == ("allow", "default")
    assert reason(world, "10.0.99.1") == ("allow", "default"), "whoever is in no room is as their group"


def test_the_log_names_device_room_and_group() -> None:
    world = World(school(lessons=(LESSON,)).at(NINE))
    world.macs = {"10.0.9.9": MAC}
    expected = {
        LAB_PC: ("", "lab", "pupils"),
        TEACHER_PC: ("teacher-pc", "lab", "teachers"),
        "10.0.9.9": ("tablet", "hall", "pupils"),
        "10.0.99.1": ("", "", "pupils"),
    }
    for client, (device, room, group) in expected.items():
        row = columns(world.ask("localhost", client=client).line)
        assert (row["client"], row["device"], row["room"], row["group"]) == (client, device, room, group)


def of(world: World, client: str) -> ViewState:
    """Return the view of a client with its replies."""
    return world.engine.clients.get(ipaddress.ip_address(client).packed, world.now).state


def test_rooms_that_get_the_same_share_their_replies() -> None:
    world = World(school().at(NINE))
    assert of(world, LAB_PC) is of(world, HALL_PC)
    assert of(world, LIBRARY_PC) is not of(world, HALL_PC)
    world.ask(NAME, client=LAB_PC)
    again = world.ask(NAME, client=HALL_PC)
    assert columns(again.line)["room"] == "hall"
    assert columns(again.line)["source"] == "policy"


def test_when_a_lesson_begins_one_room_opens_and_the_others_keep_their_replies() -> None:
    world = World(school().at(NINE))
    for client in (LAB_PC, HALL_PC, LIBRARY_PC):
        world.ask(NAME, client=client)
    hall, library = of(world, HALL_PC), of(world, LIBRARY_PC)
    change(world, school(lessons=(LESSON,)).at(NINE))
    assert reason(world, LAB_PC) == ("allow", "default")
    assert of(world, HALL_PC) is hall
    assert of(world, LIBRARY_PC) is library
    assert of(world, LAB_PC) is not hall


def test_at_the_bell_the_room_closes_though_its_replies_are_cached() -> None:
    policy = school(lessons=(LESSON,))
    world = World(policy.at(NINE))
    for _ in range(3):
        assert reason(world, LAB_PC)[0] == "allow"
    bell = policy.next_change(NINE)
    assert bell == LESSON.ends
    change(world, policy.at(bell))
    assert reason(world, LAB_PC) == ("block", "lesson")
    assert of(world, LAB_PC) is of(world, HALL_PC)


def test_a_teacher_opens_for_a_lesson_only_what_the_orders_permit() -> None:
    listed = Entry(EntryKind.ALLOW, "video.example.org", note="films", document="order 3 of 2026-09-01")
    for reserve, expected in ((listed, ("allow", "exception")), (None, ("block", "category"))):
        policy = school(lessons=(LESSON,))
        if reserve is not None:
            policy = replace(policy, reserve=replace(policy.reserve, entries={reserve.name: reserve}))
        world = World(policy.at(NINE), {"video.example.org": _listed("video.example.org", "games")})
        assert reason(world, LAB_PC, "video.example.org") == expected
        assert reason(world, "10.0.99.1", "video.example.org") == ("block", "category"), "for the room only"


@pytest.mark.parametrize(("minutes", "expected"), [(0, "block"), (10, "allow"), (11, "block")])
def test_a_permit_lets_a_teacher_open_what_no_order_names_for_a_while(minutes: int, expected: str) -> None:
    policy = school(lessons=(LESSON,))
    policy = replace(policy, reserve=replace(policy.reserve, minutes=11 if minutes else 0))
    now = NINE + timedelta(minutes=minutes)
    world = World(policy.at(now), {"video.example.org": _listed("video.example.org", "games")})
    assert reason(world, LAB_PC, "video.example.org")[0] == expected


def test_what_is_harmful_stays_closed_whatever_a_teacher_opens() -> None:
    policy = school(lessons=(LESSON,))
    policy = replace(policy, reserve=replace(policy.reserve, minutes=45))
    assert policy.views["pupils"].closed.isdisjoint({"adult"}), "not even blocked for the group"
    group = replace(GROUPS[0], blocked_categories=frozenset({"adult"}))
    policy = build_snapshot(
        [group, GROUPS[1]],
        (),
        default_group="pupils",
        schedule=policy.schedule,
        directory=Directory(DEVICES),
        reserve=policy.reserve,
    )
    world = World(policy.at(NINE), {"video.example.org": _listed("video.example.org", "adult")})
    assert reason(world, LAB_PC, "video.example.org") == ("block", "category")


VIDEO, EDGE, ADDRESS = "video.example.org", "edge.example.com", "192.0.2.66"


def led(
    *entries: Entry,
    group: Group,
    where: str,
    category: str,
    permit: bool = True,
    shadow: bool = False,
    needed: tuple[Needed, ...] = (),
) -> World:
    """Return a lesson that has a name open; what it leads to, by an alias or its address, is on a list."""
    schedule = Schedule(ROOMS, lessons=(LESSON,))
    reserve = Reserve(minutes=45) if permit else Reserve({VIDEO: allow(VIDEO)})
    policy = build_snapshot([group], entries, default_group="pupils", schedule=schedule, reserve=reserve, needed=needed)
    target = EDGE if where == "alias" else ADDRESS
    said = {target: (Listing("list", category, target, terms=Terms(shadow=shadow)),)}
    own = _listed(VIDEO, "games")
    return World(
        policy.at(NINE),
        {VIDEO: own, **(said if where == "alias" else {})},
        addresses=said if where == "address" else None,
    )


def decided(world: World) -> tuple[str, str, str]:
    """Return action, reason and category of what the lab hears when the name leads to the alias and its address."""
    heard = world.ask(VIDEO, client=LAB_PC)
    if not heard.messages:
        alias = wire.record("@", 60, "CNAME", f"{EDGE}."), wire.record(EDGE, 60, "A", ADDRESS)
        world.server.reply(-1, *alias)
        world.finish()
    row = columns(world.lines[-1] if world.lines else heard.line)
    return row["action"], row["reason"], row["category"]


@pytest.mark.parametrize("where", ["alias", "address"])
@pytest.mark.parametrize(
    ("level", "blocked", "expected"),
    [
        pytest.param(Level.HIGH, {"games"}, ("block", "level", ""), id="high"),
        pytest.param(Level.MEDIUM, {"games", "adult"}, ("block", "category", "adult"), id="medium"),
        pytest.param(Level.MEDIUM, {"games"}, ("block", "category", "games"), id="medium-open-for-the-group"),
        pytest.param(Level.MEDIUM, {"adult"}, ("block", "category", "adult"), id="open-but-for-where-it-leads"),
        pytest.param(Level.MEDIUM, set(), ("allow", "default", ""), id="no-permit-needed"),
        pytest.param(Level.LOW, set(), ("block", "category", "adult"), id="low"),
    ],
)
def test_a_permit_does_not_open_what_leads_to_harm_at_any_level(
    level: Level, blocked: set[str], expected: tuple[str, str, str], where: str
) -> None:
    """It is as if nobody had opened the name."""
    group = replace(GROUPS[0], level=level, blocked_categories=frozenset(blocked))
    world = led(group=group, where=where, category="adult")
    assert decided(world) == expected
    assert decided(led(group=group, where=where, category="adult", permit=False))[:2] == ("allow", "exception")


@pytest.mark.parametrize("where", ["alias", "address"])
def test_a_bundle_opens_what_leads_to_harm_with_a_permit_or_without(where: str) -> None:
    """A permit that nobody needed closes nothing."""
    group = replace(GROUPS[0], blocked_categories=frozenset({"games", "adult"}))
    world = led(group=group, where=where, category="adult", needed=(Needed(VIDEO, True, "education"),))
    assert decided(world)[0] == "allow"


@pytest.mark.parametrize("where", ["alias", "address"])
@pytest.mark.parametrize("level", [Level.HIGH, Level.MEDIUM, Level.LOW])
def test_a_permit_opens_what_leads_to_anything_else(level: Level, where: str) -> None:
    group = replace(GROUPS[0], level=level, blocked_categories=frozenset({"games", "adult"}))
    assert decided(led(group=group, where=where, category="games"))[:2] == ("allow", "exception")
    assert decided(led(group=group, where=where, category="adult", shadow=True))[:2] == ("allow", "exception")
    assert decided(led(group=group, where=where, category="terrorism")) == ("block", "locked", "terrorism")


@pytest.mark.parametrize("level", [Level.HIGH, Level.MEDIUM, Level.LOW])
def test_a_permit_opens_what_leads_to_a_name_that_an_order_opens(level: Level) -> None:
    group = replace(GROUPS[0], level=level, blocked_categories=frozenset({"games", "adult"}))
    world = led(allow(EDGE), group=group, where="alias", category="adult")
    assert decided(world)[:2] == ("allow", "exception")


def test_a_name_closed_in_a_room_or_for_a_device_is_closed_there_only() -> None:
    closures = (Closure("1", BOOK, room="lab"), Closure("2", NAME, device="tablet"))
    world = World(school(lessons=(LESSON,), closures=closures).at(NINE))
    world.macs = {"10.0.99.9": MAC}
    assert reason(world, LAB_PC, BOOK) == ("block", "exception"), "before the director's list"
    assert reason(world, TEACHER_PC, BOOK) == ("allow", "allowed")
    assert reason(world, "10.0.99.1", BOOK) == ("allow", "allowed")
    assert reason(world, LAB_PC, NAME) == ("allow", "default")


def _listed(name: str, category: str) -> tuple[Listing, ...]:
    return (Listing("list", category, name),)


def ecs(address: str) -> wire.Edns:
    """Return what dnsmasq's add-subnet=32,128 puts into a query."""
    option = dns.edns.ECSOption(address, 128 if ":" in address else 32)
    return wire.Edns(options=((8, option.to_wire() or b""),))


def test_a_trusted_router_says_who_asks() -> None:
    world = World(school(lessons=(LESSON,)).at(NINE), trusted_routers=(ROUTER,))
    rows = {}
    for client in (LAB_PC, HALL_PC):
        heard = world.ask(NAME, client=ROUTER, edns=ecs(client))
        if not heard.messages:
            world.server.reply(-1, address_record())
            world.finish()
            heard.line = world.lines[-1]
        rows[client] = columns(heard.line)
    assert (rows[LAB_PC]["room"], rows[LAB_PC]["action"]) == ("lab", "allow")
    assert (rows[HALL_PC]["room"], rows[HALL_PC]["action"]) == ("hall", "block")
    assert {client: row["client"] for client, row in rows.items()} == {LAB_PC: LAB_PC, HALL_PC: HALL_PC}
    assert b"\x00\x08" not in b"".join(sent.tail for sent in world.server.udp.sent), "no word of it upstream"


def test_a_trusted_router_may_name_the_hardware_address() -> None:
    world = World(school().at(NINE), trusted_routers=(ROUTER,))
    heard = world.ask(NAME, client=ROUTER, edns=wire.Edns(options=((65001, bytes.fromhex(MAC.replace(":", ""))),)))
    row = columns(heard.line)
    assert (row["client"], row["device"], row["room"]) == (ROUTER, "tablet", "hall")


def test_whom_a_router_names_by_mac_only_has_nothing_of_the_router_s_own() -> None:
    """The router stands in a room and is a device of the teachers: who is behind it is neither."""
    devices = (Device("router", "Router", "teachers", "lab", (ROUTER,)), *DEVICES)
    policy = replace(school(lessons=(LESSON,)), directory=Directory(devices)).at(NINE)
    world = World(policy, trusted_routers=(ROUTER,))
    own = columns(world.ask("localhost", client=ROUTER).line)
    assert (own["device"], own["room"], own["group"]) == ("router", "lab", "teachers")
    for octets, expected in ((MAC, ("tablet", "hall", "pupils")), ("02:00:5e:10:00:77", ("", "", "pupils"))):
        option = (65001, bytes.fromhex(octets.replace(":", "")))
        row = columns(world.ask("localhost", client=ROUTER, edns=wire.Edns(options=(option,))).line)
        assert (row["client"], row["device"], row["room"], row["group"]) == (ROUTER, *expected)


def by_mac(number: int) -> wire.Edns:
    """Return what dnsmasq's add-mac puts into a query of a device."""
    return wire.Edns(options=((65001, b"\x02\x00\x5e\x20" + number.to_bytes(2)),))


def test_made_up_macs_share_one_budget_and_who_has_an_address_has_its_own() -> None:
    world = World(rate_limit=10, trusted_routers=(ROUTER,))
    reasons = []
    for number in range(100):
        world.ask("localhost", client="10.0.0.50") if not number % 10 else None
        reasons.append(columns(world.ask("localhost", client=ROUTER, edns=by_mac(number)).line)["reason"])
    assert reasons.count("rate") >= 100 - 2 * 20
    assert columns(world.ask("localhost", client=ROUTER).line)["reason"] == "rate", "nor by saying nothing"
    assert columns(world.ask("localhost", client=ROUTER, edns=ecs(LAB_PC)).line)["reason"] == "special"
    assert [client.address for client in world.engine.clients.refused()] == [ROUTER]


def test_whom_a_router_names_by_address_costs_it_nothing() -> None:
    world = World(rate_limit=10, trusted_routers=(ROUTER,))
    for number in range(100):
        for room in (5, 6):
            row = columns(world.ask("localhost", client=ROUTER, edns=ecs(f"10.0.{room}.{number}")).line)
            assert row["reason"] == "special"
    assert columns(world.ask("localhost", client=ROUTER, edns=by_mac(1)).line)["reason"] == "special"
    assert not world.engine.clients.refused()


def test_made_up_macs_share_one_bound_of_questions_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "MAX_CLIENT_IN_FLIGHT", 5)
    world = World(trusted_routers=(ROUTER,))
    for number in range(5):
        assert not world.ask(f"a{number}.example.org", client=ROUTER, edns=by_mac(number)).messages
    assert columns(world.ask("b.example.org", client=ROUTER, edns=by_mac(9)).line)["reason"] == "rate"
    for number in range(5):
        world.server.reply(number, address_record())
    world.finish()
    assert not world.ask("b.example.org", client=ROUTER, edns=by_mac(9)).messages


def test_nobody_else_is_believed() -> None:
    world = World(school(lessons=(LESSON,)).at(NINE), trusted_routers=(ROUTER,))
    row = columns(world.ask(NAME, client=HALL_PC, edns=ecs(LAB_PC)).line)
    assert (row["client"], row["room"], row["action"]) == (HALL_PC, "hall", "block")


def test_a_trusted_router_that_does_not_say_asks_for_itself_and_what_it_names_outside_is_refused() -> None:
    world = World(school().at(NINE), trusted_routers=(ROUTER,))
    assert columns(world.ask("localhost", client=ROUTER).line)["client"] == ROUTER
    assert texts(world.ask("localhost", client=ROUTER).reply) == ["127.0.0.1"]
    stranger = columns(world.ask(NAME, client=ROUTER, edns=ecs("192.0.2.9")).line)
    assert (stranger["client"], stranger["action"], stranger["reason"]) == ("192.0.2.9", "refuse", "network")
