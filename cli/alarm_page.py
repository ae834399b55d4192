"""Alarms as `journal show --alarms` shows them: what was noticed, and who settled it with what words."""

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from cli.days import minute
from journal.trust.alarms import describe_alarm
from journal.trust.settling import ToldAlarm
from storage.evidence import Record, text
from translations import _


def alarm_lines(alarms: Sequence[ToldAlarm], zone: tzinfo) -> Iterator[str]:
    """Yield the lines of the page. Those that were settled come with their private part."""
    for each in alarms:
        moment, number = minute(each.record.at, zone), each.record.number
        said = _("{moment}, record {number}: {what}")
        yield said.format(moment=moment, number=number, what=describe_alarm(each.record.body))
        if each.settled is None:
            yield "  " + _("Nobody has settled this alarm yet.")
        else:
            yield "  " + _settled(each.settled, zone)
    waiting = sum(each.is_open for each in alarms)
    if waiting:
        said = _("Open alarms: {count}. When one is dealt with: schoolfilter journal settle NUMBER --text '…'")
        yield said.format(count=waiting)


def alarm_json(alarm: ToldAlarm) -> dict[str, object]:
    """Return an alarm for machines."""
    record = alarm.settled
    settled = None
    if record is not None:
        settled = {
            "record": record.number,
            "at": record.at.isoformat(),
            "by": record.by,
            "text": text(record.private or {}, "text"),
            "erased": _is_erased(record),
        }
    return {"record": alarm.record.number, "at": alarm.record.at.isoformat(), **alarm.record.body, "settled": settled}


def _settled(record: Record, zone: tzinfo) -> str:
    found = _("What was personal was erased.") if _is_erased(record) else text(record.private or {}, "text")
    said = _("Settled on {moment} by {by}: {text} (record {number})")
    return said.format(moment=minute(record.at, zone), by=record.by, text=found, number=record.number)


def _is_erased(record: Record) -> bool:
    return bool(record.seal) and record.private is None
