"""The file with the director's key: only the passphrase opens it, nothing destroys it, and nobody learns from it."""

import errno
import json
import os
import stat
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import assume, example, given
from hypothesis import strategies as st

from approval import key_file as module
from approval.key_file import (
    COST,
    Cost,
    DamagedKey,
    KeyFile,
    KeyFileError,
    WeakPassphrase,
    WrongPassphrase,
    changed_passphrase,
    check_passphrase,
    create,
    key_text,
    parse_key_text,
    read,
    write,
)
from policy.sshsig import public_text
from settings.errors import SchoolfilterError

PASSPHRASE = "үш сөз: ат, кітап, кой"
SEED = bytes(range(32))
GOLDEN = """\
{
  "version": 1,
  "public": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
  "kdf": {
    "name": "argon2id",
    "passes": 3,
    "memory_kib": 65536,
    "lanes": 4,
    "salt": "AAECAwQFBgcICQoLDA0ODw=="
  },
  "cipher": "chacha20-poly1305",
  "nonce": "AAECAwQFBgcICQoL",
  "ciphertext": "X8NuRFFSe6G27su7B5cODsXQFWDpju7k5HWJwWN3okpSy/ID6VHUVGeHVDeCqFdR",
  "checksum": "988503e4c876f160e513e5044a40dfaa7946a217ec3610f6e3ffa2f17b09792e"
}
"""


def counting(size: int) -> bytes:
    """Return bytes that everybody can guess, so that the file is always the same."""
    return bytes(range(size))


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guess costs nothing, so that the tests are quick."""
    monkeypatch.setattr(module, "COST", Cost(1, 8 * 1024, 1))


@pytest.fixture
def locked() -> KeyFile:
    return create(PASSPHRASE, entropy=counting)[0]


def test_the_passphrase_opens_the_key() -> None:
    key_file, key = create(PASSPHRASE)
    assert key_file.public == public_text(key.public_key())
    assert key_file.unlock(PASSPHRASE).private_bytes_raw() == key.private_bytes_raw()
    other, another = create(PASSPHRASE)
    assert another.private_bytes_raw() != key.private_bytes_raw()
    assert (other.salt, other.nonce) != (key_file.salt, key_file.nonce)


def test_a_file_of_today_is_opened_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, make another version beside this one: a director has no other key."""
    monkeypatch.setattr(module, "COST", COST)
    written = key_text(create(PASSPHRASE, entropy=counting)[0])
    assert written == GOLDEN
    assert parse_key_text(GOLDEN.encode()).unlock(PASSPHRASE).private_bytes_raw() == SEED


@pytest.mark.parametrize(
    "other",
    ["", PASSPHRASE.upper(), PASSPHRASE + " ", PASSPHRASE[:-1], "xi cjp: an? rsnfg? rjq", "\ud800" * 12],
    ids=["empty", "capitals", "space", "shorter", "keyboard", "no-text"],
)
def test_another_passphrase_does_not_open_it(locked: KeyFile, other: str) -> None:
    with pytest.raises(WrongPassphrase, match=r"does not open the director's key. Type it again") as caught:
        locked.unlock(other)
    assert not other or other not in str(caught.value)


def test_it_does_not_matter_how_a_keyboard_writes_a_letter() -> None:
    whole, apart = "\u0439од, кра\u0439, ча\u0439", "и\u0306од, краи\u0306, чаи\u0306"
    for first, second in ((whole, apart), (apart, whole)):
        key_file, key = create(first)
        assert key_file.unlock(second).private_bytes_raw() == key.private_bytes_raw()


@pytest.mark.parametrize(
    ("passphrase", "found"), [("", 0), ("a" * 9, 9), ("и\u0306" * 9, 9), ("күн", 3)], ids=["none", "9", "9-apart", "3"]
)
def test_a_short_passphrase_is_refused_with_the_reason(passphrase: str, found: int, locked: KeyFile) -> None:
    attempts: list[Callable[[], object]] = [
        lambda: check_passphrase(passphrase),
        lambda: create(passphrase),
        lambda: changed_passphrase(locked, PASSPHRASE, passphrase),
    ]
    for attempt in attempts:
        with pytest.raises(WeakPassphrase, match=f"at least 10 characters, found {found}: whoever copies"):
            attempt()
    check_passphrase("a" * 10)


