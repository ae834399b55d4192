"""Our signatures and OpenSSH's are the same; whatever is not exactly one is refused."""

import shutil
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from policy.sshsig import InvalidKey, fingerprint, load_public, public_text, sign, signer, verify

NAMESPACE = "schoolfilter-order-v1"
MESSAGE = "Бұйрық № 12\n".encode()
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = public_text(KEY.public_key())
ARMORED = sign(KEY, NAMESPACE, MESSAGE)

needs_ssh_keygen = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


def ssh_keygen(*arguments: str, cwd: Path, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["ssh-keygen", *arguments], cwd=cwd, input=stdin, capture_output=True, timeout=20)


def judged_good(folder: Path, public: str, armored: str, message: bytes, namespace: str = NAMESPACE) -> bool:
    """Ask ssh-keygen, as an inspector does."""
    (folder / "allowed_signers").write_text(f"director {public}\n")
    (folder / "sig").write_text(armored)
    told = ("-f", "allowed_signers", "-I", "director", "-n", namespace, "-s", "sig")
    return ssh_keygen("-Y", "verify", *told, cwd=folder, stdin=message).returncode == 0


def blob(armored: str = ARMORED) -> bytes:
    return b64decode("".join(armored.splitlines()[1:-1]))


def armor(raw: bytes, width: int = 70) -> str:
    text = b64encode(raw).decode()
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


@needs_ssh_keygen
def test_ssh_keygen_takes_what_we_sign(tmp_path: Path) -> None:
    assert judged_good(tmp_path, PUBLIC, ARMORED, MESSAGE)
    assert not judged_good(tmp_path, PUBLIC, ARMORED, MESSAGE + b" ")
    assert not judged_good(tmp_path, PUBLIC, ARMORED, MESSAGE, namespace="file")
    assert not judged_good(tmp_path, public_text(OTHER.public_key()), ARMORED, MESSAGE)


@needs_ssh_keygen
@pytest.mark.parametrize("options", [[], ["-O", "hashalg=sha256"]], ids=["sha512", "sha256"])
@pytest.mark.parametrize("message", [MESSAGE, b"", bytes(70_000)], ids=["order", "empty", "long"])
def test_we_take_what_ssh_keygen_signs(tmp_path: Path, options: list[str], message: bytes) -> None:
    assert ssh_keygen("-q", "-t", "ed25519", "-N", "", "-C", "director", "-f", "key", cwd=tmp_path).returncode == 0
    public = (tmp_path / "key.pub").read_text().removesuffix(" director\n")
    (tmp_path / "body").write_bytes(message)
    assert ssh_keygen("-Y", "sign", "-f", "key", "-n", NAMESPACE, *options, "body", cwd=tmp_path).returncode == 0
    armored = (tmp_path / "body.sig").read_text()
    assert verify(public, NAMESPACE, message, armored)
    assert not verify(public, NAMESPACE, message + b" ", armored)
    assert not verify(public, "file", message, armored)
    assert not verify(PUBLIC, NAMESPACE, message, armored)
    assert signer(armored) == public


@needs_ssh_keygen
def test_fingerprint_is_the_one_that_ssh_keygen_prints(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text(f"{PUBLIC} a comment\n")
    printed = ssh_keygen("-lf", "key.pub", cwd=tmp_path).stdout.decode()
    assert printed == f"256 {fingerprint(PUBLIC)} a comment (ED25519)\n"


def test_text_of_a_key_leads_back_to_it() -> None:
    assert load_public(PUBLIC).public_bytes_raw() == KEY.public_key().public_bytes_raw()
    assert public_text(load_public(PUBLIC)) == PUBLIC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 ",
        f"{PUBLIC} director",
        f"{PUBLIC}\n",
        f" {PUBLIC}",
        PUBLIC.replace(" ", "  "),
        PUBLIC.removeprefix("ssh-ed25519 "),
        PUBLIC[:-4],
        f"{PUBLIC}AAAA",
        PUBLIC.replace("ssh-ed25519 ", "ssh-rsa "),
        PUBLIC.replace("AAAAC3", "AAAAB3"),
        "ssh-ed25519 ключ",
        "ssh-ed25519 \ud800",
    ],
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    for use in (load_public, fingerprint):
        with pytest.raises(InvalidKey, match="expected a public key that begins with 'ssh-ed25519 AAAA', found"):
            use(text)
    assert not verify(text, NAMESPACE, MESSAGE, ARMORED)


