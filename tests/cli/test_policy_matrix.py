"""`policy show` and `policy diff`: the whole matrix of any day, what it rests on, and what made two days differ."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from policy import calendar_bodies, rooms
from policy.calendar import Bells, Period, Slot, Span, SpanKind
from policy.orders import Addition, Removal
from policy.rooms import Lesson, Room
from policy.timetable import EVERY_DAY, Periods
from storage.policy_db import PolicyDb
from storage.policy_load import LESSON, ROOM
from tests.cli.installation import Bench, prepared
from tests.cli.time_machine import begun_on, set_clock, with_policy
from tests.storage.policies import by_hand, enter_paper

FIRST, SECOND, THIRD = (datetime(2026, 9, day, 9, 0, tzinfo=UTC) for day in (1, 2, 3))
NOW = datetime(2026, 9, 10, 9, 0, tzinfo=UTC)
PROTOCOL = ("--protocol", "3", "--date", "2026-09-01")


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the policy.db of a school that began on the first, and decided on the second and third."""
    with pytest.MonkeyPatch.context() as patch, prepared(tmp_path_factory.mktemp("school"), patch) as bench:
        file = begun_on(patch, bench, FIRST)
        set_clock(patch, SECOND)
        hours = ("--hours", "mon-fri 08:00-13:30")
        bench.done("groups", "set", "pupils", "--level", "high", "--block", "tiktok", *hours, *PROTOCOL)
        bench.done("groups", "set", "guests", "--network", "10.0.9.0/24", "--youtube", "off")
        bench.done("block", "example.org", "--reason", "council")
        bench.done("block", "example.com", "--group", "guests")
        with_policy(bench, _second_day)
        set_clock(patch, THIRD)
        bench.done("groups", "set", "pupils", "--level", "medium", "--unblock", "video")
        bench.done("groups", "add", "lab", "--level", "low", *PROTOCOL)
        with_policy(bench, _third_day)
        return file.read_bytes()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lived: bytes) -> Iterator[Bench]:
    """That school on the tenth."""
    set_clock(monkeypatch, NOW)
    with prepared(tmp_path, monkeypatch) as bench:
        (bench.folder / "var" / "policy.db").write_bytes(lived)
        yield bench


async def _second_day(policy: PolicyDb) -> None:
    await enter_paper(policy, "example.net", Addition("until.example.net", until=date(2026, 9, 5)), at=SECOND)


async def _third_day(policy: PolicyDb) -> None:
    room = Room("r5", "Room 5", (ip_network("10.0.5.0/24"),), responsible="Asanova")
    values = (
        Bells("plain", (Period(1, 1, 480, 525),)),
        Span(SpanKind.TERM, date(2026, 9, 1), date(2026, 10, 30), "first"),
        Slot("s1", EVERY_DAY, Periods(1, 1, 1), room="r5"),
    )
    lesson = Lesson("1", "r5", "Asanova", THIRD, THIRD + timedelta(hours=1))
    puts = [(ROOM, "r5", rooms.body_of(room)), *(calendar_bodies.row(value) for value in values)]
    await policy.change_objects("rooms", puts, document="protocol 4 of 2026-09-03", at=THIRD, by="deputy")
    await policy.change_objects("lesson", [(LESSON, "1", rooms.body_of(lesson))], at=THIRD, by="asanova")
    await enter_paper(policy, removals=[Removal("example.net")], number="13", at=THIRD)


def shown(bench: Bench, *arguments: str) -> dict[str, Any]:
    found = bench.json("policy", "show", *arguments, "--json")
    assert isinstance(found, dict)
    return found


def group(found: dict[str, Any], id_: str) -> dict[str, Any]:
    return next(each for each in found["groups"] if each["id"] == id_)


# show


