"""The words of timetables in English, Kazakh, Kyrgyz and Russian: headers of tables, and what stands in their cells.

The first word of each row is what we write.
"""

import re
from collections.abc import Iterable, Mapping

from policy.hours import DAYS
from policy.levels import Level
from policy.timetable import Weeks

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "код"),
    "days": (
        *("days", "day", "weekdays", "weekday"),
        *("күндер", "күн", "апта күні", "апта күндері"),
        *("күндөр", "аптанын күнү", "аптанын күндөрү"),
        *("дни", "день", "дни недели", "день недели"),
    ),
    "window": (
        *("lessons", "lesson", "hours", "time", "window"),
        *("сабақтар", "сабақ", "сағат", "уақыт", "уақыты"),
        *("сабактар", "сабак", "саат", "убакыт", "убактысы"),
        *("уроки", "урок", "часы", "время"),
    ),
    "room": ("room", "кабинет", "бөлме", "бөлмө", "аудитория", "помещение"),
    "group": ("group", "class", "топ", "сынып", "класс", "группа"),
    "level": (
        *("level", "restriction level"),
        *("деңгей", "шектеу деңгейі", "деңгээл", "чектөө деңгээли"),
        *("уровень", "уровень ограничения"),
    ),
    "teacher": ("teacher", "мұғалім", "мугалим", "учитель", "преподаватель", "педагог"),
    "title": (
        *("subject", "title", "name"),
        *("пән", "атауы", "аталышы", "предмет", "название"),
    ),
    "weeks": ("weeks", "week", "апталар", "апта", "жумалар", "недели", "неделя"),
    "begin": ("from", "begin", "first day", "start", "басталуы", "башталышы", "с", "начало"),
    "end": ("until", "end", "last day", "to", "аяқталуы", "соңы", "аякталышы", "аягы", "по", "конец", "окончание"),
    "shift": ("shift", "ауысым", "нөөмөт", "смена"),
    "number": ("lesson", "number", "no", "period", "сабақ", "сабак", "урок", "номер", "нөмір", "номур", "№"),
    "bells": ("bells", "қоңырау", "қоңыраулар", "коңгуроо", "коңгуроолор", "звонки"),
    "kind": ("kind", "type", "түрі", "түрү", "вид", "тип"),
    "rooms": ("rooms", "room", "кабинеттер", "кабинеты", "кабинет"),
    "groups": ("groups", "group", "топтар", "группы", "топ", "группа"),
    "date": ("date", "күні", "күнү", "дата"),
    "to_room": ("to room", "new room", "жаңа кабинет", "новый кабинет", "в кабинет"),
}

WEEKDAYS: Mapping[str, tuple[str, ...]] = dict(
    zip(
        DAYS,
        (
            ("mon", "monday", "дс", "дүйсенбі", "дш", "дүй", "дүйшөмбү", "пн", "понедельник"),
            ("tue", "tuesday", "сс", "сейсенбі", "шш", "шейш", "шейшемби", "вт", "вторник"),
            ("wed", "wednesday", "ср", "сәрсенбі", "шр", "шарш", "шаршемби", "среда"),
            ("thu", "thursday", "бс", "бейсенбі", "бш", "бейш", "бейшемби", "чт", "четверг"),
            ("fri", "friday", "жм", "жұма", "жума", "пт", "пятница"),
            ("sat", "saturday", "сб", "сенбі", "иш", "ишм", "ишемби", "суббота"),
            ("sun", "sunday", "жс", "жексенбі", "жш", "жек", "жекшемби", "вс", "воскресенье"),
        ),
        strict=True,
    )
)

SHIFT = ("shift", "ауысым", "нөөмөт", "смена")

LEVELS: Mapping[str, tuple[str, ...]] = {
    Level.HIGH: ("high", "жоғары", "жогорку", "высокий"),
    Level.MEDIUM: ("medium", "орташа", "орто", "средний"),
    Level.LOW: ("low", "төмен", "төмөн", "низкий"),
    Level.OFF: ("off", "жабық", "жабык", "закрыто"),
    Level.OPEN: ("open", "ашық", "ачык", "открыто"),
}

WEEKS: Mapping[str, tuple[str, ...]] = {
    Weeks.ODD: ("odd", "тақ", "так", "нечётная", "нечетная", "нечётные", "нечетные"),
    Weeks.EVEN: ("even", "жұп", "жуп", "чётная", "четная", "чётные", "четные"),
}

KINDS: Mapping[str, tuple[str, ...]] = {
    "term": ("term", "quarter", "semester", "тоқсан", "чейрек", "четверть", "семестр", "полугодие"),
    "holiday": (
        *("holiday", "holidays", "vacation"),
        *("демалыс", "мереке", "эс алуу", "майрам", "каникул", "каникулы", "праздник", "выходной"),
    ),
    "exam": ("exam", "exams", "емтихан", "экзамен", "сынак", "экзамены"),
    "short day": ("short day", "қысқартылған күн", "кыскартылган күн", "сокращённый день", "сокращенный день"),
}

NONE = ("none", "жоқ", "жок", "нет")

_STEMS = {
    "exam": r"exams?\b|examinations?\b|емтихан|экзамен",
    "holiday": r"holidays?\b|vacations?\b|каникул|праздник|выходн|демалыс|мереке|эс алуу|майрам",
    "term": r"terms?\b|quarters?\b|semesters?\b|тоқсан|чейрек|четверть|семестр|полугоди",
    "lesson": r"lessons?\b|сабақ|сабак|урок",
}
_IN_TEXT = {kind: re.compile(rf"\b(?:{stems})") for kind, stems in _STEMS.items()}


def plain(text: str) -> str:
    """Return a word as it is compared: without case, doubled spaces, underscores and a final point."""
    return " ".join(text.replace("_", " ").casefold().split()).removesuffix(".")


def meanings(table: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Return what each word of a table means."""
    return {plain(word): meaning for meaning, words in table.items() for word in words}


def kind_in(text: str) -> str:
    """Return what a title or category speaks of: exam, holiday, term or lesson, in this order; empty if of none."""
    folded = text.casefold()
    return next((kind for kind, pattern in _IN_TEXT.items() if pattern.search(folded)), "")
