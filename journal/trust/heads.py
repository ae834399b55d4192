"""Signed heads: where the chain stood, signed by the device. One that is kept elsewhere shows a cut end."""

from datetime import datetime
from typing import TYPE_CHECKING

from journal.trust.device_key import HEAD_NAMESPACE
from policy.sshsig import public_text, sign, verify
from storage.evidence import Head, stamp
from storage.journal_db import SignedHead

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SHOWN_DIGITS = 16
"""How many digits of a link stand on a paper: nobody finds another record that begins with these."""


def signed_head(key: "Ed25519PrivateKey", head: Head, at: datetime) -> SignedHead:
    """Return the head with the device's signature."""
    moment = stamp(at)
    signature = sign(key, HEAD_NAMESPACE, head_message(head, moment))
    return SignedHead(head.number, head.link, moment, public_text(key.public_key()), signature)


def head_message(head: Head, at: str) -> bytes:
    """Return what is signed: lines that a person can read."""
    return f"schoolfilter-journal-head:1\nrecord {head.number}\nlink {head.link}\nat {at}\n".encode()


def is_signed(head: SignedHead) -> bool:
    """Return whether the signature is that of the key which the head names. Whose key that is, others must say."""
    return verify(head.key, HEAD_NAMESPACE, head_message(Head(head.number, head.link), head.at), head.signature)


def written(head: Head) -> str:
    """Return the head as papers have it and `journal verify --head` takes it."""
    return f"{head.number}:{head.link[:SHOWN_DIGITS]}"