def test_the_whole_policy_now_is_shown_with_what_each_part_rests_on(bench: Bench) -> None:
    found = shown(bench)
    assert found["at"] == "2026-09-10T09:00:00+00:00"
    assert [each["id"] for each in found["groups"]][-1] == "lab"
    pupils = group(found, "pupils")
    person = pupils["level"]["by"]
    second, third = SECOND.isoformat(), THIRD.isoformat()
    assert pupils["default"] is True
    assert pupils["level"] == {"value": "medium", "since": third, "by": person, "document": ""}
    assert pupils["title"] == {"value": "Pupils", "since": FIRST.isoformat(), "by": "schoolfilter", "document": ""}
    assert pupils["supervised"]["value"] is True
    assert next(each for each in pupils["blocked"] if each["id"] == "tiktok") == {
        "id": "tiktok",
        "kind": "service",
        "hours": "mon-fri 08:00-13:30",
        "since": second,
        "by": person,
        "document": "protocol 3 of 2026-09-01",
    }
    cells = {id_: pupils["cells"][id_] for id_ in ("terrorism", "games", "tiktok", "video", "youtube")}
    assert cells == {"terrorism": "law", "games": "closed", "tiktok": "hours", "video": "open", "youtube": "open"}
    guests = group(found, "guests")
    assert [(each["network"], each["since"]) for each in guests["networks"]] == [("10.0.9.0/24", second)]
    assert "youtube" not in [each["engine"] for each in guests["safe_search"]]
    assert [(each["name"], each["group"], each["reason"], each["document"]) for each in found["blocks"]] == [
        ("example.org", None, "council", ""),
        ("example.com", "guests", "", ""),
    ]
    assert [(each["id"], each["title"], each["document"], each["by"]) for each in found["rooms"]] == [
        ("r5", "Room 5", "protocol 4 of 2026-09-03", "deputy")
    ]
    assert {kind: count for kind, count in found["calendar"].items() if count} == {"bells": 1, "term": 1, "slot": 1}
    assert (found["list"]["names"], found["list"]["orders"]) == (0, 2)


def test_a_past_day_is_shown_as_it_was_at_its_end(bench: Bench) -> None:
    first, second = shown(bench, "--at", "2026-09-01"), shown(bench, "--at", "2026-09-02")
    assert first["at"] == "2026-09-01T18:59:59+00:00", "midnight in Almaty"
    assert (group(first, "pupils")["level"]["value"], first["blocks"], first["rooms"]) == ("medium", [], [])
    assert group(second, "pupils")["level"]["document"] == "protocol 3 of 2026-09-01"
    assert group(second, "pupils")["cells"]["games"] == "list"
    assert (second["list"]["names"], second["list"]["orders"], len(second["blocks"])) == (2, 1, 2)
    assert "lab" not in [each["id"] for each in second["groups"]]
    third = shown(bench, "--at", "2026-09-03")
    assert (third["list"]["names"], third["list"]["orders"]) == (1, 2)
    assert third["list"]["head"] == shown(bench)["list"]["head"] != second["list"]["head"]
    assert shown(bench, "--at", "2026-09-10") == shown(bench)


@pytest.mark.parametrize(
    ("moment", "level"),
    [("2026-09-02 13:59", "medium"), ("2026-09-02 14:00", "high"), ("2026-09-03T08:59+00:00", "high")],
)
def test_a_moment_is_one_of_the_schools_clocks(bench: Bench, moment: str, level: str) -> None:
    assert group(shown(bench, "--at", moment), "pupils")["level"]["value"] == level


def test_people_read_the_matrix_and_what_has_no_document(bench: Bench) -> None:
    text = bench.done("policy", "show")
    lines = text.splitlines()
    assert lines[0] == "The policy now"
    heading = next(line.split() for line in lines if line.startswith("CATEGORY"))
    games = next(line for line in lines if line.startswith("Games (games)")).split()
    tiktok = next(line for line in lines if line.startswith("TikTok (tiktok)")).split()
    columns = heading[3:]
    assert dict(zip(columns, games[2:], strict=True)) == {
        "pupils": "closed",
        "primary": "list",
        "senior": "closed",
        "teachers": "(open)",
        "staff": "(open)",
        "guests": "closed",
        "servers": "closed",
        "lab": "(open)",
    }
    assert dict(zip(columns, tiktok[2:], strict=True))["pupils"] == "hours"
    assert "  hours: closed in the hours that stand with the group" in lines
    own = text[text.index("Pupils (pupils)\n") : text.index("Pupils, grades 1 to 4 (primary)\n")]
    assert "  since 2026-09-01 14:00, schoolfilter, without a document\n" in own
    assert ", protocol 3 of 2026-09-01\n    closed: tiktok [mon-fri 08:00-13:30]\n" in own
    assert "    group: level medium\n" in own
    assert "Blocked by hand: 2" in lines
    assert any(line.startswith("example.org") and "without a document" in line for line in lines)
    assert any(line.startswith("r5 ") and line.endswith("protocol 4 of 2026-09-03") for line in lines)
    assert "Calendar: bells 1, term 1, timetable 1" in lines
    assert f"The director's list: names 0, orders 2, digest of the last order {shown(bench)['list']['head']}" in lines
    assert "  all of it: schoolfilter orders show --at 2026-09-10" in lines
    past = bench.done("policy", "show", "--at", "2026-09-02").splitlines()
    assert past[0] == "The policy as it was at the end of 2026-09-02"


