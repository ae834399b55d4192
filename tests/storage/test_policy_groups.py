"""policy.db: hours, services and safe search of groups, and how a school that has a policy comes to them."""

import ipaddress
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from policy.categories import CATEGORIES
from policy.hours import parse_hours
from policy.levels import Level
from policy.matrix import Key, Topic
from policy.needed import Needed
from policy.safesearch import SAFE
from storage.errors import DamagedDatabase
from storage.policy_db import PolicyDb, open_policy
from storage.policy_history import in_force
from storage.policy_rows import GroupChange, UnknownEntry
from tests.storage.policies import AT, LATER, by_hand, rows, snapshot_of

LESSONS = parse_hours("mon-fri 08:00-13:30")
NIGHT = parse_hours("22:00-06:00")
NETWORK = ipaddress.ip_network("10.0.9.0/24")
THIRD, FOURTH = "protocol 3 of 2026-09-01", "protocol 4 of 2026-09-03"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.db"


async def test_a_new_school_begins_with_safe_search_for_pupils_and_guests(path: Path) -> None:
    async with await open_policy(path) as policy:
        groups = {group.id: group for group in await policy.groups()}
        assert await policy.version() == 1
    assert {id_: dict(group.safe_search) for id_, group in groups.items()} == {
        "pupils": SAFE,
        "primary": SAFE,
        "senior": SAFE,
        "teachers": {},
        "staff": {},
        "guests": SAFE,
        "servers": {},
    }
    assert all(group.blocked_categories == {category.id for category in CATEGORIES} for group in groups.values())
    assert not any(group.hours for group in groups.values())


async def test_services_and_hours_become_the_group_and_its_view(path: Path) -> None:
    async with await open_policy(path) as policy:
        change = GroupChange(block=("tiktok", "games"), hours=LESSONS)
        await policy.set_group("pupils", change, at=AT, by="deputy")
        snapshot = await snapshot_of(policy)
        lesson = await snapshot_of(policy, moment=datetime(2026, 9, 7, 9, 0))  # noqa: DTZ001 - local time
        free = await snapshot_of(policy, moment=datetime(2026, 9, 7, 15, 0))  # noqa: DTZ001
    assert snapshot.groups["pupils"].hours == {"tiktok": LESSONS, "games": LESSONS}
    assert str(snapshot.groups["pupils"].hours["games"]) == "mon-fri 08:00-13:30"
    assert {"tiktok", "games"} <= lesson.views["pupils"].closed
    assert not {"tiktok", "games"} & free.views["pupils"].closed
    assert "games" in free.views["guests"].closed


async def test_blocking_again_changes_the_hours_and_keeps_the_history(path: Path) -> None:
    async with await open_policy(path) as policy:
        for hours in (LESSONS, LESSONS, NIGHT, None):
            await policy.set_group("pupils", GroupChange(block=("tiktok",), hours=hours), at=AT, by="deputy")
        group = next(each for each in await policy.groups() if each.id == "pupils")
        assert "tiktok" in group.blocked_categories
        assert not group.hours
        await policy.set_group("pupils", GroupChange(unblock=("tiktok",)), at=AT, by="deputy")
        assert "tiktok" not in next(each for each in await policy.groups() if each.id == "pupils").blocked_categories
    history = rows(path, "SELECT hours, removed_at FROM group_categories WHERE category = 'tiktok' ORDER BY row")
    assert [hours for hours, _ in history] == [str(LESSONS), str(NIGHT), ""]
    assert all(removed for _, removed in history)


async def test_blocking_what_is_blocked_is_no_new_row(path: Path) -> None:
    async with await open_policy(path) as policy:
        await policy.set_group("pupils", GroupChange(block=("games",)), at=AT, by="deputy")
    assert len(rows(path, "SELECT 1 FROM group_categories WHERE group_id = 'pupils' AND category = 'games'")) == 1


async def test_safe_search_is_set_per_engine_and_keeps_its_history(path: Path) -> None:
    async with await open_policy(path) as policy:
        modes = (("youtube", "strict"), ("brave", "off"), ("google", "on"))
        await policy.set_group("pupils", GroupChange(safe_search=modes), at=AT, by="deputy")
        found = (await snapshot_of(policy)).groups["pupils"].safe_search
        assert dict(found) == {k: v for k, v in (SAFE | {"youtube": "strict"}).items() if k != "brave"}
        await policy.set_group("staff", GroupChange(safe_search=(("bing", "off"),)), at=AT, by="deputy")
        assert not (await snapshot_of(policy)).groups["staff"].safe_search
    history = "SELECT engine, mode, removed_by FROM group_safe_search WHERE group_id = 'pupils' ORDER BY row"
    assert ("youtube", "moderate", "deputy") in rows(path, history)
    assert ("google", "on", None) in rows(path, history)
    assert ("brave", "on", "deputy") in rows(path, history)


