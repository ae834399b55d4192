"""`cache flush` reaches every worker, and says when it did not."""

import socket
from pathlib import Path

import pytest

from cli.cache import cache
from cli.control import ControlError, ask, read_listening, worker_sockets
from tests.cli.fakes import FakeWorker, as_line, installation, pretend_listening, run, status_worker


def test_every_worker_forgets_the_name(tmp_path: Path) -> None:
    pretend_listening(tmp_path / "run", workers=2)
    with status_worker(tmp_path / "run", 0) as first, status_worker(tmp_path / "run", 1) as second:
        result = run(cache, installation(tmp_path), "flush", "Example.ORG.")
    assert result.exit_code == 0, result.output
    assert result.output == "example.org: 6 answers forgotten\n"
    assert first.asked == second.asked == [{"do": "flush", "name": "example.org"}]


def test_all_is_the_empty_name(tmp_path: Path) -> None:
    pretend_listening(tmp_path / "run")
    with status_worker(tmp_path / "run") as worker:
        result = run(cache, installation(tmp_path), "flush", "--all")
    assert result.output == "the whole cache: 3 answers forgotten\n"
    assert worker.asked == [{"do": "flush", "name": ""}]


@pytest.mark.parametrize("arguments", [("flush",), ("flush", "example.org", "--all"), ("flush", "http://example.org/")])
def test_misuse_is_exit_status_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = run(cache, installation(tmp_path), *arguments)
    assert result.exit_code == 2
    assert "expected" in result.stderr


def test_without_a_server_there_is_nothing_to_forget(tmp_path: Path) -> None:
    result = run(cache, installation(tmp_path), "flush", "example.org")
    assert result.exit_code == 1
    assert "expected a running server" in result.stderr


def test_a_worker_that_refuses_is_named(tmp_path: Path) -> None:
    pretend_listening(tmp_path / "run", workers=2)
    with (
        status_worker(tmp_path / "run", 0),
        FakeWorker(tmp_path / "run", 1, lambda _request: as_line({"error": "cannot"})),
    ):
        result = run(cache, installation(tmp_path), "flush", "example.org")
    assert result.exit_code == 1
    assert "3 answers forgotten" in result.stdout
    assert "worker 1: cannot" in result.stderr


def test_a_missing_worker_is_named(tmp_path: Path) -> None:
    pretend_listening(tmp_path / "run", workers=2)
    with status_worker(tmp_path / "run", 0):
        result = run(cache, installation(tmp_path), "flush", "example.org")
    assert result.exit_code == 1
    assert "expected 2 control sockets" in result.stderr


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"", "do not end"),
        (b"{}", "do not end"),
        (b"\xff\n", "something else"),
        (b"[]\n", "JSON object"),
        (b'{"error": "no such request"}\n', "no such request"),
    ],
)
def test_a_strange_answer_becomes_one_error(tmp_path: Path, answer: bytes, expected: str) -> None:
    with FakeWorker(tmp_path, 0, lambda _request: answer), pytest.raises(ControlError, match=expected):
        ask(tmp_path / "worker-0.sock", {"do": "status"})


def test_a_socket_without_a_process_is_an_error(tmp_path: Path) -> None:
    with status_worker(tmp_path):
        pass
    with pytest.raises(ControlError, match="gone"):
        ask(tmp_path / "worker-0.sock", {"do": "status"})


def test_a_worker_that_hangs_is_given_up(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as hanging:
        hanging.bind(str(tmp_path / "worker-0.sock"))
        hanging.listen()
        with pytest.raises(ControlError, match="no answer within"):
            ask(tmp_path / "worker-0.sock", {"do": "status"}, timeout=0.05)


def test_sockets_are_found_by_number_and_other_files_left_alone(tmp_path: Path) -> None:
    for name in ("worker-10.sock", "worker-2.sock", "worker-x.sock", "listening.json"):
        (tmp_path / name).touch()
    assert list(worker_sockets(tmp_path)) == [2, 10]
    assert worker_sockets(tmp_path / "nowhere") == {}
    assert read_listening(tmp_path / "nowhere") is None
