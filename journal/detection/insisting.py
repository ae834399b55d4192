"""Who comes again and again to one closed site, a person or a program: what a trail shows of it. Pure."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median

from journal.detection.rules import Rules
from journal.detection.signs import MOST_BEATS, is_backing_off, is_growing, is_regular
from journal.detection.visits import MALWARE, Touch
from policy.categories import BY_ID, Severity

_REST_SECONDS = 120.0
"""Whoever came at even intervals has stopped after this time, or after four of his intervals."""


def is_grave(category: str) -> bool:
    """Whether coming again and again to one site of it is an attempt: not for what is only unrelated to lessons."""
    return category != MALWARE and BY_ID[category].severity in (Severity.UNLAWFUL, Severity.HARMFUL)


def insisted_sites(trail: Sequence[Touch], arrivals: Mapping[str, Sequence[float]], rules: Rules) -> dict[str, float]:
    """Return the sites to which somebody came again and again, with when it shows that it was a person.

    That may be a moment to come. `trail`: of one category, in order of time. `arrivals`: by site when it was asked for
    last, then when a person, a page or a program came to it.
    """
    if not is_grave(trail[-1].category):
        return {}
    least = max(rules.insisting_visits, rules.attempt_visits)
    window = rules.window_minutes * 60
    since = trail[-1].last - window
    found = {}
    for site in {each.site for each in trail if each.front}:
        comings = sorted(
            moment for each in trail if each.site == site for moment in (each.first, *each.later) if moment > since
        )
        times = [each for each in arrivals.get(site, ())[1:] if each > since] or comings
        if len(comings) < least or is_growing(times) or is_backing_off(times):
            continue
        if not is_regular(times, 4):
            found[site] = comings[-1]
            continue
        # At even intervals somebody who reloads looks like a program. That goes on, or a page began with it.
        middle = median(later - sooner for sooner, later in pairwise(times))
        if len(times) <= MOST_BEATS and middle * (MOST_BEATS + 1) < window and times[0] >= comings[0]:
            found[site] = times[-1] + max(_REST_SECONDS, 4 * middle)
    return found


def insists(trail: Sequence[Touch], arrivals: Mapping[str, Sequence[float]], rules: Rules) -> bool:
    """Whether it shows by the last visit."""
    return any(moment <= trail[-1].last for moment in insisted_sites(trail, arrivals, rules).values())
