"""iCalendar files written by hand, so that the reader is not judged by our own writer."""

from collections.abc import Iterable

ROOMS = {"inf-1": "Информатика кабинеті", "lab": "Lab, 2"}


def event(
    *lines: str, uid: str = "u1@example.org", summary: str = "informatics", room: str | None = "inf-1"
) -> list[str]:
    """Return the lines of an event, with a room and a teacher if the lines name none."""
    given = {line.partition(":")[0].partition(";")[0] for line in lines}
    more = [] if room is None or "LOCATION" in given else [f"LOCATION:{room}"]
    if "X-TEACHER" not in given:
        more.append("X-TEACHER:Asanova")
    if "SUMMARY" not in given and summary:
        more.append(f"SUMMARY:{summary}")
    return ["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260801T000000Z", *lines, *more, "END:VEVENT"]


def timed(begin: str, end: str, *lines: str, **more: str | None) -> list[str]:
    """Return an event between two times such as `20260907T080000` or `TZID=Asia/Almaty:20260907T080000`."""
    times = [f"{name}{';' if '=' in moment else ':'}{moment}" for name, moment in (("DTSTART", begin), ("DTEND", end))]
    return event(*times, *lines, **more)  # type: ignore[arg-type]  # keywords by name


def whole(begin: str, end: str, summary: str, *lines: str, **more: str | None) -> list[str]:
    """Return an event of whole days; the end is the day after the last."""
    dates = (f"DTSTART;VALUE=DATE:{begin}", f"DTEND;VALUE=DATE:{end}", f"SUMMARY:{summary}")
    return event(*dates, *lines, room=None, **more)  # type: ignore[arg-type]  # keywords by name


def file(*events: Iterable[str]) -> bytes:
    """Return a file of events."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//example//test//EN"]
    lines += [line for each in events for line in each]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()
