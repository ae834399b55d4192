"""When the interpreter looks for reference cycles: a little at a time, and thoroughly while nobody asks.

Everything on the path of a query is freed by counting references, so there is little to find: asyncio leaves some
objects behind for each TCP connection. To look through full caches takes a tenth of a second; what has been looked at
once is therefore put aside (gc.freeze), so that only what is new costs time.
"""

import gc

MOUTHFUL = 10_000
"""Objects made and not freed since the last look, from which it is looked at them: 3 ms."""
WORTHWHILE = 50_000
"""Objects put aside since all was looked at, before which a quiet second is not used for it."""
TOO_MANY = 300_000
"""As many more than last time have been put aside: all is looked at whoever asks, for some may be garbage by now.

30 MB, and a tenth of a second. Full caches come to that once, while they fill.
"""


class Garbage:
    """Decides when to collect. Asked once a second."""

    def __init__(self) -> None:
        self._queries = -1
        self._aside = 0
        """Objects put aside since all was looked at; those freed since are counted as well."""
        self._counted = 0
        """Of these, how many there were when those put aside were last counted."""
        self._lasting = 0
        """Objects that were left when all was looked at."""

    def begin(self) -> None:
        """Take over from the interpreter."""
        gc.disable()
        self._look_at_all()

    def look(self, queries: int) -> bool:
        """Collect if it is time, given how many queries have come since the start; whether it was."""
        quiet, self._queries = queries == self._queries, queries
        made = gc.get_count()[0]
        if quiet and self._aside + made > WORTHWHILE:
            self._look_at_all()
        elif made > MOUTHFUL:
            gc.collect()
            gc.freeze()
            self._aside += made
            if self._aside - self._counted > TOO_MANY:
                self._counted = self._aside
                if gc.get_freeze_count() - self._lasting > TOO_MANY:  # walks over all of them: 3 ms
                    self._look_at_all()
        else:
            return False
        return True

    def _look_at_all(self) -> None:
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._aside = self._counted = 0
        self._lasting = gc.get_freeze_count()
