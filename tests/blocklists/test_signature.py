"""A file is the one its makers published, or it is refused."""

import hashlib
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from blocklists.errors import RefusedText
from blocklists.signature import (
    Checksum,
    check_checksum,
    check_signature,
    find_checksum,
    parse_public_key,
    parse_signature,
)

BODY = b"example.org\n" * 100
MD5 = hashlib.md5(BODY, usedforsecurity=False).hexdigest()
SHA256 = hashlib.sha256(BODY).hexdigest()
SHA512 = hashlib.sha512(BODY).hexdigest()
KEY_ID = bytes(range(8))


def key(seed: int = 1) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


def public_line(seed: int = 1, key_id: bytes = KEY_ID) -> str:
    return b64encode(b"Ed" + key_id + key(seed).public_key().public_bytes_raw()).decode()


def signed(
    body: bytes, *, hashed: bool = True, seed: int = 1, key_id: bytes = KEY_ID, comment: bytes = b"timestamp:1 file:x"
) -> bytes:
    """Sign as minisign does (https://jedisct1.github.io/minisign/)."""
    signature = key(seed).sign(hashlib.blake2b(body).digest() if hashed else body)
    line = b64encode((b"ED" if hashed else b"Ed") + key_id + signature)
    whole = b64encode(key(seed).sign(signature + comment))
    return b"untrusted comment: by a test\n%s\ntrusted comment: %s\n%s\n" % (line, comment, whole)


def check(public: str, signature: bytes, body: bytes) -> None:
    check_signature(parse_public_key(public), parse_signature(signature), body)


@pytest.mark.parametrize("hashed", [True, False], ids=["hashed", "whole"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_what_was_signed_is_taken(hashed: bool, end: bytes) -> None:
    check(public_line(), signed(BODY, hashed=hashed).replace(b"\n", end), BODY)
    check(f"untrusted comment: a key\n{public_line()}\n", signed(BODY, hashed=hashed), BODY)
    check_signature(parse_public_key(public_line()), parse_signature(signed(BODY, hashed=hashed)), memoryview(BODY))


@pytest.mark.parametrize("hashed", [True, False], ids=["hashed", "whole"])
@pytest.mark.parametrize("body", [BODY + b"more.example.org\n", BODY[:-1], b""], ids=["longer", "cut", "empty"])
def test_what_was_not_signed_is_refused(hashed: bool, body: bytes) -> None:
    with pytest.raises(RefusedText, match="do not belong together"):
        check(public_line(), signed(BODY, hashed=hashed), body)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda signature: signature.replace(b"file:x", b"file:y"), "do not belong together"),
        (lambda signature: signature.replace(b"trusted comment: ", b"", 1), "minisign signature, found"),
        (lambda _signature: b"", "minisign signature, found"),
        (lambda _signature: b"<html>" * 99, "minisign signature, found"),
        (lambda signature: b"\n".join(signature.split(b"\n")[:3]), "minisign signature, found"),
        (lambda signature: signature.replace(b"\n", b"\nxx", 1), "minisign signature, found"),
    ],
    ids=["comment", "no-comment", "none", "html", "cut", "base64"],
)
def test_a_signature_that_was_changed_is_refused(change: Callable[[bytes], bytes], expected: str) -> None:
    with pytest.raises(RefusedText, match=expected):
        check(public_line(), change(signed(BODY)), BODY)


def test_a_signature_of_the_one_kind_does_not_pass_as_the_other() -> None:
    digest = hashlib.blake2b(BODY).digest()
    with pytest.raises(RefusedText, match="do not belong together"):
        check(public_line(), signed(BODY, hashed=True).replace(b"RUQ", b"RWQ", 1), BODY)
    check(public_line(), signed(digest, hashed=False), digest)


def test_a_signature_of_another_key_is_refused_and_both_are_named() -> None:
    other = signed(BODY, seed=2, key_id=b"\xff" * 8)
    with pytest.raises(RefusedText, match="by the key 0706050403020100, found one by the key FFFFFFFFFFFFFFFF"):
        check(public_line(), other, BODY)
    with pytest.raises(RefusedText, match="do not belong together"):
        check(public_line(), signed(BODY, seed=2), BODY)


