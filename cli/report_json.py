"""The figures of a month for machines."""

from collections.abc import Mapping
from datetime import datetime

from cli.audit_words import title_of
from journal.documents.figures import Difference, Share
from journal.documents.monthly import Check
from journal.documents.monthly_paper import MonthFacts, changes_of, lessons_of, orders_of, requests_of
from journal.documents.paper_lines import lines_of
from journal.trust.settling import ToldAlarm
from journal.trust.verdict import describe
from storage.evidence import text


def report_json(facts: MonthFacts, now: datetime) -> dict[str, object]:
    """Return all that the report says, by id. `now`: aware, in the school's time zone."""
    month, zone = facts.month, now.tzinfo
    if zone is None:
        raise ValueError(f"expected a moment with its time zone, found {now}")
    sums, asked = month.sums, requests_of(facts, zone)
    return {
        "month": month.month,
        "until": month.until.isoformat(),
        "finished": month.finished,
        "begun": month.begun.isoformat() if month.begun else None,
        "reconciled": month.reconciled,
        "log": {"sound": facts.log.is_sound, "files": facts.log.files, "broken": [*map(describe, facts.log.broken)]},
        "behind_seconds": facts.behind,
        "checks": [_check(each) for each in month.checks],
        "queries": sums.queries,
        "blocked": sums.blocked_queries,
        "blocked_own_tests": month.own_tests,
        "actions": dict(sums.actions),
        "blocked_by_severity": sums.severities(),
        "blocked_by_category": dict(sums.blocked),
        "groups": _places(sums.groups),
        "rooms": _places(sums.rooms),
        "days": {day.isoformat(): each.share._asdict() for day, each in month.days.items()},
        "silent_days": [day.isoformat() for day in month.silent],
        "open_days": [day.isoformat() for day in month.open_days],
        "damaged_lines": month.damaged,
        "incidents": {
            "all": len(month.incidents),
            "told": len(month.told),
            "open": len(month.open_incidents),
            "by_rule": {rule: dict(states) for rule, states in month.by_rule().items()},
            "by_category": dict(month.by_category()),
            "list": [
                {
                    "id": each.id,
                    "day": each.day.isoformat(),
                    "rule": each.rule,
                    "category": each.category,
                    "where": each.where,
                    "queries": each.queries,
                    "told": each.told,
                    "state": each.state,
                    "measures": list(each.measures),
                    "closing": each.closing,
                }
                for each in lines_of(month.incidents, month.told, facts.policy, zone)
            ],
        },
        "requests": {
            "asked": asked.asked,
            "approved": asked.approved,
            "rejected": asked.rejected,
            "withdrawn": asked.withdrawn,
            "open": asked.open,
        },
        "orders": [
            {"number": each.number, "date": each.day.isoformat(), "added": [*each.added], "removed": [*each.removed]}
            for each in orders_of(facts, zone)
        ],
        "changes": [
            {
                "what": each.what,
                "document": each.document,
                "first": each.first.isoformat(),
                "last": each.last.isoformat(),
                "count": each.count,
            }
            for each in changes_of(facts, zone, lambda change: (title_of(change), change.document))
        ],
        "lessons": lessons_of(facts),
        "briefings": month.briefings,
        "index": facts.index.digest,
        "generation": facts.index.generation,
        "lists": [
            {
                "id": each.id,
                "category": each.category,
                "rules": each.rules,
                "sha256": each.sha256,
                "last_good": each.refreshed.isoformat() if each.refreshed else None,
            }
            for each in facts.index.lists
        ],
        "alarms": [_alarm(each) for each in month.alarms],
    }


def _alarm(alarm: ToldAlarm) -> dict[str, object]:
    record = alarm.settled
    settled = None
    if record is not None:
        settled = {"at": record.at.isoformat(), "by": record.by, "text": text(record.private or {}, "text")}
    return {"at": alarm.record.at.isoformat(), "what": text(alarm.record.body, "what"), "settled": settled}


def _check(check: Check) -> dict[str, object]:
    return {
        "source": check.source,
        "outcome": check.outcome,
        "until": check.until.isoformat() if check.until else None,
        "only_blocked": check.only_blocked,
        "detail": check.detail,
        "differences": [_difference(each) for each in check.differences],
    }


def _difference(difference: Difference) -> dict[str, object]:
    return {
        "day": difference.day.isoformat() if difference.day else None,
        "topic": difference.topic,
        "item": difference.item,
        "here": difference.one._asdict(),
        "there": difference.other._asdict(),
    }


def _places(shares: Mapping[str, Share]) -> dict[str, object]:
    return {id_: share._asdict() for id_, share in shares.items()}
