"""The snapshot: who belongs to which group, and which entries each view holds."""

import ipaddress
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.circumstances import Schedule
from policy.groups import Group
from policy.hours import parse_hours
from policy.levels import Level
from policy.needed import Needed
from policy.networks import IPNetwork
from policy.rooms import Closure, Lesson, Pause, Room
from policy.safesearch import SAFE
from policy.snapshot import Place, Reserve, SnapshotBuilder, build_snapshot
from policy.views import Entry, EntryKind


def group(id_: str, *networks: str, level: Level = Level.MEDIUM) -> Group:
    return Group(id_, id_.title(), level, frozenset({"games"}), tuple(ipaddress.ip_network(each) for each in networks))


GROUPS = [
    group("pupils"),
    group("teachers", "10.0.2.0/24", "fd00:2::/64", level=Level.LOW),
    group("room5", "10.0.2.128/25", "10.0.2.200/32"),
    group("all", "0.0.0.0/0"),
]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.2.7", "teachers"),
        ("10.0.2.130", "room5"),
        ("10.0.2.200", "room5"),
        ("10.0.3.1", "all"),
        ("::ffff:10.0.2.7", "teachers"),
        ("fd00:2::9", "teachers"),
        ("fd00:3::9", "pupils"),
        ("fe80::1%eth0", "pupils"),
        ("::1", "pupils"),
    ],
)
def test_longest_network_decides_the_group(address: str, expected: str) -> None:
    snapshot = build_snapshot(GROUPS, (), default_group="pupils")
    assert snapshot.group_of(address) == expected
    assert snapshot.view(snapshot.place_of(address)).group == expected


V4 = st.builds(
    lambda n, p: ipaddress.ip_network((n & 0xFF0000FF, p), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32)
)
V6 = st.builds(
    lambda n, p: ipaddress.ip_network((n << 64, p), strict=False), st.integers(0, 2**64 - 1), st.integers(0, 128)
)


@given(st.lists(V4 | V6, max_size=12, unique=True), st.ip_addresses(), st.data())
def test_group_of_agrees_with_asking_every_network(
    networks: list[IPNetwork], address: ipaddress.IPv4Address | ipaddress.IPv6Address, data: st.DataObject
) -> None:
    groups = [Group(f"g{i}", "", Level.LOW, frozenset(), (network,)) for i, network in enumerate(networks)]
    if data.draw(st.booleans()) and networks:
        address = data.draw(st.sampled_from(networks)).network_address
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return
    snapshot = build_snapshot([group("pupils"), *groups], (), default_group="pupils")
    holders = [n for n in networks if n.version == address.version and address in n]
    longest = max(holders, key=lambda n: n.prefixlen, default=None)
    expected = "pupils" if longest is None else f"g{networks.index(longest)}"
    assert snapshot.group_of(str(address)) == expected


def test_default_group_must_exist() -> None:
    with pytest.raises(ValueError, match="default group 'pupils'"):
        build_snapshot([group("teachers")], (), default_group="pupils")


def test_an_entry_for_one_group_beats_the_one_for_all_and_stays_in_its_group() -> None:
    general = Entry(EntryKind.ALLOW, "example.org", note="all")
    special = Entry(EntryKind.ALLOW, "example.org", "teachers", note="teachers")
    lonely = Entry(EntryKind.BLOCK, "example.net", "nobody")
    for order in ([general, special, lonely], [lonely, special, general]):
        snapshot = build_snapshot(GROUPS, order, default_group="pupils")
        assert snapshot.views["teachers"].allow["example.org"] is special
        assert snapshot.views["pupils"].allow["example.org"] is general
        assert all("example.net" not in view.block for view in snapshot.views.values())


def test_built_bit_by_bit_is_built_at_once() -> None:
    entries = [Entry(EntryKind.BLOCK, f"n{i}.example.org", "teachers" if i % 3 else None) for i in range(50)]
    builder = SnapshotBuilder(GROUPS, "pupils")
    for start in range(0, 50, 7):
        builder.add(entries[start : start + 7])
    at_once = build_snapshot(GROUPS, entries, default_group="pupils", protected=("example.com",), version=3)
    assert builder.build(protected=("example.com",), version=3) == at_once
    assert at_once.version == 3
    assert at_once.views["pupils"].protected == {"example.com"}


