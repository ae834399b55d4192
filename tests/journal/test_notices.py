"""Telling people from a real journal to real servers: once where it arrives, again where it does not."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from journal.incidents import KINDS, Audience, Rule, State, replay
from journal.notifying.contacts import Channel, Role, removal
from journal.notifying.mail import Letter, send_mail
from journal.notifying.notice_text import Notice, notice
from journal.notifying.notices import Memory, tell_due
from journal.notifying.sending import SendRules
from journal.notifying.telling import GATHER, HURRY
from policy.levels import Level
from policy.rooms import Room, body_of
from settings.model import Notices, Settings
from storage.evidence import Kind
from storage.journal_db import Change, JournalDb
from storage.policy_db import open_policy
from storage.policy_load import ROOM
from tests.journal.incident_scene import (
    CLIENT,
    NOW,
    SECRET_NAMES,
    TEACHER,
    add_contact,
    enter,
    journal_in,
    settings_in,
    told,
)
from tests.journal.notice_servers import MailServer, mail_server, trusting, web_server

LATER = NOW + GATHER
MAIL = "asanova@school.example"
PASSWORD = "s3cret-word"


@contextmanager
def school(folder: Path, **options: object) -> Iterator[tuple[Settings, MailServer, SendRules]]:
    """Yield settings of a school with a mail server, and rules that trust it."""
    with mail_server(folder, user="filter", password=PASSWORD, **options) as server:
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o600)
        settings = settings_in(
            folder / "var",
            smtp_server=f"smtp://localhost:{server.port}",
            smtp_user="filter",
            smtp_password_file=str(secret),
            mail_from="filter@school.example",
        )
        yield settings, server, trusting(server.certificate)


async def states(journal: JournalDb) -> list[State]:
    return [each.state for each in replay([each async for each in journal.records(KINDS)])]


async def test_the_class_teacher_is_told_once_and_it_is_entered(tmp_path: Path) -> None:
    with school(tmp_path) as (settings, server, rules):
        async with journal_in(settings) as journal:
            await add_contact(journal, groups=("7-b",), mail=MAIL, language="en")
            number = await enter(journal)
            memory = Memory()
            for minutes in range(0, 60, 2):
                now = NOW + timedelta(minutes=minutes)
                await tell_due(journal, settings, now, memory=memory, rules=rules)
            (record,) = await told(journal)
            assert await states(journal) == [State.TOLD]
    (letter,) = server.messages
    assert letter["To"] == MAIL
    assert letter["Subject"] == "Мектеп № 12: Incident 2026-11-0001: deliberate attempt"
    assert "Device: pc-21-07" in letter.get_content()
    for secret in (CLIENT, TEACHER, *(name for name, _count in SECRET_NAMES)):
        assert secret not in letter.get_content()
    assert (record.at, record.by) == (LATER, "schoolfilter")
    assert record.body == {
        "incident": number,
        "contact": "Asanova A.",
        "role": "class-teacher",
        "channel": "mail",
        "arrived": True,
        "text": "",
    }
    assert record.seal == ""


async def test_a_letter_has_the_titles_of_room_and_group(tmp_path: Path) -> None:
    with school(tmp_path) as (settings, server, rules):
        async with journal_in(settings) as journal:
            async with await open_policy(settings.paths.policy_db) as policy:
                await policy.change_objects(
                    "test", [(ROOM, "room21", body_of(Room("room21", "Кабинет 21")))], at=NOW, by="test"
                )
                await policy.add_group("7-b", "7 «Б»", Level.HIGH, (), at=NOW, by="test")
            await add_contact(journal, groups=("7-b",), mail=MAIL)
            await enter(journal)
            await tell_due(journal, settings, LATER, memory=Memory(), rules=rules)
    text = server.messages[0].get_content()
    assert "Room: Кабинет 21" in text
    assert "Group: 7 «Б»" in text


async def test_a_policy_that_cannot_be_read_keeps_no_letter_back(tmp_path: Path) -> None:
    with school(tmp_path) as (settings, server, rules):
        async with journal_in(settings) as journal:
            settings.paths.policy_db.write_bytes(b"no database" * 1000)
            await add_contact(journal, groups=("7-b",), mail=MAIL)
            await enter(journal)
            await tell_due(journal, settings, LATER, memory=Memory(), rules=rules)
    assert "Room: room21" in server.messages[0].get_content()


async def test_a_harmful_contact_is_told_when_the_same_device_comes_again(tmp_path: Path) -> None:
    with school(tmp_path) as (settings, server, rules):
        async with journal_in(settings) as journal:
            await add_contact(journal, groups=("7-b",), mail=MAIL)
            memory = Memory()
            await enter(journal, rule=Rule.HARMFUL)
            await enter(journal, rule=Rule.HARMFUL, device="pc-21-08")
            await tell_due(journal, settings, NOW + timedelta(minutes=5), memory=memory, rules=rules)
            assert await told(journal) == []
            tomorrow = NOW + timedelta(days=1)
            again = await enter(journal, tomorrow, rule=Rule.HARMFUL)
            await tell_due(journal, settings, tomorrow + timedelta(minutes=5), memory=memory, rules=rules)
            assert [each.body["incident"] for each in await told(journal)] == [again]
    assert len(server.messages) == 1


async def test_what_did_not_arrive_is_tried_again_after_any_restart_and_nothing_is_lost(tmp_path: Path) -> None:
    with school(tmp_path, data_answer="451 not now") as (settings, server, rules):
        memory = Memory()
        async with journal_in(settings) as journal:
            await add_contact(journal, groups=("7-b",), mail=MAIL)
            await enter(journal)
            for seconds in range(120, 720, 30):
                await tell_due(journal, settings, NOW + timedelta(seconds=seconds), memory=memory, rules=rules)
            tries = len(server.letters)
            assert 3 <= tries <= 6
            (failure,) = await told(journal)
            assert failure.body["arrived"] is False
            assert failure.body["text"] == "the mail server says no (451)"
            assert await states(journal) == [State.NEW]
        server.data_answer = "250 taken"
        async with journal_in(settings) as journal:
            await tell_due(journal, settings, NOW + timedelta(minutes=13), memory=Memory(), rules=rules)
            assert [each.body["arrived"] for each in await told(journal)] == [False, True]
            assert await states(journal) == [State.TOLD]
    assert len(server.letters) == tries + 1
    assert len({letter["Message-ID"] for letter in server.messages}) == 1


async def test_several_within_minutes_are_one_letter_and_the_next_comes_later(tmp_path: Path) -> None:
    with school(tmp_path) as (settings, server, rules):
        async with journal_in(settings) as journal:
            await add_contact(journal, groups=("7-b",), mail=MAIL)
            memory = Memory()
            for minute in range(40):
                now = NOW + timedelta(minutes=minute)
                if minute < 20:
                    await enter(journal, now)
                await tell_due(journal, settings, now, memory=memory, rules=rules)
            assert await states(journal) == [State.TOLD] * 20
            moments = sorted({each.at for each in await told(journal)})
    assert len(server.letters) == len(moments) == 7
    assert min(later - sooner for sooner, later in pairwise(moments)) >= HURRY
    assert "3 incidents" in server.messages[0]["Subject"]


async def test_nobody_else_waits_for_somebody_whose_address_is_refused(tmp_path: Path) -> None:
    with school(tmp_path, refused={MAIL: f"550 {MAIL} unknown"}) as (settings, server, rules):
        async with journal_in(settings) as journal:
            await add_contact(journal, groups=("7-b",), mail=MAIL)
            await add_contact(journal, "Ivanov I.", groups=("7-b",), mail="ivanov@school.example")
            await enter(journal)
            await tell_due(journal, settings, LATER, memory=Memory(), rules=rules)
            found = {each.body["contact"]: each.body["arrived"] for each in await told(journal)}
            bodies = json.dumps([dict(each.body) for each in await told(journal)])
    assert found == {"Asanova A.": False, "Ivanov I.": True}
    assert MAIL not in bodies
    assert [letter["To"] for letter in server.messages] == ["ivanov@school.example"]


async def test_a_dead_channel_is_tried_once_a_round_and_the_others_go_on(tmp_path: Path) -> None:
    with school(tmp_path, data_answer="421 closing") as (settings, server, rules), web_server(tmp_path) as web:
        token = tmp_path / "token"
        token.write_text("1:abc")
        token.chmod(0o600)
        notices = replace(
            settings.notices,
            telegram_token_file=str(token),
            telegram_server=f"https://localhost:{web.port}",
            webhook=f"https://localhost:{web.port}/hook",
        )
        settings = replace(settings, notices=notices)
        async with journal_in(settings) as journal:
            await add_contact(journal, groups=("7-b",), mail=MAIL, telegram="77")
            await add_contact(journal, "Ivanov I.", groups=("7-b",), mail="ivanov@school.example")
            await enter(journal)
            await tell_due(journal, settings, LATER, memory=Memory(), rules=rules)
            found = sorted(
                (each.body["contact"], each.body["channel"], each.body["arrived"]) for each in await told(journal)
            )
    assert found == [
        ("Asanova A.", "mail", False),
        ("Asanova A.", "telegram", True),
        ("Ivanov I.", "mail", False),
        ("webhook", "webhook", True),
    ]
    assert len(server.letters) == 1
    assert sorted(web.targets) == ["/bot1:abc/sendMessage", "/hook"]


@pytest.mark.parametrize("address", ["https://bot..example.org/k3y", "https://127.0.0.1:1/құпия-k3y"])
async def test_an_address_to_which_nothing_can_be_posted_keeps_nobody_else_from_being_told(
    tmp_path: Path, address: str
) -> None:
    with school(tmp_path) as (settings, server, rules):
        token = tmp_path / "token"
        token.write_text("1:abc")
        token.chmod(0o600)
        notices = replace(settings.notices, telegram_token_file=str(token), telegram_server=address, webhook=address)
        settings = replace(settings, notices=notices)
        memory = Memory()
        async with journal_in(settings) as journal:
            await add_contact(journal, "Asanova A.", groups=("7-b",), telegram="77")
            await add_contact(journal, "Ivanov I.", groups=("7-b",), mail="ivanov@school.example")
            await enter(journal)
            await tell_due(journal, settings, LATER, memory=memory, rules=rules)
            arrived = {each.body["contact"]: each.body["arrived"] for each in await told(journal)}
    assert arrived == {"Asanova A.": False, "Ivanov I.": True, "webhook": False}
    assert len(server.messages) == 1
    errors = {route.contact: failed.error for route, failed in memory.unsent.items()}
    assert sorted(errors) == ["Asanova A.", "webhook"]
    assert errors["webhook"].startswith("notices.webhook: expected ")
    assert "k3y" not in str(errors)


async def test_whatever_goes_wrong_with_one_message_is_the_failure_of_that_message_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(letter: Letter, notices: Notices, rules: SendRules) -> None:
        if letter.to == MAIL:
            raise LookupError(f"something about {MAIL}")
        send_mail(letter, notices, rules)

    monkeypatch.setattr("journal.notifying.notices.send_mail", broken)
    with school(tmp_path) as (settings, server, rules):
        memory = Memory()
        async with journal_in(settings) as journal:
            await add_contact(journal, groups=("7-b",), mail=MAIL)
            await add_contact(journal, "Ivanov I.", groups=("7-b",), mail="ivanov@school.example")
            await enter(journal)
            await tell_due(journal, settings, LATER, memory=memory, rules=rules)
            found = {str(each.body["contact"]): str(each.body["text"]) for each in await told(journal)}
    assert [letter["To"] for letter in server.messages] == ["ivanov@school.example"]
    assert found["Ivanov I."] == ""
    assert "LookupError" in found["Asanova A."]
    assert [(route.contact, failed.error) for route, failed in memory.unsent.items()] == [
        ("Asanova A.", found["Asanova A."])
    ]
    assert "LookupError" in caplog.text
    assert "in broken" in caplog.text  # where it happened: what it says may name people
    assert MAIL not in caplog.text + found["Asanova A."]


async def test_a_notice_that_cannot_be_written_keeps_nobody_else_from_being_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(*incidents: Any, language: str, **more: Any) -> Notice:
        if language == "ru":
            raise KeyError(language)
        return notice(*incidents, language=language, **more)

    monkeypatch.setattr("journal.notifying.notices.notice", written)
    with school(tmp_path) as (settings, server, rules):
        memory = Memory()
        async with journal_in(settings) as journal:
            await add_contact(journal, groups=("7-b",), mail=MAIL, language="ru")
            await add_contact(journal, "Ivanov I.", groups=("7-b",), mail="ivanov@school.example")
            await enter(journal)
            await tell_due(journal, settings, LATER, memory=memory, rules=rules)
    assert [letter["To"] for letter in server.messages] == ["ivanov@school.example"]
    assert [route.contact for route in memory.unsent] == ["Asanova A."]


async def test_what_does_not_arrive_is_kept_in_mind_until_it_does_or_nobody_waits(tmp_path: Path) -> None:
    memory = Memory()
    with school(tmp_path) as (settings, server, rules):
        deaf = replace(settings, notices=replace(settings.notices, smtp_server="smtp://localhost:1"))
        async with journal_in(settings) as journal:
            await add_contact(journal, groups=("7-b",), mail=MAIL)
            await enter(journal)
            await tell_due(journal, deaf, LATER, memory=memory, rules=rules)
            ((route, failed),) = memory.unsent.items()
            assert (route, failed.at) == (("Asanova A.", Channel.MAIL), LATER)
            assert "localhost" in failed.error
            assert MAIL not in failed.error
            await tell_due(journal, settings, LATER + timedelta(hours=1), memory=memory, rules=rules)
            assert memory.unsent == {}
            await enter(journal, LATER)
            await tell_due(journal, deaf, LATER + timedelta(hours=2), memory=memory, rules=rules)
            assert list(memory.unsent) == [("Asanova A.", Channel.MAIL)]
            async with journal.changing(LATER) as change:
                await change.add(Kind.CONTACT, removal("Asanova A."))
            await tell_due(journal, deaf, LATER + timedelta(hours=3), memory=memory, rules=rules)
    assert memory.unsent == {}
    assert len(server.letters) == 1


async def test_the_psychologist_is_told_at_once_in_their_language(tmp_path: Path) -> None:
    with school(tmp_path) as (settings, server, rules):
        async with journal_in(settings) as journal:
            await add_contact(journal, "Asanova A.", groups=("7-b",), mail=MAIL)
            await add_contact(journal, "Bekova B.", Role.PSYCHOLOGIST, mail="bekova@school.example", language="ru")
            await enter(journal, rule=Rule.AT_RISK, audience=Audience.PSYCHOLOGIST)
            await tell_due(journal, settings, NOW, memory=Memory(), rules=rules)
    (letter,) = server.messages
    assert letter["To"] == "bekova@school.example"
    assert "Азартные игры" in letter.get_content()


async def test_without_any_contact_nothing_is_entered_and_the_first_one_is_told(tmp_path: Path) -> None:
    with school(tmp_path) as (settings, server, rules):
        memory = Memory()
        async with journal_in(settings) as journal:
            await enter(journal)
            await tell_due(journal, settings, LATER, memory=memory, rules=rules)
            assert await told(journal) == []
            await add_contact(journal, "Ivanov I.", Role.RESPONSIBLE, mail="ivanov@school.example")
            await tell_due(journal, settings, LATER, memory=memory, rules=rules)
    (letter,) = server.messages
    assert "no class teacher is entered for this group and room" in letter.get_content()


async def test_a_settled_journal_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with school(tmp_path) as (settings, _server, rules):
        memory = Memory()
        async with journal_in(settings) as journal:
            await add_contact(journal, groups=("7-b",), mail=MAIL)
            await enter(journal)
            await tell_due(journal, settings, LATER, memory=memory, rules=rules)
            await tell_due(journal, settings, LATER, memory=memory, rules=rules)
            monkeypatch.setattr(JournalDb, "records", None)
            await tell_due(journal, settings, LATER, memory=memory, rules=rules)


async def test_a_silent_mail_server_holds_up_nothing_but_the_notices(tmp_path: Path) -> None:
    with mail_server(tmp_path, silent=True) as server:
        settings = settings_in(
            tmp_path / "var", smtp_server=f"smtp://localhost:{server.port}", mail_from="f@school.example"
        )
        async with journal_in(settings) as journal:
            await add_contact(journal, groups=("7-b",), mail=MAIL)
            await enter(journal)
            rules = replace(trusting(server.certificate), step_seconds=30.0, total_seconds=0.3)
            ticks = 0

            async def tick() -> None:
                nonlocal ticks
                while True:
                    await asyncio.sleep(0.01)
                    ticks += 1

            ticking = asyncio.create_task(tick())
            await tell_due(journal, settings, LATER, memory=Memory(), rules=rules)
            ticking.cancel()
            (record,) = await told(journal)
    assert record.body["text"] == "no answer in time"
    assert ticks >= 5


async def test_secrets_stand_nowhere_in_the_journal_and_in_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(0)
    with school(tmp_path) as (settings, server, rules):
        server.password = "changed meanwhile"  # so that the server repeats the old one in its answer
        async with journal_in(settings) as journal:
            await add_contact(journal, groups=("7-b",), mail=MAIL)
            await enter(journal)
            await tell_due(journal, settings, LATER, memory=Memory(), rules=rules)
            stored = [each async for each in journal.stored()]
        octets = settings.paths.journal_db.read_bytes()
    assert any(each.kind == Kind.TOLD for each in stored)
    assert PASSWORD.encode() not in octets
    assert PASSWORD not in caplog.text + "".join(capfd.readouterr())
    assert not any(MAIL in each.body for each in stored)


async def test_a_hostile_device_name_makes_no_header_and_no_line(tmp_path: Path) -> None:
    with school(tmp_path) as (settings, server, rules):
        async with journal_in(settings) as journal:
            await add_contact(journal, groups=("7-b",), mail=MAIL)
            await enter(journal, device="pc\r\n.\r\nRCPT TO:<all@example.org>\r\nBcc: all@example.org")
            await tell_due(journal, settings, LATER, memory=Memory(), rules=rules)
    (letter,) = server.messages
    assert letter["Bcc"] is None
    assert [line for _secure, line in server.said if line.startswith("RCPT")] == [f"RCPT TO:<{MAIL}>".upper()]
    assert "Device: pc . RCPT TO:<all@example.org> Bcc: all@example.org" in letter.get_content().splitlines()


async def test_an_incident_that_goes_on_the_next_day_is_told_again(tmp_path: Path) -> None:
    with school(tmp_path) as (settings, server, rules):
        memory = Memory()
        async with journal_in(settings) as journal:
            await add_contact(journal, groups=("7-b",), mail=MAIL)
            number = await enter(journal)
            await tell_due(journal, settings, LATER, memory=memory, rules=rules)
            tomorrow = datetime.fromisoformat("2026-11-26T09:00:00+05:00")
            async with journal.changing(tomorrow) as change:
                body = {"incident": number, "last": tomorrow.isoformat(), "queries": 40, "names": 2, "signs": []}
                await change.add(Kind.REPEAT, body)
            for minutes in range(0, 60, 5):
                now = tomorrow + timedelta(minutes=minutes)
                await tell_due(journal, settings, now, memory=memory, rules=rules)
    assert len(server.letters) == 2
    assert "How often: 40 queries" in server.messages[1].get_content()


async def test_a_letter_that_could_not_be_entered_is_not_sent_again_and_again_while_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with school(tmp_path) as (settings, server, rules):
        async with journal_in(settings) as journal:
            await add_contact(journal, groups=("7-b",), mail=MAIL)
            await enter(journal)

            def full(_self: Change, _kind: Kind, _body: object) -> int:
                raise sqlite3.OperationalError("database or disk is full")

            memory = Memory()
            with monkeypatch.context() as patched:
                patched.setattr(Change, "add", full)
                for minutes in range(10):
                    with pytest.raises(sqlite3.OperationalError):
                        await tell_due(
                            journal, settings, LATER + timedelta(minutes=minutes), memory=memory, rules=rules
                        )
            assert len(server.letters) == 1
            await tell_due(journal, settings, LATER + timedelta(minutes=11), memory=memory, rules=rules)
            await tell_due(journal, settings, LATER + timedelta(minutes=40), memory=memory, rules=rules)
            (record,) = await told(journal)
            assert record.body["arrived"] is True
    assert len(server.letters) == 1