async def test_a_group_is_added_and_removed_with_all_it_has(path: Path) -> None:
    async with await open_policy(path) as policy:
        await policy.add_group(
            "lab", "Lab", Level.MEDIUM, ["tiktok"], hours=NIGHT, safe_search={"google": "on"}, at=AT, by="deputy"
        )
        lab = (await snapshot_of(policy)).groups["lab"]
        assert (lab.hours, lab.safe_search) == ({"tiktok": NIGHT}, {"google": "on"})
        await policy.remove_group("lab", at=AT, by="deputy")
        await policy.add_group("lab", "Lab", Level.MEDIUM, [], at=AT, by="deputy")
        lab = (await snapshot_of(policy)).groups["lab"]
        assert (lab.blocked_categories, lab.hours, lab.safe_search) == (frozenset(), {}, {})


async def test_every_change_says_what_was_asked_and_what_it_was_before_and_after(path: Path) -> None:
    async with await open_policy(path) as policy:
        change = GroupChange(
            block=("tiktok",),
            hours=LESSONS,
            safe_search=(("youtube", "strict"),),
            networks=(NETWORK,),
            supervised=False,
        )
        await policy.set_group("pupils", change, at=AT, by="deputy")
        await policy.add_group("lab", "Lab", Level.LOW, ["games"], safe_search={"google": "on"}, at=AT, by="deputy")
        await policy.remove_group("lab", at=AT, by="deputy")
        changed, added, removed = [each.detail for each in (await policy.changes())[1:]]
    assert changed["asked"] == {
        "block": ["tiktok"],
        "hours": "mon-fri 08:00-13:30",
        "safe_search": {"youtube": "strict"},
        "networks": ["10.0.9.0/24"],
        "supervised": False,
    }
    before, after = changed["before"], changed["after"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    one, other = before["group pupils"], after["group pupils"]
    assert sorted({*other["blocked"]} - {*one["blocked"]}) == ["tiktok"]
    assert (one["hours"], other["hours"]) == ({}, {"tiktok": "mon-fri 08:00-13:30"})
    assert (one["safe_search"]["youtube"], other["safe_search"]["youtube"]) == ("moderate", "strict")
    assert (one["networks"], other["networks"]) == ([], ["10.0.9.0/24"])
    assert (one["supervised"], other["supervised"]) == (True, False)
    lab = {
        "title": "Lab",
        "level": "low",
        "supervised": True,
        "blocked": ["games"],
        "hours": {},
        "networks": [],
        "safe_search": {"google": "on"},
    }
    assert added == {"before": {}, "after": {"group lab": lab}}
    assert removed == {"before": {"group lab": lab}, "after": {}}


async def test_what_is_needed_reaches_the_views(path: Path) -> None:
    async with await open_policy(path) as policy:
        snapshot = await snapshot_of(policy, needed=[Needed("example.org", True, "education")])
    assert all("example.org" in view.needed for view in snapshot.views.values())


async def test_hours_that_somebody_else_wrote_are_told_as_damage(path: Path) -> None:
    async with await open_policy(path) as policy:
        by_hand(path, "UPDATE group_categories SET hours = 'at noon' WHERE category = 'games'")
        with pytest.raises(DamagedDatabase, match="at noon"):
            await snapshot_of(policy)
        with pytest.raises(DamagedDatabase, match="at noon"):
            await in_force(policy, None)


# documents


async def document_of(policy: PolicyDb, topic: Topic, item: str, group: str = "pupils") -> tuple[str, datetime, str]:
    """Return on what document something holds, since when and by whom."""
    origin = (await in_force(policy, None)).facts[Key(topic, group, item)].origin
    return origin.document, origin.since, origin.by


ASKED = [
    pytest.param(GroupChange(level=Level.MEDIUM), Topic.GROUP, "level", id="level"),
    pytest.param(GroupChange(title="Pupils"), Topic.GROUP, "title", id="title"),
    pytest.param(GroupChange(supervised=True), Topic.GROUP, "supervised", id="supervised"),
    pytest.param(GroupChange(block=("games",)), Topic.SUBJECT, "games", id="block"),
    pytest.param(GroupChange(block=("games",), hours=NIGHT), Topic.SUBJECT, "games", id="hours"),
    pytest.param(GroupChange(safe_search=(("google", "on"),)), Topic.SAFE_SEARCH, "google", id="safe-search"),
    pytest.param(GroupChange(networks=(NETWORK,)), Topic.NETWORK, str(NETWORK), id="network"),
]


@pytest.mark.parametrize(("change", "topic", "item"), ASKED)
async def test_repeating_a_change_with_a_document_attaches_it_and_without_one_takes_none_away(
    path: Path, change: GroupChange, topic: Topic, item: str
) -> None:
    async with await open_policy(path) as policy:
        await policy.set_group("pupils", change, at=AT, by="one")
        assert (await document_of(policy, topic, item))[0] == ""
        before = await policy.groups()
        await policy.set_group("pupils", change, document=THIRD, at=LATER, by="two")
        assert await document_of(policy, topic, item) == (THIRD, LATER, "two")
        assert await policy.groups() == before
        others = {
            key: fact.origin.document
            for key, fact in (await in_force(policy, None)).facts.items()
            if key != Key(topic, "pupils", item) and fact.origin.document
        }
        assert others == {}
        await policy.set_group("pupils", change, at=LATER, by="three")
        assert await document_of(policy, topic, item) == (THIRD, LATER, "two")
        await policy.set_group("pupils", change, document=THIRD, at=LATER, by="four")
        assert await document_of(policy, topic, item) == (THIRD, LATER, "two")
        await policy.set_group("pupils", change, document=FOURTH, at=LATER, by="five")
        assert await document_of(policy, topic, item) == (FOURTH, LATER, "five")
        assert [each.document for each in await policy.changes()] == ["", "", THIRD, "", THIRD, FOURTH]


async def test_a_new_title_does_not_cost_the_level_its_protocol(path: Path) -> None:
    async with await open_policy(path) as policy:
        await policy.set_group("pupils", GroupChange(level=Level.HIGH), document=THIRD, at=AT, by="one")
        await policy.set_group("pupils", GroupChange(title="Pupils, grades 5 to 8"), at=LATER, by="two")
        assert await document_of(policy, Topic.GROUP, "level") == (THIRD, AT, "one")
        assert await document_of(policy, Topic.GROUP, "title") == ("", LATER, "two")


async def test_a_network_taken_away_can_be_documented_afterwards(path: Path) -> None:
    change = GroupChange(drop_networks=(NETWORK,))
    async with await open_policy(path) as policy:
        await policy.set_group("pupils", GroupChange(networks=(NETWORK,)), at=AT, by="one")
        await policy.set_group("pupils", change, at=AT, by="one")
        with pytest.raises(UnknownEntry):
            await policy.set_group("pupils", change, at=AT, by="one")
        await policy.set_group("pupils", change, document=THIRD, at=LATER, by="one")
        assert (await policy.changes())[-1].document == THIRD
        with pytest.raises(UnknownEntry):
            await policy.set_group("guests", change, document=THIRD, at=AT, by="one")


async def test_a_protocol_alone_is_for_all_that_has_none(path: Path) -> None:
    async with await open_policy(path) as policy:
        first = GroupChange(level=Level.LOW, block=("games",), hours=NIGHT)
        await policy.set_group("pupils", first, document=THIRD, at=AT, by="one")
        await policy.set_group("pupils", GroupChange(networks=(NETWORK,)), at=AT, by="one")
        before = await policy.groups()
        await policy.set_group("pupils", GroupChange(), document=FOURTH, at=LATER, by="two")
        assert await policy.groups() == before
        documents = {
            key: fact.origin.document
            for key, fact in (await in_force(policy, None)).facts.items()
            if key.holder == "pupils"
        }
        rests_on_third = {Key(Topic.GROUP, "pupils", "level"), Key(Topic.SUBJECT, "pupils", "games")}
        assert {key for key, document in documents.items() if document == THIRD} == rests_on_third
        assert {document for key, document in documents.items() if key not in rests_on_third} == {FOURTH}
        assert not [
            f for k, f in (await in_force(policy, None)).facts.items() if k.holder == "guests" and f.origin.document
        ]


# the past


async def test_any_past_moment_can_be_shown(path: Path) -> None:
    async with await open_policy(path) as policy:
        began = (await policy.changes())[0].at
        later = [began + timedelta(days=day) for day in range(1, 6)]
        await policy.set_group("pupils", GroupChange(level=Level.HIGH, unblock=("video",)), at=later[0], by="one")
        await policy.add_group("lab", "Lab", Level.LOW, [], [NETWORK], at=later[1], by="one")
        await policy.set_group("pupils", GroupChange(safe_search=(("google", "off"),)), at=later[2], by="one")
        await policy.remove_group("lab", force=True, at=later[3], by="one")
        await policy.add_group("lab", "Second lab", Level.OFF, [], at=later[4], by="one")
        past = [{each.id: each for each in await policy.groups(at=moment)} for moment in (began, *later)]
        assert await policy.groups(at=began - timedelta(seconds=1)) == []
        assert {each.id: each for each in await policy.groups()} == past[-1]
    assert [each["pupils"].level for each in past] == [Level.MEDIUM, *[Level.HIGH] * 5]
    assert ["video" in each["pupils"].blocked_categories for each in past] == [True, *[False] * 5]
    assert ["google" in each["pupils"].safe_search for each in past] == [True] * 3 + [False] * 3
    assert [each["lab"].title if "lab" in each else "" for each in past] == ["", "", "Lab", "Lab", "", "Second lab"]
    assert [each["lab"].networks if "lab" in each else () for each in past] == [
        (),
        (),
        (NETWORK,),
        (NETWORK,),
        (),
        (),
    ]