MONDAY = datetime(2026, 9, 7)  # noqa: DTZ001 - local time
LESSONS, NIGHT = parse_hours("mon-fri 08:00-13:30"), parse_hours("22:00-06:00")


def hourly() -> list[Group]:
    pupils = Group(
        "pupils",
        "Pupils",
        Level.MEDIUM,
        frozenset({"games", "tiktok", "adult"}),
        hours={"games": LESSONS, "tiktok": NIGHT, "video": LESSONS},
    )
    return [pupils, group("guests"), Group("free", "", Level.OPEN, frozenset({"games"}), hours={"games": LESSONS})]


@pytest.mark.parametrize(
    ("hour", "closed"),
    [(0, {"tiktok"}), (6, set()), (8, {"games"}), (13.25, {"games"}), (13.5, set()), (22, {"tiktok"})],
)
def test_what_has_hours_is_closed_in_them_only(hour: float, closed: set[str]) -> None:
    moment = MONDAY + timedelta(hours=hour)
    snapshot = build_snapshot(hourly(), (), default_group="pupils")
    for at in (snapshot.at(moment), build_snapshot(hourly(), (), default_group="pupils", moment=moment)):
        assert at.views["pupils"].closed & {"games", "tiktok"} == closed
        assert "adult" in at.views["pupils"].closed
        assert "video" not in at.views["pupils"].closed


def test_without_a_moment_hours_do_not_count() -> None:
    snapshot = build_snapshot(hourly(), (), default_group="pupils")
    assert {"games", "tiktok"} <= snapshot.views["pupils"].closed


def test_what_stays_the_same_is_the_same_object() -> None:
    morning = build_snapshot(hourly(), (), default_group="pupils", moment=MONDAY + timedelta(hours=9))
    assert morning.at(MONDAY + timedelta(hours=10)) is morning
    noon = morning.at(MONDAY + timedelta(hours=15))
    assert noon.views["pupils"] is not morning.views["pupils"]
    assert noon.views["guests"] is morning.views["guests"]
    assert noon.views["free"] is morning.views["free"]
    assert replace(noon.views["pupils"], closed=morning.views["pupils"].closed) == morning.views["pupils"]
    assert (noon.version, noon.routes, noon.groups) == (morning.version, morning.routes, morning.groups)
    assert noon.at(MONDAY + timedelta(hours=9)) == morning


def test_the_next_change_is_the_nearest_of_what_is_blocked() -> None:
    snapshot = build_snapshot(hourly(), (), default_group="pupils")
    assert snapshot.next_change(MONDAY) == MONDAY + timedelta(hours=6)
    assert snapshot.next_change(MONDAY + timedelta(hours=9)) == MONDAY + timedelta(hours=13.5)
    assert build_snapshot(GROUPS, (), default_group="pupils").next_change(MONDAY) is None


@given(st.integers(0, 14 * 24 * 60))
def test_nothing_changes_before_the_next_change(minute: int) -> None:
    snapshot = build_snapshot(hourly(), (), default_group="pupils")
    now = MONDAY + timedelta(minutes=minute)
    following = snapshot.next_change(now)
    assert following is not None
    before = snapshot.at(now)
    assert before.at(following - timedelta(minutes=1)) is before
    assert before.at(following) is not before


def test_app_stores_are_needed_by_staff_only() -> None:
    needed = [Needed("a.example", True, "education"), Needed("b.example", False, "app-stores")]
    groups = [group("pupils"), group("staff", level=Level.OPEN)]
    views = build_snapshot(groups, (), default_group="pupils", needed=needed).views
    assert set(views["pupils"].needed) == {"a.example"}
    assert set(views["staff"].needed) == {"a.example", "b.example"}


def test_safe_search_becomes_rewrites_of_the_view() -> None:
    groups = [replace(group("pupils"), safe_search=SAFE), group("staff")]
    views = build_snapshot(groups, (), default_group="pupils").views
    assert views["pupils"].rewrites["www.google.kz"].target == "forcesafesearch.google.com"
    assert not views["staff"].rewrites


