"""What a large school's policy costs: 2,000 devices, 50 rooms, 5,000 signed orders, 20,000 entries, a timetable."""

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path
from statistics import median
from threading import Thread

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench import load, ours
from bench.plan import SMALL, Bench
from bench.results import Outcome, Section, Target
from bench.rounds import ask_all, hit_names
from policy import devices, rooms
from policy.calendar import Slot
from policy.calendar_bodies import body
from policy.decide import decide
from policy.decision import Listing
from policy.ledger import GENESIS, NAMESPACE, Sealed, seal
from policy.order_text import order_bytes
from policy.orders import Addition, Order, OrderKind
from policy.rooms import Lesson, Room
from policy.snapshot import Place
from policy.sshsig import fingerprint, public_text, sign
from policy.timetable import Minutes
from resolver.worker import SWITCH_SECONDS
from storage.approval_db import ApprovalDb
from storage.pin import write_pin
from storage.policy_db import PolicyDb, open_policy
from storage.policy_load import DEVICE, LESSON, ROOM, Loaded, PolicyLoader

DEVICES, ROOMS, ORDERS, ENTRIES, SLOTS = 2_000, 50, 5_000, 20_000, 1_500
LESSONS_RATE = 20_000
"""Queries a second while lessons begin and end: far more than a school asks."""
_TURN_SECONDS = 0.001
_NOW = datetime(2026, 9, 2, 9, 0, tzinfo=UTC)


@dataclass(slots=True)
class Turns:
    """The longest time for which a loop did something else: what an answer would have had to wait."""

    longest: float = 0.0

    async def watch(self) -> None:
        """Wake a thousand times a second, as a worker of a busy school does, and note the latest awakening."""
        while True:
            due = time.perf_counter() + _TURN_SECONDS
            await asyncio.sleep(_TURN_SECONDS)
            self.longest = max(self.longest, time.perf_counter() - due)


def school(bench: Bench) -> Outcome:
    """Build the policy of a large school, decide by it, and let lessons begin and end under load."""
    if not bench.with_ours:
        return Outcome(())
    folder = bench.work / "school"
    folder.mkdir()
    bench.say(f"setting up a school with {ORDERS:,} signed orders")
    pinned = asyncio.run(_fill(folder / "policy.db"))
    bench.say("building the policy of a large school")
    cold, warm, turn, loaded = asyncio.run(_build(folder / "policy.db", pinned))
    figures = _figures(loaded)
    rows = [
        ("first build, every signature verified", f"{cold:.2f} s"),
        ("build after a change", f"{warm:.2f} s"),
        ("longest time for which answers wait during both", f"{turn * 1000:.1f} ms"),
        *((label, f"{value * 1e6:.2f} µs") for label, value in figures.items()),
    ]
    lessons = _lessons(bench)
    return Outcome(
        (
            Section(
                "The policy of a large school",
                f"{DEVICES:,} devices, {ROOMS} rooms, {ORDERS:,} orders signed with Ed25519, {ENTRIES:,} entries, "
                f"{SLOTS:,} lessons in the weekly timetable. Built by the code that a worker runs; a change of policy "
                "is read and verified between answers.",
                ("what", "time"),
                tuple(rows),
            ),
            lessons[0],
        ),
        (
            Target(f"policy built, {ORDERS:,} orders, first time", 1.0, "s", cold),
            Target(f"policy built, {ORDERS:,} orders, after a change", 1.0, "s", warm),
            Target("decision on a miss, dearest kind", 10.0, "µs", max(figures[each] for each in _DECISIONS) * 1e6),
            *lessons[1],
        ),
    )


async def _fill(path: Path) -> str:
    """Write the policy; return the fingerprint of the key that signed its orders."""
    policy = await open_policy(path)
    puts = [(ROOM, f"room-{n}", rooms.body_of(_room(n))) for n in range(ROOMS)]
    puts += [(DEVICE, f"device-{n}", devices.body(_device(n))) for n in range(DEVICES)]
    puts += [("slot", f"slot-{n}", body(_slot(n))) for n in range(SLOTS)]
    await policy.change_objects("bench", puts, at=_NOW, by="bench")
    key = Ed25519PrivateKey.generate()
    orders = _orders(key)
    await ApprovalDb(policy).enter(1, orders, detail={}, document="", at=_NOW, by="bench")
    public = public_text(key.public_key())
    write_pin(path.parent, public)
    return fingerprint(public)


def _room(number: int) -> Room:
    return Room(f"room-{number}", f"Room {number}", (_network(number),))


def _network(number: int) -> IPv4Network:
    return IPv4Network(f"10.1.{number}.0/24")


def _device(number: int) -> devices.Device:
    address = f"10.1.{number % ROOMS}.{number // ROOMS + 10}"
    mac = ":".join(f"{octet:02x}" for octet in (2, 0, *number.to_bytes(4)))
    return devices.Device(f"device-{number}", f"Device {number}", "pupils", None, (address,), (mac,))


