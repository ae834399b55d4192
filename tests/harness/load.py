"""Clients that ask without pause in threads of their own and remember every answer they got."""

import itertools
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.harness import wire
from tests.harness.client import Address, Udp

Namer = Callable[[int, int], str]
"""Client and count -> the name to ask."""


class Load:
    """Some clients, each with a few questions in flight, until told to stop."""

    def __init__(self, server: Address, name: Namer, *, clients: int = 3, window: int = 8, pause: float = 0.0) -> None:
        self.answers: dict[str, bytes] = {}
        """Name -> the first answer that a client got."""
        self.sent = 0
        self.lost: list[str] = []
        """Names whose answer did not come within the patience of a client (and its one retry)."""
        self.failed: list[str] = []
        """Names that were answered with an error."""
        self._server, self._name, self._window, self._pause = server, name, window, pause
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask nothing new, wait for what is on its way."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self, number: int) -> None:
        counter = itertools.count()
        with Udp(self._server, f"127.0.20.{number + 1}") as client:
            while not self._stopping.is_set():
                names = {n: self._name(number, next(counter)) for n in range(self._window)}
                self._ask(client, names)
                if self._pause:
                    time.sleep(self._pause)

    def _ask(self, client: Udp, names: dict[int, str]) -> None:
        waiting = dict(names)
        base = (self.sent * 131) % 60000
        for patience in (3.0, 8.0):  # a stub resolver asks again, too
            for n, name in waiting.items():
                client.send(wire.query(name, qid=base + n))
            found = client.collect({base + n for n in waiting}, patience)
            for qid, message in found.items():
                name = waiting.pop(qid - base, "")
                if name:
                    self._take(name, message)
            if not waiting:
                break
        with self._lock:
            self.sent += len(names)
            self.lost += waiting.values()

    def _take(self, name: str, message: bytes) -> None:
        # An answer to an older question with the same id would not have this name.
        if wire.question_of(message)[:-4].lower() != wire.name_wire(name).lower():
            return
        with self._lock:
            self.answers.setdefault(name, message)
            if wire.rcode_of(message) not in (wire.NOERROR, wire.NXDOMAIN):
                self.failed.append(name)
