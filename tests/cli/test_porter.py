"""The porter: files that a command writes become the person's, where they may write, and nothing else is touched."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cli.handout import NoPlaceError, confidential, hand_out
from cli.main import COMMANDS, cli
from cli.porter import VARIABLE, may_make, serve

ROOT = Path(__file__).parents[2]
PERSON, FILTER = 61001, 61002
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

PROGRAM = f"""
import os, sys, time
from pathlib import Path
from cli.handout import confidential, hand_out
os.setgroups([]); os.setresgid({FILTER}, {FILTER}, {FILTER}); os.setresuid({FILTER}, {FILTER}, {FILTER})
try:
    with confidential(Path(sys.argv[2])) as file:
        file.write(b"names of pupils")
        file.flush()
        if "--wait" in sys.argv:
            print("begun", flush=True)
            time.sleep(60)
        if "--die" in sys.argv:
            os.kill(os.getpid(), 9)
    hand_out(Path("x.csv"), b"for all")
except Exception as error:
    sys.exit(f"{{type(error).__name__}}: {{error}}")
"""
"""What stands for the command: it drops its rights as the wrapper makes it do."""


@pytest.fixture
def home() -> Iterator[Path]:
    """A home folder into which only the person may look; pytest's own folders are closed to all but root."""
    folder = Path(tempfile.mkdtemp(prefix="porter-", dir="/tmp"))
    os.chown(folder, PERSON, PERSON)
    yield folder
    shutil.rmtree(folder)


