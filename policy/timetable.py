"""What people enter of the school's time: bells, terms, holidays, exams, the timetable of internet use, substitutions.

All times are local: what clocks on the wall show. A window belongs to the day on which it begins, also if it passes
midnight.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from policy.hours import DAYS
from policy.levels import Level

DAY = 24 * 60
"""Minutes of a day."""
MOST = 99
"""The highest number of a shift or a lesson."""
EVERY_DAY = frozenset(range(len(DAYS)))
"""All weekdays; Monday is 0."""


@dataclass(frozen=True, slots=True)
class Minutes:
    """A window between two times of the clock."""

    begin: int
    """A minute of the day, from 0 to 1439."""
    end: int
    """The minute after the last; over 1440 if the window passes midnight."""

    def __post_init__(self) -> None:
        """Refuse what no two times of the clock can say. Raises ValueError."""
        if not (0 <= self.begin < DAY and self.begin < self.end <= max(DAY, self.begin + DAY - 1)):
            raise ValueError(f"expected minutes of a day in order, under 24 hours, found {self.begin} to {self.end}")

    def __str__(self) -> str:
        return f"{clock(self.begin)}-{'24:00' if self.end == DAY else clock(self.end)}"


@dataclass(frozen=True, slots=True)
class Periods:
    """A window of whole lessons: from the bell that begins the first to the bell that ends the last."""

    shift: int
    first: int
    last: int

    def __post_init__(self) -> None:
        """Refuse numbers that are none. Raises ValueError. There are schools with a lesson 0."""
        if not (1 <= self.shift <= MOST and 0 <= self.first <= self.last <= MOST):
            raise ValueError(
                f"expected a shift from 1 and lessons in order, found shift {self.shift}: {self.first} to {self.last}"
            )

    def __str__(self) -> str:
        numbers = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return numbers if self.shift == 1 else f"{self.shift}/{numbers}"


Window = Minutes | Periods


@dataclass(frozen=True, slots=True)
class Period:
    """One lesson between two bells."""

    shift: int
    number: int
    begin: int
    end: int
    """Minutes, as those of a window."""

    def __post_init__(self) -> None:
        """Refuse what no bells can ring. Raises ValueError."""
        Periods(self.shift, self.number, self.number)
        Minutes(self.begin, self.end)


@dataclass(frozen=True, slots=True)
class Bells:
    """The bells of one kind of day. Where two are for the same weekday, those for fewer weekdays ring."""

    id: str
    periods: tuple[Period, ...]
    weekdays: frozenset[int] = EVERY_DAY
    """Empty for bells that ring on single dates only, such as those of a short day."""


@dataclass(frozen=True, slots=True)
class BellsOn:
    """Other bells on one date; they also make a school day of a weekday that has no bells."""

    date: date
    bells: str


class SpanKind(StrEnum):
    """What a span of days is."""

    TERM = "term"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True)
class Span:
    """Days in a row that are a term or a holiday."""

    kind: SpanKind
    begin: date
    end: date
    """The last day."""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Exam:
    """Days on which an exam restricts, whatever else is planned, on school days or not."""

    id: str
    begin: date
    end: date
    """The last day."""
    level: Level
    window: Window | None = None
    """On each of the days; None: all day."""
    rooms: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    """Rooms and groups for which it holds; both empty: everybody."""
    title: str = ""


class Weeks(StrEnum):
    """In which weeks a slot holds, by their number in the year (ISO 8601)."""

    EVERY = ""
    ODD = "odd"
    EVEN = "even"


@dataclass(frozen=True, slots=True)
class Slot:
    """A lesson of the timetable of internet use (R1 2.1). It holds on school days."""

    id: str
    weekdays: frozenset[int]
    window: Window
    room: str | None = None
    group: str | None = None
    """With a room: the group's clients in it. At least one of the two is given."""
    level: Level | None = None
    """None: as the room is in lessons. A slot for a group alone has one."""
    teacher: str = ""
    title: str = ""
    weeks: Weeks = Weeks.EVERY
    begin: date | None = None
    end: date | None = None
    """The first and the last day on which it holds; None: in every term."""

    def __post_init__(self) -> None:
        """Refuse a slot for nobody or without a level. Raises ValueError."""
        if self.room is None and (self.group is None or self.level is None):
            raise ValueError(f"expected a room, or a group and its level, in slot {self.id!r}")

    def holds_on(self, day: date) -> bool:
        """Whether it holds on a day, if that is a school day."""
        return (
            day.weekday() in self.weekdays
            and (self.weeks is Weeks.EVERY or (self.weeks is Weeks.ODD) == (day.isocalendar().week % 2 == 1))
            and (self.begin is None or self.begin <= day)
            and (self.end is None or day <= self.end)
        )


@dataclass(frozen=True, slots=True)
class Substitution:
    """A change of one date, a school day: it stands in the place of the room's slots in its window.

    Its lesson keeps group and level of the slots it is for. Where there is none, it is a lesson more.
    """

    id: str
    date: date
    room: str
    window: Window
    teacher: str = ""
    """Empty: the lesson is cancelled, the room stays closed."""
    to_room: str | None = None
    """The lesson is held in another room; its own stays closed."""
    title: str = ""
    """Empty: as the slot's."""


def clock(minute: int) -> str:
    """Return a minute of the day as `08:05`, one of the next day as of its own."""
    hour, rest = divmod(minute % DAY, 60)
    return f"{hour:02}:{rest:02}"


def minutes_of(window: Window, bells: Bells | None) -> Minutes | None:
    """Return when a window is by the bells of a day; None if they have none of its periods.

    Where they have some of them, as on a short day, it is these.
    """
    if isinstance(window, Minutes):
        return window
    found = [
        period
        for period in (bells.periods if bells is not None else ())
        if period.shift == window.shift and window.first <= period.number <= window.last
    ]
    if not found:
        return None
    begin = min(each.begin for each in found)
    # Bells that nobody can mean, over a day apart, must not stop whoever asks.
    return Minutes(begin, min(max(each.end for each in found), max(DAY, begin + DAY - 1)))
