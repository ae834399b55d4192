"""`check` explains a decision with the reason of the query log, the list and line, and what the answer would be."""

import asyncio
import ipaddress
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cli.check as check_module
from blocklists.publish import rebuild
from blocklists.rules import Format
from blocklists.sources import load_sources, save_sources, text_path
from cli.check import check
from cli.context import Installation
from cli.explanation import (
    Asker,
    InvalidMoment,
    asker_of,
    category_line,
    conditions,
    explain,
    is_expression,
    parse_moment,
    sentence,
    severity_name,
    verdict,
)
from cli.wire_preview import own_answer, type_number
from policy.categories import Severity
from policy.decide import decide
from policy.decision import Action, Decision, Listing, Reason, Terms, Why
from policy.groups import Group
from policy.hours import parse_hours
from policy.ledger import GENESIS, seal
from policy.levels import Level
from policy.orders import Addition, Order, OrderKind
from policy.safesearch import SAFE
from policy.snapshot import build_snapshot
from resolver.answers import sinkhole
from resolver.wire import TYPE_NAMES, A
from settings.model import BlockAnswer, Blocking, School
from storage.approval_db import ApprovalDb
from storage.policy_db import open_policy
from storage.policy_rows import GroupChange, NewEntry
from tests.blocklists.lists_folder import put
from tests.cli.fakes import FakeWorker, installation, pretend_listening, run, status_worker
from tests.harness import wire
from tests.harness.upstream import FakeUpstream, says

ALMATY = ZoneInfo("Asia/Almaty")
NOW = datetime(2026, 9, 2, 5, 0, tzinfo=UTC)


class FakeIndex:
    """Says of example.com and all below it that it is a game; of two other names, graver things."""

    generation = "g1"
    has_addresses = False

    def lookup(self, name: str) -> tuple[Listing, ...]:
        listed: dict[str, tuple[str, str, Terms | None]] = {
            "example.com": ("starter", "games", None),
            "drugs.example": ("starter", "drugs", None),
            "адрес.example": ("starter", "social", None),
            "clip.example": ("service-tiktok", "tiktok", None),
            "captive.apple.com": ("starter", "games", None),
            "trial.example": ("new", "games", Terms(shadow=True)),
            "v6.example": ("starter", "games", Terms(types=(28,), important=True, excluded=("a.v6.example",))),
            "www.google.kz": ("starter", "social", None),
            "both.example": ("service-tiktok", "tiktok", None),
        }
        found = [
            Listing(list_id, category, parent, terms=terms)
            for parent, (list_id, category, terms) in listed.items()
            if name == parent or name.endswith("." + parent)
        ]
        if name.endswith("both.example"):
            found.append(Listing("starter", "drugs" if name.startswith("drugs") else "violence", "both.example"))
        if "kazino" in name:
            found.append(Listing("names", "games", "/^kazino/", terms=Terms(pattern=True)))
        return tuple(found)

    def close(self) -> None:
        """Nothing is held."""


