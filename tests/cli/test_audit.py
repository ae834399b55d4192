"""`audit show` and `audit verify`: the history of the policy as people read it, and whether it is whole."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from policy.orders import Removal
from storage.approval_db import ApprovalDb
from storage.policy_db import PolicyDb
from storage.requests import NewRequest, RequestKind
from tests.cli.installation import Bench, prepared
from tests.cli.time_machine import begun_on, set_clock, with_policy
from tests.storage.policies import ROOM, by_hand, enter_paper
from tests.storage.test_carry_over import Old

FIRST, SECOND, THIRD = (datetime(2026, 9, day, 20, 30, tzinfo=UTC) for day in (1, 2, 3))
"""In Almaty each of them is the next day."""
NOW = datetime(2026, 9, 10, 9, 0, tzinfo=UTC)
PROTOCOL = ("--protocol", "3", "--date", "2026-09-01")


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the policy.db of a school that began on the first, and decided on the second and third."""
    with pytest.MonkeyPatch.context() as patch, prepared(tmp_path_factory.mktemp("school"), patch) as bench:
        file = begun_on(patch, bench, FIRST)
        set_clock(patch, SECOND)
        bench.done("groups", "set", "pupils", "--level", "high", "--unblock", "video", *PROTOCOL)
        bench.done("groups", "set", "pupils", "--level", "high")
        bench.done("block", "example.org", "--reason", "council")
        set_clock(patch, THIRD)
        with_policy(bench, _third_day)
        return file.read_bytes()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lived: bytes) -> Iterator[Bench]:
    """That school on the tenth."""
    set_clock(monkeypatch, NOW)
    with prepared(tmp_path, monkeypatch) as bench:
        (bench.folder / "var" / "policy.db").write_bytes(lived)
        yield bench


async def _third_day(policy: PolicyDb) -> None:
    await policy.change_objects(
        "add room", [("room", "r5", ROOM)], document="order 7 of 2026-09-03", at=THIRD, by="Asanova"
    )
    body = ROOM | {"level": "high", "networks": ["10.0.5.0/24"]}
    await policy.change_objects("set room", [("room", "r5", body)], at=THIRD, by="Asanova")
    await policy.change_objects("remove room", drops=[("room", "r5")], at=THIRD, by="Asanova")
    await enter_paper(policy, "example.net", at=THIRD)
    await enter_paper(policy, removals=[Removal("example.net")], number="", at=THIRD)
    wanted = [NewRequest(RequestKind.ALLOW, "example.com", reason="lesson")]
    await ApprovalDb(policy).ask(wanted, at=THIRD, by="teacher")
    await policy.remove_blocks(["example.org"], at=THIRD, by="Asanova")


def changes(bench: Bench, *arguments: str) -> list[dict[str, Any]]:
    found = bench.json("audit", "show", *arguments, "--json")
    assert isinstance(found, list)
    return found


def numbers(bench: Bench, *arguments: str) -> list[int]:
    return [change["number"] for change in changes(bench, *arguments)]


# show


def test_each_change_is_told_with_who_when_what_and_on_what_document(bench: Bench) -> None:
    person = changes(bench)[1]["by"]
    assert bench.done("audit", "show").splitlines() == [
        "1  2026-09-02 01:30  schoolfilter  the policy begins  without a document",
        "    groups: pupils, primary, senior, teachers, staff, guests, servers",
        f"2  2026-09-03 01:30  {person}  group changed  protocol 3 of 2026-09-01",
        "    Group pupils",
        "      level: medium → high",
        "      no longer closed: Video and music (video)",
        f"3  2026-09-03 01:30  {person}  group changed  without a document",
        "    nothing else is different; confirmed: level high",
        f"4  2026-09-03 01:30  {person}  blocked by hand  without a document",
        "    Blocked by hand",
        "      blocked: example.org for everyone: council",
        "5  2026-09-04 01:30  Asanova  room added  order 7 of 2026-09-03",
        "    Room r5",
        "      level without a lesson: off",
        "      supervised: yes",
        "      title: Room 5",
        "6  2026-09-04 01:30  Asanova  room changed  without a document",
        "    Room r5",
        "      level: - → high",
        "      networks: - → 10.0.5.0/24",
        "7  2026-09-04 01:30  Asanova  room removed  without a document",
        "    Room r5",
        "      level without a lesson: off → -",
        "      level: high → -",
        "      networks: 10.0.5.0/24 → -",
        "      supervised: yes → -",
        "      title: Room 5 → -",
        "8  2026-09-04 01:30  teacher  order entered  paper order 12 of 2026-09-02",
        "    opens: example.net",
        "9  2026-09-04 01:30  teacher  order entered  paper order without a number, of 2026-09-02",
        "    takes off the list: example.net",
        "10  2026-09-04 01:30  teacher  asked of the director  without a document",
        "    requests: allow, example.com, -, always, lesson",
        "11  2026-09-04 01:30  Asanova  no longer blocked by hand  without a document",
        "    Blocked by hand",
        "      no longer blocked: example.org for everyone: council",
    ]


