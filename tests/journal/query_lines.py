"""Lines of the query log as tests of the incident rules write them, and what the rules make of them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from journal.detection.folding import Folding, Found
from journal.detection.rules import Rules

ZONE = timezone(timedelta(hours=5))
BEGIN = datetime(2026, 11, 28, 9, tzinfo=ZONE)

Line = tuple[bytes, ...]


def at(seconds: float) -> str:
    """Return the time column so many seconds after the beginning."""
    return (BEGIN + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def line(
    seconds: float,
    name: str,
    category: str,
    *,
    client: str = "10.0.0.1",
    group: str = "pupils",
    action: str = "block",
    reason: str = "category",
    type_: str = "A",
    device: str = "lab-1",
) -> Line:
    """Return one line, split."""
    columns = (at(seconds), client, device, "214", group, name, type_, action, reason, category, "list", "NOERROR")
    return tuple(each.encode() for each in (*columns, "policy", "0.1"))


def visit(seconds: float, name: str, category: str, **others: str) -> list[Line]:
    """Return what a browser asks for when somebody goes to a closed site: three types, and once more a second later."""
    return [
        line(seconds + late + number * 0.01, name, category, type_=type_, **others)
        for late in (0, 1)
        for number, type_ in enumerate(("A", "AAAA", "HTTPS"))
    ]


def search(seconds: float, *, client: str = "10.0.0.1") -> list[Line]:
    """Return a look-up of a search engine."""
    return [line(seconds, "www.google.com", "", client=client, action="rewrite", reason="safe-search")]


class Ledger:
    """Keeps incidents as a journal does: entered once, told again with totals."""

    def __init__(self) -> None:
        self.found: list[Found] = []
        self.folds: dict[str, str] = {}

    def collect(self, folding: Folding) -> None:
        """Take what is to be written now."""
        for each in folding.found():
            self.found.append(each)
            folding.entered(each.key, len(self.found))
        for repeat in folding.repeats():
            before = self.found[repeat.record - 1]
            self.found[repeat.record - 1] = replace(
                before,
                last=repeat.last,
                queries=repeat.queries,
                names=repeat.names,
                signs=tuple(dict.fromkeys((*before.signs, *repeat.signs))),
                asked=repeat.asked,
            )
        for client, state in folding.changed().items():
            if state:
                self.folds[client] = state
            else:
                self.folds.pop(client, None)


def judged(lines: Iterable[Line], rules: Rules | None = None, cuts: Sequence[int] = ()) -> list[Found]:
    """Return the incidents as they stand in the end; at each cut everything is written, and read anew."""
    rules = rules or Rules()
    ordered = sorted(lines, key=lambda each: each[0])
    ledger = Ledger()
    folding = Folding(rules, {})
    for number, each in enumerate(ordered):
        if number in cuts:
            folding.settle(each[0].decode())
            ledger.collect(folding)
            folding = Folding(rules, ledger.folds)
        folding.take(each)
    folding.settle(at(10 * 86_400))
    ledger.collect(folding)
    assert ledger.folds == {}, "something is remembered of clients that were quiet for days"
    return ledger.found
