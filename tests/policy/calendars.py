"""Random calendars: few rooms, groups and days, so that everything meets everything."""

from datetime import date, datetime, time, timedelta

from hypothesis import strategies as st

from policy.calendar import (
    Bells,
    BellsOn,
    Calendar,
    Exam,
    Minutes,
    Period,
    Periods,
    Slot,
    Span,
    SpanKind,
    Substitution,
    Weeks,
    Window,
)
from policy.levels import Level
from policy.timetable import DAY

FIRST = date(2026, 12, 31)
"""A Thursday in week 53; week 1 follows: two odd weeks in a row."""
DAYS = 6
ROOMS = ("r1", "r2")
GROUPS = ("g1", "g2")

MONDAY = date(2027, 1, 4)
"""The day on which most happens."""

days = st.just(MONDAY) | st.integers(0, DAYS - 1).map(lambda n: FIRST + timedelta(days=n))
begins = st.sampled_from([480, 485, 490, 500, 521]) | st.sampled_from([480, 530, 1400, 1435, 1439, 0])
"""Where windows begin: most in one half hour of the morning, some around midnight, so that they meet."""
moments = st.builds(
    lambda day, minute, second: datetime.combine(day, time(minute // 60, minute % 60, second)),
    days,
    begins | st.integers(450, 620) | st.integers(0, DAY - 1),
    st.sampled_from([0, 0, 59]),
)
levels = st.sampled_from(Level)
weekdays = st.sampled_from(
    [frozenset(range(7)), frozenset(range(7)), frozenset(range(5)), frozenset({5, 6}), frozenset({0}), frozenset({3})]
)

minutes = st.builds(lambda begin, length: Minutes(begin, begin + length), begins, st.integers(1, 90)) | st.just(
    Minutes(0, DAY)
)
lessons = st.builds(
    lambda shift, first, more: Periods(shift, first, first + more),
    st.integers(1, 2),
    st.integers(0, 2),
    st.integers(0, 1),
)
windows: st.SearchStrategy[Window] = minutes | lessons
periods = st.builds(
    lambda shift, number, window: Period(shift, number, window.begin, window.end),
    st.integers(1, 2),
    st.integers(0, 4),
    st.builds(lambda begin, length: Minutes(begin, begin + length), begins, st.integers(1, 50)),
)
timetables = st.lists(periods, max_size=8).map(tuple) | st.just(
    (
        Period(1, 0, 480, 485),
        Period(1, 1, 490, 530),
        Period(1, 2, 540, 580),
        Period(2, 0, 500, 545),
        Period(2, 1, 1430, 1475),
    )
)


@st.composite
def slots(draw: st.DrawFn, id_: str) -> Slot:
    """Draw a slot for a room, a group, or a group in a room."""
    room = draw(st.sampled_from(["r1", "r1", "r2", None]))
    group = draw(st.sampled_from(GROUPS if room is None else ["g1", None, "g2", None]))
    return Slot(
        id_,
        draw(weekdays),
        draw(windows),
        room,
        group,
        draw(levels if room is None else st.none() | levels),
        draw(st.sampled_from(["", "Asanova", "Bekov"])),
        draw(st.sampled_from(["", "informatics"])),
        draw(st.sampled_from([Weeks.EVERY, *Weeks])),
        draw(st.none() | st.none() | days),
        draw(st.none() | st.none() | days),
    )


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Draw a calendar of three weeks; often one without terms or bells."""
    bells = tuple(
        Bells(id_, draw(timetables), draw(weekdays | st.just(frozenset[int]())))
        for id_ in draw(st.sampled_from([(), ("default",), ("default", "saturday"), ("default", "saturday", "short")]))
    )
    bells_on = draw(st.lists(st.builds(BellsOn, days, st.sampled_from(["saturday", "short"])), max_size=2))
    spans = st.builds(
        lambda kind, begin, length: Span(kind, begin, begin + timedelta(days=length)),
        st.sampled_from(SpanKind),
        days,
        st.integers(0, 5),
    )
    exams = [
        draw(
            st.builds(
                lambda begin, length, level, window, rooms, groups, id_=f"e{number}": Exam(
                    id_, begin, begin + timedelta(days=length), level, window, rooms, groups
                ),
                days,
                st.integers(0, 2),
                levels,
                st.none() | windows,
                st.frozensets(st.sampled_from(ROOMS), max_size=1),
                st.frozensets(st.sampled_from(GROUPS), max_size=1),
            )
        )
        for number in range(draw(st.integers(0, 2)))
    ]
    substitutions = [
        draw(
            st.builds(
                Substitution,
                st.just(f"a{number}"),
                days,
                st.sampled_from(["r1", "r1", "r2"]),
                windows,
                st.sampled_from(["Dzhumabaeva", "Ermekov", ""]),
                st.none() | st.sampled_from(ROOMS),
                st.sampled_from(["", "physics"]),
            )
        )
        for number in range(draw(st.integers(0, 4)))
    ]
    return Calendar(
        bells,
        tuple(bells_on),
        tuple(draw(st.just([]) | st.lists(spans, max_size=3, unique=True))),
        tuple(exams),
        tuple(draw(slots(f"s{number}")) for number in range(draw(st.integers(0, 5)))),
        tuple(substitutions),
    )
