"""A school day while it is made: rooms and devices, people who visit pages, programs that ask by themselves."""

from dataclasses import dataclass, field
from random import Random

from bench.traffic_names import APPS, CANARIES, GRAVE, OWN_RESOLVERS, UNRELATED, WIDGETS, Pool, front, part

LESSONS = tuple((8 * 3600 + n * 55 * 60, 8 * 3600 + n * 55 * 60 + 45 * 60) for n in range(7))
"""By the bell, in seconds of the day."""
STAFF = ("teachers", "staff")
_BUSY = 4.0
"""Seconds around a planted visit in which the same person does not load another page."""
_TYPES = ("A", "AAAA", "HTTPS")


@dataclass(frozen=True, slots=True)
class Device:
    """Something that asks."""

    client: str
    id: str
    room: str
    group: str
    kind: str
    supervised: bool
    """Its room is closed between lessons."""


@dataclass(frozen=True, slots=True)
class Label:
    """What was planted."""

    client: str
    kind: str
    """A rule."""
    category: str
    first: float
    last: float


@dataclass(slots=True)
class Day:
    """A day while it is made. Times are seconds since its midnight."""

    random: Random
    names: Pool
    devices: list[Device]
    asked: list[tuple[float, int, str, str]] = field(default_factory=list)
    """Time, number of the device, name, type."""
    malicious: set[str] = field(default_factory=set)
    """Names of programs that a list knows."""
    labels: list[Label] = field(default_factory=list)
    busy: dict[int, list[float]] = field(default_factory=dict)
    """By device: when somebody does what was planted. A person does one thing at a time."""

    def look_up(self, moment: float, device: int, name: str, *, retries: bool = False) -> None:
        """Ask as a stub resolver does: A and AAAA together, browsers HTTPS too, sometimes again."""
        random = self.random
        kinds = _TYPES if self.devices[device].kind != "old" else _TYPES[:2]
        for kind in kinds:
            self.asked.append((moment + random.random() * 0.03, device, name, kind))
        if retries and random.random() < 0.4:
            for pause in (1.0, 5.0)[: random.randint(1, 2)]:
                self.look_up(moment + pause + random.random() * 0.3, device, name)

    def visit(self, moment: float, device: int, site: str) -> None:
        """Go to a closed site: nothing of it loads, the browser tries once or twice more."""
        self.busy.setdefault(device, []).append(moment)
        name = front(site, self.random)
        self.look_up(moment, device, name, retries=True)
        if self.random.random() < 0.25:
            other = name.removeprefix("www.") if name.startswith("www.") else f"www.{site}"
            self.look_up(moment + 0.2 + self.random.random(), device, other)

    def search(self, moment: float, device: int) -> None:
        """Look something up in a search engine; half of the time its name is still known to the device."""
        if self.random.random() < 0.5:
            engine = self.random.choices(("www.google.com", "yandex.ru", "ya.ru", "www.bing.com"), (6, 3, 1, 1))[0]
            self.look_up(moment, device, engine)

    def page(self, moment: float, device: int, site: str) -> None:
        """Load a page with what it asks for."""
        random, names = self.random, self.names
        self.look_up(moment, device, site)
        start = moment + 0.15 + random.random() * 0.4
        for _ in range(int(random.expovariate(1 / 12))):
            when = start + min(random.expovariate(1.2), 6)
            kind = random.random()
            if kind < 0.6:
                self.look_up(when, device, random.choice(names.parts))
            elif kind < 0.94:
                which = "tracking" if random.random() < 0.5 else "advertising"
                site = random.choice(names.listed[which])
                self.look_up(when, device, random.choice(("", "", "cdn.", "pixel.")) + site)
            elif kind < 0.985:
                self.look_up(when, device, random.choice(WIDGETS))
            else:
                self._banner(when, device)

    def _banner(self, moment: float, device: int) -> None:
        """Show what advertisers sell: gambling, dating, games, VPNs, and malicious ones; advertising comes along."""
        random, names = self.random, self.names
        category = random.choices(("gambling", "dating", "games", "bypass", "malware", "adult"), (8, 3, 4, 3, 3, 1))[0]
        site = random.choice(names.listed[category])
        self.look_up(moment, device, front(site, random) if random.random() < 0.5 else part(site, random))
        for _ in range(random.randint(1, 4)):
            self.look_up(moment + random.uniform(-0.8, 0.8), device, random.choice(names.listed["advertising"]))

    # -- people --------------------------------------------------------------------------------------------------------

    def lesson(self, device: int, begin: float, end: float) -> None:
        """Use a device in a lesson."""
        random = self.random
        moment = begin + random.random() * 240
        pace = random.uniform(35, 110)
        while moment < end:
            act = random.random()
            if any(-_BUSY < moment - other < _BUSY for other in self.busy.get(device, ())):
                pass
            elif act < 0.25:
                self.search(moment, device)
                self._results(moment + 0.5, device)
                moment += random.uniform(3, 15)
                self.page(moment, device, self.names.site(random))
            elif act < 0.28:
                self.look_up(moment, device, _mistyped(self.names.site(random), random))
            elif act < 0.29:
                self._left_open(moment, device)
            elif act < 0.31:  # one site that does not relate to the lesson, out of habit
                self.visit(moment, device, random.choice(self.names.listed[random.choice(UNRELATED)]))
            else:
                self.page(moment, device, self.names.site(random))
            moment += random.expovariate(1 / pace) + 2

    def _results(self, moment: float, device: int) -> None:
        """Let the browser look ahead at what a search found; now and then some of it is closed."""
        random, names = self.random, self.names
        if random.random() < 0.3:
            found = [names.site(random) for _ in range(random.randint(1, 4))]
            if random.random() < 0.03:
                category = random.choice((*GRAVE, "gambling", "games", "bypass", "drugs"))
                some = random.choices(names.listed[category], k=random.randint(3, 6))
                found += [front(each, random) for each in some]
            for name in found:
                self.look_up(moment + random.random() * 1.2, device, name)

    def _left_open(self, moment: float, device: int) -> None:
        """Leave the error page of a closed site open: the browser tries again, each time later."""
        site = self.random.choice(self.names.listed[self.random.choice(UNRELATED)])
        name = front(site, self.random)
        for pause in (0, 1, 6, 36, 96, 396, 996, 2796)[: self.random.randint(4, 8)]:
            self.look_up(moment + pause + self.random.random(), device, name)

    # -- programs ------------------------------------------------------------------------------------------------------

    def background(self, device: int, begin: float, end: float) -> None:
        """Let system and apps ask by themselves."""
        random, names, kind = self.random, self.names, self.devices[device].kind
        moment = begin + random.random() * 300
        while moment < end:
            self.look_up(moment, device, random.choice(names.system))
            if random.random() < 0.35:
                self.look_up(moment + random.random() * 3, device, random.choice(names.listed["tracking"]))
            moment += random.expovariate(1 / 150)
        self.look_up(begin + random.random() * 400, device, random.choice(CANARIES))
        if kind in ("phone", "tablet"):
            self._apps(device, begin, end)
        if random.random() < 0.12:  # a private DNS server that somebody once set up, or a program's own
            own = random.choice(OWN_RESOLVERS)
            self._regular(device, own, begin, end, random.choice((120.0, 600.0, 1800.0)))
        if random.random() < 0.1:  # antivirus programs and browsers with a VPN of their own look after it
            self._regular(device, "api." + random.choice(names.listed["bypass"]), begin, end, 3600.0)

    def _apps(self, device: int, begin: float, end: float) -> None:
        random = self.random
        for category in random.sample(sorted(APPS), k=random.randint(1, 3)):
            moment = begin + random.random() * 600
            while moment < end:
                for name in random.sample(APPS[category], k=random.randint(1, 4)):
                    for pause in (0, 2, 8, 30)[: random.randint(1, 4)]:
                        self.look_up(moment + pause + random.random(), device, name)
                if random.random() < 0.15:  # some apps ask for the name of the site, too
                    self.look_up(moment + random.random(), device, "www." + ".".join(APPS[category][0].split(".")[-2:]))
                moment += random.expovariate(1 / 1200)

    def _regular(self, device: int, name: str, begin: float, end: float, pause: float) -> None:
        moment = begin + self.random.random() * pause
        while moment < end:
            self.look_up(moment, device, name)
            moment += pause * self.random.uniform(0.95, 1.05)


def _mistyped(site: str, random: Random) -> str:
    """Return the name with two letters swapped."""
    place = random.randrange(len(site) - 1)
    first, second = site[place], site[place + 1]
    return site if "." in (first, second) else site[:place] + second + first + site[place + 2 :]


def devices(rooms: int, random: Random) -> list[Device]:
    """Return the devices of a school: computer rooms, classrooms with tablets, phones in the yard, the staff's."""
    found = []
    for room in range(rooms):
        kind, group, count = (
            ("staff", random.choice(STAFF), 8)
            if room % 6 == 5
            else (random.choice(("windows", "windows", "tablet", "phone", "old")), "pupils", 12)
        )
        if group == "pupils" and room % 4 == 3:
            group = random.choice(("primary", "senior"))
        supervised = kind in ("windows", "old", "tablet")
        for number in range(count):
            client = f"10.{20 + room // 250}.{room % 250}.{number + 10}"
            id_ = f"{kind}-{room}-{number}" if kind != "phone" else ""
            found.append(Device(client, id_, str(200 + room), group, kind, supervised))
    return found