def _slot(number: int) -> Slot:
    day, place = divmod(number, SLOTS // 5)
    room, hour = place % ROOMS, place // ROOMS
    begin = 8 * 60 + hour * 55
    return Slot(
        id=f"slot-{number}", weekdays=frozenset({day}), window=Minutes(begin, begin + 45), room=f"room-{room}",
        group=None, level=None, teacher=f"Teacher {number % 70}", title="",
    )  # fmt: skip


def _orders(key: Ed25519PrivateKey) -> list[Sealed]:
    previous, found = GENESIS, []
    each = ENTRIES // (ORDERS - 1) + 1
    for sequence in range(1, ORDERS + 1):
        first = sequence == 1
        order = Order(
            sequence=sequence,
            kind=OrderKind.KEY if first else OrderKind.ORDER,
            number="" if first else str(sequence),
            date=date(2026, 9, 1),
            previous=previous,
            additions=()
            if first
            else tuple(Addition(f"site-{sequence}-{n}.example.org", reason="lessons") for n in range(each)),
            key=public_text(key.public_key()) if first else "",
            entered_at=_NOW,
            entered_by="bench",
            school="School",
        )
        sealed = seal(order, sign(key, NAMESPACE, order_bytes(order)))
        previous = sealed.digest
        found.append(sealed)
    return found


async def _build(path: Path, pinned: str) -> tuple[float, float, float, Loaded]:
    # As in a worker: other threads give way soon, and the collector waits for a quiet second (resolver/garbage.py).
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.disable()
    turns = Turns()
    watching = asyncio.create_task(turns.watch())
    await asyncio.sleep(0)
    loader = PolicyLoader(PolicyDb(path), signed=True, pinned=pinned)
    times = []
    for _ in range(4):
        begun = time.perf_counter()
        loaded = await loader.load(())
        times.append(time.perf_counter() - begun)
    watching.cancel()
    return times[0], median(times[1:]), turns.longest, loaded


_DECISIONS = ("decide: a name nobody speaks of", "decide: on the director's list", "decide: in two categories")


def _figures(loaded: Loaded) -> dict[str, float]:
    """Return seconds for each kind of work that a change of hour or a miss needs."""
    policy = loaded.snapshot.at(_NOW)
    view = policy.view(Place("pupils", "room-7"))
    lesson = view.varied(level=policy.groups["pupils"].level)
    listings = (Listing("a", "games", "example.net"), Listing("b", "social", "www.example.net"))
    address = [f"10.1.{n % ROOMS}.{n % 40 + 10}" for n in range(1000)]
    return {
        _DECISIONS[0]: _each(lambda n: decide(lesson, f"www.n{n}.example.com", ())),
        _DECISIONS[1]: _each(lambda n: decide(lesson, f"www.site-{n % 4000 + 2}-1.example.org", ())),
        _DECISIONS[2]: _each(lambda _: decide(lesson, "www.example.net", listings)),
        "a new client: device, room, group, view": _each(lambda n: policy.view(policy.place_of(address[n % 1000]))),
        "the policy of another minute": _each(lambda n: loaded.snapshot.at(_NOW + timedelta(minutes=n)), 200),
        "when it changes next": _each(lambda n: loaded.snapshot.next_change(_NOW + timedelta(minutes=n)), 200),
    }


def _each(work: Callable[[int], object], count: int = 5_000) -> float:
    begun = time.perf_counter()
    for number in range(count):
        work(number)
    return (time.perf_counter() - begun) / count


def _lessons_by_turns(policy: PolicyDb, room: str) -> None:
    """Begin and end a lesson, in which a name is closed, three times."""
    for _ in range(3):
        now = datetime.now(UTC)
        lesson = Lesson("bench", room, "Teacher", now, now + timedelta(hours=1), closed=("closed.example.org",))
        puts = [(LESSON, lesson.id, rooms.body_of(lesson))]
        asyncio.run(policy.change_objects("bench", puts, at=now, by="bench"))
        time.sleep(0.5)
        asyncio.run(policy.change_objects("bench", (), [(LESSON, lesson.id)], at=datetime.now(UTC), by="bench"))
        time.sleep(0.5)


def _lessons(bench: Bench) -> tuple[Section, tuple[Target, ...]]:
    """Let lessons begin and end in fifty rooms while queries come in without a pause."""
    installation = bench.installation(SMALL)
    policy = PolicyDb(installation.state / "policy.db")
    room = Room("all", "Everybody", (IPv4Network("127.0.0.0/8"),), supervised=False)
    asyncio.run(
        policy.change_objects("bench", [(ROOM, room.id, rooms.body_of(room))], at=datetime.now(UTC), by="bench")
    )
    file = hit_names(bench)
    rows: list[tuple[str, ...]] = []
    lost = wait = 0.0
    with ours.schoolfilter(installation) as server:
        ask_all(server, file)
        for meanwhile in ("nothing", "lessons begin and end"):
            bench.say(f"lessons: {meanwhile}, under {LESSONS_RATE:,} queries/s")
            work = Thread(target=_lessons_by_turns, args=(policy, room.id))
            if rows:
                work.start()
            answers = load.own(bench.work, server.port, file, bench.plan.publish_seconds / 3, rate=LESSONS_RATE)
            if rows:
                work.join()
                lost, wait = float(answers.sent - answers.answered), answers.max_us / 1000
            rows.append(
                (meanwhile, f"{answers.sent:,}", f"{answers.sent - answers.answered:,}",
                 f"{answers.p99_us / 1000:.2f}", f"{answers.max_us / 1000:.1f}")
            )  # fmt: skip
    section = Section(
        "Lessons under load",
        f"{LESSONS_RATE:,} queries a second at random moments from a room in which meanwhile three lessons begin and "
        "end: six changes of policy that are read, verified and put in force.",
        ("meanwhile", "sent", "lost", "p99 ms", "longest ms"),
        tuple(rows),
    )
    return section, (
        Target("queries lost while lessons begin and end", 0, "", lost),
        Target("longest wait for an answer meanwhile", 20.0, "ms", wait),
    )
