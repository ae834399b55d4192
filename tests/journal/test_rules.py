"""Each incident rule, with what is an incident by it and what only looks like one."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from journal.detection.folding import Folding
from journal.detection.rules import DETECTED, Rules, explained
from journal.incidents import Audience, Rule
from settings.checks import RULES
from settings.model import Incidents, Settings
from tests.journal.query_lines import Line, at, judged, line, search, visit


def _kinds(lines: Sequence[Line], rules: Rules | None = None) -> list[tuple[str, str]]:
    return [(each.rule, each.category) for each in judged(lines, rules)]


def _visits(category: str, *planned: tuple[float, str], group: str = "pupils", reason: str = "category") -> list[Line]:
    return [each for seconds, name in planned for each in visit(seconds, name, category, group=group, reason=reason)]


ATTEMPTS = {
    "three different harmful sites": _visits("adult", (0, "www.a.example"), (60, "b.example"), (200, "m.c.example")),
    "two sites, found by searching": [
        *_visits("weapons", (30, "a.example"), (120, "b.example"), (200, "a.example")),
        *search(20),
    ],
    "one site again and again": _visits(
        "adult", (0, "a.example"), (100, "a.example"), (150, "a.example"), (330, "a.example"), (400, "www.a.example")
    ),
    "four unrelated sites": _visits(
        "games", (0, "a.example"), (60, "b.example"), (90, "c.example"), (130, "www.d.example")
    ),
    "two ways around the filter": _visits("bypass", (0, "vpn-a.example"), (60, "proxy-b.example")),
    "a way around the filter after a closed game": [
        *_visits("games", (0, "a.example")),
        *_visits("bypass", (100, "www.vpn-a.example")),
    ],
    "a VPN program that tries its servers": _visits(
        "bypass", (0, "api.a.example"), (0.2, "api.b.example"), (0.3, "s3.c.example"), (0.4, "cdn.d.example")
    ),
    "three sites that the law forbids": _visits(
        "drugs", (0, "a.example"), (60, "b.example"), (200, "c.example"), reason="locked"
    ),
}


@pytest.mark.parametrize("lines", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_an_attempt_is_found(lines: list[Line]) -> None:
    assert Rule.ATTEMPT in [rule for rule, _category in _kinds(lines)]


def _loads(gaps: Sequence[float], name: str = "www.a.example", category: str = "adult", begin: float = 0) -> list[Line]:
    """Return what is asked for when a page is loaded again after such pauses: three types, nothing more."""
    moments = [begin, *(begin + sum(gaps[: number + 1]) for number in range(len(gaps)))]
    return [
        line(moment + number * 0.01, name, category, type_=type_)
        for moment in moments
        for number, type_ in enumerate(("A", "AAAA", "HTTPS"))
    ]


RELOADS = {
    "as it comes": (11, 19, 8, 25, 14),
    "by the clock": (13,) * 5,
    "nearly by the clock": (13, 17, 14, 16, 15),
    "a little slower": (20, 25, 22, 24, 21),
    "five times only": (31, 35, 32, 34),
    "slower and uneven": (20, 35, 28, 40, 33, 45),
    "as often as a person does": (10,) * 11,
}


@pytest.mark.parametrize("gaps", RELOADS.values(), ids=RELOADS.keys())
@pytest.mark.parametrize("category", ["adult", "bypass"])
def test_a_closed_page_that_is_loaded_again_and_again_is_an_attempt(gaps: tuple[float, ...], category: str) -> None:
    found = [each for each in judged(_loads(gaps, category=category)) if each.rule is Rule.ATTEMPT]
    assert [(each.category, each.queries) for each in found] == [(category, 3 * len(gaps) + 3)]
    assert "again" in found[0].signs
    assert [each.rule for each in judged(_loads(gaps, category=category))] == [Rule.ATTEMPT], "and nothing else"


def test_loading_again_at_even_intervals_shows_when_it_stops() -> None:
    folding = Folding(Rules(), {})
    for each in _loads((13,) * 5):
        folding.take(each)
    folding.settle(at(5 * 13 + 110))
    assert folding.found() == []
    folding.settle(at(5 * 13 + 121))
    assert [each.rule for each in folding.found()] == [Rule.ATTEMPT]


NO_RELOADS = {
    "an app each half minute for an hour": _loads((30,) * 120),
    "an app each half minute for an hour, not quite by the clock": _loads([30 + n * 7 % 5 - 2 for n in range(120)]),
    "an app while somebody reads other pages": [
        *_loads((30,) * 120),
        *(line(n * 47.0 + i * 0.1, f"ad-{i}.example", "advertising") for n in range(70) for i in range(3)),
    ],
    "an app each minute": _loads((60,) * 40),
    "an app each ten seconds": _loads((10,) * 300),
    "what a page asks for while it is open": [
        *(line(i * 0.1, f"ad-{i}.example", "advertising") for i in range(3)),
        *_loads((25,) * 8),
    ],
    "a program that tries later and later": _loads((1, 2, 4, 8, 16, 32, 64, 64, 64, 64, 64)),
    "four times": _loads((13, 9, 20)),
    "retries of one visit": _loads((1, 4, 5, 3, 6, 2, 5)),
    "what is only unrelated to education": _loads((11, 19, 8, 25, 14), category="games"),
}


@pytest.mark.parametrize("lines", NO_RELOADS.values(), ids=NO_RELOADS.keys())
def test_a_program_that_asks_again_and_again_makes_no_attempt(lines: list[Line]) -> None:
    assert Rule.ATTEMPT not in [rule for rule, _category in _kinds(lines)]


def test_how_often_a_site_must_be_loaded_follows_the_settings() -> None:
    lines = _loads((11, 19, 8, 25, 14))
    assert _kinds(lines, Rules(attempt_visits=7)) == [(Rule.HARMFUL, "adult")]


def _crowd(category: str, count: int) -> list[Line]:
    return _visits(category, *((number * 0.1, f"site-{number}.example") for number in range(count)))


NO_ATTEMPTS = {
    "two sites": _visits("adult", (0, "a.example"), (100, "b.example")),
    "three sites in as many hours": _visits("adult", (0, "a.example"), (3600, "b.example"), (7200, "c.example")),
    "retries of one visit": _visits("adult", (0, "a.example"), (3, "a.example"), (8, "a.example"), (14, "a.example")),
    "the error page that tries again": _visits(
        "adult", *((pause, "a.example") for pause in (0, 1, 6, 36, 96, 396, 880))
    ),
    "an app at its own pace": _visits("social", *((n * 60, "www.a.example") for n in range(15))),
    "a page that asks for twenty closed names": _crowd("adult", 20),
    "results that the browser looks ahead at": [*search(0), *_crowd("weapons", 4)],
    "one result that it looks ahead at": [*search(0), *_visits("adult", (0.9, "a.example"))],
    "three unrelated sites": _visits("games", (0, "a.example"), (100, "b.example"), (200, "c.example")),
    "buttons of social networks": _visits(
        "social",
        (0, "www.facebook.com"),
        (60, "vk.com"),
        (120, "twitter.com"),
        (180, "www.instagram.com"),
        (240, "t.me"),
    ),
    "parts of apps": _visits(
        "games", (0, "api.a.example"), (60, "cdn.b.example"), (120, "log.c.example"), (180, "auth.d.example")
    ),
    "canaries of browsers and phones": _visits(
        "bypass", (0, "use-application-dns.net"), (60, "mask.icloud.com"), (90, "mask-h2.icloud.com"), reason="bypass"
    ),
    "DNS servers that systems ask for": _visits(
        "bypass", (0, "dns.a.example"), (60, "doh.b.example"), (120, "eu.dns.c.example"), (180, "dot.d.example")
    ),
    "a browser that looks after its VPN each hour": _visits("bypass", *((n * 3600, "api.a.example") for n in range(6))),
    "teachers": _visits("adult", (0, "a.example"), (60, "b.example"), (200, "c.example"), group="teachers"),
    "self-harm, which is no offence": _visits(
        "self-harm", (0, "a.example"), (60, "b.example"), (200, "c.example"), (300, "d.example")
    ),
    **{
        f"a room closed because of: {reason}": [
            line(n * 20.0, f"www.site-{n}.example", "", reason=reason) for n in range(40)
        ]
        for reason in ("lesson", "timetable", "pause", "exam", "level")
    },
    "a service that the council closed": [
        line(n * 40.0, f"www.tiktok-{n}.example", "tiktok", reason="service") for n in range(20)
    ],
    "safe search": [each for n in range(40) for each in search(n * 20)],
    "advertising": [line(n * 10.0, f"ads-{n}.example", "advertising") for n in range(90)],
    "sites on advertising-laden pages": [
        each
        for n in range(6)
        for each in (line(n * 60.0, f"ad-{n}.example", "advertising"), *visit(n * 60 + 0.4, f"a{n}.example", "games"))
    ],
}


@pytest.mark.parametrize("lines", NO_ATTEMPTS.values(), ids=NO_ATTEMPTS.keys())
def test_what_looks_like_an_attempt_is_none(lines: list[Line]) -> None:
    assert Rule.ATTEMPT not in [rule for rule, _category in _kinds(lines)]


def test_an_attempt_says_who_where_when_and_what_for() -> None:
    lines = [*_visits("adult", (30, "www.a.example"), (90, "porn.example"), (200, "www.a.example")), *search(20)]
    (found,) = judged(lines)
    assert (found.rule, found.severity, found.audience) == (Rule.ATTEMPT, "harmful", Audience.CLASS_TEACHER)
    assert (found.client, found.device, found.room, found.group) == ("10.0.0.1", "lab-1", "214", "pupils")
    assert (found.first, found.last) == (at(30), at(201.02))
    assert (found.queries, found.names) == (18, 2)
    assert found.asked == (("www.a.example", 12), ("porn.example", 6))
    assert found.signs == ("repeated", "search", "words", "again")


def _beside(lines: list[Line], seconds: float, count: int) -> list[Line]:
    """Return the lines with so many trackers asked for at that time."""
    return [*lines, *(line(seconds, f"tracker-{number}.example", "tracking") for number in range(count))]


@pytest.mark.parametrize(("trackers", "kind"), [(0, Rule.ATTEMPT), (1, Rule.ATTEMPT), (2, Rule.HARMFUL)])
def test_a_doubtful_visit_counts_beside_certain_ones(trackers: int, kind: Rule) -> None:
    lines = _visits("adult", (0, "a.example"), (60, "b.example"), (200, "c.example"))
    assert [rule for rule, _category in _kinds(_beside(lines, 61, trackers))] == [kind]


def test_a_doubtful_visit_alone_is_a_contact_with_what_the_law_forbids_only() -> None:
    assert _kinds(_beside(_visits("adult", (0, "a.example")), 1, 1)) == []
    assert _kinds(_beside(_visits("gambling", (0, "a.example")), 1, 1)) == []
    assert _kinds(_beside(_visits("drugs", (0, "a.example"), reason="locked"), 1, 1)) == [(Rule.UNLAWFUL, "drugs")]
    assert _kinds(_beside(_visits("drugs", (0, "a.example"), reason="locked"), 1, 2)) == []


def test_a_way_around_the_filter_after_a_social_network_was_closed() -> None:
    lines = [*visit(0, "www.facebook.com", "social"), *visit(100, "vpn-a.example", "bypass")]
    assert _kinds(lines) == [(Rule.ATTEMPT, "bypass")]
    later = [*visit(0, "www.facebook.com", "social"), *visit(1000, "vpn-a.example", "bypass")]
    assert _kinds(later) == [(Rule.HARMFUL, "bypass")]


def test_a_contact_that_was_a_programs_first_calls_is_none() -> None:
    beacon = [line(n * 400.0, "x.example", "malware") for n in range(8)]
    link = visit(1300, "www.b.example", "malware")
    assert [(each.rule, each.asked) for each in judged([*beacon, *link])] == [
        (Rule.BEACON, (("x.example", 8),)),
        (Rule.HARMFUL, (("www.b.example", 6),)),
    ]


def test_one_page_that_asks_for_twenty_closed_names_is_no_incident() -> None:
    assert _kinds(_crowd("adult", 20)) == []


@pytest.mark.parametrize("category", ["terrorism", "extremism", "hatred", "drugs"])
def test_a_single_contact_with_what_the_law_forbids_is_enough(category: str) -> None:
    assert _kinds(_visits(category, (0, "a.example"), reason="locked")) == [(Rule.UNLAWFUL, category)]


def test_a_contact_with_what_the_law_forbids_is_entered_within_seconds() -> None:
    folding = Folding(Rules(), {})
    for each in _visits("drugs", (0, "a.example"), reason="locked"):
        folding.take(each)
    assert folding.found() == []
    folding.settle(at(8))
    assert [each.rule for each in folding.found()] == [Rule.UNLAWFUL]


def test_a_harmful_contact_waits_whether_it_becomes_an_attempt() -> None:
    accident = _visits("adult", (0, "a.example"), (400, "b.example"))
    (found,) = judged(accident)
    assert (found.rule, found.queries, found.signs) == (Rule.HARMFUL, 12, ("repeated",))
    assert _kinds([*accident, *visit(500, "c.example", "adult")]) == [(Rule.ATTEMPT, "adult")]


@pytest.mark.parametrize("category", ["gambling", "self-harm"])
def test_a_pupil_at_risk_is_the_psychologists_matter_however_often(category: str) -> None:
    lines = _visits(category, (0, "a.example"), (60, "b.example"), (200, "c.example"), (300, "d.example"))
    (found,) = judged(lines)
    assert (found.rule, found.audience, found.queries) == (Rule.AT_RISK, Audience.PSYCHOLOGIST, 24)


def test_without_the_rule_for_pupils_at_risk_their_categories_are_harmful_ones() -> None:
    rules = Rules(off=frozenset((Rule.AT_RISK,)))
    assert _kinds(_visits("gambling", (0, "a.example")), rules) == [(Rule.HARMFUL, "gambling")]


BEACONS = {
    "each minute": [line(n * 60.0 + n % 3, "c2.a.example", "malware") for n in range(10)],
    "each half minute, from the bare name": [line(n * 30.0, "a.example", "malware") for n in range(20)],
    "each twenty minutes, with gaps": [
        line(n * 1200.0 + n % 7, "a.example", "malware") for n in range(12) if n not in (3, 7)
    ],
    "so often that it is one visit": [line(n * 2.0, "a.example", "malware") for n in range(300)],
    "from a teacher's computer": [line(n * 60.0, "a.example", "malware", group="teachers") for n in range(10)],
    "many names": [line(n * 20.0, f"x{n}.example", "malware") for n in range(20)],
}


@pytest.mark.parametrize("lines", BEACONS.values(), ids=BEACONS.keys())
def test_a_program_that_calls_home_is_a_devices_problem(lines: list[Line]) -> None:
    (found,) = judged(lines)
    assert (found.rule, found.audience) == (Rule.BEACON, Audience.RESPONSIBLE)
    assert found.queries == len(lines)


NO_BEACONS = {
    "one link": _visits("malware", (0, "www.a.example")),
    "the error page that tries again": _visits(
        "malware", *((pause, "a.example") for pause in (0, 1, 6, 36, 96, 396, 996, 2796))
    ),
    "somebody who comes back": _visits("malware", *((moment, "a.example") for moment in (0, 50, 300, 400, 900, 1000))),
}


@pytest.mark.parametrize("lines", NO_BEACONS.values(), ids=NO_BEACONS.keys())
def test_a_person_is_no_program(lines: list[Line]) -> None:
    assert _kinds(lines) == [(Rule.HARMFUL, "malware")]


def test_of_groups_that_are_no_pupils_only_malicious_sites_count() -> None:
    harmless = _visits("drugs", (0, "a.example"), group="staff", reason="locked")
    assert _kinds([*harmless, *_visits("gambling", (60, "b.example"), group="teachers")]) == []
    assert _kinds(harmless, Rules(unwatched_groups=frozenset())) == [(Rule.UNLAWFUL, "drugs")]


def test_what_follows_within_the_merging_time_belongs_to_the_same_incident() -> None:
    lines = _visits("drugs", (0, "a.example"), (44 * 60, "b.example"), (88 * 60, "a.example"), reason="locked")
    (found,) = judged(lines)
    assert (found.first, found.queries, found.names, found.signs) == (at(0), 18, 2, ("repeated",))
    later = _visits("drugs", (0, "a.example"), (46 * 60, "b.example"), reason="locked")
    assert [each.queries for each in judged(later)] == [6, 6]


def test_each_client_has_its_own_incidents() -> None:
    lines = [
        each
        for number, name in enumerate("abc")
        for each in visit(number * 60, f"{name}.example", "adult", client=name)
    ]
    assert _kinds(lines) == [(Rule.HARMFUL, "adult")] * 3


@pytest.mark.parametrize("rule", DETECTED)
def test_a_rule_that_is_switched_off_finds_nothing(rule: Rule) -> None:
    lines = [
        *_visits("adult", (0, "a.example"), (60, "b.example"), (200, "c.example")),
        *_visits("violence", (500, "a.example")),
        *_visits("drugs", (600, "a.example"), reason="locked"),
        *_visits("gambling", (700, "a.example")),
        *BEACONS["each minute"],
    ]
    assert rule in [found for found, _category in _kinds(lines)]
    assert rule not in [found for found, _category in _kinds(lines, Rules(off=frozenset((rule,))))]


def test_the_thresholds_are_those_of_the_settings() -> None:
    wanted = Incidents(
        off=("malware-beacon",), attempt_visits=4, attempt_sites=5, unrelated_sites=6, window_minutes=7,
        merge_minutes=8, beacon_visits=9, at_risk=("gambling",), unwatched_groups=("guests",),
    )  # fmt: skip
    rules = Rules.of(replace(Settings(), incidents=wanted))
    told = {key: value for each in explained(rules) for key, value in each.thresholds.items()}
    assert told == {
        "incidents.attempt_visits": 4,
        "incidents.attempt_sites": 5,
        "incidents.unrelated_sites": 6,
        "incidents.window_minutes": 7,
        "incidents.merge_minutes": 8,
        "incidents.beacon_visits": 9,
        "incidents.at_risk": ["gambling"],
    }
    assert [each.on for each in explained(rules)] == [True, True, True, True, False]
    assert rules.unwatched_groups == {"guests"}


def test_the_defaults_of_the_rules_are_those_of_the_settings() -> None:
    assert Rules.of(Settings()) == Rules()


def test_the_settings_know_each_rule_that_can_be_switched_off() -> None:
    assert tuple(DETECTED) == RULES
