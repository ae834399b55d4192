"""Blocks that hold in some hours only: in force at the boundary, whatever the clock does meanwhile."""

from datetime import datetime
from ipaddress import ip_address, ip_network
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.groups import Group
from policy.hours import parse_hours
from policy.levels import Level
from policy.snapshot import Snapshot, build_snapshot
from resolver.hours import HourlyPolicy
from tests.resolver.world import World, columns, listed

ZONE = ZoneInfo("Asia/Bishkek")
MONDAY_7 = datetime(2026, 9, 7, 7, 0, tzinfo=ZONE)


def lessons(hours: str = "mon-fri 08:00-13:30") -> Snapshot:
    """Return a policy in which games are closed in some hours to pupils, and always to juniors."""
    pupils = Group("pupils", "", Level.MEDIUM, frozenset({"games"}), hours={"games": parse_hours(hours)})
    juniors = Group("juniors", "", Level.MEDIUM, frozenset({"games"}), (ip_network("10.0.9.0/24"),))
    return build_snapshot([pupils, juniors], (), default_group="pupils")


def closed(policy: HourlyPolicy) -> bool:
    return "games" in policy.current.views["pupils"].closed


def clock(text: str) -> datetime:
    """Return a moment of Monday's local time."""
    return datetime.combine(MONDAY_7, datetime.strptime(text, "%H:%M:%S").time(), ZONE)  # noqa: DTZ007 - zone is given


STEPS = [
    pytest.param(["07:59:59"], [False], id="before"),
    pytest.param(["07:59:59", "08:00:00", "08:00:01"], [False, True, False], id="it-begins"),
    pytest.param(["13:29:59", "13:30:00", "13:30:01"], [True, True, False], id="it-ends"),
    pytest.param(["12:00:00", "14:00:00"], [True, True], id="put-forward-over-both-boundaries-and-back-to-open"),
    pytest.param(["09:00:00", "06:00:00", "09:00:00"], [True, True, True], id="put-back-over-a-boundary"),
    pytest.param(["09:00:00", "08:59:59", "08:30:00"], [True, False, False], id="put-back-within-a-lesson"),
    pytest.param(["06:59:59", "06:59:58"], [False, False], id="put-back-before-the-beginning"),
]  # fmt: skip


@pytest.mark.parametrize(("moments", "changed"), STEPS)
def test_the_policy_changes_at_boundaries_and_at_no_other_time(moments: list[str], changed: list[bool]) -> None:
    policy = HourlyPolicy(lessons(), MONDAY_7)
    assert not closed(policy)
    found = []
    for moment in moments:
        before = policy.current
        found.append(policy.advance(clock(moment)))
        assert (policy.current is not before) == found[-1], "what is the same stays the same object"
        assert closed(policy) == (clock("08:00:00") <= clock(moment) < clock("13:30:00"))
    assert found == changed


@given(st.lists(st.datetimes(datetime(2026, 9, 1), datetime(2026, 9, 30)), max_size=20))  # noqa: DTZ001 - zone below
def test_however_the_clock_jumps_the_policy_is_that_of_the_moment(moments: list[datetime]) -> None:
    loaded = lessons("mon-fri 08:00-13:30, 14:15-18:00; sat 22:00-06:00")
    policy = HourlyPolicy(loaded, MONDAY_7)
    for moment in moments:
        local = moment.replace(tzinfo=ZONE)
        policy.advance(local)
        assert closed(policy) == ("games" in loaded.at(local).views["pupils"].closed)


def test_a_policy_without_hours_never_changes() -> None:
    everyone = Group("pupils", "", Level.MEDIUM, frozenset({"games"}))
    policy = HourlyPolicy(build_snapshot([everyone], (), default_group="pupils"), MONDAY_7)
    assert not policy.advance(MONDAY_7.replace(year=2030))
    assert not policy.advance(MONDAY_7.replace(year=2020))


def test_at_a_boundary_groups_that_stay_as_they_are_keep_their_replies() -> None:
    """A lesson that begins for one class costs the others nothing."""
    policy = HourlyPolicy(lessons(), MONDAY_7)
    world = World(policy.current, listed("games.example.org"))
    junior = "10.0.9.1"
    world.answered(name="games.example.org")
    for client in ("127.0.0.1", junior):
        for _ in range(2):
            world.ask("games.example.org", client=client)
    replies = {client: world.engine.clients.get(ip_address(client).packed, 0).state for client in ("127.0.0.1", junior)}
    assert policy.advance(clock("08:00:00"))
    world.engine.set_policy(policy.current)
    assert columns(world.ask("games.example.org").line)["action"] == "block"
    assert columns(world.ask("games.example.org", client=junior).line)["action"] == "block"
    for client, same in (("127.0.0.1", False), (junior, True)):
        state = world.engine.clients.get(ip_address(client).packed, 0).state
        assert (state is replies[client]) == same
    assert policy.advance(clock("13:30:00"))
    world.engine.set_policy(policy.current)
    assert columns(world.ask("games.example.org").line)["action"] == "allow"


@pytest.mark.parametrize("broken", ["at", "next_change"])
def test_a_change_that_failed_is_tried_again(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    def fail(*_arguments: object) -> None:
        raise OverflowError("date value out of range")

    policy = HourlyPolicy(lessons(), MONDAY_7)
    for moment in (clock("08:00:00"), clock("08:00:00").astimezone(ZoneInfo("Asia/Almaty"))):
        with monkeypatch.context() as patched:
            patched.setattr(Snapshot, broken, fail)
            with pytest.raises(OverflowError):
                policy.advance(moment)
        assert not closed(policy)
    assert policy.advance(clock("08:00:00"))
    assert closed(policy)
