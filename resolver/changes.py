"""Put another policy or other lists in force while questions are answered, a policy without delay."""

import asyncio
from collections.abc import Callable

from policy.snapshot import Snapshot
from resolver.engine import Engine
from resolver.judge import Index

STEP_SECONDS = 0.002
"""Between two steps of a preparation, for answers."""
POLICY_PATIENCE, INDEX_PATIENCE = 0.3, 5.0
"""Seconds for which finished replies are looked through before a change: a policy is to be in force within a second."""


class Changes:
    """Changes of policy and of lists, which may come at the same time: the policy goes first.

    What was prepared for the lists is worthless then and is begun anew, within the same patience.
    """

    def __init__(self, engine: Engine, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock
        self._policies = 0
        """Changes of policy that are being prepared."""

    async def policy(self, snapshot: Snapshot) -> None:
        """Put a policy in force."""
        self._policies += 1
        try:
            prepared = self._engine.prepare(snapshot)
            enough = self._clock() + POLICY_PATIENCE
            while prepared.step() and self._clock() < enough:
                await asyncio.sleep(STEP_SECONDS)
            self._engine.succeed(prepared)
        finally:
            self._policies -= 1

    async def index(self, index: Index) -> None:
        """Put lists in force."""
        enough = self._clock() + INDEX_PATIENCE
        prepared = self._engine.prepare(index)
        while True:
            if not self._policies:
                if prepared.snapshot is not self._engine.snapshot:
                    prepared = self._engine.prepare(index)
                if not prepared.step() or self._clock() >= enough:
                    break
            await asyncio.sleep(STEP_SECONDS)
        self._engine.succeed(prepared)
