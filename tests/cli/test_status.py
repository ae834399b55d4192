"""`status` says plainly whether the server runs and what is wrong, and its exit status says it too."""

import asyncio
import json
import os
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cli.control import ClientCount, ControlError, Listening, Reply, UpstreamStatus, WorkerStatus, parse_status
from cli.status import State, problems, rows, status
from cli.status_approval import ApprovalState, read_approval_state
from cli.status_journal import Kept
from journal.intake.state import JournalState, Unsent, read_state
from policy.ledger import GENESIS, seal
from policy.orders import Addition, Order, OrderKind
from settings.model import Paths, Settings
from storage.approval_db import ApprovalDb
from storage.policy_db import open_policy
from storage.requests import NewRequest, RequestKind
from tests.cli.fakes import STATUS, FakeWorker, as_line, installation, pretend_listening, run, status_worker
from translations import spoken

WELL = parse_status(STATUS)
KEPT = Kept(running=True, state=JournalState(1, "2026-09-02T10:00:00+05:00"))


def state(*workers: WorkerStatus, count: int | None = None) -> State:
    replies = tuple(Reply(worker.worker, worker) for worker in workers)
    listening = Listening(1, ("127.0.0.1:5353",), len(workers) if count is None else count)
    return State(listening, replies, 2, 4096, kept=KEPT)


def keep_journal(folder: Path, **changes: object) -> None:
    """Write what the process that keeps the journal would have said just now."""
    said = JournalState(os.getpid(), datetime.now(UTC).isoformat(timespec="seconds"), lines=1234)
    (folder / "run").mkdir(exist_ok=True)
    (folder / "run" / "journal.json").write_text(json.dumps(asdict(said) | changes))


def test_nothing_running_is_said_and_exits_1(tmp_path: Path) -> None:
    result = run(status, installation(tmp_path))
    assert result.exit_code == 1
    assert "not running" in result.output
    assert "schoolfilter run" in result.output


def test_segments_on_disk_are_shown_without_a_server(tmp_path: Path) -> None:
    (tmp_path / "querylog").mkdir()
    (tmp_path / "querylog" / "20260902T050000-w0-0001.tsv").write_bytes(b"x" * (3 << 20))
    result = run(status, installation(tmp_path))
    assert "1 segments, 3.0 MiB" in result.output


def test_a_healthy_server_exits_0_and_shows_its_figures(tmp_path: Path) -> None:
    pretend_listening(tmp_path / "run")
    keep_journal(tmp_path, lag_seconds=2, lag_bytes=1 << 20, since="2026-09-02T05:00:00+00:00")
    with status_worker(tmp_path / "run"):
        result = run(status, installation(tmp_path, school__time_zone="Asia/Almaty"))
    assert result.exit_code == 0, result.output
    for expected in (
        "is running",
        "127.0.0.1:5353",
        "2 h 2 min",
        "30.0 %",
        "60.0 %",
        "12",
        "g1 with 5000 names",
        "50.0",
        "1234 lines taken in since 2026-09-02 10:00; behind by 2 s, 1.0 MiB",
    ):
        assert expected in result.output
    assert "udp://127.0.0.1:5400: healthy, 12.3 ms, 100 queries" in result.output


def test_json_holds_each_worker(tmp_path: Path) -> None:
    pretend_listening(tmp_path / "run", workers=2)
    keep_journal(tmp_path)
    with status_worker(tmp_path / "run", 0), status_worker(tmp_path / "run", 1):
        result = run(status, installation(tmp_path), "--json")
    found = json.loads(result.output)
    assert result.exit_code == 0
    assert found["journal"]["running"] is True
    assert found["journal"]["lines"] == 1234
    assert found["running"] is True
    assert [worker["status"]["queries"] for worker in found["workers"]] == [1000, 1000]
    assert found["problems"] == []


def test_one_worker_that_cannot_answer_does_not_hide_the_other(tmp_path: Path) -> None:
    pretend_listening(tmp_path / "run", workers=2)
    with (
        status_worker(tmp_path / "run", 0),
        FakeWorker(tmp_path / "run", 1, lambda _request: b"nonsense\n"),
    ):
        result = run(status, installation(tmp_path))
    assert result.exit_code == 1
    assert "1 of 2 answer" in result.output
    assert "Worker 1 does not answer: expected one line of JSON" in result.output


def test_a_file_left_by_a_killed_supervisor_is_not_believed(tmp_path: Path) -> None:
    pretend_listening(tmp_path / "run")
    (tmp_path / "run" / "listening.json").write_text('{"pid": 4194305, "listen": [], "workers": 1}')
    result = run(status, installation(tmp_path))
    assert "not running" in result.output


