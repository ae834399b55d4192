"""What our own iCalendar files hold besides their events: every value as it was, and a digest of both.

Events say less than the calendar holds: no bells, no periods, no levels. So the rows go along, in properties that other
programs pass over. They count only while the events are as we wrote them: what people see and change comes first. The
digest is no signature: it tells a file that was edited, not one that was made to deceive.
"""

import json
import re
from collections.abc import Iterable
from hashlib import sha256

from policy.calendar import Calendar
from policy.calendar_bodies import calendar_of, rows
from timetables.ics_events import File

ROW = "X-SCHOOLFILTER-ROW"
DIGEST = "X-SCHOOLFILTER-DIGEST"

_EVENT = re.compile(r"(?ms)^BEGIN:VEVENT$.*?^END:VEVENT$")
_STAMP = re.compile(r"(?m)^DTSTAMP:.*\n")


def own_rows(calendar: Calendar) -> list[str]:
    """Return the values of a calendar, each as a text on one line."""
    return [json.dumps(row, ensure_ascii=False) for row in rows(calendar)]


def digest_of(text: str, rows: Iterable[str]) -> str:
    """Return the digest of the events in a text with long lines joined, in any order, and of rows."""
    events = (_STAMP.sub("", event) for event in _EVENT.findall(text))
    return sha256("\n".join([*sorted(events), *sorted(rows)]).encode()).hexdigest()


def own_calendar(file: File) -> Calendar | None:
    """Return the calendar of a file that we wrote and nobody changed; None for any other."""
    if not file.rows or file.digest != digest_of(file.text, file.rows):
        return None
    try:
        return calendar_of((str(kind), str(id_), body) for kind, id_, body in map(json.loads, file.rows))
    except (ValueError, TypeError, AttributeError):
        return None
