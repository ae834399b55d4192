"""Days and moments as people write them in kk, ky, ru and en."""

from datetime import date, datetime, timezone

_MONTHS = {
    "kk": "қаңтар ақпан наурыз сәуір мамыр маусым шілде тамыз қыркүйек қазан қараша желтоқсан",
    "ky": "январы февралы марты апрели майы июну июлу августу сентябры октябры ноябры декабры",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "en": "January February March April May June July August September October November December",
}
"""In the case that the pattern below asks for: Kyrgyz "its September", Russian "of September"."""

_WRITTEN = {
    "kk": "{year} жылғы {day} {month}",
    "ky": "{year}-жылдын {day}-{month}",
    "ru": "{day} {month} {year} г.",
    "en": "{day} {month} {year}",
}

_MONTHS_ALONE = {
    "kk": _MONTHS["kk"],
    "ky": "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
    "ru": "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
    "en": _MONTHS["en"],
}
"""In the nominative."""

_WRITTEN_MONTH = {
    "kk": "{year} жылғы {month}",
    "ky": "{year}-жыл, {month}",
    "ru": "{month} {year} г.",
    "en": "{month} {year}",
}


def written_day(day: date, language: str) -> str:
    """Return the day with the month as a word: `2 сентября 2026 г.`"""
    month = _MONTHS[language].split()[day.month - 1]
    return _WRITTEN[language].format(year=day.year, day=day.day, month=month)


def written_month(year: int, month: int, language: str) -> str:
    """Return a month as a heading has it: `ноябрь 2026 г.`"""
    return _WRITTEN_MONTH[language].format(year=year, month=_MONTHS_ALONE[language].split()[month - 1])


def short_day(day: date, language: str) -> str:
    """Return the day for a narrow column: `02.09.2026`; in English `2 Sep 2026`, never a day of February."""
    if language == "en":
        return f"{day.day} {_MONTHS['en'].split()[day.month - 1][:3]} {day.year}"
    return f"{day.day:02}.{day.month:02}.{day.year}"


def written_moment(moment: datetime, language: str) -> str:
    """Return day and time with the distance from UTC: `2 сентября 2026 г., 14:05 (UTC+05:00)`.

    Raises ValueError for a moment without a zone.
    """
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError(f"expected a moment with its time zone, found {moment}")
    return f"{written_day(moment, language)}, {moment:%H:%M} ({timezone(offset)})"