def test_one_who_did_not_sign_or_signed_something_else_is_refused() -> None:
    assert verify(PUBLIC, NAMESPACE, MESSAGE, ARMORED)
    assert not verify(public_text(OTHER.public_key()), NAMESPACE, MESSAGE, ARMORED)
    assert not verify(PUBLIC, "schoolfilter-order-v2", MESSAGE, ARMORED)
    assert not verify(PUBLIC, NAMESPACE, MESSAGE[:-1], ARMORED)
    # The key signed the bare message, not what SSHSIG makes of it.
    assert not verify(PUBLIC, NAMESPACE, MESSAGE, armor(blob()[:-64] + KEY.sign(MESSAGE)))
    # Another key signed, and the text says it was this one.
    forged = blob(sign(OTHER, NAMESPACE, MESSAGE))
    assert not verify(PUBLIC, NAMESPACE, MESSAGE, armor(blob()[:-64] + forged[-64:]))


def _swapped(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(raw: bytes) -> bytes:
        assert old in raw
        return raw.replace(old, new, 1)

    return change


def _other_order(raw: bytes) -> bytes:
    """Add the order of the group to the second half of the signature, which a lax judge takes too (RFC 8032 5.1.7)."""
    group = 2**252 + 27742317777372353535851937790883648493
    return raw[:-32] + (int.from_bytes(raw[-32:], "little") + group).to_bytes(32, "little")


@pytest.mark.parametrize(
    "change",
    [
        _swapped(b"SSHSIG", b"SSHSIH"),
        _swapped(b"SSHSIG\0\0\0\1", b"SSHSIG\0\0\0\2"),
        _swapped(b"\0\0\0\0\0\0\0\6sha512", b"\0\0\0\1x\0\0\0\6sha512"),
        _swapped(b"sha512", b"sha256"),
        _swapped(b"\6sha512", b"\4sha1"),
        _swapped(b"\0\0\0\x33\0\0\0\x0bssh-ed25519", b"\0\0\0\x33\0\0\0\x0bssh-ed25518"),
        lambda raw: raw + b"\0",
        lambda raw: raw[:-1],
        lambda raw: b"\0" + raw,
        lambda _raw: b"",
        lambda raw: raw[-64:],
        _other_order,
    ],
    ids=[
        "magic",
        "version",
        "reserved",
        "hash",
        "sha1",
        "key-type",
        "longer",
        "shorter",
        "moved",
        "empty",
        "bare",
        "malleable",
    ],
)
def test_a_signature_of_another_form_is_refused(change: Callable[[bytes], bytes]) -> None:
    assert armor(blob()) == ARMORED
    assert not verify(PUBLIC, NAMESPACE, MESSAGE, armor(change(blob())))


@pytest.mark.parametrize(
    "armored",
    [
        "",
        ARMORED.strip(),
        ARMORED + "\n",
        "\n" + ARMORED,
        ARMORED + ARMORED,
        ARMORED.replace("\n", "\r\n"),
        ARMORED.replace("\n", "", 1),
        ARMORED.replace("SSH SIGNATURE", "PGP SIGNATURE"),
        armor(blob(), width=76),
        armor(blob(), width=1000),
        "".join(ARMORED.splitlines()[1:-1]),
        "подпись",
        "\ud800",
    ],
)
def test_a_signature_written_otherwise_is_refused(armored: str) -> None:
    assert not verify(PUBLIC, NAMESPACE, MESSAGE, armored)


def test_no_bit_of_a_signature_can_be_changed() -> None:
    raw = ARMORED.encode()
    flipped = (
        (raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :]).decode(errors="surrogateescape")
        for at in range(len(raw))
        for bit in range(8)
    )
    assert [each for each in flipped if verify(PUBLIC, NAMESPACE, MESSAGE, each)] == []


@given(st.text() | st.just(PUBLIC), st.text(), st.binary(), st.text() | st.binary(max_size=300).map(armor))
@example(PUBLIC, "\ud800", MESSAGE, ARMORED)
@example(PUBLIC, NAMESPACE, MESSAGE, armor(bytes(200)))
@example(PUBLIC, NAMESPACE, MESSAGE, armor(blob()[:60]))
@example(PUBLIC, NAMESPACE, MESSAGE, armor(b"SSHSIG\0\0\0\1\0\0\0\x2e\0\0\0\x0bssh-ed25519\0\0\0\x1b" + bytes(27)))
def test_garbage_is_refused_without_an_error(public: str, namespace: str, message: bytes, armored: str) -> None:
    assert not verify(public, namespace, message, armored)
    assert signer(armored) in ("", PUBLIC)


@given(st.binary(max_size=400), st.text(st.characters(codec="utf-8"), max_size=40), st.binary(min_size=32, max_size=32))
def test_what_a_key_signs_its_holder_signed(message: bytes, namespace: str, seed: bytes) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, armored = public_text(key.public_key()), sign(key, namespace, message)
    assert verify(public, namespace, message, armored)
    assert signer(armored) == public
