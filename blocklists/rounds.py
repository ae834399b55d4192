"""One round of the refresher: fetch what is due and publish it."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from blocklists.asked import Asked
from blocklists.errors import ListError
from blocklists.note import Note
from blocklists.publish import Limits, rebuild
from blocklists.refresh import Outcome, Result, chosen
from blocklists.sources import Source, load_sources

Refresh = Callable[[Source], Outcome]
"""Fetches one list and puts its text in place if it is good."""


@dataclass(slots=True)
class Round:
    """Fetches all lists, or those that failed last time, then rebuilds."""

    lists_folder: Path
    refresh: Refresh
    limits: Limits
    asked: Callable[[], Asked]
    say: Callable[[str], None]
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def run(self, before: Note, *, all_lists: bool) -> Note:
        """Run and return the note of it. What goes wrong stands in the note; only a broken disk raises (OSError)."""
        changed: list[str] = []
        failed: list[str] = []
        reached = False
        error = ""
        try:
            for source in self._due(before, all_lists=all_lists):
                outcome = self.refresh(source)
                self._tell(outcome)
                if outcome.result is Result.FAILED:
                    failed.append(source.id)
                    continue
                # A file or a list that comes with the program says nothing about the line.
                reached = reached or source.location.startswith(("https:", "http:"))
                if outcome.result is Result.CHANGED:
                    changed.append(source.id)
            note = self._published(before)
        except ListError as failure:
            error = str(failure)
            self.say(f"the lists could not be compiled: {error}")
            note = before
        now = self.clock().isoformat(timespec="seconds")
        well = not failed and not error
        return replace(
            note,
            pid=os.getpid(),
            running=False,
            good=now if (well or reached) and all_lists else before.good,
            tried=now,
            failures=0 if well else before.failures + 1,
            changed=tuple(changed),
            failed=tuple(failed),
            error=error,
        )

    def _due(self, before: Note, *, all_lists: bool) -> Sequence[Source]:
        if all_lists:
            return chosen(self.lists_folder, ())
        return [each for each in load_sources(self.lists_folder) if each.enabled and each.id in before.failed]

    def _published(self, before: Note) -> Note:
        done = rebuild(self.lists_folder, asked=self.asked(), limits=self.limits)
        for problem in done.problems:
            self.say(f"{'refused: ' if problem.refuses else ''}{problem.words()}")
        if done.changed:
            self.say(f"{done.manifest.names} names are in force (generation {done.manifest.generation})")
        return replace(
            before, generation=done.manifest.generation, published=done.changed, refused=done.refused, error=""
        )

    def _tell(self, outcome: Outcome) -> None:
        source = outcome.source
        if outcome.result is Result.FAILED:
            self.say(f"{source.id}: the last good text stays: {source.last_error}")
        elif outcome.result is Result.CHANGED:
            self.say(f"{source.id}: changed: {source.rules} rules")
