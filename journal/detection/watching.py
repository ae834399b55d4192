"""What the incident rules have in mind of one client, and what they make of each visit. Pure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import inf

from journal.detection.cases import Case
from journal.detection.insisting import insisted_sites, insists, is_grave
from journal.detection.rules import Rules
from journal.detection.signs import BUTTONS, COMING_SECONDS, Sign, is_again, is_growing, is_regular, is_telling, site_of
from journal.detection.visits import MALWARE, Touch, Visit
from journal.incidents import Rule
from policy.categories import BY_ID, Severity

BYPASS = "bypass"
LENIENT = frozenset((BYPASS,))

_MOST_VISITS = 32
"""Visits of one category that are remembered: an attempt shows in fewer."""
_MOST_SITES = 16
"""Malicious sites of which the rhythm is followed."""
_MOST_TIMES = 12
_MOST_ARRIVALS = 16
_MALWARE_PATIENCE = 4 * 3600.0
"""How long a contact with a malicious site waits for the rhythm of a program to show, while it goes on."""
_RHYTHM_SECONDS = 2 * 3600.0
"""After such a pause a rhythm begins anew."""


@dataclass(slots=True)
class Rhythm:
    """When a malicious site was asked for."""

    times: list[float]
    touch: Touch
    """All of it."""


@dataclass(slots=True)
class Client:
    """One address."""

    visit: Visit | None = None
    search: float | None = None
    """When a search engine was looked up last."""
    shut: float | None = None
    """When somebody went last to a site that may also be a button on a page: it counts for nothing else."""
    trails: dict[str, list[Touch]] = field(default_factory=dict)
    """By category: where a person went, lately."""
    rhythms: dict[str, Rhythm] = field(default_factory=dict)
    cases: list[Case] = field(default_factory=list)
    """In the order in which they began; those that are over wait until their last record is written."""
    queued: float = inf
    """When the folding looks at it next."""
    active: float = 0.0
    """When something happened last."""
    known: bool = False
    """It is a device that the school entered."""
    arrivals: dict[str, list[float]] = field(default_factory=dict)
    """By site: when it was asked for last, then when somebody or something came to it: so a program's pace shows."""
    stored: bool = False

    def due(self, rules: Rules) -> float:
        """Return when something is to be done if nothing is asked for meanwhile."""
        times = [inf]
        if self.visit is not None:
            times.append(self.visit.ends(rules))
        if self.search is not None:
            times.append(self.search + rules.search_seconds)
        if self.shut is not None:
            times.append(self.shut + rules.window_minutes * 60)
        times += [trail[-1].last + rules.window_minutes * 60 for trail in self.trails.values()]
        times += [moment + rules.window_minutes * 60 for moment, *_times in self.arrivals.values()]
        times += [moment for each in self.trails if (moment := self._stopped(each, rules)) is not None]
        times += [rhythm.times[-1] + _RHYTHM_SECONDS for rhythm in self.rhythms.values()]
        for case in self.cases:
            if not case.closed:
                times.append(case.last + rules.merge_minutes * 60)
                if not case.ready:
                    times.append(case.due)
        return min(times)

    def advance(self, now: float, rules: Rules) -> None:
        """Do what is due: judge the visit that is over, enter what waited, close what is over."""
        if self.visit is not None and self.visit.ends(rules) <= now:
            visit, self.visit = self.visit, None
            for touch, went in visit.judged(rules, lenient=LENIENT):
                self._judge(touch, went, rules)
        for category in self.trails:
            stopped = self._stopped(category, rules)
            if stopped is not None and stopped <= now:
                self._begin_attempt(category, [*self._signs(self.trails[category], rules), Sign.AGAIN], now)
        for case in self.cases:
            if not case.closed and case.last + rules.merge_minutes * 60 <= now:
                case.closed = True
                if case.rule is Rule.ATTEMPT:
                    self.trails.pop(case.category, None)
            if not case.ready and (case.closed or case.due <= now):
                case.shown = now
        # Each comparison as in `due`, to the last bit: what is due must get done.
        if self.search is not None and self.search + rules.search_seconds <= now:
            self.search = None
        window = rules.window_minutes * 60
        if self.shut is not None and self.shut + window <= now:
            self.shut = None
        for category in [each for each, trail in self.trails.items() if trail[-1].last + window <= now]:
            del self.trails[category]
        for site in [each for each, (last, *_) in self.arrivals.items() if last + window <= now]:
            del self.arrivals[site]
        for site in [each for each, one in self.rhythms.items() if one.times[-1] + _RHYTHM_SECONDS <= now]:
            del self.rhythms[site]

    def restart(self, now: float) -> None:
        """Begin anew, because the clock was put back: what waits for a later time would wait for years."""
        self.visit, self.search, self.shut, self.queued = None, None, None, inf
        self.trails.clear()
        self.arrivals.clear()
        self.rhythms.clear()
        for case in self.cases:
            case.closed = True
            case.shown = case.shown if case.ready else now

    def leave(self, case: Case) -> None:
        """Forget an incident of which all is written."""
        self.cases = [each for each in self.cases if each is not case]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to remember."""
        return (
            self.visit is None
            and self.search is None
            and self.shut is None
            and not (self.trails or self.arrivals or self.rhythms or self.cases)
        )

    def remembered(self, rules: Rules) -> Iterator[tuple[Touch | Case, float]]:
        """Yield all that is in mind of what was asked for, and until when it is if nothing more is asked for."""
        window = rules.window_minutes * 60
        for case in self.cases:
            yield case, case.last + rules.merge_minutes * 60
        if self.visit is not None:
            for touch in self.visit.touches.values():
                yield touch, self.visit.ends(rules) + window
        for trail in self.trails.values():
            for touch in trail:
                yield touch, trail[-1].last + window
        for rhythm in self.rhythms.values():
            yield rhythm.touch, rhythm.times[-1] + _RHYTHM_SECONDS

    # -- the rules -----------------------------------------------------------------------------------------------------

    def _judge(self, touch: Touch, went: bool, rules: Rules) -> None:
        """Judge one site of a visit; `went`: a person went there."""
        watched = touch.group not in rules.unwatched_groups
        if touch.category == MALWARE and rules.on(Rule.BEACON) and self._beacon(touch, rules):
            return
        if watched and is_grave(touch.category):
            self._arrive(touch)
        if not (went and watched):
            return
        if touch.site in BUTTONS:
            self.shut = touch.first
            return
        if touch.category in rules.at_risk and rules.on(Rule.AT_RISK):
            if touch.sure:
                self._follow(Rule.AT_RISK, touch, rules)
            return
        new = self._remember(touch, rules)
        severity = BY_ID[touch.category].severity
        if severity is Severity.UNLAWFUL and rules.on(Rule.UNLAWFUL):
            self._follow(Rule.UNLAWFUL, touch, rules, repeated=new)
        if rules.on(Rule.ATTEMPT) and touch.category != MALWARE and self._attempt(touch, rules):
            return
        if severity is Severity.HARMFUL and touch.front and touch.sure and rules.on(Rule.HARMFUL):
            patience = _MALWARE_PATIENCE if touch.category == MALWARE else rules.window_minutes * 60
            self._follow(Rule.HARMFUL, touch, rules, patience=patience, repeated=new)

    def _follow(self, rule: Rule, touch: Touch, rules: Rules, *, patience: float = 0.0, repeated: bool = True) -> None:
        """Add to the incident that is open, or begin one."""
        case = self._open(rule, touch.category)
        if case is not None:
            case.add(touch)
            if repeated and touch.first - case.first > rules.same_visit:
                case.sign(Sign.REPEATED)
            return
        case = Case.of(rule, (touch,), due=touch.first + patience)
        case.sign(*_found_by(touch, rules))
        self.cases.append(case)

    def _open(self, rule: Rule, category: str) -> Case | None:
        return next(
            (each for each in self.cases if each.rule is rule and each.category == category and not each.closed), None
        )

    def _remember(self, touch: Touch, rules: Rules) -> bool:
        """Put a visit on the trail of its category; return whether it is another one than the last to this site."""
        trail = self.trails.setdefault(touch.category, [])
        last = next((each for each in reversed(trail) if each.site == touch.site), None)
        if last is not None and touch.first - last.last <= rules.same_visit:
            last.join(touch)
            # The trail is kept in order of time, whatever is prolonged.
            trail.sort(key=lambda each: each.last)
            return False
        since = touch.last - rules.window_minutes * 60
        trail[:] = [each for each in trail[-_MOST_VISITS + 1 :] if each.last > since]
        trail.append(_copy(touch))
        return True

    def _arrive(self, touch: Touch) -> None:
        """Note that somebody or something came to a site."""
        last, *times = self.arrivals.pop(touch.site, [touch.first - COMING_SECONDS])
        if touch.first - last >= COMING_SECONDS:
            times.append(touch.first)
        times += touch.later
        if len(self.arrivals) >= _MOST_SITES:
            del self.arrivals[next(iter(self.arrivals))]
        self.arrivals[touch.site] = [touch.last, *times[-_MOST_ARRIVALS:]]

    def _attempt(self, touch: Touch, rules: Rules) -> bool:
        """Add to the attempt that is open, or see whether there is one by now."""
        trail = self.trails[touch.category]
        signs = self._signs(trail, rules)
        case = self._open(Rule.ATTEMPT, touch.category)
        if case is not None:
            case.add(touch)
            case.sign(*signs)
            return True
        if not self._is_attempt(touch.category, trail, signs, rules):
            return False
        self._begin_attempt(touch.category, signs, touch.first)
        return True

    def _begin_attempt(self, category: str, signs: list[Sign], due: float) -> None:
        """Begin an attempt with all that is on the trail."""
        case = Case.of(Rule.ATTEMPT, sorted(self.trails[category], key=lambda each: each.first), due=due)
        case.sign(*signs)
        self.cases.append(case)
        waiting = self._open(Rule.HARMFUL, category)
        if waiting is not None and not waiting.ready:  # whether more comes of it: it has
            self.leave(waiting)

    def _stopped(self, category: str, rules: Rules) -> float | None:
        """Return when it shows that somebody came at even intervals, and no program: they end. None: it never will."""
        if not rules.on(Rule.ATTEMPT) or self._open(Rule.ATTEMPT, category) or not _sure(self.trails[category]):
            return None
        return min(insisted_sites(self.trails[category], self.arrivals, rules).values(), default=None)

    def _signs(self, trail: list[Touch], rules: Rules) -> list[Sign]:
        """Return what speaks for an attempt."""
        category = trail[-1].category
        sites = {each.site for each in trail}
        found = []
        if len(trail) >= rules.attempt_visits:
            found.append(Sign.REPEATED)
        if len(sites) >= (rules.unrelated_sites if _unrelated(category) else rules.attempt_sites):
            found.append(Sign.VARIED)
        if any(_searched(each, rules) for each in trail):
            found.append(Sign.SEARCH)
        if any(is_telling(name) for each in trail for name in each.names):
            found.append(Sign.WORDS)
        if insists(trail, self.arrivals, rules) or any(
            is_again([each.first for each in trail if each.site == site]) for site in sites
        ):
            found.append(Sign.AGAIN)
        if category == BYPASS or BYPASS in self.trails:
            found.append(Sign.TOOLS)
        return found

    def _is_attempt(self, category: str, trail: list[Touch], signs: list[Sign], rules: Rules) -> bool:
        sites = {each.site for each in trail}
        if not _sure(trail):
            return False
        if category == BYPASS:
            # Two different tools, one again and again, or one after a search or after something else was closed.
            front = [each.first for each in trail if each.front]
            others = bool(front) and (
                any(each != BYPASS and self._lately(each, front[0], rules) for each in self.trails)
                or (self.shut is not None and 0 <= front[0] - self.shut <= rules.window_minutes * 60)
            )
            searched = any(each.front and _searched(each, rules) for each in trail)
            pressed = insists(trail, self.arrivals, rules) or (
                len(trail) >= rules.attempt_visits and Sign.AGAIN in signs
            )
            return len(sites) >= 2 or others or searched or pressed
        if insists(trail, self.arrivals, rules):
            return True
        if Sign.REPEATED not in signs:
            return False
        if Sign.VARIED in signs:
            return True
        pressing = Sign.SEARCH in signs or Sign.AGAIN in signs or BYPASS in self.trails
        return pressing and len(sites) >= 2 and not _unrelated(category)

    def _lately(self, category: str, moment: float, rules: Rules) -> bool:
        """Whether a person went to a closed site of a category within the window before."""
        return any(0 <= moment - each.first <= rules.window_minutes * 60 for each in self.trails[category])

    def _beacon(self, touch: Touch, rules: Rules) -> bool:
        """Follow the rhythm of a malicious site; return whether a program asks for it."""
        case = self._open(Rule.BEACON, MALWARE)
        if case is not None and (Sign.MANY in case.signs or any(site_of(name) == touch.site for name in case.names)):
            case.add(touch)
            return True
        rhythm = self.rhythms.get(touch.site)
        if rhythm is None:
            if len(self.rhythms) >= _MOST_SITES:
                del self.rhythms[min(self.rhythms, key=lambda each: self.rhythms[each].times[-1])]
            self.rhythms[touch.site] = rhythm = Rhythm([touch.first], _copy(touch))
        else:
            rhythm.times = [*rhythm.times[-_MOST_TIMES + 1 :], touch.first]
            rhythm.touch.join(touch)
        since = touch.first - rules.window_minutes * 60
        new = [each.touch for each in self.rhythms.values() if each.times[0] > since]
        if is_regular(rhythm.times, rules.beacon_visits) and not is_growing(rhythm.times):
            touches, sign = [rhythm.touch], Sign.REGULAR
        elif len(new) >= rules.beacon_sites:
            touches, sign = new, Sign.MANY
        else:
            return False
        for each in touches:
            del self.rhythms[each.site]
        if case is None:
            case = Case.of(Rule.BEACON, sorted(touches, key=lambda each: each.first), due=touch.first)
            self.cases.append(case)
        else:
            for each in touches:
                case.add(each)
        sites = {each.site for each in touches}
        waiting = self._open(Rule.HARMFUL, MALWARE)
        if waiting is not None and not waiting.ready:
            waiting.drop([name for name in waiting.names if site_of(name) in sites])
            if not waiting.names:
                self.leave(waiting)
        case.sign(sign)
        return True

    # -- keeping -------------------------------------------------------------------------------------------------------

    def kept(self) -> str:
        """Return it as JSON; empty if there is nothing to remember."""
        if self.empty:
            return ""
        return json.dumps(
            [
                self.visit.kept() if self.visit is not None else None,
                self.search,
                self.shut,
                [[touch.kept() for touch in trail] for trail in self.trails.values()],
                [[one.times, one.touch.kept()] for one in self.rhythms.values()],
                [case.kept() for case in self.cases],
                self.active,
                self.known,
                self.arrivals,
            ],
            separators=(",", ":"),
        )


def _copy(touch: Touch) -> Touch:
    return replace(touch, names=dict(touch.names))


def _unrelated(category: str) -> bool:
    return BY_ID[category].severity is Severity.UNRELATED


def _sure(trail: list[Touch]) -> bool:
    """Whether of half of the visits at least nothing speaks for a page."""
    return sum(each.sure for each in trail) * 2 >= len(trail)


def _searched(touch: Touch, rules: Rules) -> bool:
    return touch.after_search is not None and rules.prefetch_seconds < touch.after_search <= rules.search_seconds


def _found_by(touch: Touch, rules: Rules) -> list[Sign]:
    found = [Sign.SEARCH] if _searched(touch, rules) else []
    return [*found, Sign.WORDS] if any(map(is_telling, touch.names)) else found
