"""What is planted in made school traffic, with labels: attempts, contacts, pupils at risk, programs that call home.

Nothing here looks at how the rules judge: it tells what people and programs do, with the same means as the noise does.
"""

from collections.abc import Iterator
from itertools import count

from bench.traffic_day import LESSONS, Day, Label
from bench.traffic_names import AT_RISK, GRAVE, UNLAWFUL, UNRELATED, front, made_up, part
from journal.incidents import Rule

_PUPILS = ("pupils", "primary", "senior")
_APART = 3600.0
"""Seconds between two things that are planted at one device."""


class Planting:
    """Plants in a day."""

    def __init__(self, day: Day) -> None:
        self._day = day
        self._random = day.random
        self._taken: dict[int, list[float]] = {}

    def all(self, share: float = 1.0) -> None:
        """Plant some of everything; `share` 1 is for a hundred devices."""
        kinds = (
            (self.varied, 8), (self.insisting, 4), (self.unrelated, 4), (self.tools, 4), (self.tool_program, 2),
            (self.unlawful_attempt, 2), (self.unlawful, 6), (self.harmful, 6), (self.twice, 3), (self.at_risk, 8),
            (self.malware_link, 2), (self.beacon, 6), (self.many_names, 2), (self.reloading, 6),
            (self.stubborn_program, 3), (self.open_page, 3), (self.backing_off, 2),
        )  # fmt: skip
        for plant, times in kinds:
            for _ in range(max(1, round(times * share))):
                plant()

    # -- attempts ------------------------------------------------------------------------------------------------------

    def varied(self) -> None:
        """Try several sites of a kind, partly from a search."""
        category = self._random.choice(GRAVE)
        self._label(Rule.ATTEMPT, category, *self._tour(category, self._random.randint(3, 7)))

    def insisting(self) -> None:
        """Come back to one site or two again and again."""
        random, category = self._random, self._random.choice(GRAVE)
        sites = random.sample(self._listed(category), k=random.choice((1, 2)))
        device, moment = self._somebody(800)
        begun = last = moment
        for number in range(random.randint(6, 9)):
            last = moment
            self._day.visit(moment, device, sites[number % len(sites)])
            moment += random.choice((random.uniform(35, 70), random.uniform(60, 150)))
        self._label(Rule.ATTEMPT, category, device, begun, last)

    def reloading(self) -> None:
        """Load one closed site again and again within minutes, as fast as somebody presses a key or at an even pace."""
        random, category = self._random, self._random.choice(GRAVE)
        site = random.choice(self._listed(category))
        device, moment = self._somebody(400)
        begun = last = moment
        pace, spread = random.uniform(9, 35), random.choice((0.0, 0.02, 0.15, 0.4, 0.7))
        for _ in range(random.randint(6, 9)):
            last = moment
            self._day.visit(moment, device, site)
            moment += max(8.0, pace * random.uniform(1 - spread, 1 + spread))
        self._label(Rule.ATTEMPT, category, device, begun, last)

    def unrelated(self) -> None:
        """Try one site after the other that does not relate to lessons."""
        category = self._random.choice(UNRELATED)
        self._label(Rule.ATTEMPT, category, *self._tour(category, self._random.randint(5, 9)))

    def tools(self) -> None:
        """Look for a way around the filter, after something else was closed or just so."""
        random = self._random
        device, moment = self._somebody(800)
        if random.random() < 0.6:
            self._day.visit(moment, device, random.choice(self._listed(random.choice(UNRELATED))))
            moment += random.uniform(20, 120)
            sites = random.randint(1, 4)
        else:
            sites = random.randint(2, 4)
        begun = last = moment
        for site in random.sample(self._tools(), k=sites):
            last = moment
            self._day.search(moment - random.uniform(4, 20), device)
            self._day.visit(moment, device, site)
            moment += random.uniform(15, 90)
        self._label(Rule.ATTEMPT, "bypass", device, begun, last)

    def tool_program(self) -> None:
        """Start a VPN program, which tries several servers of its makers."""
        random = self._random
        device, moment = self._somebody(600)
        sites = random.sample(self._tools(), k=random.randint(2, 4))
        begun = last = moment
        for _ in range(random.randint(2, 5)):
            last = moment
            for site in sites:
                self._day.look_up(moment + random.random() * 2, device, part(site, random))
            moment += random.uniform(10, 120)
        self._label(Rule.ATTEMPT, "bypass", device, begun, last)

    def unlawful_attempt(self) -> None:
        """Try several sites that the law forbids: both an attempt and contacts."""
        category = self._random.choice(UNLAWFUL)
        device, begun, last = self._tour(category, self._random.randint(3, 5))
        self._label(Rule.ATTEMPT, category, device, begun, last)
        self._label(Rule.UNLAWFUL, category, device, begun, last)

    # -- contacts ------------------------------------------------------------------------------------------------------

    def unlawful(self) -> None:
        """Go once to what the law forbids."""
        self._once(Rule.UNLAWFUL, self._random.choice(UNLAWFUL))

    def harmful(self) -> None:
        """Go once to something harmful, perhaps by accident."""
        self._once(Rule.HARMFUL, self._random.choice(GRAVE))

    def malware_link(self) -> None:
        """Follow one link to a malicious site, and try again a little later."""
        self._once(Rule.HARMFUL, "malware")

    def twice(self) -> None:
        """Get by accident to two sites of a kind within minutes: no attempt yet."""
        random, category = self._random, self._random.choice(GRAVE)
        device, moment = self._somebody(700)
        first, second = random.sample(self._listed(category), k=2)
        later = moment + random.uniform(40, 600)
        self._day.visit(moment, device, first)
        self._day.visit(later, device, second)
        self._label(Rule.HARMFUL, category, device, moment, later)

    def stubborn_program(self) -> None:
        """Let a program that was opened once ask for its closed site at its own pace until it is closed: no attempt."""
        random = self._random
        pause, spread = random.choice((10.0, 15.0, 30.0, 30.0, 45.0, 60.0)), random.choice((0.01, 0.03, 0.1))
        device, begun = self._somebody(1500)
        end = begun + random.uniform(max(20 * pause, 600), 1500)
        pauses = iter(lambda: pause * random.uniform(1 - spread, 1 + spread), None)
        self._ask(device, random.choice(GRAVE), begun, end, pauses)

    def open_page(self) -> None:
        """Let a page that shows something of a closed site ask for it again while it is open: no attempt."""
        random = self._random
        pause = random.uniform(8, 60)
        device, begun = self._somebody(1300)
        self._day.page(begun - 0.4, device, self._day.names.site(random))
        for kind in ("advertising", "tracking", "advertising"):
            self._day.look_up(begun + random.uniform(-0.5, 0.5), device, random.choice(self._listed(kind)))
        end = begun + random.uniform(60, 1200)
        pauses = iter(lambda: pause * random.uniform(0.98, 1.02), None)
        self._ask(device, random.choice(GRAVE), begun, end, pauses)

    def backing_off(self) -> None:
        """Let a program try again after twice as long each time, up to a minute or two: no attempt."""
        random = self._random
        device, begun = self._somebody(1500)
        most = random.choice((60.0, 64.0, 120.0))
        pauses = (min(most, 2.0**number) * random.uniform(0.97, 1.03) for number in count())
        self._ask(device, random.choice(GRAVE), begun, begun + random.uniform(120, 1400), pauses)

    def _ask(self, device: int, category: str, begun: float, end: float, pauses: Iterator[float]) -> None:
        """Ask for one site of a category till the end: a contact, whoever it was."""
        name = front(self._random.choice(self._listed(category)), self._random)
        moment = last = begun
        while moment < end:
            last = moment
            self._day.look_up(moment, device, name)
            moment += next(pauses)
        self._label(Rule.HARMFUL, category, device, begun, last)

    def at_risk(self) -> None:
        """Look for gambling or self-harm, once or several times."""
        category = self._random.choices(AT_RISK, (2, 1))[0]
        self._label(Rule.AT_RISK, category, *self._tour(category, self._random.choice((1, 1, 2, 4))))

    # -- programs ------------------------------------------------------------------------------------------------------

    def beacon(self) -> None:
        """Let a program call home at its own pace, on any device."""
        random, day = self._random, self._day
        device = random.randrange(len(day.devices))
        name = made_up(random) if random.random() < 0.5 else "c2." + random.choice(self._listed("malware"))
        day.malicious.add(name)
        pause = random.choice((30.0, 60.0, 120.0, 300.0, 600.0, 1200.0))
        moment = LESSONS[0][0] + random.random() * 1800
        end = min(LESSONS[-1][1], moment + max(pause * 12, 3600.0) + random.random() * 7200)
        begun = last = 0.0
        spread = random.choice((0.02, 0.05, 0.1))
        while moment < end:
            if random.random() > 0.05:
                day.look_up(moment, device, name)
                if self._is_open(device, moment):
                    begun, last = begun or moment, moment
            moment += pause * random.uniform(1 - spread, 1 + spread)
        self._label(Rule.BEACON, "malware", device, begun, last)

    def many_names(self) -> None:
        """Let a program try the many names under which its makers may be found that day."""
        random, day = self._random, self._day
        device, moment = self._somebody(900)
        begun = last = moment
        for _ in range(random.randint(20, 60)):
            name = made_up(random)
            day.malicious.add(name)
            last = moment
            day.look_up(moment, device, name)
            moment += random.uniform(0.5, 12)
        self._label(Rule.BEACON, "malware", device, begun, last)

    # -- means ---------------------------------------------------------------------------------------------------------

    def _tour(self, category: str, sites: int) -> tuple[int, float, float]:
        random = self._random
        listed = self._listed(category)
        device, moment = self._somebody(800)
        begun = last = moment
        searching = random.random() < 0.5
        for site in random.sample(listed, k=min(sites, len(listed))):
            last = moment
            if searching:
                self._day.search(moment - random.uniform(3, 30), device)
            self._day.visit(moment, device, site)
            moment += random.uniform(12, 760 / sites)
        return device, begun, last

    def _once(self, kind: Rule, category: str) -> None:
        device, moment = self._somebody(300)
        if self._random.random() < 0.3:
            self._day.search(moment - self._random.uniform(3, 30), device)
        site = self._random.choice(self._listed(category))
        name = front(site, self._random)
        last = moment
        self._day.busy.setdefault(device, []).append(moment)
        self._day.look_up(moment, device, name, retries=True)
        if self._random.random() < 0.3:  # the browser's error page tries again
            for pause in (6, 36, 96, 396)[: self._random.randint(1, 4)]:
                last = moment + pause
                self._day.look_up(last, device, name)
        self._label(kind, category, device, moment, last)

    def _somebody(self, length: float) -> tuple[int, float]:
        """Return a pupils' device and a moment in a lesson that has so many seconds left, nothing planted near it."""
        day, random = self._day, self._random
        while True:
            device = random.randrange(len(day.devices))
            first, last = random.choice(LESSONS)
            moment = random.uniform(first + 30, last - length)
            if day.devices[device].group in _PUPILS and all(
                abs(moment - other) > _APART for other in self._taken.get(device, ())
            ):
                self._taken.setdefault(device, []).append(moment)
                return device, moment

    def _is_open(self, device: int, moment: float) -> bool:
        """Whether the device's room lets lists decide: a closed one hides what is asked for."""
        return not self._day.devices[device].supervised or any(first <= moment < last for first, last in LESSONS)

    def _listed(self, category: str) -> list[str]:
        return list(self._day.names.listed[category])

    def _tools(self) -> list[str]:
        return [name for name in self._listed("bypass") if not name.startswith(("dns", "doh", "dot", "family", "sky"))]

    def _label(self, kind: Rule, category: str, device: int, first: float, last: float) -> None:
        self._day.labels.append(Label(self._day.devices[device].client, kind, category, first, last))
