"""Telegram and the webhook over real HTTPS: what is posted, and that tokens and addresses stay secret."""

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from journal.notifying.notice_text import Notice
from journal.notifying.sending import NotSent, SendRules, Unreachable
from journal.notifying.telegram import send_telegram
from journal.notifying.webhook import send_webhook, webhook_value
from settings.model import Notices
from tests.blocklists.https_server import make_certificate
from tests.journal.incident_scene import CLIENT, SECRET_NAMES, TEACHER, incident
from tests.journal.notice_servers import WebServer, trusting, web_server

TOKEN = "123456:AAE-secret_token"
NOTICE = Notice("Мектеп: оқиға", "Мектеп\n\nОқиға 2026-11-0007\n")


def bot(server: WebServer, folder: Path, token: str = TOKEN) -> Notices:
    secret = folder / "token"
    secret.write_text(token)
    secret.chmod(0o600)
    return Notices(telegram_token_file=str(secret), telegram_server=f"https://localhost:{server.port}")


def test_the_bot_writes_the_text_to_the_chat(tmp_path: Path) -> None:
    with web_server(tmp_path) as server:
        send_telegram("-1001", NOTICE, bot(server, tmp_path), trusting(server.certificate))
    assert server.targets == [f"/bot{TOKEN}/sendMessage"]
    assert server.values == [{"chat_id": "-1001", "text": NOTICE.text, "link_preview_options": {"is_disabled": True}}]


def test_a_long_text_is_cut_to_what_the_bot_api_takes(tmp_path: Path) -> None:
    with web_server(tmp_path) as server:
        send_telegram("1", replace(NOTICE, text="ы" * 9000), bot(server, tmp_path), trusting(server.certificate))
    assert len(str(server.values[0]["text"])) <= 4096


@pytest.mark.parametrize(
    ("status", "everybody", "said"),
    [
        ("401 Unauthorized", True, "does not know the bot"),
        ("404 Not Found", True, "does not know the bot"),
        ("400 Bad Request", False, "does not let the bot write to this chat"),
        ("403 Forbidden", False, "does not let the bot write to this chat"),
        ("429 Too Many Requests", True, r"says no \(429\)"),
        ("502 Bad Gateway", True, r"says no \(502\)"),
        ("302 Found", True, r"says no \(302\)"),
    ],
)
def test_what_telegram_refuses_is_told_without_the_token(
    tmp_path: Path, status: str, everybody: bool, said: str
) -> None:
    with (
        web_server(tmp_path, status=status, answer=TOKEN.encode()) as server,
        pytest.raises(NotSent, match=said) as refused,
    ):
        send_telegram("1", NOTICE, bot(server, tmp_path), trusting(server.certificate))
    assert isinstance(refused.value, Unreachable) is everybody
    assert TOKEN not in str(refused.value)
    assert len(server.targets) == 1


@pytest.mark.parametrize("token", ["12 34", "1/../x", "1?x", "1\t2", "ключ"])
def test_a_token_that_cannot_be_one_is_not_sent(tmp_path: Path, token: str) -> None:
    with web_server(tmp_path) as server, pytest.raises(Unreachable) as refused:
        send_telegram("1", NOTICE, bot(server, tmp_path, token), trusting(server.certificate))
    assert server.targets == []
    assert token not in str(refused.value)


def test_a_server_that_nobody_trusts_learns_no_token(tmp_path: Path) -> None:
    other = make_certificate(tmp_path / "other.pem")
    with web_server(tmp_path) as server, pytest.raises(Unreachable, match="certificate is not trusted") as refused:
        send_telegram("1", NOTICE, bot(server, tmp_path), trusting(other))
    assert server.targets == []
    assert TOKEN not in str(refused.value)


def test_the_webhook_gets_facts_and_nothing_personal(tmp_path: Path) -> None:
    full = incident(client=CLIENT, device="pc-1", teacher=TEACHER, asked=SECRET_NAMES)
    with web_server(tmp_path, status="204 No Content", answer=b"") as server:
        found = Notices(webhook=f"https://localhost:{server.port}/hooks/k3y?room=staff")
        send_webhook(webhook_value([full], NOTICE, "Мектеп"), found, trusting(server.certificate))
    assert server.targets == ["/hooks/k3y?room=staff"]
    (value,) = server.values
    assert value["text"] == NOTICE.text
    (listed,) = cast(list[dict[str, object]], value["incidents"])
    assert (listed["number"], listed["rule"], listed["queries"]) == ("2026-11-0007", "deliberate-attempt", 12)
    for secret in (CLIENT, TEACHER, "pc-1", *(name for name, _count in SECRET_NAMES)):
        assert secret not in str(value)


@pytest.mark.parametrize("status", ["302 Found", "404 Not Found", "500 Internal Server Error"])
def test_a_webhook_that_says_no_is_told_without_its_address(tmp_path: Path, status: str) -> None:
    with web_server(tmp_path, status=status) as server:
        found = Notices(webhook=f"https://localhost:{server.port}/hooks/k3y")
        with pytest.raises(Unreachable, match=rf"says no \({status[:3]}\)") as refused:
            send_webhook({}, found, trusting(server.certificate))
    assert "k3y" not in str(refused.value)
    with pytest.raises(Unreachable, match="localhost cannot be reached") as gone:
        send_webhook({}, found, SendRules())
    assert "k3y" not in str(gone.value)


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1:1/құпия-k3y",
        "https://127.0.0.1:1/hook?k3y=ы",
        "https://hooks..example.org/k3y",
        f"https://{'a' * 64}.example.org/k3y",
        "https://hooks.example.org:99999/k3y",
        "https://[2001:db8::1/k3y",
        "https://127.0.0.1:1/k3y\x00",
        "https://127.0.0.1:1/k3 y",
    ],
)
def test_an_address_to_which_nothing_can_be_posted_says_which_setting_to_correct_and_not_the_address(
    tmp_path: Path, address: str
) -> None:
    found = Notices(webhook=address)
    with pytest.raises(Unreachable, match=r"notices\.webhook: expected .* found .* Correct it") as refused:
        send_webhook({}, found, SendRules(step_seconds=1.0))
    assert "k3y" not in str(refused.value)
    with web_server(tmp_path) as server:
        settings = replace(bot(server, tmp_path), telegram_server=address)
    with pytest.raises(Unreachable, match=r"notices\.telegram_server: expected .* found .* Correct it") as unsent:
        send_telegram("1", NOTICE, settings, SendRules(step_seconds=1.0))
    assert TOKEN not in str(unsent.value)


def test_a_host_of_any_letters_is_asked_for_as_the_dns_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def resolve(host: object, *_others: object, **_more: object) -> list[object]:
        asked.append(host)
        raise OSError("nobody there")

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    for host in ("құс.example", "faß.example"):
        with pytest.raises(Unreachable, match=f"{host} cannot be reached"):
            send_webhook({}, Notices(webhook=f"https://{host}/k3y"), SendRules())
    assert asked == ["xn--q1a3pkc.example", "xn--fa-hia.example"]