def test_one_group_is_shown_alone_with_the_blocks_that_concern_it(bench: Bench) -> None:
    found = shown(bench, "--group", "pupils")
    assert [each["id"] for each in found["groups"]] == ["pupils"]
    assert [each["name"] for each in found["blocks"]] == ["example.org"]
    assert "rooms" not in found
    text = bench.done("policy", "show", "--group", "guests")
    assert "example.com" in text
    assert "(pupils)" not in text
    assert "Rooms" not in text


@pytest.mark.parametrize(
    ("status", "arguments", "told"),
    [
        (1, ("show", "--group", "nobody"), "found nobody"),
        (1, ("show", "--group", "lab", "--at", "2026-09-02"), "found lab"),
        (1, ("show", "--at", "2026-08-31"), "expected a day on which there was a policy: it begins on 2026-09-01"),
        (2, ("show", "--at", "2026-09-11"), "--at: expected a day or a moment that has been, found '2026-09-11'"),
        (2, ("show", "--at", "2026-09-10 14:01"), "a moment that has been"),
        (2, ("show", "--at", "yesterday"), "--at: expected a day such as 2026-09-01"),
        (2, ("diff", "yesterday"), "FROM: expected a day such as 2026-09-01"),
        (2, ("diff", "2026-09-10"), "expected a past day, and a later one or none"),
        (2, ("diff", "2026-09-02", "2026-09-02"), "expected a past day, and a later one or none"),
        (2, ("diff", "2026-09-03", "2026-09-02"), "expected a past day, and a later one or none"),
        (2, ("diff", "2026-09-03", "2026-09-12"), "TO: expected a day or a moment that has been"),
        (1, ("diff", "2026-08-01"), "it begins on 2026-09-01"),
        (2, ("diff",), "FROM"),
    ],
)
def test_what_cannot_be_shown_is_refused(bench: Bench, status: int, arguments: tuple[str, ...], told: str) -> None:
    assert told in bench.refused(status, "policy", *arguments)


# diff


def diff(bench: Bench, *days: str) -> dict[str, Any]:
    found = bench.json("policy", "diff", *days, "--json")
    assert isinstance(found, dict)
    return found


def values(found: dict[str, Any]) -> dict[tuple[str, str, str], tuple[object, object]]:
    return {
        (each["topic"], each["holder"], each["item"]): tuple(
            None if each[side] is None else each[side]["value"] for side in ("before", "after")
        )  # type: ignore[misc] # two of them
        for each in found["differences"]
    }


def test_each_difference_between_two_days_comes_with_the_changes_that_made_it(bench: Bench) -> None:
    found = diff(bench, "2026-09-01", "2026-09-02")
    told = values(found)
    always = {"scope": "always", "until": None}
    assert told == {
        ("block", "", "example.org"): (None, "council"),
        ("block", "guests", "example.com"): (None, ""),
        ("group", "pupils", "level"): ("medium", "high"),
        ("listed", "", "example.net"): (None, always),
        ("listed", "", "until.example.net"): (None, always | {"until": "2026-09-05"}),
        ("network", "guests", "10.0.9.0/24"): (None, ""),
        ("safe search", "guests", "youtube"): ("moderate", None),
        ("subject", "pupils", "tiktok"): (None, "mon-fri 08:00-13:30"),
    }
    numbers = {(each["topic"], each["item"]): each["changes"] for each in found["differences"]}
    assert numbers["group", "level"] == numbers["subject", "tiktok"] == [2]
    assert numbers["safe search", "youtube"] == numbers["network", "10.0.9.0/24"] == [3]
    assert numbers["block", "example.org"] == [4]
    assert numbers["listed", "example.net"] == [6]
    assert [(each["number"], each["what"], each["document"]) for each in found["changes"]] == [
        (2, "set group", "protocol 3 of 2026-09-01"),
        (3, "set group", ""),
        (4, "add blocks", ""),
        (5, "add blocks", ""),
        (6, "order", "paper order 12 of 2026-09-02"),
    ]