def test_a_server_that_could_not_say_where_it_listens_is_found_by_its_workers(tmp_path: Path) -> None:
    keep_journal(tmp_path)
    with status_worker(tmp_path / "run", 0), status_worker(tmp_path / "run", 1):
        result = run(status, installation(tmp_path))
        found = json.loads(run(status, installation(tmp_path), "--json").output)
        pretend_listening(tmp_path / "run", workers=2)
        (tmp_path / "run" / "listening.json").write_text('{"pid": 4194305, "listen": ["127.0.0.1:1"], "workers": 1}')
        again = json.loads(run(status, installation(tmp_path), "--json").output)
    assert result.exit_code == 1
    assert "schoolfilter is running" in result.output
    assert "2 of 2 answer" in result.output
    assert "it has not written run/listening.json" in result.output
    assert "df -h" in result.output
    assert (found["running"], found["pid"], found["listen"], len(found["problems"])) == (True, None, [], 1)
    assert again == found, "a notice that a server left long ago"
    assert "not running" in run(status, installation(tmp_path)).output, "the sockets alone are no server"


def test_a_folder_of_another_user_is_a_sentence_not_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(_folder: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("cli.status.list_segments", forbidden)
    result = run(status, installation(tmp_path))
    assert result.exit_code == 1
    assert "may not be read: run this with sudo" in result.output


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "1", "listen": [], "workers": 1}', '{"pid": 1}'])
def test_a_damaged_description_is_named_not_a_traceback(tmp_path: Path, text: str) -> None:
    pretend_listening(tmp_path / "run")
    (tmp_path / "run" / "listening.json").write_text(text)
    result = run(status, installation(tmp_path))
    assert result.exit_code == 1
    assert "expected" in result.output


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"policy_error": "damaged"}, "cannot read the policy and keeps version 12: damaged"),
        (
            {"ledger_faults": ["order 3 was changed."]},
            "ledger of orders: order 3 was changed. See: schoolfilter orders",
        ),
        ({"index_error": "gone"}, "cannot read the list index and keeps generation g1: gone"),
        ({"log_error": "No space left"}, "cannot write the query log: No space left"),
        ({"log_lost_lines": 7}, "lost 7 lines"),
        (
            {"upstreams": [{"address": "a", "healthy": False, "rtt_ms": None, "failures": 9, "queries": 9}]},
            "no upstream",
        ),
    ],
)
def test_what_a_worker_complains_about_is_a_problem(changes: dict[str, object], expected: str) -> None:
    found = problems(state(parse_status(STATUS | changes)))
    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ""),
        ({"lag_seconds": 60}, ""),
        ({"lag_seconds": 61, "lag_bytes": 5}, "The journal is 61 s behind the query log"),
        ({"error": "the disk is full"}, "The journal cannot be kept now: the disk is full"),
        ({"at": "2026-09-02T10:00:00+05:00"}, "The journal is not kept"),
        ({"pid": 1 << 30}, "The journal is not kept"),
        ({"at": "yesterday"}, "The journal is not kept"),
    ],
)
def test_a_journal_that_is_late_or_not_kept_is_a_problem(
    tmp_path: Path, changes: dict[str, object], expected: str
) -> None:
    pretend_listening(tmp_path / "run")
    keep_journal(tmp_path, **changes)
    with status_worker(tmp_path / "run"):
        result = run(status, installation(tmp_path))
    assert (result.exit_code, "ournal is" in result.output or "cannot be kept" in result.output) == (
        (1, True) if expected else (0, False)
    )
    assert expected in result.output


def test_what_cannot_be_sent_just_now_is_a_problem_with_cause_time_and_next_step(tmp_path: Path) -> None:
    pretend_listening(tmp_path / "run")
    cause = {"channel": "mail", "error": "mail.example.org cannot be reached: refused"}
    unsent = [
        cause | {"contact": "Asanova A.", "at": "2026-09-02T10:00:00+05:00"},
        cause | {"contact": "Ivanov I.", "at": "2026-09-02T10:03:00+05:00"},
    ]
    keep_journal(tmp_path, unsent=unsent)
    with status_worker(tmp_path / "run"):
        result = run(status, installation(tmp_path))
    assert result.exit_code == 1
    said = "Asanova A., Ivanov I.: not told of incidents by mail, last tried 2026-09-02 10:03: mail.example.org cannot"
    assert said in result.output
    assert "schoolfilter journal contacts test NAME" in result.output


@pytest.mark.parametrize(("channel", "words"), [("mail", "(почта)"), ("telegram", "Telegram"), ("pigeon", "pigeon")])
def test_the_way_by_which_nobody_can_be_told_is_named_in_the_readers_language(channel: str, words: str) -> None:
    state = JournalState(
        1, "2026-09-02T10:00:00+05:00", unsent=(Unsent("A.", channel, "2026-09-02T10:00:00+05:00", "x"),)
    )
    with spoken("ru"):
        (said,) = Kept(running=True, state=state).unsent()
    assert words in said
    assert "mail" not in said


