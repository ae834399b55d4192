"""Notices by mail, through the school's SMTP server; a password only goes through TLS with a checked certificate."""

import smtplib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from hashlib import sha256

from journal.notifying.notice_text import Notice, one_line
from journal.notifying.sending import NotSent, SendRules, Unreachable, dns_name, reason_of, secret_of
from settings.checks import split_smtp
from settings.model import Notices
from translations import _

_OURSELVES = "[127.0.0.1]"
"""How we greet: the machine's own name would be asked for in the DNS, which may be what is out of order."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice on its way to somebody."""

    to: str
    notice: Notice
    at: datetime
    """Aware."""


def letter_message(letter: Letter, sender: str) -> EmailMessage:
    """Return the letter as it is sent. One that is sent again has the same Message-ID, so that mail servers notice."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = letter.to
    subject = one_line(letter.notice.subject)
    # EmailMessage folds some subjects so that a space between two encoded words is lost (RFC 2047, 6.2); Header takes
    # all of it into them. ASCII stays as it is.
    message.set_raw("Subject", subject if subject.isascii() else Header(subject, "utf-8", 75, "Subject").encode())
    message["Date"] = format_datetime(letter.at)
    said = "\n".join((letter.to, letter.notice.subject, letter.notice.text))
    domain = sender.rpartition("@")[2]
    message["Message-ID"] = f"<{sha256(said.encode()).hexdigest()[:32]}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note answers it
    message.set_content(letter.notice.text, cte="base64")
    return message


def send_mail(letter: Letter, settings: Notices, rules: SendRules) -> None:
    """Hand a letter to the mail server. Raises NotSent, Unreachable."""
    if not settings.smtp_server or not settings.mail_from:
        raise Unreachable(_("no mail can be sent: set notices.smtp_server and notices.mail_from"))
    password = secret_of(settings.smtp_password_file) if settings.smtp_password_file else ""
    message = letter_message(letter, settings.mail_from)
    try:
        server = _connected(settings, rules)
        try:
            if settings.smtp_user:
                server.login(settings.smtp_user, password)
            server.send_message(message)
        except BaseException:
            server.close()
            raise
    except NotSent:
        raise
    except smtplib.SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()))[0]
        raise NotSent(_("the mail server does not take mail to this address ({code})").format(code=code)) from None
    except smtplib.SMTPAuthenticationError as error:
        text = _("the mail server refuses user and password ({code}): notices.smtp_user, notices.smtp_password_file")
        raise Unreachable(text.format(code=error.smtp_code)) from None
    except smtplib.SMTPSenderRefused as error:
        text = _("the mail server does not take mail from notices.mail_from ({code})")
        raise Unreachable(text.format(code=error.smtp_code)) from None
    except smtplib.SMTPResponseException as error:
        # What the server says is left out: it may repeat the address, or what we said.
        raise Unreachable(_("the mail server says no ({code})").format(code=error.smtp_code)) from None
    except UnicodeError:
        raise Unreachable(_("notices.smtp_user and the password must be plain Latin letters and signs")) from None
    except (OSError, smtplib.SMTPException) as error:
        # smtplib makes one thing of all that ends a connection; why it ended stands behind.
        cut = isinstance(error, smtplib.SMTPServerDisconnected)
        why = error.__context__ if cut and isinstance(error.__context__, OSError) else error
        server_name = split_smtp(settings.smtp_server).host
        text = _("{host} cannot be reached: {error}")
        raise Unreachable(text.format(host=server_name, error=reason_of(why))) from None
    with suppress(OSError, smtplib.SMTPException):  # it is sent, whatever the goodbye is like
        server.quit()
    server.close()


def _connected(settings: Notices, rules: SendRules) -> smtplib.SMTP:
    """Return a connection that may be talked on. Raises Unreachable, OSError."""
    try:
        where = split_smtp(settings.smtp_server)
        host = dns_name(where.host)
    except ValueError:
        message = _(
            "{key}: expected a mail server such as smtp://mail.example.org, found one that cannot be asked for. "
            "Correct it."
        )
        raise Unreachable(message.format(key="notices.smtp_server")) from None
    if where.tls:
        return smtplib.SMTP_SSL(host, where.port, _OURSELVES, timeout=rules.step_seconds, context=rules.context())
    server = smtplib.SMTP(host, where.port, _OURSELVES, timeout=rules.step_seconds)
    try:
        server.ehlo_or_helo_if_needed()
        if server.has_extn("starttls"):
            server.starttls(context=rules.context())
        elif settings.smtp_user:
            message = _(
                "{host} offers no STARTTLS: the password is not sent in the clear. Set smtps:// or another port"
            )
            raise Unreachable(message.format(host=where.host))
    except BaseException:
        server.close()
        raise
    return server