def test_another_passphrase_locks_the_same_key(locked: KeyFile) -> None:
    changed = changed_passphrase(locked, PASSPHRASE, "four other words")
    assert changed.unlock("four other words").private_bytes_raw() == SEED
    assert changed.public == locked.public
    assert changed.salt != locked.salt
    with pytest.raises(WrongPassphrase):
        changed.unlock(PASSPHRASE)
    with pytest.raises(WrongPassphrase):
        changed_passphrase(locked, "four other words", PASSPHRASE)


def test_nothing_secret_is_shown() -> None:
    key_file, key = create(PASSPHRASE)
    raw = key.private_bytes_raw()
    shown = repr(key_file) + str(key_file)
    text = key_text(key_file)
    for secret in (raw.hex(), b64encode(raw).decode(), PASSPHRASE, str(raw)[2:-1]):
        assert secret not in shown
        assert secret not in text
    for kept in (key_file.salt, key_file.nonce, key_file.ciphertext):
        assert str(kept)[2:-1] not in shown


def test_errors_are_told_to_people() -> None:
    assert all(
        issubclass(each, SchoolfilterError) for each in (KeyFileError, DamagedKey, WeakPassphrase, WrongPassphrase)
    )


def test_a_key_is_read_as_it_was_written(tmp_path: Path, locked: KeyFile) -> None:
    path = tmp_path / "director.key"
    before = os.umask(0)
    try:
        write(path, locked)
    finally:
        os.umask(before)
    assert read(path) == locked
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["director.key"]


def test_a_key_is_not_written_over_another_file_unless_told(tmp_path: Path, locked: KeyFile) -> None:
    path, other = tmp_path / "director.key", create(PASSPHRASE)[0]
    write(path, locked)
    with pytest.raises(KeyFileError, match=r"expected no file at .*director.key, found one"):
        write(path, other)
    assert read(path) == locked
    write(path, other, overwrite=True)
    assert read(path) == other
    dangling = tmp_path / "link"
    dangling.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyFileError, match="found one"):
        write(dangling, other)
    assert not (tmp_path / "elsewhere").exists()


def test_what_an_interrupted_attempt_left_is_in_nobodys_way(tmp_path: Path, locked: KeyFile) -> None:
    path, elsewhere = tmp_path / "director.key", tmp_path / "elsewhere"
    elsewhere.write_text("kept")
    (tmp_path / "director.key.new").symlink_to(elsewhere)
    write(path, locked)
    assert read(path) == locked
    assert elsewhere.read_text() == "kept"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["director.key", "elsewhere"]


def test_the_new_file_is_on_the_disk_before_it_takes_the_place_of_the_old(
    tmp_path: Path, locked: KeyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []
    fsync, move = os.fsync, Path.replace

    def note_sync(descriptor: int) -> None:
        steps.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def note_move(old: Path, new: Path) -> Path:
        steps.append(f"move {old.name}")
        return move(old, new)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_move)
    write(tmp_path / "director.key", locked)
    assert steps == ["sync director.key.new", "move director.key.new", f"sync {tmp_path.name}"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_key(
    tmp_path: Path, locked: KeyFile, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "director.key"
    write(path, locked)

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os if step == "fsync" else Path, step, full)
    with pytest.raises(KeyFileError, match=r"cannot be written to .*director.key: No space left on device. Choose"):
        write(path, create(PASSPHRASE)[0], overwrite=True)
    assert read(path) == locked
    assert [each.name for each in tmp_path.iterdir()] == ["director.key"]


def test_a_place_that_does_not_exist_is_named(tmp_path: Path, locked: KeyFile) -> None:
    with pytest.raises(KeyFileError, match=r"cannot be written to .*stick/director.key: No such file"):
        write(tmp_path / "stick" / "director.key", locked)
    with pytest.raises(KeyFileError, match=r"expected the director's key at .*director.key, found no file"):
        read(tmp_path / "director.key")
    with pytest.raises(KeyFileError, match=r"cannot be read: Is a directory"):
        read(tmp_path)


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 10_000, b'{"version": 1}', b"-----BEGIN OPENSSH PRIVATE KEY-----\n"],
)
def test_another_file_is_told_from_a_key(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "director.key"
    path.write_bytes(data)
    with pytest.raises(DamagedKey, match=r"found another file or a damaged one. Take the copy"):
        read(path)


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "director.key"
    with path.open("wb") as file:
        file.truncate(1 << 34)
    with pytest.raises(DamagedKey):
        read(path)


def test_no_bit_of_the_file_can_be_damaged_unnoticed() -> None:
    raw = GOLDEN.encode()
    taken = []
    for at in range(len(raw)):
        for bit in range(8):
            try:
                parse_key_text(raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :])
            except ValueError:
                continue
            taken.append((at, bit))
    assert taken == []