def test_views_that_share_their_tables_speak_of_the_same_names_as_if_each_had_its_own() -> None:
    groups = [replace(group(f"room{i}"), safe_search=SAFE if i % 2 else {}, hours={"games": LESSONS}) for i in range(6)]
    needed = [Needed("a.example", True, "education")]
    entries = [Entry(EntryKind.BLOCK, "example.net", "room3")]
    snapshot = build_snapshot(groups, entries, default_group="room0", protected=("b.example",), needed=needed)
    for each in (snapshot, snapshot.at(MONDAY)):
        for id_, view in each.views.items():
            anew = replace(view)
            assert (view, view.spoken, view.group) == (anew, anew.spoken, id_)
            assert ("www.google.kz" in view.spoken) == bool(groups[int(id_[-1])].safe_search)
            assert ("example.net" in view.block) == (id_ == "room3")


WEST, EAST = timezone(timedelta(hours=-5)), timezone(timedelta(hours=6))
NOW = datetime(2026, 9, 7, 9, tzinfo=EAST)


@pytest.mark.parametrize("zone", [WEST, EAST])
@pytest.mark.parametrize("now", [NOW, NOW.astimezone(WEST)])
def test_what_ends_with_the_calendar_ends_never_and_hides_no_other_change(zone: timezone, now: datetime) -> None:
    """9999-12-31 is how people write "for ever"; no sum of moments may run over it."""
    last, first = datetime.max.replace(tzinfo=zone), datetime.min.replace(tzinfo=zone)
    lessons = [Lesson(f"l{at}", "lab", "A", *span, opened=("example.com",)) for at, span in enumerate(
        [(first, last), (last, last), (first, first), (now - timedelta(minutes=5), last)]
    )]  # fmt: skip
    entry = Entry(EntryKind.ALLOW, "example.org", until=date.max)
    for minutes in (0, 30):
        snapshot = build_snapshot(
            GROUPS,
            [entry],
            default_group="pupils",
            schedule=Schedule(
                {"lab": Room("lab", "Lab")},
                lessons=tuple(lessons),
                pauses=(Pause("p", Level.HIGH, first, last, "B", "why", "pupils"),),
            ),
            reserve=Reserve(minutes=minutes),
        )
        then = snapshot.at(now)
        assert "example.org" in then.views["pupils"].allow
        assert then.views["pupils"].level is Level.HIGH
        following = snapshot.next_change(now)
        assert following is not None
        if minutes:
            assert following == now + timedelta(minutes=25), "a lesson may no longer have open what no order names"
        else:
            assert following.year == 9999


def test_an_entry_until_the_last_day_there_is_never_ends() -> None:
    entry = Entry(EntryKind.ALLOW, "example.org", until=date.max)
    snapshot = build_snapshot(GROUPS, [entry], default_group="pupils")
    following = snapshot.next_change(datetime(2026, 9, 7, tzinfo=UTC))
    assert following is None or following.year == 9999


class Walked(tuple[Closure, ...]):
    """Closures that count how often somebody goes through them."""

    walks = 0

    def __iter__(self) -> Iterator[Closure]:
        """Count."""
        Walked.walks += 1
        return super().__iter__()


def test_a_device_counts_if_something_is_closed_for_it_and_no_closure_is_looked_at_to_tell() -> None:
    closures = Walked(
        [Closure("r", "example.org", room="lab"), *(Closure(f"{i}", "example.org", device=f"pc{i}") for i in range(9))]
    )
    loaded = replace(build_snapshot([group("pupils")], (), default_group="pupils"), closures=closures)
    for snapshot in (loaded, loaded.at(MONDAY), replace(loaded, version=2)):
        walks = Walked.walks
        situations = {id_: snapshot.situation(Place("pupils", "", id_)).device for id_ in ("pc0", "pc8", "pc9", "")}
        assert situations == {"pc0": "pc0", "pc8": "pc8", "pc9": "", "": ""}
        assert Walked.walks == walks
    assert Walked.walks, "the test counts nothing"