def test_machines_get_the_whole_of_it(bench: Bench) -> None:
    second = changes(bench)[1]
    assert second["at"] == "2026-09-02T20:30:00+00:00"
    assert (second["number"], second["what"], second["document"]) == (2, "set group", "protocol 3 of 2026-09-01")
    assert second["detail"]["before"]["group pupils"]["level"] == "medium"
    assert second["detail"]["after"]["group pupils"]["level"] == "high"
    assert len(second["digest"]) == 64


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--from", "2026-09-03"), range(2, 12)),
        (("--from", "2026-09-04"), range(5, 12)),
        (("--to", "2026-09-02"), [1]),
        (("--to", "2026-09-03"), range(1, 5)),
        (("--from", "2026-09-03", "--to", "2026-09-03"), [2, 3, 4]),
        (("--from", "2026-09-10"), []),
        (("--to", "9999-12-31"), range(1, 12)),
        (("--by", "ASANOVA"), [5, 6, 7, 11]),
        (("--by", "asan"), []),
        (("--what", "room"), [5, 6, 7]),
        (("--what", "r5"), [5, 6, 7]),
        (("--what", "group"), [2, 3]),
        (("--what", "Pupils"), [1, 2, 3]),
        (("--what", "video"), [2]),
        (("--what", "level"), [2, 3]),
        (("--what", "example.com"), [10]),
        (("--what", "example.net"), [8, 9]),
        (("--what", "protocol 3"), [2]),
        (("--what", "by hand", "--by", "asanova"), [11]),
        (("-n", "2"), [10, 11]),
        (("--what", "room", "-n", "1"), [7]),
    ],
)
def test_changes_are_chosen_by_day_person_and_word(
    bench: Bench, arguments: tuple[str, ...], expected: list[int]
) -> None:
    assert numbers(bench, *arguments) == list(expected)
    if not list(expected):
        assert bench.done("audit", "show", *arguments) == "No changes.\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--from", "1.9.2026"), "--from: expected a day as YYYY-MM-DD"),
        (("--to", "soon"), "--to: expected a day as YYYY-MM-DD"),
        (("--from", "2026-09-03", "--to", "2026-09-02"), "--to: expected a day not before --from, found 2026-09-02"),
        (("-n", "0"), "-n"),
    ],
)
def test_days_that_cannot_be_are_refused(bench: Bench, arguments: tuple[str, ...], told: str) -> None:
    assert told in bench.refused(2, "audit", "show", *arguments)


def test_a_history_carried_over_from_an_older_version_is_readable(bench: Bench) -> None:
    path = bench.folder / "var" / "policy.db"
    path.unlink()
    old = Old(path)
    old.allow("example.org", at=FIRST)
    old.note(
        SECOND, "deputy", "set group", {"group": "guests", "level": "high", "unblock": [], "before": "medium Guests"}
    )
    text = bench.done("audit", "show")
    assert "2  2026-09-02 01:30  teacher  add entries  without a document" in text
    assert "    entries: allow, example.org, -, order 12\n" in text
    assert "group changed  without a document\n    before: medium Guests\n    group: guests\n    level: high\n" in text
    assert text.splitlines()[-3].endswith("carried over from an older version  without a document")
    assert bench.run("audit", "verify").exit_code == 0


def test_what_somebody_wrote_into_the_file_does_nothing_to_the_terminal(bench: Bench) -> None:
    by_hand(bench.folder / "var" / "policy.db", "UPDATE audit SET by = char(27) || '[2J' WHERE number = 4")
    assert "\x1b" not in bench.done("audit", "show")


# verify


def test_a_whole_history_is_told_with_its_count_and_head_and_what_it_cannot_show(bench: Bench) -> None:
    digest = changes(bench)[-1]["digest"]
    lines = bench.done("audit", "verify").splitlines()
    assert lines[0] == f"The history of the policy is whole: 11 changes, the last with the digest {digest}."
    assert "It cannot show whether policy.db was put back as a whole to an earlier state" in lines[1]
    assert lines[1].endswith(f"schoolfilter audit verify --head 11:{digest[:16]}")
    assert bench.json("audit", "verify", "--json") == {
        "sound": True,
        "changes": 11,
        "head": digest,
        "took_over": [],
        "finding": None,
    }


