"""The rules for lessons and pauses: their ends, their ids, what may open in a lesson, what holds in a room."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.calendar import Bells, Calendar, Exam, Minutes, Period, Slot
from policy.circumstances import Schedule, circumstances
from policy.decide import entry_for
from policy.groups import Group
from policy.lessons import (
    LONGEST_LESSON,
    LONGEST_PAUSE,
    InvalidEnd,
    State,
    by_hand,
    ended,
    extended_end,
    free_until,
    holding,
    lesson_end,
    lessons_on,
    levels_in,
    new_id,
    next_time,
    no_longer_closed,
    outdated,
    pause_end,
    pauses_on,
    permit_for,
    with_closed,
    with_opened,
)
from policy.levels import Level
from policy.rooms import Lesson, Pause, Room
from policy.snapshot import Place, Reserve, build_snapshot
from policy.views import Entry, EntryKind

BISHKEK = ZoneInfo("Asia/Bishkek")
NINE = datetime(2026, 9, 2, 9, tzinfo=BISHKEK)
"""A Wednesday."""
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
EVERY_DAY = frozenset(range(7))
BELLS = Calendar(bells=(Bells("b", (Period(1, 1, 510, 555), Period(1, 2, 565, 610), Period(1, 3, 630, 675))),))
"""08:30-09:15, 09:25-10:10, 10:30-11:15."""
LESSON = Lesson("20260902-lab-1", "lab", "Asanova", NINE, NINE + 45 * MINUTE)


def at(clock: str, day: int = 2) -> datetime:
    hour, minute = clock.split(":")
    return datetime(2026, 9, day, int(hour), int(minute), tzinfo=BISHKEK)


# -- when they end -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("calendar", "now", "minutes", "until", "ends"),
    [
        pytest.param(Calendar(), "09:00", None, None, "09:45", id="45 minutes without bells"),
        pytest.param(BELLS, "09:00", None, None, "09:15", id="the bell"),
        pytest.param(BELLS, "09:20", None, None, "10:10", id="in the break the next one"),
        pytest.param(BELLS, "10:10", None, None, "11:15", id="at the bell the next one"),
        pytest.param(BELLS, "12:00", None, None, "12:45", id="no lesson planned"),
        pytest.param(BELLS, "09:00", 10, None, "09:10", id="minutes go before the bell"),
        pytest.param(BELLS, "09:00", None, "09:40", "09:40", id="so does a time"),
        pytest.param(BELLS, "09:00", None, " 9.05 ", "09:05", id="as people write it"),
        pytest.param(BELLS, "09:00", 240, None, "13:00", id="four hours"),
        pytest.param(BELLS, "09:00", None, "13:00", "13:00", id="until four hours from now"),
    ],
)
def test_a_lesson_ends_when_it_was_said_or_at_the_bell(
    calendar: Calendar, now: str, minutes: int | None, until: str | None, ends: str
) -> None:
    assert lesson_end(calendar, at(now), minutes, until) == at(ends)


@pytest.mark.parametrize(
    ("minutes", "until", "told"),
    [
        (241, None, "at most 4 hours, so an end by 13:00, found 13:01"),
        (10**6, None, "at most 4 hours"),
        (10**10, None, "an end by 13:00, found 9999-12-30"),
        (10**4000, None, "an end by 13:00, found 9999-12-30"),
        (None, "13:01", "an end by 13:00, found 13:01"),
        (None, "08:59", "an end by 13:00, found 2026-09-03 08:59"),
        (None, "09:00", "found 2026-09-03 09:00"),
        (None, "24:00", "a time such as 09:45, found '24:00'"),
        (None, "9", "a time such as 09:45, found '9'"),
        (None, "in an hour", "found 'in an hour'"),
        (None, "", "found ''"),
        (None, "٠٩:٤٥", "a time such as 09:45"),
    ],
)
def test_no_lesson_is_longer_than_four_hours(minutes: int | None, until: str | None, told: str) -> None:
    with pytest.raises(InvalidEnd) as refused:
        lesson_end(BELLS, NINE, minutes, until)
    assert told in str(refused.value)


def test_a_time_after_midnight_is_tomorrows() -> None:
    assert lesson_end(Calendar(), at("23:30"), None, "00:10") == at("00:10", 3)
    assert lesson_end(Calendar(), at("23:30"), None, None) == at("00:15", 3)


def test_bells_that_are_hours_away_end_no_lesson() -> None:
    bells = Calendar(bells=(Bells("b", (Period(1, 1, 480, 1200),)),))
    assert lesson_end(bells, NINE, None, None) == NINE + LONGEST_LESSON


@pytest.mark.parametrize(
    ("minutes", "until", "ends"), [(10, None, "09:55"), (195, None, "13:00"), (None, "10:00", "10:00")]
)
def test_a_lesson_is_made_longer(minutes: int | None, until: str | None, ends: str) -> None:
    assert extended_end(LESSON, at("09:30"), minutes, until) == at(ends)


@pytest.mark.parametrize(
    ("minutes", "until", "told"),
    [
        (196, None, "at most 4 hours, so an end by 13:00"),
        (None, "09:45", "later than 09:45, when the lesson ends now, found 09:45"),
        (None, "09:40", "later than 09:45"),
        (None, "09:20", "at most 4 hours"),
        (None, "13:01", "at most 4 hours"),
    ],
)
def test_a_lesson_made_longer_still_has_its_bounds(minutes: int | None, until: str | None, told: str) -> None:
    with pytest.raises(InvalidEnd) as refused:
        extended_end(LESSON, at("09:30"), minutes, until)
    assert told in str(refused.value)


def test_a_pause_has_an_end_within_eight_hours() -> None:
    assert pause_end(NINE, 480) == at("17:00")
    with pytest.raises(InvalidEnd, match="at most 8 hours, so an end by 17:00, found 17:01"):
        pause_end(NINE, 481)
    with pytest.raises(InvalidEnd, match="found 2026-09-03 09:00"):
        pause_end(NINE, 24 * 60)


def test_minutes_are_minutes_when_clocks_are_put_back() -> None:
    """02:00-03:00 comes twice in Berlin on 2026-10-25."""
    berlin = ZoneInfo("Europe/Berlin")
    before = datetime(2026, 10, 25, 1, 30, tzinfo=berlin)
    ends = lesson_end(Calendar(), before, 60, None)
    assert ends - before.astimezone(UTC) == HOUR
    assert (ends.hour, ends.minute, ends.fold) == (2, 30, 0)
    assert (pause_end(before, 120) - before.astimezone(UTC), pause_end(before, 120).fold) == (2 * HOUR, 1)
    first = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
    for now in (first, first.replace(fold=1)):
        assert next_time("02:45", now).astimezone(UTC) - now.astimezone(UTC) == 15 * MINUTE
    assert next_time("02:15", first).astimezone(UTC) - first.astimezone(UTC) == 45 * MINUTE


moments = st.integers(1_700_000_000, 2_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, BISHKEK))


@given(moments, st.integers(0, 1439))
def test_the_next_time_is_within_a_day_and_what_clocks_show(now: datetime, minute: int) -> None:
    found = next_time(f"{minute // 60:02}:{minute % 60:02}", now)
    assert now < found <= now + timedelta(days=1)
    assert (found.hour * 60 + found.minute, found.second) == (minute, 0)


@given(moments, st.integers(1, 600))
def test_every_end_is_so_many_minutes_ahead_or_refused(now: datetime, minutes: int) -> None:
    ways: list[tuple[Callable[[], datetime], timedelta]] = [
        (lambda: lesson_end(BELLS, now, minutes, None), LONGEST_LESSON),
        (lambda: pause_end(now, minutes), LONGEST_PAUSE),
    ]
    for end, longest in ways:
        if minutes * MINUTE <= longest:
            assert end() == now + minutes * MINUTE
        else:
            with pytest.raises(InvalidEnd):
                end()


# -- which are on ------------------------------------------------------------------------------------------------------


def test_what_is_on_is_on_in_its_place_from_its_begin_to_its_end() -> None:
    other = Lesson("o", "gym", "Bekov", NINE, NINE + HOUR)
    for moment, expected in ((NINE - MINUTE, []), (NINE, [LESSON]), (at("09:44"), [LESSON]), (at("09:45"), [])):
        assert lessons_on([LESSON, other], "lab", moment) == expected
    assert lessons_on([LESSON, other], "attic", NINE) == []
    by_room = Pause("r", Level.LOW, NINE, NINE + HOUR, "B", "x", room="lab")
    by_group = Pause("g", Level.LOW, NINE, NINE + HOUR, "B", "x", group="lab")
    assert pauses_on([by_room, by_group], "lab", None, NINE) == [by_room]
    assert pauses_on([by_room, by_group], None, "lab", NINE) == [by_group]
    assert pauses_on([by_room, by_group], "lab", None, NINE + HOUR) == []


def test_what_is_ended_is_over_at_once() -> None:
    for now in (NINE, at("09:30")):
        (over,) = ended([LESSON], now)
        assert (over.ends, over.id, over.begins) == (now, LESSON.id, LESSON.begins)
        assert lessons_on([over], "lab", now) == []


def test_what_ended_before_today_is_put_away_and_nothing_else() -> None:
    lessons = [
        Lesson("yesterday", "lab", "A", at("09:00", 1), at("10:00", 1)),
        Lesson("till midnight", "lab", "A", at("23:00", 1), at("00:00", 2)),
        Lesson("over midnight", "lab", "A", at("23:30", 1), at("00:15", 2)),
        Lesson("today", "lab", "A", at("08:00", 2), at("08:45", 2)),
        Lesson("on", "lab", "A", at("08:50", 2), at("09:45", 2)),
    ]
    stored = [Lesson(each.id, "lab", "A", each.begins.astimezone(UTC), each.ends.astimezone(UTC)) for each in lessons]
    assert outdated(stored, NINE) == ["yesterday"]
    assert outdated(stored, at("00:00", 2)) == ["yesterday"]
    assert outdated(stored, at("23:59", 1)) == []


def test_ids_are_of_the_day_and_place_and_never_come_again() -> None:
    day = date(2026, 11, 28)
    taken: list[str] = []
    for _ in range(12):
        taken.append(new_id(day, "room5", taken))
    assert taken == [f"20261128-room5-{n}" for n in range(1, 13)]
    assert new_id(day, "room", taken) == "20261128-room-1"
    assert new_id(day, "room5-1", taken) == "20261128-room5-1-1"
    assert new_id(date(2026, 11, 29), "room5", taken) == "20261129-room5-1"
    assert new_id(day, "room5", [*taken, "20261128-room5-1-7", "20261128-room5-x"]) == "20261128-room5-13"


# -- what opens in a lesson --------------------------------------------------------------------------------------------

PUPILS = Group("pupils", "", Level.MEDIUM, frozenset(), supervised=True)
TEACHERS = Group("teachers", "", Level.LOW, frozenset())


def listed(name: str, until: date | None = None, group: str | None = None) -> Entry:
    return Entry(EntryKind.ALLOW, name, group, "biology", "order 12 of 2026-09-01", until)


def test_a_teacher_opens_what_the_list_holds_under_any_scope_and_for_any_group() -> None:
    entries = [listed("example.org", group="primary"), listed("over.example", date(2026, 9, 1))]
    entries.append(listed("last.example", date(2026, 9, 2)))
    snapshot = build_snapshot(
        [PUPILS],
        (),
        default_group="pupils",
        schedule=Schedule({"lab": Room("lab", "")}),
        reserve=Reserve({each.name: each for each in entries}),
    ).at(NINE)
    found = permit_for(snapshot, LESSON, "www.example.org", NINE)
    assert found is not None
    assert (found.kind, found.name, found.group, found.document, found.limited) == (
        EntryKind.ALLOW,
        "www.example.org",
        None,
        "order 12 of 2026-09-01",
        False,
    )
    assert permit_for(snapshot, LESSON, "last.example", NINE) is not None
    for name in ("over.example", "org", "example.net", "notexample.org"):
        assert permit_for(snapshot, LESSON, name, NINE) is None


def test_a_permit_opens_other_names_for_its_minutes_and_not_what_is_harmful() -> None:
    snapshot = build_snapshot(
        [PUPILS],
        (),
        default_group="pupils",
        schedule=Schedule({"lab": Room("lab", "")}),
        reserve=Reserve({}, 15, "order 9 of 2026-09-01"),
    ).at(NINE)
    assert free_until(snapshot, LESSON) == NINE + 15 * MINUTE
    found = permit_for(snapshot, LESSON, "example.net", NINE + 14 * MINUTE)
    assert found == Entry(EntryKind.ALLOW, "example.net", document="order 9 of 2026-09-01", limited=True)
    assert permit_for(snapshot, LESSON, "example.net", NINE + 15 * MINUTE) is None


@settings(deadline=None)
@given(
    st.sampled_from(["a.example", "b.a.example", "c.example", "example"]),
    st.sampled_from([(), ("a.example",), ("c.example", "b.a.example")]),
    st.sampled_from([0, 10, 60]),
    st.integers(0, 44),
)
def test_what_is_permitted_is_what_the_snapshot_opens(
    name: str, on_list: tuple[str, ...], minutes: int, minute: int
) -> None:
    """The command that takes a name and the resolver that opens it agree."""
    now = NINE + minute * MINUTE
    lesson = with_opened(LESSON, [name])
    snapshot = build_snapshot(
        [PUPILS],
        (),
        default_group="pupils",
        schedule=Schedule({"lab": Room("lab", "")}, lessons=(lesson,)),
        reserve=Reserve({each: listed(each) for each in on_list}, minutes, "order 9 of 2026-09-01"),
    ).at(now)
    opened = entry_for(snapshot.view(Place("pupils", "lab")).overrides, name)
    permitted = permit_for(snapshot, LESSON, name, now)
    assert (opened is None) == (permitted is None)
    if opened is not None and permitted is not None:
        assert (opened.kind, opened.name, opened.limited, opened.document) == (
            permitted.kind,
            permitted.name,
            permitted.limited,
            permitted.document,
        )


def test_the_last_word_counts_for_a_name_and_all_below_it() -> None:
    lesson = with_opened(LESSON, ["a.example", "www.b.example", "a.example"])
    assert (lesson.opened, lesson.closed) == (("a.example", "www.b.example"), ())
    lesson = with_closed(lesson, ["b.example"])
    assert (lesson.opened, lesson.closed) == (("a.example",), ("b.example",))
    lesson = with_opened(lesson, ["www.b.example"])
    assert (lesson.opened, lesson.closed) == (("a.example", "www.b.example"), ("b.example",))
    lesson = with_opened(lesson, ["b.example"])
    assert (lesson.opened, lesson.closed) == (("a.example", "www.b.example", "b.example"), ())
    lesson = no_longer_closed(with_closed(lesson, ["c.example", "www.c.example", "cc.example"]), ["c.example"])
    assert lesson.closed == ("cc.example",)


# -- what holds in a room ----------------------------------------------------------------------------------------------

SLOT = Slot("s", EVERY_DAY, Minutes(540, 600), room="lab", teacher="Bekov", title="informatics")
PAUSE = Pause("p", Level.LOW, NINE, NINE + HOUR, "Bekov", "projector", room="lab")
LAB = Room("lab", "", level=Level.HIGH)


@pytest.mark.parametrize(
    ("room", "schedule", "expected"),
    [
        (LAB, {}, (State.CLOSED, Level.OFF, "", "", None)),
        (Room("lab", "", closed=Level.HIGH), {}, (State.CLOSED, Level.HIGH, "", "", None)),
        (Room("lab", "", supervised=False), {}, (State.OWN, None, "", "", None)),
        (Room("lab", "", supervised=False, level=Level.HIGH), {}, (State.OWN, Level.HIGH, "", "", None)),
        (LAB, {"lessons": (LESSON,)}, (State.LESSON, Level.HIGH, "Asanova", "", at("09:45"))),
        (
            LAB,
            {"calendar": Calendar(slots=(SLOT,))},
            (State.TIMETABLE, Level.HIGH, "Bekov", "informatics", at("10:00")),
        ),
        (
            LAB,
            {"calendar": Calendar(slots=(SLOT,)), "lessons": (LESSON,)},
            (State.LESSON, Level.HIGH, "Asanova", "", at("09:45")),
        ),
        (
            LAB,
            {"lessons": (LESSON,), "pauses": (PAUSE,)},
            (State.PAUSE, Level.LOW, "Bekov", "projector", at("10:00")),
        ),
    ],
)
def test_what_holds_in_a_room(room: Room, schedule: dict[str, object], expected: tuple[object, ...]) -> None:
    found = holding(circumstances(Schedule({"lab": room}, **schedule), NINE), "lab", NINE)  # type: ignore[arg-type]
    assert (found.state, found.level, found.who, found.about, found.until) == expected
    assert found.until is None or found.until.tzinfo is BISHKEK


def test_levels_in_a_room_are_those_of_the_supervised() -> None:
    primary = Group("primary", "", Level.HIGH, frozenset(), supervised=True)
    exam = Exam("e", NINE.date(), NINE.date(), Level.OFF, Minutes(600, 660))
    schedule = Schedule({"lab": Room("lab", "")}, Calendar(exams=(exam,)), (LESSON,))
    snapshot = build_snapshot([PUPILS, primary, TEACHERS], (), default_group="pupils", schedule=schedule)
    assert levels_in(snapshot.at(NINE), "lab") == {Level.MEDIUM: ["pupils"], Level.HIGH: ["primary"]}
    assert levels_in(snapshot.at(at("10:30")), "lab") == {Level.OFF: ["pupils", "primary"]}


def test_a_lesson_of_the_timetable_becomes_one_by_hand_that_holds_the_same() -> None:
    schedule = Schedule({"lab": LAB}, Calendar(slots=(SLOT,)))
    now = at("09:10")
    found = by_hand(circumstances(schedule, now), "lab", now, "l", "somebody")
    assert found == Lesson("l", "lab", "Bekov", now, at("10:00"), Level.HIGH)
    after = circumstances(Schedule({"lab": LAB}, Calendar(slots=(SLOT,)), (found,)), now)
    assert after.level_of(PUPILS, "lab")[0] is circumstances(schedule, now).level_of(PUPILS, "lab")[0]


def test_only_a_lesson_for_the_whole_room_becomes_one_by_hand() -> None:
    nobody = Slot("s", EVERY_DAY, Minutes(480, 1200), room="lab")
    found = by_hand(circumstances(Schedule({"lab": LAB}, Calendar(slots=(nobody,))), NINE), "lab", NINE, "l", "Dina")
    assert found is not None
    assert (found.teacher, found.ends) == ("Dina", NINE + LONGEST_LESSON)
    groups = Slot("g", EVERY_DAY, Minutes(540, 600), room="lab", group="pupils")
    for slots in ((), (groups,), (groups, SLOT)):
        then = circumstances(Schedule({"lab": LAB}, Calendar(slots=slots)), NINE)
        assert by_hand(then, "lab", NINE, "l", "Dina") is None
    other = circumstances(Schedule({"lab": LAB, "gym": Room("gym", "")}, Calendar(slots=(SLOT,))), NINE)
    assert by_hand(other, "gym", NINE, "l", "Dina") is None


def test_every_moment_is_told_in_the_schools_zone() -> None:
    away = timezone(timedelta(hours=-3))
    lesson = Lesson("l", "lab", "A", NINE.astimezone(away), at("09:45").astimezone(away))
    found = holding(circumstances(Schedule({"lab": LAB}, lessons=(lesson,)), NINE), "lab", NINE)
    assert found.until is not None
    assert found.until.isoformat() == "2026-09-02T09:45:00+06:00"


@pytest.mark.parametrize("minutes", [10**10, 10**13, 10**4000])
def test_no_number_of_minutes_is_too_large_to_be_refused(minutes: int) -> None:
    with pytest.raises(InvalidEnd, match="at most 8 hours"):
        pause_end(NINE, minutes)
    with pytest.raises(InvalidEnd, match="at most 4 hours"):
        extended_end(LESSON, NINE, minutes, None)
