"""Fold the blocked lines of the query log into incidents, client by client. Pure.

How the lines are cut into batches changes nothing: what is done at a moment of the log depends on the lines before it
alone, and what is remembered between them is in `changed`.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from heapq import heapify, heappop, heappush, nsmallest
from math import inf

from journal.detection.cases import Case
from journal.detection.remembering import client_of
from journal.detection.rules import AUDIENCES, SEARCHES, Rules
from journal.detection.signs import site_of
from journal.detection.visits import MALWARE, NAME_LETTERS, Touch, Visit
from journal.detection.watching import Client
from journal.incidents import Audience, Rule
from policy.categories import BY_ID, CATEGORIES, Severity
from policy.decision import Action, Why

MOST_CLIENTS = 4_000
"""Clients that are remembered at once; of more, those that are no known device and were quiet for longest are
forgotten: made-up addresses must not push out what pupils did."""
MOST_UNKNOWN = 200
"""Incidents of clients that are no known device, entered within an hour of the log. Whoever makes up addresses must
fill neither journal.db nor the letters of the people who are told. Known devices are few enough by themselves."""
_PUT_BACK = 3600.0
"""Seconds by which lines may come late; if they are older, the clock was put back."""
_MOST_MINUTES = 4_096
_MOST_TURNS = 16
"""So often a client is looked at for what is due at one moment; two are enough for all that a school day brings."""


@dataclass(frozen=True, slots=True)
class Found:
    """An incident to be entered."""

    key: str
    """What `Folding.entered` is told it by."""
    rule: Rule
    severity: str
    category: str
    audience: Audience
    room: str
    group: str
    client: str
    device: str
    first: str
    """As the log has it."""
    last: str
    queries: int
    names: int
    """Different names, as far as they are told apart (`journal.detection.cases.MOST_NAMES`)."""
    signs: tuple[str, ...]
    asked: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """An incident that went on, and how it stands in all."""

    record: int
    last: str
    queries: int
    names: int
    signs: tuple[str, ...]
    asked: tuple[tuple[str, int], ...]


class Folding:
    """All clients."""

    watched = frozenset(name.encode() for name in SEARCHES)
    """Names that matter also when they were allowed."""

    def __init__(self, rules: Rules, kept: Mapping[str, str]) -> None:
        self._rules = rules
        self._clients: dict[str, Client] = {}
        self._touched: set[str] = set()
        self.unreadable = 0
        """Clients whose memory cannot be read and is dropped; whoever tells of it puts this to 0."""
        for name, state in kept.items():
            try:
                self._clients[name] = client_of(state)
            except ValueError:  # damaged, or of a version that knows another rule or category
                self.unreadable += 1
                self._touched.add(name)
        self._minutes: dict[bytes, float] = {}
        self._cases: dict[str, tuple[str, Case]] = {}
        """Those handed out by `found`, by key."""
        self._finished: dict[str, Client] = {}
        """Clients that have an incident to be entered or told again."""
        self._queue: list[tuple[float, str]] = []
        for name, client in self._clients.items():
            client.queued = client.due(rules)
            self._queue.append((client.queued, name))
            if client.cases:
                self._finished[name] = client
        heapify(self._queue)
        self._now = 0.0
        """Until when all is done."""
        self._hour: int | None = None
        self._unknown = 0
        """In which hour of the log an incident was entered last, and how many of clients that are no known device."""
        self._flood: int | None = None
        """The hour in which there was no room for more of them."""
        self.flooded = ""
        """When it was in the log that incidents were left out; whoever tells of it empties this."""
        nuisances = {each.id for each in CATEGORIES if each.severity is Severity.NUISANCE}
        self._nuisances = frozenset(each.encode() for each in nuisances)
        self._grave = {each.id.encode(): each.id for each in CATEGORIES if each.id not in nuisances}
        self._unwatched = frozenset(group.encode() for group in rules.unwatched_groups)

    def take(self, fields: Sequence[bytes]) -> None:
        """Take a line that was not allowed, or whose name is in `watched`; those come in order of time."""
        try:
            self._take(fields)
        except ValueError:  # its time is none: a damaged line tells of nothing
            return

    def _take(self, fields: Sequence[bytes]) -> None:
        category = fields[9]
        if fields[7] == _BLOCK:
            if category in self._nuisances:
                moment = self._moment(fields[0])
                name, client = self._client(fields, moment)
                self._visit(client, moment).nuisance(fields[5].decode("ascii", "replace"), moment)
                self._wake(name, client, moment)
            elif category in self._grave and fields[8] in _REASONS:
                known = self._grave[category]
                if known == MALWARE or fields[4] not in self._unwatched:
                    self._blocked(fields, known)
        elif fields[5] in self.watched and fields[4] not in self._unwatched:
            moment = self._moment(fields[0])
            name, client = self._client(fields, moment)
            client.search = moment
            self._wake(name, client, moment)

    def _blocked(self, fields: Sequence[bytes], category: str) -> None:
        moment = self._moment(fields[0])
        name, client = self._client(fields, moment)
        visit = self._visit(client, moment)
        asked = fields[5].decode("ascii", "replace")[:NAME_LETTERS]
        key = category, site_of(asked)
        touch = visit.touches.get(key)
        visit.last = moment
        text = fields[0].decode("ascii", "replace")
        if touch is not None:
            touch.add(asked, moment, text)
        elif visit.room_for(key):
            device, room, group = (each.decode("ascii", "replace") for each in fields[2:5])
            search = None if client.search is None else moment - client.search
            touch = Touch(category, key[1], moment, text, moment, text, room, group, device, search)
            touch.note(asked)
            visit.touches[key] = touch
        self._wake(name, client, moment)

    def settle(self, now: str) -> None:
        """Do what is due at this moment of the log: no line before it comes any more."""
        with suppress(ValueError):
            self._now = datetime.fromisoformat(now).timestamp()
            self._until(self._now)

    def found(self) -> list[Found]:
        """Return the incidents that are to be entered now, in the order in which they showed."""
        ready = [
            (case.shown, name, case)
            for name, client in self._finished.items()
            for case in client.cases
            if case.shown is not None and not case.record
        ]
        ready.sort(key=lambda each: (each[0], each[1], each[2].rule, each[2].category, each[2].first))
        found = []
        self._cases.clear()
        room: dict[int, int] = {}
        for shown, name, case in ready:
            if not case.device:
                hour = int(shown // 3600)
                left = room.setdefault(hour, MOST_UNKNOWN - (self._unknown if hour == self._hour else 0))
                if left <= 0:
                    self._leave_out(name, case, hour)
                    continue
                room[hour] -= 1
            key = f"{name} {case.rule} {case.category} {case.first_text}"
            while key in self._cases:  # a clock that begins anew at each start shows the same moments again
                key += "+"
            self._cases[key] = name, case
            found.append(_found(key, name, case))
        return found

    def entered(self, key: str, record: int) -> None:
        """Note under which number an incident was entered as `found` had it."""
        name, case = self._cases.pop(key)
        if not case.device and case.shown is not None:
            hour = int(case.shown // 3600)
            self._hour, self._unknown = hour, self._unknown + 1 if hour == self._hour else 1
        case.record = record
        case.written(self._now)
        self._touched.add(name)
        self._put_away(name)

    def repeats(self) -> list[Repeat]:
        """Return how incidents stand that went on; whoever calls writes it down."""
        told = []
        for name, client in list(self._finished.items()):
            for case in client.cases:
                if case.tells(self._now):
                    case.written(self._now)
                    told.append(
                        Repeat(
                            case.record, case.last_text, case.queries, len(case.names), tuple(case.signs), case.asked
                        )
                    )
                    self._touched.add(name)
            self._put_away(name)
        return sorted(told, key=lambda each: (each.record, each.queries))

    def changed(self) -> dict[str, str]:
        """Return what is to be remembered of each client that changed since the last call; empty: nothing any more."""
        changed = {}
        for name in self._touched:
            client = self._clients.get(name)
            state = client.kept() if client is not None else ""
            if client is None or not state:
                self._clients.pop(name, None)
                changed[name] = ""
            else:
                client.stored = True
                changed[name] = state
        self._touched.clear()
        return changed

    # -- clients -------------------------------------------------------------------------------------------------------

    def _client(self, fields: Sequence[bytes], moment: float) -> tuple[str, Client]:
        """Return a client, after all that was due before this moment."""
        if self._queue and self._queue[0][0] <= moment:
            self._until(moment)
        name = fields[1].decode("ascii", "replace")
        client = self._clients.get(name)
        if client is None:
            if len(self._clients) >= MOST_CLIENTS:
                self._forget_some()
            client = self._clients[name] = Client()
        elif moment < client.active - _PUT_BACK:
            client.restart(moment)
            self._finished[name] = client
        client.active = moment
        client.known = client.known or fields[2] != b""
        self._touched.add(name)
        return name, client

    def _visit(self, client: Client, moment: float) -> Visit:
        if client.visit is None:
            client.visit = Visit(moment, moment)
        return client.visit

    def _wake(self, name: str, client: Client, moment: float) -> None:
        """Look at a client again when its visit may be over; later it is seen whether that is so."""
        soon = moment + self._rules.visit_gap
        if client.queued > soon:
            client.queued = soon
            heappush(self._queue, (soon, name))

    def _until(self, moment: float) -> None:
        """Do all that is due, in order of time."""
        queue = self._queue
        while queue and queue[0][0] <= moment:
            due, name = heappop(queue)
            client = self._clients.get(name)
            if client is None or client.queued != due:
                continue
            client.queued = self._advance(client, due)
            self._touched.add(name)
            if client.cases:
                self._finished[name] = client
            if client.empty:
                del self._clients[name]
            elif client.queued < inf:
                heappush(queue, (client.queued, name))

    def _advance(self, client: Client, due: float) -> float:
        """Do what is due now; return when something is due next. What one thing brings about may have been due before.

        A client that does not get on is not asked again until it asks for something: one must not hold up all.
        """
        latest = due
        for _turn in range(_MOST_TURNS):
            client.advance(due, self._rules)
            due = client.due(self._rules)
            if due > latest:
                return due
        return inf

    def _leave_out(self, name: str, case: Case, hour: int) -> None:
        """Forget an incident for which there is no room; the query log holds what was asked for."""
        if self._flood != hour:
            self._flood, self.flooded = hour, case.first_text
        self._clients[name].leave(case)
        self._touched.add(name)
        self._put_away(name)

    def _put_away(self, name: str) -> None:
        """Forget the incidents of a client of which all is written."""
        client = self._finished[name]
        for case in [each for each in client.cases if each.closed and each.record and not each.news]:
            client.leave(case)
            self._touched.add(name)
        if not client.cases:
            del self._finished[name]
            if client.empty:
                self._clients.pop(name, None)

    def _forget_some(self) -> None:
        """Forget some clients, for it takes time: known devices last, before them those with an incident."""
        clients = self._clients

        def worth(name: str) -> tuple[bool, bool, float, str]:
            client = clients[name]
            return client.known, bool(client.cases), client.active, name

        for name in nsmallest(MOST_CLIENTS // 20, clients, key=worth):
            del clients[name]
            self._finished.pop(name, None)
            self._touched.add(name)

    def _moment(self, text: bytes) -> float:
        """Return the seconds of a time column. Raises ValueError for one that is none."""
        minute = text[:16] + text[23:]
        begins = self._minutes.get(minute)
        if begins is None:
            begins = datetime.fromisoformat((text[:16] + b":00" + text[23:]).decode("ascii")).timestamp()
            if len(self._minutes) >= _MOST_MINUTES:
                self._minutes.clear()
            self._minutes[minute] = begins
        return begins + float(text[17:23])


_BLOCK = Action.BLOCK.encode()
_REASONS = frozenset(why.encode() for why in (Why.CATEGORY, Why.LOCKED))
"""Only what a list says of a site: a closed room or lesson closes good sites too, and the canaries of browsers and
phones (Why.BYPASS) ask by themselves."""


def _found(key: str, name: str, case: Case) -> Found:
    return Found(
        key, case.rule, BY_ID[case.category].severity, case.category, AUDIENCES[case.rule], case.room, case.group, name,
        case.device, case.first_text, case.last_text, case.queries, len(case.names), tuple(case.signs), case.asked,
    )  # fmt: skip