@pytest.mark.parametrize("unsent", [3, ["mail"], [{"channel": "mail"}]])
def test_a_word_of_the_journal_that_cannot_be_read_is_none(tmp_path: Path, unsent: object) -> None:
    keep_journal(tmp_path, unsent=unsent)
    assert read_state(Settings(paths=Paths(tmp_path))) is None


def test_without_a_word_of_the_journal_it_is_not_kept(tmp_path: Path) -> None:
    pretend_listening(tmp_path / "run")
    with status_worker(tmp_path / "run"):
        result = run(status, installation(tmp_path))
    assert result.exit_code == 1
    assert "The journal is not kept" in result.output


def test_workers_of_two_policy_versions_are_a_problem() -> None:
    found = problems(state(WELL, replace(WELL, worker=1, policy_version=11)))
    assert found == ["The workers use different policy versions: 11, 12."]


def test_a_missing_worker_is_a_problem() -> None:
    assert problems(state(WELL, count=2)) == ["1 of 2 workers have no control socket."]


def test_rate_limited_clients_of_all_workers_are_added_up() -> None:
    limited = (ClientCount("10.0.0.9", 5),)
    found = rows(state(replace(WELL, rate_limited=limited), replace(WELL, worker=1, rate_limited=limited)), UTC)
    assert ("rate limited", "10.0.0.9: 10 queries refused") in found


def test_an_upstream_that_one_worker_finds_dead_is_partly_failing() -> None:
    dead = UpstreamStatus("udp://127.0.0.1:5400", healthy=False, rtt_ms=None, failures=4, queries=4)
    found = rows(state(WELL, replace(WELL, worker=1, upstreams=(dead,))), UTC)
    assert ("upstream", "udp://127.0.0.1:5400: partly failing, 12.3 ms, 104 queries") in found


@pytest.mark.parametrize("key", sorted(STATUS))
def test_a_status_without_a_key_tells_of_versions_that_do_not_match(key: str) -> None:
    fields = {name: value for name, value in STATUS.items() if name != key}
    with pytest.raises(ControlError, match="one version"):
        parse_status(fields)


def test_control_characters_from_a_worker_never_reach_the_terminal(tmp_path: Path) -> None:
    pretend_listening(tmp_path / "run")
    with FakeWorker(tmp_path / "run", 0, lambda _request: as_line(STATUS | {"log_error": "\x1b]0;x\x07\u202e"})):
        result = run(status, installation(tmp_path))
    assert "\x1b" not in result.output
    assert "\\u{1b}]0;x\\u{7}\\u{202e}" in result.output


def test_what_waits_for_the_director_and_which_lessons_are_on_is_shown() -> None:
    asked = datetime(2026, 9, 1, 20, 0, tzinfo=UTC)
    waiting = ApprovalState(2, asked, ("The director's list: entries that end within 30 days: 3.",))
    lesson = {"room": "lab", "teacher": "Asanova G.", "ends": "2026-09-02T04:45:00+00:00"}
    found = replace(state(parse_status(STATUS | {"lessons": [lesson]})), approval=waiting)
    shown = rows(found, ZoneInfo("Asia/Almaty"))
    assert ("lesson", "lab: Asanova G. until 09:45") in shown
    assert ("requests", "2 for the director, the oldest of 2026-09-02; see: schoolfilter requests") in shown
    assert ("to be reviewed", "The director's list: entries that end within 30 days: 3.") in shown


def test_requests_and_entries_that_end_are_found_in_the_policy(tmp_path: Path) -> None:
    now = datetime(2026, 9, 2, 4, 0, tzinfo=UTC)
    where = installation(tmp_path, school__time_zone="Asia/Almaty")
    addition = Addition("kitap.example", until=date(2026, 9, 20))
    order = Order(
        sequence=1, kind=OrderKind.PAPER, number="1", date=date(2026, 9, 1), previous=GENESIS, additions=(addition,),
        entered_at=now, entered_by="test", school="",
    )  # fmt: skip

    async def prepare() -> None:
        approval = ApprovalDb(await open_policy(where.settings.paths.policy_db))
        await approval.enter(1, [seal(order)], detail={}, document="", at=now, by="test")
        await approval.ask([NewRequest(RequestKind.ALLOW, "a.example")], at=now, by="test")

    assert read_approval_state(where.settings, now) == ApprovalState()
    asyncio.run(prepare())
    found = read_approval_state(where.settings, now)
    assert (found.requests, found.oldest) == (1, now)
    assert found.reminders[0] == "The director's list: entries that end within 30 days: 1."
    where.settings.paths.policy_db.write_bytes(b"no database")
    assert read_approval_state(where.settings, now) == ApprovalState()
