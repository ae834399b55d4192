"""Figures, incidents and alarms as papers have them: with the titles of groups and rooms. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, tzinfo

from journal.documents.figures import Share, Sums
from journal.documents.policy_state import PolicyState
from journal.incidents import Incident, State
from journal.trust.alarms import describe_alarm
from journal.trust.settling import ToldAlarm
from papers.period import AlarmLine, Figures, IncidentLine, Place
from policy.decision import Action
from storage.evidence import Kind, text


def figures_of(sums: Sums, policy: PolicyState, own_tests: int) -> Figures:
    """Return figures, most first. `own_tests`: how many of the blocked queries were tests for acts."""
    return Figures(
        sums.queries,
        sums.blocked_queries,
        sums.severities(),
        dict(sorted(sums.blocked.items(), key=lambda pair: (-pair[1], pair[0]))),
        _places(sums.groups, {id_: policy.group_title(id_) for id_ in sums.groups}),
        _places(sums.rooms, {id_: policy.room_title(id_) for id_ in sums.rooms}),
        own_tests,
    )


def lines_of(
    incidents: Iterable[Incident], told: frozenset[int], policy: PolicyState, zone: tzinfo
) -> list[IncidentLine]:
    """Return incidents without anything personal, by number."""
    return [_line(each, each.record in told, policy, zone) for each in sorted(incidents, key=lambda each: each.id)]


def day_of(incident: Incident, zone: tzinfo) -> date:
    """Return the day of the first query; that of the entry if the log has no good time for it."""
    try:
        first = datetime.fromisoformat(incident.first)
    except ValueError:
        first = incident.at
    return (first if first.tzinfo is not None else incident.at).astimezone(zone).date()


def alarm_lines(alarms: Iterable[ToldAlarm], zone: tzinfo) -> list[AlarmLine]:
    """Return alarms in words of the language in use. Those that were settled come with their private part."""
    return [_alarm_line(each, zone) for each in alarms]


def _alarm_line(alarm: ToldAlarm, zone: tzinfo) -> AlarmLine:
    line, settled = AlarmLine(alarm.record.at.astimezone(zone), describe_alarm(alarm.record.body)), alarm.settled
    if settled is None:
        return line
    day, found = settled.at.astimezone(zone).date(), text(settled.private or {}, "text")
    return replace(line, settled=day, by=settled.by, found=found)


def _line(incident: Incident, told: bool, policy: PolicyState, zone: tzinfo) -> IncidentLine:
    places = (policy.group_title(incident.group), policy.room_title(incident.room))
    return IncidentLine(
        incident.id,
        day_of(incident, zone),
        incident.rule,
        incident.category,
        ", ".join(filter(None, places)),
        incident.queries,
        told,
        incident.state,
        tuple(note.measures for note in incident.notes if note.measures),
        _closing(incident),
        incident.decided == Action.BLOCK,
    )


def _closing(incident: Incident) -> str:
    """Return what was said when it was closed last, if it still is."""
    if incident.state is not State.CLOSED:
        return ""
    return next((note.text for note in reversed(incident.notes) if note.kind is Kind.CLOSED), "")


def _places(shares: Mapping[str, Share], titles: Mapping[str, str]) -> list[Place]:
    most_first = sorted(shares.items(), key=lambda pair: (-pair[1].queries, pair[0]))
    return [Place(titles.get(id_, id_), share.queries, share.blocked) for id_, share in most_first]