def test_what_was_changed_and_changed_back_is_no_difference(bench: Bench) -> None:
    told = values(diff(bench, "2026-09-01"))
    assert ("group", "pupils", "level") not in told
    assert ("listed", "", "example.net") not in told
    assert told["subject", "pupils", "video"] == ("", None)
    assert not [key for key in told if key[0] == LESSON], "a lesson is no policy of a day"


def test_what_ends_by_itself_is_a_difference_that_no_change_made(bench: Bench) -> None:
    found = diff(bench, "2026-09-03", "2026-09-09")
    assert [(each["item"], each["after"], each["changes"]) for each in found["differences"]] == [
        ("until.example.net", None, [])
    ]
    text = bench.done("policy", "diff", "2026-09-03", "2026-09-09")
    assert "  off the list: until.example.net for everyone (until 2026-09-05)\n" in text


def test_people_read_what_is_different_in_plain_words(bench: Bench) -> None:
    text = bench.done("policy", "diff", "2026-09-01", "2026-09-02")
    assert text.startswith("What is different between the end of 2026-09-01 and the end of 2026-09-02:\nGroup guests\n")
    for line in (
        "  level: medium → high  [2]",
        "  closed: TikTok (tiktok) [mon-fri 08:00-13:30]  [2]",
        "  safe search: YouTube moderate → off  [3]",
        "  networks of it from now on: 10.0.9.0/24  [3]",
        "  blocked: example.org for everyone: council  [4]",
        "  on the list: example.net for everyone, until.example.net for everyone (until 2026-09-05)  [6]",
    ):
        assert f"{line}\n" in text
    changes = text[text.index("CHANGE ") :].splitlines()
    assert changes[1].split()[:3] == ["2", "2026-09-02", "14:00"]
    assert changes[1].endswith("group changed    protocol 3 of 2026-09-01")
    assert changes[2].endswith("without a document")
    text = bench.done("policy", "diff", "2026-09-02")
    assert "Group lab\n" in text
    assert "Room r5\n" in text
    assert "  responsible person: Asanova  [9]\n" in text
    assert "  off the list: example.net for everyone  [11]\n" in text
    assert "  no longer closed: Video and music (video)  [7]\n" in text
    nothing = bench.done("policy", "diff", "2026-09-03", "2026-09-04")
    assert nothing == "Nothing is different between the end of 2026-09-03 and the end of 2026-09-04.\n"


def test_a_document_given_afterwards_is_a_difference(bench: Bench) -> None:
    bench.done("block", "example.org", "--reason", "council", *PROTOCOL)
    found = diff(bench, "2026-09-09")
    document = [(each["item"], each["after"]["document"]) for each in found["differences"] if each["topic"] == "block"]
    assert document == [("example.org", "protocol 3 of 2026-09-01")]
    bench.done("groups", "set", "pupils", "--protocol", "5", "--date", "2026-09-09")
    found = diff(bench, "2026-09-02")["differences"]
    level = next(each for each in found if (each["holder"], each["item"]) == ("pupils", "level"))
    last = len(bench.json("audit", "show", "--json"))  # type: ignore[arg-type] # a list
    assert (level["after"]["document"], level["changes"]) == ("protocol 5 of 2026-09-09", [7, last])
    assert "  now on another document: example.org for everyone: council  [" in bench.done(
        "policy", "diff", "2026-09-09"
    )


def test_faults_of_the_ledger_of_orders_are_told_beside_it(bench: Bench) -> None:
    by_hand(bench.folder / "var" / "policy.db", "UPDATE orders SET digest = 'x' WHERE sequence = 2")
    for arguments in (("show",), ("show", "--json"), ("diff", "2026-09-02")):
        result = bench.run("policy", *arguments)
        assert result.exit_code == 0
        assert "Ledger, no. 2: changed after it was entered" in result.stderr
    assert json.loads(bench.run("policy", "show", "--json").stdout)["list"]["names"] == 1