@pytest.mark.parametrize(
    "text", ["", "RW", "x" * 56, b64encode(b"Ed" + bytes(39)).decode(), b64encode(b"XX" + bytes(40)).decode()]
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(RefusedText, match="public key"):
        parse_public_key(text)


@settings(max_examples=200)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_single_change_of_a_signature_passes_unless_it_says_the_same(at: int, change: int) -> None:
    whole = bytearray(signed(BODY))
    at %= len(whole)
    whole[at] ^= change
    try:
        check(public_line(), bytes(whole), BODY)
    except RefusedText:
        return
    assert parse_signature(bytes(whole)) == parse_signature(signed(BODY))


@pytest.mark.skipif(shutil.which("minisign") is None, reason="minisign is not installed")
@pytest.mark.parametrize("options", [[], ["-l"]], ids=["hashed", "whole"])
def test_minisign_and_we_understand_each_other(tmp_path: Path, options: list[str]) -> None:
    def minisign(*arguments: str) -> None:
        subprocess.run(["minisign", *arguments], cwd=tmp_path, check=True, capture_output=True, timeout=20)

    (tmp_path / "list.txt").write_bytes(BODY)
    minisign("-G", "-W", "-p", "key.pub", "-s", "key.sec")
    minisign("-S", "-s", "key.sec", "-m", "list.txt", "-t", "Это список", *options)
    public, signature = (tmp_path / "key.pub").read_text(), (tmp_path / "list.txt.minisig").read_bytes()
    check(public, signature, BODY)
    with pytest.raises(RefusedText, match="do not belong together"):
        check(public, signature, BODY + b"x")
    # And the other way round: what this file signs, the judge takes too.
    (tmp_path / "list.txt.minisig").write_bytes(signed(BODY, hashed=not options))
    minisign("-V", "-P", public_line(), "-m", "list.txt")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{SHA256}  list.txt\n", Checksum("sha256", SHA256)),
        (f"{SHA256} *list.txt\n", Checksum("sha256", SHA256)),
        (f"{SHA256.upper()}\tlist.txt\r\n", Checksum("sha256", SHA256)),
        (f"{SHA256}\n", Checksum("sha256", SHA256)),
        (f"\ufeff{SHA512}", Checksum("sha512", SHA512)),
        (f"MD5 (list.txt) = {MD5}\n", Checksum("md5", MD5)),
        (f"SHA256 (list.txt) = {SHA256}\n", Checksum("sha256", SHA256)),
        (f"SHA512(list.txt)= {SHA512}\n", Checksum("sha512", SHA512)),
        (f"# sums\n{'0' * 32}  other.txt\n{MD5}  ./lists/list.txt\n", Checksum("md5", MD5)),
        (f"{MD5}  list.txt\n{SHA256}  list.txt\n", Checksum("sha256", SHA256)),
        (f"{MD5}  list.txt\n{MD5.upper()}  list.txt\n", Checksum("md5", MD5)),
    ],
    ids=["gnu", "binary", "tab", "bare", "bare-bom", "bsd-md5", "bsd-sha256", "openssl", "many", "strongest", "twice"],
)
def test_a_checksum_is_found_however_it_is_written(text: str, expected: Checksum) -> None:
    assert find_checksum(text, "list.txt") == expected
    check_checksum(expected, [BODY[:7], BODY[7:]])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "found no checksum at all"),
        ("<html>404</html>", "found no checksum at all"),
        (f"{'0' * 40}  list.txt\n", "found no checksum at all"),
        (f"{SHA256}  other.txt\n", "found other.txt"),
        (f"{SHA256}  xlist.txt\n{SHA256}\n", "found xlist.txt"),
        (f"{SHA256}  list.txt\n{'0' * 64}  list.txt\n", "several that differ"),
        (f"{SHA256}\n{'0' * 64}\n", "several that differ"),
    ],
    ids=["empty", "html", "sha1", "other", "longer-name", "two", "two-bare"],
)
def test_a_file_of_checksums_that_says_nothing_is_refused(text: str, expected: str) -> None:
    with pytest.raises(RefusedText, match=expected):
        find_checksum(text, "list.txt")


@pytest.mark.parametrize("wanted", [Checksum("md5", MD5), Checksum("sha256", SHA256), Checksum("sha512", SHA512)])
def test_a_damaged_file_is_refused(wanted: Checksum) -> None:
    with pytest.raises(RefusedText, match=f"{wanted.algorithm} checksum {wanted.digest}, found"):
        check_checksum(wanted, [BODY, b"x"])
