"""What the ways of sending have in common: how they fail, how secrets are read, and JSON over HTTPS."""

import http.client
import json
import os
import ssl
import stat
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import idna

from journal.notifying.notice_text import one_line
from settings.errors import SchoolfilterError
from translations import _

_MOST_ANSWERED = 1 << 16
"""Octets of an answer that are looked at."""
_MOST_SECRET = 1 << 12


class NotSent(SchoolfilterError):  # noqa: N818 - reads as what it is
    """A notice did not arrive. The message names neither secrets nor addresses: it is entered in the journal."""


class Unreachable(NotSent):
    """Nothing can be sent by this channel now, to whomever."""


@dataclass(frozen=True, slots=True)
class SendRules:
    """What sending may do. Tests trust an authority of their own."""

    context: Callable[[], ssl.SSLContext] = ssl.create_default_context
    step_seconds: float = 20.0
    """For connecting and for each silence."""
    total_seconds: float = 60.0


def secret_of(path: str) -> str:
    """Return what stands in a file that nobody else may read. Raises Unreachable."""
    try:
        with Path(path).open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            found = file.read(_MOST_SECRET).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        message = _("{path}: expected a secret, found a file that cannot be read: {error}")
        reason = error.strerror if isinstance(error, OSError) else _("it is no text")
        raise Unreachable(message.format(path=path, error=reason)) from None
    if mode & stat.S_IRWXO:
        message = _("{path}: expected a file that only the service can read, found one that everybody can: chmod 600")
        raise Unreachable(message.format(path=path))
    if not found or not found.isprintable():
        raise Unreachable(_("{path}: expected a secret on one line, found something else").format(path=path))
    return found


def post_json(url: str, value: Mapping[str, object], rules: SendRules, *, key: str) -> tuple[int, bytes]:
    """Send a value to an https address; return status and answer. Raises Unreachable, which does not show the address.

    No redirection is followed: what is sent goes where the settings say. `key`: the setting that the address is from.
    """
    host = ""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = http.client.HTTPSConnection(
            dns_name(host), parts.port, timeout=rules.step_seconds, context=rules.context()
        )
        with closing(connection):
            return _posted(connection, target, value)
    except (OSError, ValueError, http.client.HTTPException) as error:
        # A certificate that is not trusted is both an OSError and a ValueError; an unlawful address an HTTPException.
        reached = isinstance(error, (OSError, http.client.HTTPException))
        if reached and not isinstance(error, http.client.InvalidURL):
            message = _("{host} cannot be reached: {error}")
            raise Unreachable(message.format(host=host, error=reason_of(error))) from None
        message = _(
            "{key}: expected an address such as https://hooks.example.org/x, found one that cannot be asked for "
            "({kind}). Correct it."
        )
        raise Unreachable(message.format(key=key, kind=type(error).__name__)) from None


def _posted(connection: http.client.HTTPSConnection, target: str, value: Mapping[str, object]) -> tuple[int, bytes]:
    octets = json.dumps(value, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "schoolfilter"}
    connection.request("POST", target, octets, headers)
    response = connection.getresponse()
    return response.status, response.read(_MOST_ANSWERED)


def dns_name(host: str) -> str:
    """Return a host as the DNS and certificates have it. Raises ValueError."""
    return host if host.isascii() else idna.encode(host, uts46=True).decode("ascii")


def reason_of(error: Exception) -> str:
    """Return why a connection failed, without what the other side said."""
    match error:
        case ssl.SSLCertVerificationError():
            return _("its certificate is not trusted ({reason})").format(reason=one_line(error.verify_message))
        case TimeoutError():
            return _("no answer in time")
        case OSError(strerror=str(reason)):
            return one_line(reason)
        case _:
            return _("the connection was cut off, or what is there speaks another language ({kind})").format(
                kind=type(error).__name__
            )
