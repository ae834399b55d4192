"""The rules by which blocked queries become incidents, as data: thresholds from the settings, each rule in words."""

from dataclasses import dataclass

from journal.incidents import Audience, Rule
from policy.safesearch import ENGINES_BY_ID
from settings.model import Settings
from translations import _

DETECTED = (Rule.ATTEMPT, Rule.UNLAWFUL, Rule.HARMFUL, Rule.AT_RISK, Rule.BEACON)
"""The rules that judge the query log; the others are a person's word."""

AUDIENCES = {
    Rule.ATTEMPT: Audience.CLASS_TEACHER,
    Rule.UNLAWFUL: Audience.CLASS_TEACHER,
    Rule.HARMFUL: Audience.CLASS_TEACHER,
    Rule.AT_RISK: Audience.PSYCHOLOGIST,
    Rule.BEACON: Audience.RESPONSIBLE,
}

SEARCHES = frozenset(
    host for id_ in ("google", "bing", "duckduckgo", "yandex", "ecosia", "brave") for host in ENGINES_BY_ID[id_].hosts
) | {"google.com", "google.kz", "google.kg", "google.ru", "bing.com", "go.mail.ru", "nova.rambler.ru"}
"""Names of search engines; with a plain look-up people come there, too."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds in force. What has no key in the settings is about machines, not about a school's wishes."""

    off: frozenset[str] = frozenset()
    attempt_visits: int = 3
    attempt_sites: int = 3
    unrelated_sites: int = 4
    window_minutes: int = 15
    merge_minutes: int = 45
    beacon_visits: int = 6
    at_risk: frozenset[str] = frozenset(("self-harm", "gambling"))
    unwatched_groups: frozenset[str] = frozenset(("teachers", "staff", "servers"))
    insisting_visits: int = 5
    """Visits to one single site that are an attempt if a person made them."""
    beacon_sites: int = 10
    """Different malicious sites within the window that no person visits."""
    visit_gap: float = 6.0
    """Seconds without a blocked query after which a visit is over: retries and A, AAAA, HTTPS are one."""
    visit_longest: float = 20.0
    same_visit: float = 30.0
    """Seconds within which the same site is the same visit."""
    page_spread: float = 2.0
    """Seconds within which a page asks for its parts."""
    page_nuisances: int = 1
    """So many advertising or tracking sites around a name: a page asked for all of them."""
    page_sites: int = 2
    """So many closed sites at once: a page or a list of search results asked for them, no person is so quick."""
    prefetch_seconds: float = 2.0
    """So soon after a search engine it is the browser that looks ahead, nobody reads that fast."""
    search_seconds: float = 60.0

    @staticmethod
    def of(settings: Settings) -> "Rules":
        """Return the rules as the settings have them."""
        given = settings.incidents
        return Rules(
            frozenset(given.off),
            given.attempt_visits,
            given.attempt_sites,
            given.unrelated_sites,
            given.window_minutes,
            given.merge_minutes,
            given.beacon_visits,
            frozenset(given.at_risk),
            frozenset(given.unwatched_groups),
        )

    def on(self, rule: Rule) -> bool:
        """Whether a rule is in force."""
        return rule not in self.off


@dataclass(frozen=True, slots=True)
class Explained:
    """A rule as people read it."""

    rule: Rule
    on: bool
    audience: Audience
    text: str
    thresholds: dict[str, object]
    """What it goes by, by the key of the settings."""


def explained(rules: Rules) -> tuple[Explained, ...]:
    """Return each rule with its explanation and its thresholds in force."""
    merge = {"incidents.merge_minutes": rules.merge_minutes}
    window = {"incidents.window_minutes": rules.window_minutes} | merge
    told: dict[Rule, tuple[str, dict[str, object]]] = {
        Rule.ATTEMPT: (
            _(
                "Within {minutes} minutes a client went to closed sites of one category at least {visits} times: to "
                "{sites} different ones ({unrelated} if they are only unrelated to education). Of harmful and "
                "unlawful sites two are enough with a search before or by coming back, or one again and again, "
                "{insisting} times. Of ways around the filter two are enough, or one after a search or after "
                "something else was closed. What pages, browsers and apps ask for by themselves does not count, nor "
                "does what a closed room or lesson closes."
            ).format(
                minutes=rules.window_minutes,
                visits=rules.attempt_visits,
                sites=rules.attempt_sites,
                unrelated=rules.unrelated_sites,
                insisting=rules.insisting_visits,
            ),
            {
                "incidents.attempt_visits": rules.attempt_visits,
                "incidents.attempt_sites": rules.attempt_sites,
                "incidents.unrelated_sites": rules.unrelated_sites,
                **window,
            },
        ),
        Rule.UNLAWFUL: (
            _("A client went to a site that the law forbids. Once is enough."),
            {**merge},
        ),
        Rule.HARMFUL: (
            _(
                "A client went to a harmful site, and within {minutes} minutes it did not become an attempt. It is "
                "entered, but nobody is told: it may have been an accident. If the same client comes again to such a "
                "site later, within a month, it is told."
            ).format(minutes=rules.window_minutes),
            {**window},
        ),
        Rule.AT_RISK: (
            _("A client went to a site of these categories: {categories}. Such visits are no attempt.").format(
                categories=", ".join(sorted(rules.at_risk)) or "-"
            ),
            {"incidents.at_risk": sorted(rules.at_risk), **merge},
        ),
        Rule.BEACON: (
            _(
                "A client asked for a malicious site at least {visits} times at regular intervals, or for {sites} "
                "different ones within {minutes} minutes. No person does that: a program on the device does."
            ).format(visits=rules.beacon_visits, sites=rules.beacon_sites, minutes=rules.window_minutes),
            {"incidents.beacon_visits": rules.beacon_visits, **window},
        ),
    }
    return tuple(Explained(rule, rules.on(rule), AUDIENCES[rule], *told[rule]) for rule in DETECTED)
