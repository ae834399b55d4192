"""`journal contacts`: who is told; addresses are sealed, never listed, and erased with the contact."""

from pathlib import Path

import pytest

from storage.evidence import Kind
from tests.cli.installation import Bench
from tests.cli.journal_scene import Journal
from tests.journal.notice_servers import mail_server

ADD = ("journal", "contacts", "add", "Asanova A.", "--role", "class-teacher", "--group", "pupils")
MAIL = ("--mail", "asanova@school.example")


def test_a_contact_is_entered_listed_changed_and_removed(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    assert "Nobody is told of incidents" in bench.done("journal", "contacts")
    bench.done("rooms", "add", "room21", "--network", "192.0.2.0/28")
    bench.done(*ADD, *MAIL, "--room", "room21", "--language", "kk")
    assert bench.json("journal", "contacts", "list", "--json") == [
        {
            "name": "Asanova A.",
            "role": "class-teacher",
            "groups": ["pupils"],
            "rooms": ["room21"],
            "language": "kk",
            "channels": ["mail"],
        }
    ]
    assert "school.example" not in bench.done("journal", "contacts")
    said = bench.done("journal", "contacts", "add", "Asanova A.", "--role", "psychologist", "--telegram", "-100123")
    assert "what was entered before is no longer in force" in said
    assert "psychologist" in bench.done("journal", "contacts")
    before, after = journal.records(Kind.CONTACT)
    assert (before.private, after.private) == (None, {"mail": "", "telegram": "-100123"})
    bench.done("journal", "contacts", "remove", "Asanova A.")
    assert "Nobody is told of incidents" in bench.done("journal", "contacts")
    assert [each.private for each in journal.records(Kind.CONTACT)] == [None, None, None]
    assert {each.by for each in journal.records(Kind.CONTACT)} == {"aigul"}
    bench.done("journal", "verify")  # that the addresses are gone is on record
    assert b"asanova@school.example" not in journal.settings.paths.journal_db.read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param((*ADD,), id="no-way"),
        pytest.param((*ADD[:-2], *MAIL), id="whose-class-teacher"),
        pytest.param((*ADD, "--mail", "asanova"), id="no-address"),
        pytest.param((*ADD, "--mail", "a@b.example\r\nBcc: c@d.example"), id="two-lines"),
        pytest.param((*ADD, "--mail", "Asanova <a@b.example>"), id="with-a-name"),
        pytest.param((*ADD, "--telegram", "Asanova A."), id="no-chat"),
        pytest.param((*ADD, *MAIL, "--group", "7 б"), id="no-group"),
        pytest.param(("journal", "contacts", "add", " ", "--role", "director", *MAIL), id="no-name"),
        pytest.param(("journal", "contacts", "add", "X", "--role", "king", *MAIL), id="no-role"),
        pytest.param((*ADD, *MAIL, "--language", "de"), id="no-language"),
    ],
)
def test_what_cannot_be_right_is_refused(at_school: tuple[Bench, Journal], arguments: tuple[str, ...]) -> None:
    bench, journal = at_school
    bench.refused(2, *arguments)
    assert journal.records(Kind.CONTACT) == []


def test_what_is_missing_for_mail_is_said_at_once(at_school: tuple[Bench, Journal]) -> None:
    bench, _journal = at_school
    result = bench.run(*ADD, *MAIL)
    assert result.exit_code == 0
    assert "notices.smtp_server" in result.stderr
    assert "notices.smtp_server" in bench.refused(1, "journal", "contacts", "test", "Asanova A.")


def test_a_group_or_room_that_nobody_knows_is_refused_with_the_nearest(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    assert "found 'room99': there is none yet" in bench.refused(2, *ADD, *MAIL, "--room", "room99")
    bench.done("rooms", "add", "room21", "--network", "192.0.2.0/28")
    told = bench.refused(2, *ADD, *MAIL, "--group", "pupil", "--room", "room12")
    assert "found 'pupil': did you mean pupils?" in told
    assert "found 'room12': did you mean room21?" in told
    assert journal.records(Kind.CONTACT) == []


def test_a_contact_is_entered_where_the_policy_cannot_be_read(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    journal.settings.paths.policy_db.write_bytes(b"no database")
    bench.done(*ADD, *MAIL, "--room", "room21")
    assert len(journal.records(Kind.CONTACT)) == 1


@pytest.mark.parametrize("verb", ["remove", "test"])
def test_a_name_that_is_not_there_is_told_with_the_nearest(at_school: tuple[Bench, Journal], verb: str) -> None:
    bench, _journal = at_school
    assert "nobody is told of incidents yet" in bench.refused(1, "journal", "contacts", verb, "Asanova")
    bench.done(*ADD, *MAIL)
    assert "such as Asanova A." in bench.refused(1, "journal", "contacts", verb, "Asanova")


def test_a_test_notice_arrives(
    at_school: tuple[Bench, Journal], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, _journal = at_school
    with mail_server(tmp_path) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
        bench.environ |= {
            "SCHOOLFILTER_NOTICES__SMTP_SERVER": f"smtp://localhost:{server.port}",
            "SCHOOLFILTER_NOTICES__MAIL_FROM": "filter@school.example",
        }
        bench.done(*ADD, *MAIL, "--language", "en")
        assert bench.done("journal", "contacts", "test", "Asanova A.") == "mail: sent\n"
        (letter,) = server.messages
        assert letter["To"] == "asanova@school.example"
        assert "This is a test." in letter.get_content()
        server.refused["asanova@school.example"] = "550 away"
        assert "(550)" in bench.run("journal", "contacts", "test", "Asanova A.").stderr


def test_addresses_that_were_erased_are_not_taken_for_removed_by_somebody(
    at_school: tuple[Bench, Journal],
) -> None:
    bench, _journal = at_school
    bench.done("journal", "sign")
    bench.done(*ADD, "--mail", "one@school.example")
    bench.done(*ADD, "--mail", "two@school.example")
    bench.done("journal", "verify")
    bench.done("journal", "contacts", "remove", "Asanova A.")
    bench.done("journal", "verify")
    bench.done(*ADD, "--mail", "three@school.example")
    bench.done("journal", "verify")
