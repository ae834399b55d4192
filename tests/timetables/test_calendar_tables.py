"""Tables: what a school writes is read, every bad line is told, and what is written reads back as it was."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
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
)
from policy.levels import Level
from tests.policy import calendars
from timetables.calendar_tables import (
    read_bells,
    read_days,
    read_slots,
    read_substitutions,
    write_bells,
    write_days,
    write_slots,
    write_substitutions,
)
from timetables.errors import BadTable

MON_FRI = frozenset(range(5))

SLOTS = (
    Slot("a", MON_FRI, Periods(1, 2, 3), "inf-1", None, None, "Асанова А.", "Информатика"),
    Slot("b", frozenset({0, 2}), Periods(2, 1, 1), "lab", "7b", Level.HIGH, "", "", Weeks.ODD),
    Slot(
        "c", frozenset({5}), Minutes(480, 570), None, "staff", Level.OPEN, begin=date(2026, 9, 1), end=date(2026, 10, 1)
    ),
)


def told(read: Callable[[bytes], object], text: str) -> list[str]:
    with pytest.raises(BadTable) as found:
        read(text.encode())
    assert str(found.value).splitlines() == list(found.value.problems)
    return list(found.value.problems)


# -- what schools write --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        """id,days,lessons,room,group,level,teacher,subject,weeks,from,until
a,mon-fri,2-3,inf-1,,,Асанова А.,Информатика,,,
b,"mon,wed",shift 2: 1,lab,7b,high,,,odd,,
c,sat,08:00-09:30,,staff,open,,,,2026-09-01,2026-10-01
""",
        """\ufeffКод;Дни;Урок;Кабинет;Группа;Уровень;Учитель;Предмет;Недели;С;По\r
a;пн–пт;2-3;inf-1;;;Асанова А.;Информатика;;;\r
b;Пн, Ср;2/1;lab;7b;высокий;;;нечётные;;\r
\r
c;суббота;8:00 - 9:30;;staff;открыто;;;;01.09.2026;1.10.2026\r
""",
        """код;апта күндері;сабақ;бөлме;топ;шектеу деңгейі;мұғалім;пән;апта;басталуы;аяқталуы
a;дүйсенбі-жұма;2-3;inf-1;;;Асанова А.;Информатика;;;
b;дс сәрсенбі;2-ауысым? ;lab;7b;жоғары;;;тақ;;
c;сб;08.00-09.30;;staff;ашық;;;;2026-09-01;2026-10-01
""".replace("2-ауысым? ", "ауысым 2: 1"),
        """аптанын күнү,код,сабак,кабинет,топ,деңгээл,мугалим,предмет,жумалар,башталышы,аягы
Дүйшөмбү - Жума,a,2-3,inf-1,,,Асанова А.,Информатика,,,
дүй. / шарш.,b,нөөмөт 2: 1,lab,7b,жогорку,,,так,,
ишемби,c,08:00-09:30,,staff,ачык,,,,2026-09-01,2026-10-01
""",
    ],
    ids=["english", "russian", "kazakh", "kyrgyz"],
)
def test_slots_as_schools_write_them(text: str) -> None:
    assert read_slots(text.encode()) == SLOTS


def test_slots_without_ids_get_ones_that_say_when_and_where() -> None:
    text = "days;lessons;room;group;level\nmon-fri;2;inf-1;;\nmon-fri;2;inf-1;;\nsat;2/1;;7b;off\n"
    assert [slot.id for slot in read_slots(text.encode())] == ["mon-fri_2_inf-1", "mon-fri_2_inf-1_2", "sat_2/1_7b"]


def test_bells_with_names_and_without() -> None:
    first, second = Period(1, 1, 480, 525), Period(2, 1, 810, 855)
    named = """bells,shift,lesson,begin,end,days
