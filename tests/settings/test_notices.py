"""Where mail, Telegram and the webhook are: what cannot be right is told before anybody waits for a notice."""

from dataclasses import replace

import pytest

from settings.checks import SmtpServer, find_faults, is_mail_address, split_smtp
from settings.model import Notices, Settings


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("smtp://mail.example.org", SmtpServer("mail.example.org", 587, tls=False)),
        ("smtps://mail.example.org", SmtpServer("mail.example.org", 465, tls=True)),
        ("smtp://192.0.2.1:25", SmtpServer("192.0.2.1", 25, tls=False)),
        ("smtps://[2001:db8::1]:2465", SmtpServer("2001:db8::1", 2465, tls=True)),
        ("smtp://пошта.мектеп.example", SmtpServer("пошта.мектеп.example", 587, tls=False)),
    ],
)
def test_a_mail_server_is_read(text: str, server: SmtpServer) -> None:
    assert split_smtp(text) == server


@pytest.mark.parametrize(
    "text",
    [
        "mail.example.org",
        "https://mail.example.org",
        "smtp://",
        "smtp://user:password@mail.example.org",
        "smtp://mail.example.org/x",
        "smtp://mail.example.org:99999",
        "smtp://mail.example.org?x",
        "smtp://mail..example.org",
        f"smtp://{'a' * 64}.example.org",
        "",
    ],
)
def test_what_is_no_mail_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        split_smtp(text)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("asanova@school.example", True),
        ("a.b+c_d@mail.school.example", True),
        ("", False),
        ("asanova", False),
        ("a@b", False),
        ("a b@school.example", False),
        ("a@school.example\n", False),
        ("a@school.example,b@school.example", False),
        ("Asanova <a@school.example>", False),
        ("асанова@school.example", False),
        ("a@" + "x" * 300 + ".example", False),
    ],
)
def test_mail_addresses(text: str, right: bool) -> None:
    assert is_mail_address(text) is right


@pytest.mark.parametrize(
    ("notices", "keys"),
    [
        (Notices(), []),
        (Notices("smtp://m.example.org", "u", "/p", "f@school.example", "/t", webhook="https://h.example/x?k=1"), []),
        (Notices(smtp_server="m.example.org"), ["notices.smtp_server"]),
        (Notices(mail_from="filter"), ["notices.mail_from"]),
        (Notices(telegram_server="http://api.telegram.org"), ["notices.telegram_server"]),
        (Notices(telegram_server=""), ["notices.telegram_server"]),
        (Notices(webhook="http://h.example/"), ["notices.webhook"]),
        (Notices(webhook="https://user:pass@h.example/"), ["notices.webhook"]),
        (Notices(webhook="https://h.example/a b"), ["notices.webhook"]),
    ],
)
def test_faults_are_named(notices: Notices, keys: list[str]) -> None:
    assert [fault.key for fault in find_faults(Settings(notices=notices))] == keys


@pytest.mark.parametrize(
    ("address", "right"),
    [
        ("https://hooks.example.org", True),
        ("https://hooks.example.org.:8443/k3y?room=staff", True),
        ("https://bot_1.example.org/x", True),
        ("https://192.0.2.1/x", True),
        ("https://[2001:db8::1]:8443/x", True),
        ("https://мектеп.example/x", True),
        ("https://hooks..example.org/x", False),
        ("https://hooks.example.org../x", False),
        (f"https://{'a' * 64}.example.org/x", False),
        (f"https://{'a.' * 127}example.org/x", False),
        ("https://мек..теп.example/x", False),
        ("https://hooks.example.org/мектеп", False),
        ("https://hooks.example.org/x?room=мектеп", False),
        ("https://hooks.example.org:99999/x", False),
        ("https://[2001:db8::1/x", False),
        ("https://[2001:db8::1%25eth0]/x", False),
        ("https://%68ooks.example.org/x", False),
    ],
)
@pytest.mark.parametrize("key", ["webhook", "telegram_server"])
def test_an_address_to_which_nothing_can_be_posted_is_named_with_what_is_expected(
    key: str, address: str, right: bool
) -> None:
    faults = list(find_faults(Settings(notices=replace(Notices(), **{key: address}))))
    assert [(each.key, each.found) for each in faults] == ([] if right else [(f"notices.{key}", repr(address))])
    assert right or "https://hooks.example.org/x" in faults[0].expected
