"""Mail through a real SMTP server: what arrives, and that no password goes where it can be read."""

import base64
import quopri
import re
import stat
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from journal.notifying.mail import Letter, letter_message, send_mail
from journal.notifying.notice_text import Notice, notice
from journal.notifying.sending import NotSent, SendRules, Unreachable
from settings.model import Notices
from tests.blocklists.https_server import listening, make_certificate
from tests.journal.incident_scene import NOW, incident
from tests.journal.notice_servers import MailServer, mail_server, trusting
from translations import LANGUAGES

NOTICE = Notice("Мектеп № 12: Қасақана әрекет, 21-бөлме", "Мектеп № 12\n\n.Нүктемен\n" + "ұзын " * 400 + "\n")
LETTER = Letter("asanova@school.example", NOTICE, NOW)
PASSWORD = "s3cret-word"


def notices(server: MailServer, folder: Path, scheme: str = "smtp", **changes: str) -> Notices:
    found = Notices(smtp_server=f"{scheme}://localhost:{server.port}", mail_from="filter@school.example")
    if server.user:
        secret = folder / "password"
        secret.write_text(PASSWORD + "\n")
        secret.chmod(0o600)
        found = replace(found, smtp_user=server.user, smtp_password_file=str(secret))
    return replace(found, **changes)


