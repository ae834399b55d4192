"""`check` explains a decision with the reason of the query log, the list and line, and what the answer would be."""

import asyncio
import ipaddress
import json
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cli.check as check_module
from cli.check import check
from cli.context import Installation
from cli.explanation import (
    Asker,
    InvalidMoment,
    asker_of,
    category_line,
    explain,
    parse_moment,
    sentence,
    severity_name,
    verdict,
)
from cli.wire_preview import own_answer, type_number
from policy.categories import Severity
from policy.decide import decide
from policy.decision import Action, Decision, Listing, Reason, Why
from policy.snapshot import EntryKind, Group, Level, build_snapshot
from resolver.answers import sinkhole
from resolver.wire import TYPE_NAMES, A
from settings.model import BlockAnswer, Blocking, School
from storage.policy_db import open_policy
from storage.policy_rows import GroupChange, NewEntry, Order
from tests.cli.fakes import FakeWorker, installation, pretend_listening, run, status_worker

ALMATY = ZoneInfo("Asia/Almaty")
NOW = datetime(2026, 9, 2, 5, 0, tzinfo=UTC)


class FakeIndex:
    """Says of example.com and all below it that it is a game; of two other names, graver things."""

    generation = "g1"

    def lookup(self, name: str) -> tuple[Listing, ...]:
        listed = {"example.com": "games", "drugs.example": "drugs", "адрес.example": "social"}
        return tuple(
            Listing("starter", category, parent)
            for parent, category in listed.items()
            if name == parent or name.endswith("." + parent)
        )

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Return an installation with a policy, and an index that says what FakeIndex says."""
    monkeypatch.setattr(check_module, "open_current", lambda _folder: FakeIndex())
    monkeypatch.setattr(check_module, "find_line", lambda _folder, _list, name: 7 if name == "example.com" else None)
    where = installation(tmp_path, school__protected="school.example", school__time_zone="Asia/Almaty")

    async def prepare() -> None:
        async with await open_policy(where.settings.paths.policy_db) as policy:
            await policy.add_group("lab", "Lab", Level.MEDIUM, ["games"], at=NOW, by="test")
            await policy.set_group(
                "lab", GroupChange(networks=(ipaddress.ip_network("10.1.0.0/16"),)), at=NOW, by="test"
            )
            await policy.add_entries(
                [
                    NewEntry(
                        EntryKind.ALLOW,
                        "chess.example.com",
                        note="chess club",
                        order=Order("12", date(2026, 9, 2)),
                    ),
                    NewEntry(EntryKind.BLOCK, "example.net", note="too loud"),
                ],
                at=NOW,
                by="test",
            )

    asyncio.run(prepare())
    return where


def explained(where: Installation, *arguments: str) -> dict[str, object]:
    result = run(check, where, "--json", *arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.output)
    return found


def test_a_listed_name_is_explained_with_list_and_line(school: Installation) -> None:
    result = run(check, school, "www.example.com", "--client", "10.1.2.3")
    assert result.exit_code == 0
    for expected in (
        "www.example.com: blocked",
        "names example.com in the category games",
        "10.1.2.3 (network 10.1.0.0/16 of the policy)",
        "lab, level medium",
        "Games (games, unrelated to education, R1 2.11)",
        "starter, line 7",
        "NOERROR, A 0.0.0.0, kept for 10 s, extended error 17",
        "g1",
        "not running",
    ):
        assert expected in result.output


def test_json_has_the_reason_of_the_query_log(school: Installation) -> None:
    found = explained(school, "www.example.com", "--client", "10.1.2.3")
    assert (found["action"], found["line"]) == ("block", 7)
    assert found["reason"] == {
        "why": "category",
        "category": "games",
        "list_id": "starter",
        "rule": "example.com",
        "note": "",
        "document": "",
        "via": "",
    }


def test_an_allowed_name_names_its_order_and_what_it_overrules(school: Installation) -> None:
    result = run(check, school, "chess.example.com", "--client", "10.1.2.3")
    for expected in (
        "allowed",
        "director's list",
        "order 12 of 2026-09-02",
        "chess club",
        "starter, line 7 names example.com",
    ):
        assert expected in result.output


def test_a_hand_made_block_shows_its_note(school: Installation) -> None:
    result = run(check, school, "www.example.net", "--group", "lab")
    assert "An entry made by hand blocks example.net" in result.output
    assert "too loud" in result.output


@pytest.mark.parametrize(
    ("arguments", "action", "why"),
    [
        (("school.example",), "allow", "protected"),
        (("use-application-dns.net", "--group", "lab"), "block", "bypass"),
        (("drugs.example", "--group", "lab"), "block", "locked"),
        (("example.org", "--group", "lab"), "allow", "default"),
        (("host.localhost", "--group", "lab"), "local", "special"),
        (("example.org", "--client", "203.0.113.9"), "refuse", "network"),
        (("example.org", "--group", "lab", "--type", "AXFR"), "refuse", "malformed"),
    ],
)
def test_every_kind_of_decision(school: Installation, arguments: tuple[str, ...], action: str, why: str) -> None:
    found = explained(school, *arguments)
    reason = found["reason"]
    assert isinstance(reason, dict)
    assert (found["action"], reason["why"]) == (action, why)
    assert run(check, school, *arguments).exit_code == 0


def test_check_decides_as_decide_does(school: Installation) -> None:
    groups = [Group("lab", "Lab", Level.MEDIUM, frozenset({"games"}))]
    snapshot = build_snapshot(groups, [], default_group="lab")
    listings = FakeIndex().lookup("example.com")
    explanation = explain(snapshot, "example.com", listings, Asker("lab", Level.MEDIUM), "g1", A, ())
    assert explanation.decision == decide(snapshot.views["lab"], "example.com", listings)


def test_a_client_that_no_network_holds_is_said_to_be_in_the_default_group(school: Installation) -> None:
    result = run(check, school, "example.org", "--client", "10.9.9.9")
    assert "no network of the policy holds it" in result.output


def test_international_names_are_shown_in_their_letters(school: Installation) -> None:
    result = run(check, school, "пример.рф", "--group", "lab")
    assert "пример.рф (xn--e1afmkfd.xn--p1ai): allowed" in result.output


def test_a_zone_with_its_own_servers_is_named(school: Installation) -> None:
    environ = dict(school.environ) | {"SCHOOLFILTER_UPSTREAM__ZONES": "school.local=udp://192.0.2.1"}
    result = run(check, Installation(school.config, environ), "nas.school.local", "--group", "lab")
    assert "what the servers for school.local say" in result.output


def test_running_workers_that_are_behind_are_named(school: Installation) -> None:
    run_folder = school.settings.paths.run
    pretend_listening(run_folder)
    with status_worker(run_folder, policy_version=1, index_generation="g0"):
        result = run(check, school, "example.org")
    assert "Worker 0 still uses policy version 1." in result.output
    assert "Worker 0 still uses list index g0." in result.output


def test_running_workers_that_are_up_to_date_need_no_word(school: Installation) -> None:
    version = explained(school, "example.org")["policy_version"]
    pretend_listening(school.settings.paths.run)
    with status_worker(school.settings.paths.run, policy_version=version):
        result = run(check, school, "example.org")
        found = explained(school, "example.org")
    assert "still uses" not in result.output
    assert found["workers"] == [{"worker": 0, "policy_version": version, "index_generation": "g1"}]


def test_workers_that_cannot_be_asked_do_not_keep_the_explanation_back(school: Installation) -> None:
    run_folder = school.settings.paths.run
    pretend_listening(run_folder)
    with FakeWorker(run_folder, 0, lambda _request: b"nonsense\n"):
        assert "Worker 0 does not answer" in run(check, school, "example.org").output
    (run_folder / "listening.json").write_text("{")
    result = run(check, school, "example.org")
    assert result.exit_code == 0
    assert "could not be asked" in result.output


def test_a_silent_refusal_is_no_answer_at_all(school: Installation) -> None:
    environ = dict(school.environ) | {"SCHOOLFILTER_SERVER__REFUSE_SILENTLY": "true"}
    result = run(check, Installation(school.config, environ), "example.org", "--client", "203.0.113.9")
    assert "answer      none at all" in result.output


def test_at_is_shown_in_the_schools_zone_with_an_honest_word(school: Installation) -> None:
    result = run(check, school, "example.org", "--at", "2026-09-02T12:00+00:00")
    assert "2026-09-02 17:00 (Asia/Almaty); nothing in today's policy depends on the time" in result.output
    assert explained(school, "example.org", "--at", "2026-09-02 14:30")["at"] == "2026-09-02T14:30:00+05:00"


@pytest.mark.parametrize(
    "arguments",
    [
        ("http://example.org/",),
        ("192.0.2.1",),
        ("example.org", "--client", "10.0.0"),
        ("example.org", "--client", "10.0.0.1", "--group", "lab"),
        ("example.org", "--group", "nobody"),
        ("example.org", "--at", "half past two"),
        ("example.org", "--type", "ADDRESS"),
    ],
)
def test_misuse_is_exit_status_2_and_says_what_was_expected(school: Installation, arguments: tuple[str, ...]) -> None:
    result = run(check, school, *arguments)
    assert result.exit_code == 2
    assert "expected" in result.stderr


def test_no_policy_is_not_made_by_looking_at_it(tmp_path: Path) -> None:
    where = installation(tmp_path)
    result = run(check, where, "example.org")
    assert result.exit_code == 1
    assert "schoolfilter init" in result.stderr
    assert not where.settings.paths.policy_db.exists()


# words


@pytest.mark.parametrize("why", list(Why))
def test_every_rule_has_one_sentence(why: Why) -> None:
    text = sentence(Reason(why, category="games", rule="example.org"))
    assert text.endswith(".")
    assert "{" not in text


def test_levels_off_and_high_read_differently() -> None:
    assert sentence(Reason(Why.LEVEL, rule="off")) != sentence(Reason(Why.LEVEL, rule="high"))


def test_every_action_and_severity_has_its_word() -> None:
    assert len({verdict(action) for action in Action}) == len(Action)
    assert len({severity_name(severity) for severity in Severity}) == len(Severity)


def test_a_category_that_a_list_made_up_is_shown_as_it_is() -> None:
    assert category_line("homemade", "en") == "homemade"
    assert category_line("advertising", "ru") == "Реклама (advertising, nuisance)"


def test_the_longest_network_led_to_the_group() -> None:
    nets = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("10.1.0.0/16"))
    groups = [
        Group("a", "A", Level.MEDIUM, frozenset(), nets[:1]),
        Group("b", "B", Level.HIGH, frozenset(), nets[1:]),
    ]
    snapshot = build_snapshot(groups, [], default_group="a")
    asker = asker_of(snapshot, ["10.0.0.0/8"], client="10.1.2.3")
    assert (asker.group, asker.network, asker.served) == ("b", "10.1.0.0/16", True)
    assert asker_of(snapshot, ["fd00::/8"], client="10.1.2.3").served is False


# time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14:30", "2026-09-02T14:30:00+05:00"),
        (" 8:05 ", "2026-09-02T08:05:00+05:00"),
        ("2026-09-02 14:30", "2026-09-02T14:30:00+05:00"),
        ("2026-09-02T14:30:15", "2026-09-02T14:30:15+05:00"),
        ("2026-09-02T09:30Z", "2026-09-02T14:30:00+05:00"),
        ("2026-12-31", "2026-12-31T00:00:00+05:00"),
    ],
)
def test_times_are_read_in_the_schools_zone(text: str, expected: str) -> None:
    assert parse_moment(text, NOW, ALMATY).isoformat() == expected


def test_a_time_of_day_is_of_the_schools_day_not_of_utc() -> None:
    late = datetime(2026, 9, 2, 20, 0, tzinfo=UTC)
    assert parse_moment("00:30", late, ALMATY).isoformat() == "2026-09-03T00:30:00+05:00"


@pytest.mark.parametrize(
    "text", ["", "25:00", "14:60", "noon", "2026-02-30 10:00", "14", "9999999", "0001-01-01T00:00+14:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidMoment, match="expected a time"):
        parse_moment(text, NOW, ALMATY)


def test_an_hour_that_the_clocks_skipped_is_refused() -> None:
    with pytest.raises(InvalidMoment, match="put forward"):
        parse_moment("2026-03-29 02:30", NOW, ZoneInfo("Europe/Berlin"))


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_refused(text: str) -> None:
    try:
        moment = parse_moment(text, NOW, ALMATY)
    except InvalidMoment:
        return
    assert moment.utcoffset() is not None


# the wire


BLOCKED = Decision(Action.BLOCK, Reason(Why.CATEGORY, category="games"))


@pytest.mark.parametrize(
    ("blocking", "qtype", "rcode", "records"),
    [
        (Blocking(), "A", "NOERROR", ("A 0.0.0.0",)),
        (Blocking(), "AAAA", "NOERROR", ("AAAA ::",)),
        (Blocking(), "HTTPS", "NOERROR", ()),
        (Blocking(answer=BlockAnswer.NXDOMAIN), "A", "NXDOMAIN", ()),
        (Blocking(answer=BlockAnswer.PAGE, page_address="192.0.2.9"), "A", "NOERROR", ("A 192.0.2.9",)),
        (Blocking(answer=BlockAnswer.PAGE, page_address="192.0.2.9"), "AAAA", "NOERROR", ()),
    ],
)
def test_the_answer_is_the_sinkholes_own(blocking: Blocking, qtype: str, rcode: str, records: tuple[str, ...]) -> None:
    answer = own_answer(BLOCKED, "example.com", type_number(qtype), sinkhole(blocking, School()))
    assert answer is not None
    assert (answer.rcode, answer.records, answer.ttl, answer.extended_error) == (rcode, records, 10, 17)


@pytest.mark.parametrize("qtype", sorted(TYPE_NAMES))
def test_every_type_has_a_preview(qtype: int) -> None:
    assert own_answer(BLOCKED, "example.com", qtype, sinkhole(Blocking(), School())) is not None


def test_what_an_upstream_answers_is_not_guessed() -> None:
    allowed = Decision(Action.ALLOW, Reason(Why.DEFAULT))
    assert own_answer(allowed, "example.org", A, sinkhole(Blocking(), School())) is None


@pytest.mark.parametrize(("text", "number"), [("a", 1), ("AAAA", 28), ("type65", 65), ("TYPE65535", 65535)])
def test_types_by_name_and_number(text: str, number: int) -> None:
    assert type_number(text) == number


@pytest.mark.parametrize("text", ["", "TYPE", "TYPE0", "TYPE65536", "TYPE-1", "TYPE١", "B"])
def test_types_that_do_not_exist(text: str) -> None:
    with pytest.raises(ValueError, match="expected a record type"):
        type_number(text)