def forged(**changes: object) -> bytes:
    """Return the file with other members and a checksum that fits; `kdf_` before a name means one of the cost."""
    said: dict[str, Any] = json.loads(GOLDEN)
    del said["checksum"]
    for member, value in changes.items():
        if member.startswith("kdf_"):
            said["kdf"][member.removeprefix("kdf_")] = value
        else:
            said[member] = value
    return json.dumps(module._with_checksum(said)).encode()


def test_the_forger_of_these_tests_makes_files_that_are_read() -> None:
    assert parse_key_text(forged()) == parse_key_text(GOLDEN.encode())


@pytest.mark.parametrize(
    "changes",
    [
        {"kdf_memory_kib": 100 * 1024 * 1024},
        {"kdf_memory_kib": 256 * 1024 + 1},
        {"kdf_memory_kib": 8},
        {"kdf_memory_kib": 65536.0},
        {"kdf_memory_kib": "65536"},
        {"kdf_passes": 17},
        {"kdf_passes": 0},
        {"kdf_passes": True},
        {"kdf_passes": 10**400},
        {"kdf_lanes": 17},
        {"kdf_lanes": -1},
        {"kdf_name": "scrypt"},
        {"kdf_salt": ""},
        {"kdf_salt": "AAAA" * 1000},
        {"kdf_salt": None},
        {"kdf_more": 1},
        {"kdf": []},
        {"version": 2},
        {"version": 1.0},
        {"cipher": "none"},
        {"nonce": ""},
        {"nonce": 12},
        {"ciphertext": ""},
        {"ciphertext": "ключ"},
        {"public": "ssh-ed25519 AAAA"},
        {"public": 1},
        {"more": 1},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_a_file_cannot_ask_for_what_no_key_needs(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        parse_key_text(forged(**changes))


OTHER_PUBLIC = public_text(Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key())


@pytest.mark.parametrize(
    "changes",
    [
        {"public": OTHER_PUBLIC},
        {"kdf_passes": 2},
        {"kdf_memory_kib": 32 * 1024},
        {"kdf_lanes": 2},
        {"kdf_salt": b64encode(bytes(16)).decode()},
        {"nonce": b64encode(bytes(12)).decode()},
        {"ciphertext": b64encode(bytes(48)).decode()},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_file_that_was_changed_with_its_checksum_does_not_open(changes: dict[str, object]) -> None:
    """Above all not under another public key: the director would sign as somebody else."""
    with pytest.raises(WrongPassphrase):
        parse_key_text(forged(**changes)).unlock(PASSPHRASE)


def test_a_key_that_is_not_the_one_on_the_label_is_refused(locked: KeyFile) -> None:
    label = replace(locked, public=OTHER_PUBLIC)
    cipher = module._cipher(PASSPHRASE, label)
    liar = replace(label, ciphertext=cipher.encrypt(label.nonce, SEED, module._readable(label)))
    with pytest.raises(DamagedKey, match="holds another private key than it says"):
        liar.unlock(PASSPHRASE)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
@example(b'{"kdf": {"passes": 1, "memory_kib": 8192, "lanes": 1, "salt": ""}, "public": null}')
def test_garbage_is_refused_as_such(data: bytes) -> None:
    with pytest.raises(ValueError):
        parse_key_text(data)


@given(st.sampled_from(sorted(json.loads(GOLDEN))), json_values)
def test_no_member_can_be_anything_else(member: str, value: object) -> None:
    said = json.loads(GOLDEN)
    assume(json.dumps(value) != json.dumps(said[member]))
    with pytest.raises(ValueError):
        parse_key_text(json.dumps(said | {member: value}).encode())