def test_a_letter_arrives_as_it_was_written(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        send_mail(LETTER, notices(server, tmp_path), trusting(server.certificate))
    (found,) = server.messages
    assert found["Subject"] == NOTICE.subject
    assert (found["To"], found["From"]) == ("asanova@school.example", "filter@school.example")
    assert parsedate_to_datetime(found["Date"]) == NOW
    assert found["Auto-Submitted"] == "auto-generated"
    assert found.get_content().splitlines() == NOTICE.text.splitlines()
    assert all(byte < 128 for byte in server.letters[0])
    assert max(map(len, server.letters[0].splitlines())) <= 998  # RFC 5322, 2.1.1


def test_starttls_is_used_where_it_is_offered(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        send_mail(LETTER, notices(server, tmp_path), trusting(server.certificate))
    assert [secure for secure, line in server.said if line.startswith(("MAIL", "RCPT", "DATA"))] == [True] * 3


def test_without_starttls_a_letter_without_password_is_sent(tmp_path: Path) -> None:
    with mail_server(tmp_path, starttls=False) as server:
        send_mail(LETTER, notices(server, tmp_path), trusting(server.certificate))
    assert len(server.letters) == 1


@pytest.mark.parametrize("tls", [True, False])
def test_a_password_goes_through_tls(tmp_path: Path, tls: bool) -> None:
    with mail_server(tmp_path, user="filter", password=PASSWORD, tls=tls) as server:
        send_mail(LETTER, notices(server, tmp_path, "smtps" if tls else "smtp"), trusting(server.certificate))
    assert len(server.letters) == 1
    assert [secure for secure, line in server.said if line.startswith("AUTH")] == [True]


def test_a_password_is_never_sent_in_the_clear(tmp_path: Path) -> None:
    with (
        mail_server(tmp_path, user="filter", password=PASSWORD, starttls=False) as server,
        pytest.raises(Unreachable, match="no STARTTLS"),
    ):
        send_mail(LETTER, notices(server, tmp_path), trusting(server.certificate))
    assert not any(line.startswith("AUTH") for _secure, line in server.said)


@pytest.mark.parametrize("tls", [True, False])
def test_a_certificate_that_nobody_trusts_gets_nothing(tmp_path: Path, tls: bool) -> None:
    other = make_certificate(tmp_path / "other.pem")
    with (
        mail_server(tmp_path, user="filter", password=PASSWORD, tls=tls) as server,
        pytest.raises(Unreachable, match="certificate is not trusted"),
    ):
        send_mail(LETTER, notices(server, tmp_path, "smtps" if tls else "smtp"), trusting(other))
    assert not any(line.startswith(("AUTH", "MAIL")) for _secure, line in server.said)


def test_a_certificate_of_another_host_gets_nothing(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        found = notices(server, tmp_path, smtp_server=f"smtp://127.0.0.1:{server.port}")
        with pytest.raises(Unreachable, match="certificate is not trusted"):
            send_mail(LETTER, found, trusting(server.certificate))
    assert server.letters == []


def test_what_a_server_says_of_a_password_or_an_address_is_not_repeated(tmp_path: Path) -> None:
    with (
        mail_server(tmp_path, user="filter", password="another") as server,
        pytest.raises(Unreachable, match=r"refuses user and password \(535\)") as refused,
    ):  # its answer repeats the password
        send_mail(LETTER, notices(server, tmp_path), trusting(server.certificate))
    assert PASSWORD not in str(refused.value)
    with (
        mail_server(tmp_path, refused={LETTER.to: f"550 no such user {LETTER.to}"}) as server,
        pytest.raises(NotSent, match=r"does not take mail to this address \(550\)") as away,
    ):
        send_mail(LETTER, notices(server, tmp_path), trusting(server.certificate))
    assert not isinstance(away.value, Unreachable)
    assert LETTER.to not in str(away.value)
    with (
        mail_server(tmp_path, data_answer=f"451 try later, {LETTER.to}") as server,
        pytest.raises(Unreachable, match=r"says no \(451\)") as later,
    ):
        send_mail(LETTER, notices(server, tmp_path), trusting(server.certificate))
    assert LETTER.to not in str(later.value)


def test_a_silent_server_is_given_up(tmp_path: Path) -> None:
    with mail_server(tmp_path, silent=True) as server, pytest.raises(Unreachable, match="no answer in time"):
        send_mail(LETTER, notices(server, tmp_path), trusting(server.certificate, seconds=0.2))


def test_a_server_that_hangs_up_or_is_not_there_is_unreachable(tmp_path: Path) -> None:
    with listening(lambda raw: raw.close()) as port:
        found = Notices(smtp_server=f"smtp://localhost:{port}", mail_from="filter@school.example")
        with pytest.raises(Unreachable, match="localhost cannot be reached"):
            send_mail(LETTER, found, SendRules())
    with pytest.raises(Unreachable, match="localhost cannot be reached"):
        send_mail(LETTER, found, SendRules())


@pytest.mark.parametrize("server", ["smtp://mail..example.org", f"smtp://{'a' * 64}.example.org", "mail.example.org"])
def test_a_server_that_cannot_be_asked_for_says_which_setting_to_correct(server: str) -> None:
    found = Notices(smtp_server=server, mail_from="filter@school.example")
    with pytest.raises(Unreachable, match=r"notices\.smtp_server: expected a mail server .* Correct it"):
        send_mail(LETTER, found, SendRules())


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_server_of_any_letters_is_asked_for_as_the_dns_has_it(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    asked = []

    def resolve(host: object, *_others: object, **_more: object) -> list[object]:
        asked.append(host)
        raise OSError("nobody there")

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    with pytest.raises(Unreachable, match=r"faß\.example cannot be reached"):
        send_mail(
            LETTER, Notices(smtp_server=f"{scheme}://faß.example", mail_from="filter@school.example"), SendRules()
        )
    assert asked == ["xn--fa-hia.example"]


def test_a_letter_sent_again_is_the_same_letter() -> None:
    later = replace(LETTER, at=NOW + timedelta(hours=1))
    ids = {letter_message(each, "filter@school.example")["Message-ID"] for each in (LETTER, later)}
    other = replace(LETTER, to="ivanov@school.example")
    assert len(ids) == 1
    assert letter_message(other, "filter@school.example")["Message-ID"] not in ids


def test_a_subject_with_line_breaks_makes_no_header() -> None:
    hostile = replace(LETTER, notice=Notice("x\r\nBcc: all@example.org", "text"))
    found = letter_message(hostile, "filter@school.example")
    assert found["Bcc"] is None
    assert found["Subject"] == "x Bcc: all@example.org"


def subject_read(octets: bytes) -> str:
    """Return the subject as RFC 2047 says (6.2): white space between two encoded words is none, all other is."""
    [folded] = re.findall(rb"^Subject: (.*(?:\r\n[ \t].*)*)\r\n", octets, re.MULTILINE)
    line = re.sub(r"\r\n(?=[ \t])", "", folded.decode("ascii"))  # RFC 5322, 2.2.3
    word = r"=\?utf-8\?[bq]\?[!-~]*?\?="
    line = re.sub(rf"({word})[ \t]+(?={word})", r"\1", line)

    def decoded(found: re.Match[str]) -> str:
        _, _, form, said, _ = found[0].split("?")
        assert len(found[0]) <= 75  # RFC 2047, 2
        text = base64.b64decode(said) if form == "b" else quopri.decodestring(said.replace("_", " "))
        return text.decode()

    return re.sub(word, decoded, line)


@pytest.mark.parametrize("tongue", LANGUAGES)
def test_a_subject_of_any_length_keeps_its_spaces(tongue: str) -> None:
    name = "Школа-гимназия № 12 имени Абая Кунанбаева, 5 Қазақ орта мектебі"
    for length, count in product(range(1, len(name) + 1), (1, 2, 15)):
        found = [incident(id=f"2026-11-{number:04d}") for number in range(1, count + 1)]
        said = notice(found, school=name[:length], zone=ZoneInfo("Asia/Almaty"), language=tongue)
        octets = letter_message(Letter("a@school.example", said, NOW), "f@school.example").as_bytes()
        assert subject_read(octets) == said.subject
        assert max(map(len, octets.splitlines())) <= 78


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (b"secret", 0o644, "everybody can"),
        (b"", 0o600, "expected a secret on one line"),
        (b"a\nb", 0o600, "expected a secret on one line"),
        (b"\xff", 0o600, "cannot be read"),
        (None, 0o600, "cannot be read"),
    ],
)
def test_a_password_file_that_cannot_be_right_is_named(
    tmp_path: Path, content: bytes | None, mode: int, said: str
) -> None:
    with mail_server(tmp_path, user="filter", password=PASSWORD) as server:
        found = notices(server, tmp_path)
        secret = tmp_path / "password"
        secret.unlink()
        if content is not None:
            secret.write_bytes(content)
            secret.chmod(mode)
            assert stat.S_IMODE(secret.stat().st_mode) == mode
        with pytest.raises(Unreachable, match=said):
            send_mail(LETTER, found, trusting(server.certificate))
    assert server.said == []


def test_without_a_server_it_says_what_to_set() -> None:
    with pytest.raises(Unreachable, match=r"notices\.smtp_server"):
        send_mail(LETTER, Notices(), SendRules())