def begin(path: Path, *options: str, porter: bool = True, sudo: bool = True) -> subprocess.Popen[str]:
    """Start the command as `sudo schoolfilter` does, in the folder of the file."""
    person = {"SUDO_UID": str(PERSON), "SUDO_GID": str(PERSON)} if sudo else {}
    program = [sys.executable, "-c", PROGRAM, "--output", str(path), *options]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "cli.porter", *program] if porter else program,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], **person},
        cwd=path.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(command: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for it; return its status and what it complained of."""
    _out, complaint = command.communicate(timeout=30)
    return command.returncode, complaint


@as_root
def test_a_file_in_the_persons_own_home_is_theirs_and_nobody_elses(home: Path) -> None:
    assert ended(begin(home / "x.zip")) == (0, "")
    found = (home / "x.zip").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (PERSON, PERSON, 0o600)
    assert (home / "x.zip").read_bytes() == b"names of pupils"
    public = (home / "x.csv").stat()
    assert (public.st_uid, stat.S_IMODE(public.st_mode)) == (PERSON, 0o644)
    assert sorted(each.name for each in home.iterdir()) == ["x.csv", "x.zip"]


@as_root
def test_root_itself_gets_a_file_of_roots(tmp_path: Path) -> None:
    assert ended(begin(tmp_path / "x.zip", sudo=False)) == (0, "")
    assert (tmp_path / "x.zip").stat().st_uid == 0


@as_root
def test_without_the_porter_the_home_is_closed_and_the_message_says_where_to_write(home: Path) -> None:
    status, complaint = ended(begin(home / "x.zip", porter=False))
    assert status == 1
    assert "NoPlaceError" in complaint
    assert "--output /tmp" in complaint
    assert list(home.iterdir()) == []


@as_root
def test_a_link_that_somebody_laid_there_is_not_written_through(home: Path, tmp_path: Path) -> None:
    (home / "x.zip").symlink_to(tmp_path / "passwd")
    status, complaint = ended(begin(home / "x.zip"))
    assert (status, complaint.split(":")[0]) == (1, "FileExistsError")
    assert list(tmp_path.iterdir()) == []


@as_root
def test_the_person_does_not_get_roots_rights(home: Path, tmp_path: Path) -> None:
    folder = home / "theirs"
    folder.mkdir(mode=0o755)  # root's
    status, complaint = ended(begin(folder / "x.zip"))
    assert (status, complaint.split(":")[0]) == (1, "NoPlaceError")
    assert list(folder.iterdir()) == []


@as_root
def test_where_only_the_filter_may_write_the_file_is_its_own_as_before(home: Path) -> None:
    folder = home / "state"
    folder.mkdir()
    os.chown(folder, FILTER, FILTER)
    home.chmod(0o755)
    assert ended(begin(folder / "x.zip")) == (0, "")
    assert (folder / "x.zip").stat().st_uid == FILTER


@as_root
def test_a_command_that_is_killed_leaves_nothing_and_its_status_is_told(home: Path) -> None:
    assert ended(begin(home / "x.zip", "--die")) == (128 + signal.SIGKILL, "")
    assert list(home.iterdir()) == []


@as_root
def test_sigterm_reaches_the_command_and_leaves_nothing(home: Path) -> None:
    command = begin(home / "x.zip", "--wait")
    assert command.stdout is not None
    assert command.stdout.readline() == "begun\n"
    assert len(list(home.iterdir())) == 1
    command.terminate()
    assert ended(command) == (128 + signal.SIGTERM, "")
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("file", ["x.zip", "journal-2026-001-ru.pdf"])
def test_sigterm_ends_what_is_half_written_without_a_porter(tmp_path: Path, file: str) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as raised, confidential(tmp_path / file):
        os.kill(os.getpid(), signal.SIGTERM)
    assert raised.value.code == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(
    ("path", "arguments", "allowed"),
    [
        ("/home/a/x.zip", ("log", "export", "--output", "/home/a/x.zip"), True),
        ("/home/a/x.zip", ("log", "export", "--output=/home/a/x.zip"), True),
        ("any name", ("log", "export", "--output", "any name"), True),
        ("/home/a/act-2026-001-ru.pdf", ("act", "--output", "/home/a"), True),
        ("log-2026-09-01_2026-09-30.zip", ("log", "export", "--today"), True),
        ("/home/a/x.zip", ("log", "export", "--reason", "/home/a/x.zip"), False),
        ("/home/a/.bashrc", ("act", "--output", "/home/a"), False),
        (".profile", ("log", "export", "--today"), False),
        ("/home/a/.ssh/x.pdf", ("act", "--output", "/home/a"), False),
        ("/home/a/../b/x.pdf", ("act", "--output", "/home/a"), False),
        ("x.pdf.desktop", ("act",), False),
        ("x.pdf\n", ("act",), False),
        ("/home/a/order-7.json", ("orders", "export", "7", "--output", "/home/a"), False),
    ],
)
def test_only_what_was_named_and_papers_beside_it_may_be_made(
    path: str, arguments: tuple[str, ...], allowed: bool
) -> None:
    assert may_make(Path(path), ("setpriv", "--", "/opt/schoolfilter", *arguments)) is allowed


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Thread]:
    """A porter in a thread, for a command that may write into `tmp_path / "out"`, and the way to it."""
    (tmp_path / "out").mkdir()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    porter = threading.Thread(target=serve, args=(ours, ("act", "--output", str(tmp_path / "out"))))
    porter.start()
    monkeypatch.setenv(VARIABLE, str(theirs.fileno()))
    yield porter
    theirs.close()
    porter.join(timeout=10)
    ours.close()
    assert not porter.is_alive()


def test_an_error_leaves_nothing_and_the_porter_goes_on(served: threading.Thread, tmp_path: Path) -> None:
    path = tmp_path / "out" / "act-2026-001-ru.pdf"
    with pytest.raises(ZeroDivisionError), confidential(path) as file:
        file.write(b"half" * (1 // 0))
    assert list(path.parent.iterdir()) == []
    with confidential(path) as file:
        file.write(b"whole")
    assert path.read_bytes() == b"whole"
    with pytest.raises(FileExistsError), confidential(path):
        raise AssertionError("nothing is written")
    hand_out(path, b"replaced")
    assert path.read_bytes() == b"replaced"
    assert list(path.parent.iterdir()) == [path]


def test_what_the_porter_may_not_make_the_command_makes_itself(served: threading.Thread, tmp_path: Path) -> None:
    hand_out(tmp_path / "allowed_signers", b"key")
    assert (tmp_path / "allowed_signers").read_bytes() == b"key"


def test_a_place_that_is_closed_is_told_with_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(NoPlaceError, match=r"Permission denied.*--output /tmp"):
        hand_out(tmp_path / "list.pdf", b"")


WRAPPER = (ROOT / "deploy/schoolfilter.sh").read_text("utf-8")


def wrapper_with(folder: Path) -> Path:
    """Write the installed command, with a program that says who it is and whether a porter stands beside it."""
    program = folder / "program"
    program.write_text(f'#!/bin/sh\necho "$(id -u) ${{{VARIABLE}:-none}} $*"\nexit 7\n', "utf-8")
    program.chmod(0o755)
    text = WRAPPER
    for before, after in (
        ("program=/opt/schoolfilter/venv/bin/schoolfilter", f"program={program}"),
        ("python=/opt/schoolfilter/venv/bin/python", f"python={sys.executable}"),
        ("owner=schoolfilter", f"owner={FILTER}"),
        ("--init-groups", "--clear-groups"),  # that user is not in passwd
    ):
        assert before in text
        text = text.replace(before, after)
    wrapper = folder / "wrapper"
    wrapper.write_text(text, "utf-8")
    return wrapper


@as_root
@pytest.mark.parametrize(
    ("arguments", "porter"),
    [
        (("log", "export", "--output", "my log.zip"), True),
        (("--config", "x.toml", "journal", "print", "2026-11"), True),
        (("run",), False),
        (("status",), False),
    ],
)
def test_the_installed_command_gives_up_root_and_starts_a_porter_where_files_are_written(
    home: Path, arguments: tuple[str, ...], porter: bool
) -> None:
    home.chmod(0o755)
    wrapper = wrapper_with(home)
    environ = {**os.environ, "SUDO_UID": str(PERSON), "SUDO_GID": str(PERSON)}
    done = subprocess.run(["sh", str(wrapper), *arguments], env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (7, "")
    user, way, said = done.stdout.rstrip("\n").split(" ", 2)
    assert (int(user), way != "none", said) == (FILTER, porter, " ".join(arguments))


def test_the_installed_command_knows_each_command_that_writes_files_to_carry_away() -> None:
    [words] = [line for line in WRAPPER.splitlines() if line.endswith("writes=yes ;;")]
    known = {each.strip() for each in words.partition(")")[0].split("|")}
    found = dict(_writing(cli, ()))
    assert len(found) > 10
    for path in found:
        # `publish` writes a folder as a whole, `run` and the like nothing of the kind.
        assert path == ("publish",) or known & set(path), path
    assert known <= {word for path in found for word in path}


def _writing(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in COMMANDS if not path else group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _writing(command, (*path, name))
        elif command is not None and any("--output" in each.opts for each in command.params):
            yield (*path, name), command