def line_of(_folder: Path, _list_id: str, name: str, *, allows: bool) -> int | None:
    return 7 if name == "example.com" and not allows else None


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Return an installation with a policy, and an index that says what FakeIndex says."""
    monkeypatch.setattr(check_module, "open_current", lambda _folder: FakeIndex())
    monkeypatch.setattr(check_module, "find_line", line_of)
    where = installation(tmp_path, school__protected="school.example", school__time_zone="Asia/Almaty")

    async def prepare() -> None:
        async with await open_policy(where.settings.paths.policy_db) as policy:
            await policy.add_group("lab", "Lab", Level.MEDIUM, ["games"], at=NOW, by="test")
            await policy.add_group(
                "club",
                "Club",
                Level.MEDIUM,
                ["games", "tiktok"],
                hours=parse_hours("mon-fri 08:00-13:30"),
                safe_search=SAFE,
                at=NOW,
                by="test",
            )
            await policy.set_group(
                "lab", GroupChange(networks=(ipaddress.ip_network("10.1.0.0/16"),)), at=NOW, by="test"
            )
            await policy.add_blocks([NewEntry("example.net", note="too loud")], at=NOW, by="test")
            chess = Addition("chess.example.com", reason="chess club")
            paper = Order(
                sequence=1,
                kind=OrderKind.PAPER,
                number="12",
                date=date(2026, 9, 2),
                previous=GENESIS,
                additions=(chess,),
                entered_at=NOW,
                entered_by="test",
                school="",
            )
            await ApprovalDb(policy).enter(1, [seal(paper)], detail={}, document="", at=NOW, by="test")

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
        (("clip.example", "--group", "club", "--at", "2026-09-07 09:00"), "block", "service"),
        (("clip.example", "--group", "club", "--at", "2026-09-07 14:00"), "allow", "default"),
        (("clip.example", "--group", "lab"), "allow", "default"),
        (("captive.apple.com", "--group", "lab"), "allow", "needed"),
        (("trial.example", "--group", "lab"), "allow", "shadow"),
        (("v6.example", "--group", "lab"), "allow", "default"),
        (("v6.example", "--group", "lab", "--type", "AAAA"), "block", "category"),
        (("kazino7.example", "--group", "lab"), "block", "category"),
        (("www.google.kz", "--group", "club"), "rewrite", "safe-search"),
        (("www.google.kz", "--group", "lab"), "allow", "default"),
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
    explanation = explain(snapshot, "example.com", listings, Asker(snapshot.views["lab"]), "g1", A, ())
    assert explanation.decision == decide(snapshot.views["lab"], "example.com", listings)


def test_a_client_that_no_network_holds_is_said_to_be_in_the_default_group(school: Installation) -> None:
    result = run(check, school, "example.org", "--client", "10.9.9.9")
    assert "no network of the policy holds it" in result.output


def test_international_names_are_shown_in_their_letters(school: Installation) -> None:
    result = run(check, school, "пример.рф", "--group", "lab")
    assert "пример.рф (xn--e1afmkfd.xn--p1ai): allowed" in result.output


def test_a_service_is_explained_with_its_hours(school: Installation) -> None:
    result = run(check, school, "www.clip.example", "--group", "club", "--at", "2026-09-07 09:00")
    for expected in (
        "A list names clip.example as part of the service tiktok, which is closed for this group.",
        "TikTok (tiktok, service)",
        "tiktok is closed in these hours only: mon-fri 08:00-13:30",
        "2026-09-07 09:00 (Asia/Almaty)\n",
    ):
        assert expected in result.output
    later = run(check, school, "www.clip.example", "--group", "club", "--at", "2026-09-07 14:00")
    assert "service-tiktok names clip.example in tiktok" in later.output
    assert "mon-fri 08:00-13:30" in later.output
    found = explained(school, "clip.example", "--group", "club", "--at", "2026-09-07 14:00")
    assert found["hours"] == {"tiktok": "mon-fri 08:00-13:30"}


def test_a_safe_mode_is_explained_with_what_it_answers(school: Installation) -> None:
    result = run(check, school, "www.google.kz", "--group", "club")
    for expected in (
        "www.google.kz: allowed, in safe mode",
        "safe mode   forcesafesearch.google.com",
        "CNAME forcesafesearch.google.com and its addresses; 216.239.38.120, 2001:4860:4802:32::78 while nobody",
        "starter names www.google.kz in social",
    ):
        assert expected in result.output
    assert "no HTTPS record" in run(check, school, "www.google.kz", "--group", "club", "--type", "HTTPS").output
    found = explained(school, "www.google.kz", "--group", "club")
    assert found["safe_search"] == {
        "engine": "google",
        "target": "forcesafesearch.google.com",
        "fallback": ["216.239.38.120", "2001:4860:4802:32::78"],
    }
    assert explained(school, "example.org")["safe_search"] is None


def test_needed_names_trials_expressions_and_conditions_are_told(school: Installation) -> None:
    needed = run(check, school, "captive.apple.com", "--group", "lab").output
    assert "(bundle devices)" in needed
    assert "starter names captive.apple.com in games" in needed
    trial = run(check, school, "trial.example", "--group", "lab").output
    assert "a list on trial would: it names trial.example in games" in trial
    assert "list        new" in trial
    pattern = run(check, school, "kazino7.example", "--group", "lab").output
    assert "/^kazino/" in pattern
    terms = run(check, school, "v6.example", "--group", "lab").output
    assert "names v6.example in games (important, dnstype=AAAA, denyallow=a.v6.example)" in terms
    listings = explained(school, "v6.example", "--group", "lab")["listings"]
    assert isinstance(listings, list)
    assert listings[0]["terms"]["types"] == [28]


def test_list_version_and_line_are_those_in_force(tmp_path: Path) -> None:
    where = installation(tmp_path)
    folder = where.settings.paths.lists

    async def prepare() -> None:
        async with await open_policy(where.settings.paths.policy_db):
            pass

    asyncio.run(prepare())
    put(folder, "mine", "||example.net^\n@@||www.example.com^\n||example.com^\n/^kazino[0-9]+/\n", form=Format.ADBLOCK)
    generation = rebuild(folder).manifest.generation
    digest = sha256(text_path(folder, "mine").read_bytes()).hexdigest()
    text_path(folder, "mine").unlink()  # the generation has a link to the same file
    text_path(folder, "mine").write_text("||example.com^\n")  # newer, and not in force
    result = run(check, where, "shop.example.com", "--group", "pupils")
    assert "list        mine, line 3" in result.output
    assert f"version     generation {generation}, SHA-256 {digest[:12]}…" in result.output
    found = explained(where, "shop.example.com", "--group", "pupils")
    assert (found["line"], found["lists"]) == (3, {"mine": {"sha256": digest, "refreshed": ""}})
    open_again = run(check, where, "www.example.com", "--group", "pupils").output
    assert "www.example.com: allowed" in open_again
    assert "mine, line 2 has an exception for www.example.com" in open_again
    assert "mine, line 3 names example.com in games" in open_again
    pattern = explained(where, "kazino777.example", "--group", "pupils")
    assert (pattern["action"], pattern["line"]) == ("block", 4)
    assert isinstance(pattern["reason"], dict)
    assert pattern["reason"]["rule"] == "/^kazino[0-9]+/"


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
    assert "2026-09-02 17:00 (Asia/Almaty); nothing that speaks of this name depends on the time" in result.output
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


def test_a_service_is_shown_as_one() -> None:
    assert category_line("vk", "ru") == "ВКонтакте (vk, service)"


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (None, []),
        (Terms(), []),
        (Terms(pattern=True, important=True), ["an expression", "important"]),
        (Terms(types=(1, 28), other_types=(65,)), ["dnstype=A|AAAA|~HTTPS"]),
        (Terms(excluded=("example.org", "example.net"), shadow=True), ["denyallow=example.org|example.net", "shadow"]),
    ],
    ids=["none", "empty", "pattern", "types", "excluded"],
)
def test_conditions_are_told_in_the_words_of_lists(terms: Terms | None, words: list[str]) -> None:
    assert conditions(terms) == words


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


@pytest.mark.parametrize("time", ["09:00", "14:00"], ids=["in-hours", "outside"])
def test_hours_do_not_promise_what_another_category_closes(school: Installation, time: str) -> None:
    result = run(check, school, "drugs.both.example", "--group", "club", "--at", f"2026-09-07 {time}")
    assert "drugs.both.example: blocked" in result.output
    assert "but drugs closes this name as well" in result.output
    assert "in these hours only" not in result.output
    other = run(check, school, "both.example", "--group", "club", "--at", f"2026-09-07 {time}")
    assert "tiktok is closed in these hours only" in other.output


def test_an_expression_stands_on_a_line_of_its_own(school: Installation) -> None:
    lines = run(check, school, "kazino7.example", "--group", "lab").output.splitlines()
    assert lines[1] == "A pattern of the list names fits kazino7.example. Its category games is closed for this group."
    assert [line.split() for line in lines if "/^kazino/" in line] == [["pattern", "/^kazino/"]]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("example.org", False),
        ("адрес.example", False),
        ("_dns.example", False),
        ("203.0.113.0/24", False),
        ("2001:db8::/32", False),
        ("/kazino/", True),
        ("*casino*.example", True),
        ("keyword:casino", True),
    ],
)
def test_expressions_are_told_from_names_and_networks(rule: str, expected: bool) -> None:
    assert is_expression(rule) is expected


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """Return a state with a policy and compiled lists, one of them of networks."""
    folder = tmp_path / "lists"
    put(folder, "networks", "192.0.2.1\n203.0.113.0/24\n", "games", Format.ADDRESSES)
    put(folder, "names", "example.net\ncom.kz\n", "video")
    rebuild(folder)
    where = installation(tmp_path)

    async def prepare() -> None:
        async with await open_policy(where.settings.paths.policy_db) as policy:
            await policy.add_group("lab", "Lab", Level.MEDIUM, ["games"], at=NOW, by="test")

    asyncio.run(prepare())
    return tmp_path


@pytest.mark.parametrize(
    ("address", "action"), [("203.0.113.80", "block"), ("198.51.100.7", "allow")], ids=["listed", "not-listed"]
)
def test_the_addresses_of_the_answer_are_judged_too(real: Path, address: str, action: str) -> None:
    with FakeUpstream() as upstream:
        upstream.on("site.example.org", says(wire.record("site.example.org", 60, "A", address)))
        where = installation(real, upstream__servers=upstream.url)
        result = run(check, where, "site.example.org", "--group", "lab")
        found = explained(where, "site.example.org", "--group", "lab")
    assert found["action"] == action
    leads = found["leads_to"]
    assert isinstance(leads, dict)
    assert (leads["addresses"], leads["asked"]) == ([address], upstream.url)
    if action == "block":
        assert found["line"] == 2
        assert "The answer leads to 203.0.113.80. A list names 203.0.113.0/24 in the category games" in result.output
        assert "networks, line 2" in result.output
    else:
        assert f"{address}, says {upstream.url}; no list closes them for this group" in result.output


def test_where_no_upstream_answers_it_is_said_that_addresses_count(real: Path) -> None:
    upstream = FakeUpstream()
    upstream.close()
    result = run(check, installation(real, upstream__servers=upstream.url), "example.org", "--group", "lab")
    assert "example.org: allowed" in result.output
    assert "lists close addresses too" in result.output


@pytest.mark.parametrize(
    ("rcode", "words"),
    [(2, "lists close addresses too"), (3, "none now, says udp://")],
    ids=["servfail", "nxdomain"],
)
def test_an_answer_without_addresses_is_not_called_open(real: Path, rcode: int, words: str) -> None:
    with FakeUpstream() as upstream:
        upstream.on("site.example.org", says(rcode=rcode))
        where = installation(real, upstream__servers=upstream.url)
        assert words in run(check, where, "site.example.org", "--group", "lab").output


def test_a_held_rule_of_the_name_is_mentioned(real: Path) -> None:
    with FakeUpstream() as upstream:
        result = run(check, installation(real, upstream__servers=upstream.url), "shop.com.kz", "--group", "lab")
    assert "names, line 2 is held and does not block: com.kz; see: schoolfilter lists held names" in result.output


def test_times_are_the_schools_and_json_is_utc(real: Path) -> None:
    folder = real / "lists"
    moment = "2026-09-02T22:30:00+00:00"
    sources = [replace(each, last_refresh=moment, sha256=_digest(folder, each.id)) for each in load_sources(folder)]
    save_sources(folder, sources)
    where = installation(real, school__time_zone="Asia/Almaty")
    asyncio.run(_block(where, "lab", "video"))
    result = run(check, where, "example.net", "--group", "lab")
    assert "refreshed 2026-09-03 03:30" in result.output
    lists = explained(where, "example.net", "--group", "lab")["lists"]
    assert isinstance(lists, dict)
    assert lists["names"]["refreshed"] == moment


def _digest(folder: Path, list_id: str) -> str:
    return sha256(text_path(folder, list_id).read_bytes()).hexdigest()


async def _block(where: Installation, group: str, category: str) -> None:
    async with await open_policy(where.settings.paths.policy_db) as policy:
        await policy.set_group(group, GroupChange(block=(category,)), at=NOW, by="test")