default,1,1,08:00,08:45,mon-fri
default,2,1,13:30:00,14:15:00,mon-fri
night,1,1,23:30,00:15,none
"""
    assert read_bells(named.encode()) == (
        Bells("default", (first, second), MON_FRI),
        Bells("night", (Period(1, 1, 1410, 1455),), frozenset()),
    )
    by_days = "Смена;Урок;Начало;Конец;Дни\n;1;8:00;8:45;пн-пт\n2;1;13:30;14:15;пн-пт\n1;1;8:00;8:45;сб\n"
    assert read_bells(by_days.encode()) == (
        Bells("пн-пт", (first, second), MON_FRI),
        Bells("сб", (first,), frozenset({5})),
    )
    assert read_bells(b"lesson,begin,end\n1,08:00,08:45\n") == (Bells("default", (first,)),)


def test_days_of_all_kinds() -> None:
    text = """kind;begin;end;title;lessons;level;rooms;groups;bells
term;2026-09-01;2026-10-25;I;;;;;
каникулы;26.10.2026;01.11.2026;Осенние;;;;;
holiday;2026-12-16;;Тәуелсіздік күні;;;;;
емтихан;2026-06-01;2026-06-02;Физика;1-2;off;inf-1, lab;7b;
сокращённый день;2026-09-09;2026-09-10;;;;;;short
"""
    assert read_days(text.encode()) == (
        Span(SpanKind.TERM, date(2026, 9, 1), date(2026, 10, 25), "I"),
        Span(SpanKind.HOLIDAY, date(2026, 10, 26), date(2026, 11, 1), "Осенние"),
        Span(SpanKind.HOLIDAY, date(2026, 12, 16), date(2026, 12, 16), "Тәуелсіздік күні"),
        Exam(
            *("exam_2026-06-01", date(2026, 6, 1), date(2026, 6, 2), Level.OFF, Periods(1, 1, 2)),
            *(frozenset({"inf-1", "lab"}), frozenset({"7b"}), "Физика"),
        ),
        BellsOn(date(2026, 9, 9), "short"),
        BellsOn(date(2026, 9, 10), "short"),
    )


def test_substitutions() -> None:
    text = "date,lesson,room,teacher,to room,subject\n2026-09-07,2,inf-1,Bekov,lab,\n07.09.2026,3,inf-1,,,\n"
    assert read_substitutions(text.encode()) == (
        Substitution("2026-09-07_2_inf-1", date(2026, 9, 7), "inf-1", Periods(1, 2, 2), "Bekov", "lab"),
        Substitution("2026-09-07_3_inf-1", date(2026, 9, 7), "inf-1", Periods(1, 3, 3)),
    )


# -- what is wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (
            read_slots,
            "",
            [
                "line 1: expected a column 'days' in the first line, found none",
                "line 1: expected a column 'lessons' in the first line, found none",
            ],
        ),
        (
            read_slots,
            "days,lessons,room,colour,day\n",
            [
                "line 1: expected the columns id, days, lessons, room, group, level, teacher, subject, weeks, "
                "from, until, found 'colour'",
                "line 1: expected the column 'days' once, found it twice",
            ],
        ),
        (
            read_slots,
            "days,lessons,room,group,level,from,until\n"
            "mon,1,inf-1,,,,\n"
            "mun,1,inf-1,,,,\n"
            "mon,02.мар,inf-1,,,,\n"
            "mon,1,,,,,\n"
            "mon,1,,7b,,,\n"
            "mon,1,,7b,hgih,,\n"
            "mon,1,inf-1,,,1 Sep,\n"
            "mon,1,inf-1,,,2026-09-02,2026-09-01\n"
            "mon,1,inf-1,,,,,,x\n",
            [
                "line 3: column days: expected days such as mon, mon-fri or mon,wed (mon tue wed thu fri "
                "sat sun), found 'mun'",
                "line 4: column lessons: expected lessons such as '2-3' or 'shift 2: 1-2', or hours such as "
                "08:00-09:30, found '02.мар'",
                "line 5: expected a room or a group, found neither",
                "line 6: expected a level for a group without a room, found none",
                "line 7: column level: expected one of high, medium, low, off, open, found 'hgih'",
                "line 8: column from: expected a date such as 2026-09-01 or 01.09.2026, found '1 Sep'",
                "line 9: expected an end on or after the beginning, 2026-09-02, found 2026-09-01",
                "line 10: expected at most 7 cells, as in the header, found 9",
            ],
        ),
        (
            read_slots,
            'days,lessons,room\n"mon,\ntue",1,inf-1\nmon,9-,x\n',
            [
                "line 4: column lessons: expected lessons such as '2-3' or 'shift 2: 1-2', or hours such as "
                "08:00-09:30, found '9-'"
            ],
        ),
        (
            read_slots,
            'days,lessons,room\nmon,1,"inf-1\ntue,1,inf-1\n',
            ["line 2: expected cells, with quotation marks in pairs, found unexpected end of data"],
        ),
        (
            read_slots,
            "id,days,lessons,room\na,mon,1,x\na,mon,2,x\n",
            ["line 3: expected each id once, found 'a' again"],
        ),
        (
            read_bells,
            "bells,shift,lesson,begin,end,days\nd,1,1,08:00,08:45,mon\nd,1,2,08:50,09:35,tue\nd,0,3,9,10,mon\nd,0,3,10:00,10:45,mon\nd,1,x,10:00,10:45,mon\n",
            [
                "line 3: expected the same days for all lines of the bells 'd', 'mon', found 'tue'",
                "line 4: expected hours such as 08:00-13:30, found '9-10'",
                "line 5: column shift: expected a shift from 1, found '0'",
                "line 6: column lesson: expected a number from 0 to 99, found 'x'",
            ],
        ),
        (
            read_days,
            "kind,begin,end,level,rooms,bells\nparty,2026-09-01,,,,\nterm,2026-09-31,,,,\nexam,2026-09-01,,,,\n"
            "holiday,2026-09-01,,off,,\nterm,2026-09-02,2026-09-01,,,\n"
            "short day,2026-09-01,,,,\nshort day,2026-09-01,2027-09-02,,,short\n",
            [
                "line 2: column kind: expected one of term, holiday, exam, short day, found 'party'",
                "line 3: column from: expected a date such as 2026-09-01 or 01.09.2026, found '2026-09-31'",
                "line 4: column level: expected one of high, medium, low, off, open, found ''",
                "line 5: expected nothing in the column 'level' for this kind of day, found 'off'",
                "line 6: expected an end on or after the beginning, 2026-09-02, found 2026-09-01",
                "line 7: expected the bells of the short day, found none",
                "line 8: expected at most 366 short days, found 2026-09-01 - 2027-09-02",
            ],
        ),
        (read_substitutions, "date,lesson,room\n2026-09-01,1,\n", ["line 2: expected a room, found none"]),
    ],
    ids=["nothing", "columns", "slots", "line numbers", "quotes", "ids", "bells", "days", "substitutions"],
)
def test_every_bad_line_is_told_with_what_was_expected_and_found(
    read: Callable[[bytes], object], text: str, expected: list[str]
) -> None:
    assert told(read, text) == expected


def test_a_file_that_is_not_utf_8_is_told_how_to_be_saved() -> None:
    with pytest.raises(BadTable, match="line 2: expected UTF-8; save the table as 'CSV UTF-8'"):
        read_slots("days;lessons;room\nпн;1;x\n".encode("cp1251"))
    with pytest.raises(BadTable, match="expected UTF-8"):
        read_slots("days;lessons;room\n".encode("utf-16"))


def test_a_table_has_bounds() -> None:
    with pytest.raises(BadTable, match=r"expected a table of at most 2 MB, found 2\.1"):
        read_slots(b"days,lessons,room\n" + b" " * 2_200_000)
    with pytest.raises(BadTable, match="line 10002: expected at most 10000 lines"):
        read_slots(b"days,lessons,room\n" + b"mon,1,x\n" * 10_001)
    many = told(read_slots, "days,lessons,room\n" + "x,1,x\n" * 100)
    assert many[-1] == "and 50 more"
    assert len(many) == 51


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text("days,lessons;room\n\r\"'mon-fri 1=@\0", max_size=200).map(str.encode))
def test_any_bytes_are_a_table_or_refused(data: bytes) -> None:
    for read in (read_slots, read_bells, read_days, read_substitutions):
        for text in (data, b"days;lessons;room;kind;begin;date\n" + data, b"days,lessons,room\n" + data):
            try:
                values = read(text)
            except BadTable:
                continue
            assert isinstance(values, tuple)


# -- there and back ------------------------------------------------------------------------------------------------

printed = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(str.strip)
"""What a person types; white space at the ends of a cell is none of it."""
texts = printed | st.sampled_from(["=1+1", "'=1", "''@x", "+7 701", "-", "a;b", 'a"b', "two\nlines", "'", "'a"])
ids = st.from_regex(r"[a-z0-9][a-z0-9.@_/-]{0,7}", fullmatch=True)


def back(calendar: Calendar) -> Calendar:
    days = read_days(write_days((*calendar.spans, *calendar.exams, *calendar.bells_on)))
    return Calendar(
        read_bells(write_bells(calendar.bells)),
        tuple(day for day in days if isinstance(day, BellsOn)),
        tuple(day for day in days if isinstance(day, Span)),
        tuple(day for day in days if isinstance(day, Exam)),
        read_slots(write_slots(calendar.slots)),
        read_substitutions(write_substitutions(calendar.substitutions)),
    )


@st.composite
def sensible(draw: st.DrawFn) -> Calendar:
    """Draw a calendar with odd texts; a slot that ends before it begins is no line of a table."""
    found = draw(calendars.calendars())
    return replace(
        found,
        spans=tuple(replace(each, title=draw(texts)) for each in found.spans),
        exams=tuple(replace(each, title=draw(texts)) for each in found.exams),
        slots=tuple(
            replace(each, teacher=draw(texts), title=draw(texts))
            for each in found.slots
            if not (each.begin and each.end and each.end < each.begin)
        ),
        substitutions=tuple(replace(each, teacher=draw(texts), title=draw(texts)) for each in found.substitutions),
    )


@settings(deadline=None)
@given(sensible())
def test_a_calendar_reads_back_from_its_tables(calendar: Calendar) -> None:
    assert back(calendar) == calendar


@settings(deadline=None)
@given(st.lists(st.tuples(ids, ids, texts, texts), unique_by=lambda each: each[0], max_size=4))
def test_ids_read_back(found: list[tuple[str, str, str, str]]) -> None:
    slots = tuple(
        Slot(id_, frozenset({0}), Periods(1, 1, 1), room, None, None, teacher, title)
        for id_, room, teacher, title in found
    )
    assert read_slots(write_slots(slots)) == slots


@settings(deadline=None)
@given(sensible())
def test_no_cell_becomes_a_formula(calendar: Calendar) -> None:
    for data in (write_slots(calendar.slots), write_substitutions(calendar.substitutions), write_days(calendar.spans)):
        assert data.startswith(b"\xef\xbb\xbf")
        for cells in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=";"):
            assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


def test_a_spreadsheet_makes_no_date_of_lessons() -> None:
    data = write_slots(SLOTS).decode("utf-8-sig")
    assert data.splitlines()[1] == "a;mon-fri;shift 1: 2-3;inf-1;;;Асанова А.;Информатика;;;"
    assert data.splitlines()[3] == "c;sat;08:00-09:30;;staff;open;;;;2026-09-01;2026-10-01"