def test_a_head_that_was_written_down_must_be_there(bench: Bench) -> None:
    eighth = changes(bench)[7]["digest"]
    for written in (f"8:{eighth}", f"8:{eighth[:8]}", f" 8:{eighth[:16].upper()} "):
        assert bench.run("audit", "verify", "--head", written).exit_code == 0
    told = bench.refused(1, "audit", "verify", "--head", f"9:{eighth}")
    assert "Expected change 9 with the digest that was written down" in told
    for wrong in ("8", "8:", eighth, f"8:{eighth[:7]}", f"8:{eighth}0", "x:12345678"):
        assert "--head: expected number and digest" in bench.refused(2, "audit", "verify", "--head", wrong)


@pytest.mark.parametrize(
    ("statement", "fault", "number", "told"),
    [
        ("UPDATE audit SET by = 'director' WHERE number = 2", "digest", 2, "Change 2 of the audit trail is not what"),
        ("DELETE FROM audit WHERE number = 3", "number", 3, "Expected change 3 in the audit trail"),
        ("DELETE FROM audit WHERE number > 9", "number", 10, "Expected change 10 in the audit trail"),
        ("UPDATE entries SET removed_at = NULL", "state", 11, "holds something else than the 11 changes"),
        ("CREATE VIEW v AS SELECT 1", "stranger", 11, "Policy.db holds v, a trigger or view"),
    ],
)
def test_the_first_broken_link_is_told_in_words(
    bench: Bench, statement: str, fault: str, number: int, told: str
) -> None:
    by_hand(bench.folder / "var" / "policy.db", statement)
    said = bench.refused(1, "audit", "verify")
    assert told in said
    assert "Put back the last good backup of policy.db" in said
    result = bench.run("audit", "verify", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["sound"]) == (1, False)
    assert (found["finding"]["fault"], found["finding"]["change"]) == (fault, number)
    assert found["finding"]["text"] in said


def test_a_change_that_took_over_what_somebody_had_changed_is_named_for_ever(bench: Bench) -> None:
    by_hand(bench.folder / "var" / "policy.db", "UPDATE groups SET added_by = 'me' WHERE id = 'staff'")
    bench.done("audit", "accept", "--reason", "compared by the commission")
    assert "took over what was there: 12\n" in bench.done("audit", "verify")
    assert bench.json("audit", "verify", "--json")["took_over"] == [12]  # type: ignore[index] # an object
    assert "    something was there of which no change speaks: yes\n" in bench.done("audit", "show", "-n", "1")


def test_lessons_are_told_by_the_schools_clocks(bench: Bench) -> None:
    body: dict[str, object] = {
        "room": "r5",
        "teacher": "Asanova",
        "begins": "2026-09-10T09:00:00+00:00",
        "ends": "2026-09-10T09:45:00+00:00",
        "level": None,
        "opened": ["example.org"],
        "closed": [],
    }

    async def teach(policy: PolicyDb) -> None:
        await policy.change_objects("start lesson", [("lesson", "7", body)], at=NOW, by="Asanova")
        longer = body | {"ends": "2026-09-10T10:00:00+00:00"}
        await policy.change_objects("extend lesson", [("lesson", "7", longer)], at=NOW, by="Asanova")

    with_policy(bench, teach)
    assert bench.done("audit", "show", "-n", "2").splitlines() == [
        "12  2026-09-10 14:00  Asanova  lesson begun  without a document",
        "    Lesson 7",
        "      from: 2026-09-10 14:00",
        "      until: 2026-09-10 14:45",
        "      opened: example.org",
        "      room: r5",
        "      teacher: Asanova",
        "13  2026-09-10 14:00  Asanova  lesson made longer  without a document",
        "    Lesson 7",
        "      until: 2026-09-10 14:45 → 2026-09-10 15:00",
    ]


def test_what_was_compared_with_the_documents_is_accepted_on_the_record(bench: Bench) -> None:
    assert "nothing to accept" in bench.done("audit", "accept", "--reason", "to try it")
    with closing(sqlite3.connect(bench.folder / "var" / "policy.db")) as raw:
        raw.execute("UPDATE group_categories SET removed_at = added_at WHERE category = 'games'")
        raw.commit()
    assert bench.run("audit", "verify").exit_code == 1
    bench.refused(2, "audit", "accept", "--reason", " ")
    bench.done("audit", "accept", "--reason", "compared by the commission", "--order", "14", "--date", "2026-09-02")
    shown = bench.done("audit", "verify")
    assert "is whole" in shown
    last = bench.done("audit", "show", "-n", "1")
    assert "accepted as it is" in last
    assert "compared by the commission" in last
    assert "order 14 of 2026-09-02" in last


def test_nobody_answers_for_a_policy_that_cannot_be_read(bench: Bench) -> None:
    before = len(changes(bench))
    by_hand(bench.folder / "var" / "policy.db", "UPDATE objects SET body = '{' WHERE removed_at IS NULL")
    told = bench.refused(1, "audit", "accept", "--reason", "compared by the commission")
    assert "expected a sound database" in told
    assert len(changes(bench)) == before
