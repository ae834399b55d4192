"""The device's key is made once, is nobody else's to read, and OpenSSH's own program can use it."""

import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from journal.trust.device_key import HEAD_NAMESPACE, DeviceKeyError, device_fingerprint, device_key, key_fault
from journal.trust.heads import head_message, is_signed, signed_head, written
from policy.sshsig import public_text
from storage.evidence import Head

AT = datetime(2026, 11, 2, 4, tzinfo=UTC)
HEAD = Head(17, "9f86d081" * 8)


def test_key_is_made_once_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "device.key"
    first = device_key(path, make=True).private_bytes_raw()
    assert device_key(path).private_bytes_raw() == first
    assert path.stat().st_mode & 0o077 == 0
    assert [each.name for each in tmp_path.iterdir()] == ["device.key"]


def test_who_may_not_make_one_says_where_it_comes_from(tmp_path: Path) -> None:
    path = tmp_path / "device.key"
    with pytest.raises(DeviceKeyError, match=r"found no file\. Put device\.key back from the backup"):
        device_key(path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_wrong_with_the_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "device.key"
    assert "found no file" in key_fault(path, "ssh-ed25519 AAAA")
    known = public_text(device_key(path, make=True).public_key())
    assert key_fault(path, known) == ""
    path.unlink()
    device_key(path, make=True)
    assert "found another one" in key_fault(path, known)
    path.write_bytes(b"no key")
    assert "cannot be read" in key_fault(path, known)


def test_all_who_make_it_at_once_get_the_same(tmp_path: Path) -> None:
    path = tmp_path / "device.key"
    made: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: made.append(device_key(path, make=True).private_bytes_raw()))
        for _each in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 12
    assert len(set(made)) == 1


def test_openssh_names_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "device.key"
    key = device_key(path, make=True)
    said = subprocess.run(["ssh-keygen", "-y", "-f", path], capture_output=True, text=True, check=True).stdout
    assert said.split()[:2] == public_text(key.public_key()).split()
    shown = subprocess.run(["ssh-keygen", "-lf", path], capture_output=True, text=True, check=True).stdout
    assert device_fingerprint(key) in shown


@pytest.mark.parametrize("content", [b"", b"not a key\n", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_damaged_key_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "device.key"
    path.write_bytes(content)
    with pytest.raises(DeviceKeyError, match=r"device\.key"):
        device_key(path)
    assert path.read_bytes() == content


def test_openssh_judges_a_signed_head(tmp_path: Path) -> None:
    head = signed_head(device_key(tmp_path / "device.key", make=True), HEAD, AT)
    (tmp_path / "signers").write_text(f"school {head.key}\n")
    (tmp_path / "head.sig").write_text(head.signature)
    command = [
        "ssh-keygen", "-Y", "verify", "-f", str(tmp_path / "signers"), "-I", "school", "-n", HEAD_NAMESPACE,
        "-s", str(tmp_path / "head.sig"),
    ]  # fmt: skip
    message = head_message(HEAD, head.at)
    assert subprocess.run(command, input=message, capture_output=True, check=False).returncode == 0
    assert subprocess.run(command, input=message + b"x", capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("field", ["number", "link", "at", "key", "signature"])
def test_changed_head_is_not_signed(tmp_path: Path, field: str) -> None:
    head = signed_head(device_key(tmp_path / "device.key", make=True), HEAD, AT)
    other = signed_head(
        device_key(tmp_path / "other.key", make=True), Head(18, "ab" * 32), datetime(2027, 1, 1, tzinfo=UTC)
    )
    assert is_signed(head)
    assert not is_signed(head._replace(**{field: getattr(other, field)}))


def test_head_is_written_as_people_compare_it() -> None:
    assert written(HEAD) == "17:9f86d0819f86d081"
