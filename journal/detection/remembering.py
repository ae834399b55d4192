"""Reading what is kept of a client: all of it is as this version writes it, or none of it is used. Pure.

It lies in journal.db for hours, over updates and power cuts. One value that no rule can work with would keep the
journal from going on for ever.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

from journal.detection.cases import Case
from journal.detection.signs import Sign
from journal.detection.visits import Touch, Visit
from journal.detection.watching import Client, Rhythm
from journal.incidents import Rule
from journal.whole_line import is_time
from policy.categories import BY_ID

_FIRST, _LAST = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (1969, 2202))
_NONE = -1
"""What older versions wrote where there is no moment."""


def client_of(text: str) -> Client:
    """Read what `Client.kept` wrote. Raises ValueError for all else."""
    try:
        return _client(json.loads(text))
    except (TypeError, LookupError, OverflowError, RecursionError) as error:
        raise ValueError(f"expected what is kept of a client, found {text!r:.80}") from error


def _client(kept: list[Any]) -> Client:
    visit, search, shut, trails, rhythms, cases, active, *rest = kept
    known, arrivals = rest or (False, {})  # an older version did not write them
    client = Client(
        None if visit is None else _visit(visit), _perhaps(search), _perhaps(shut),
        cases=[Case(*_fields(each, _CASE)) for each in _list(cases)],
        active=_moment(active), known=_bool(known), stored=True,
        arrivals={_text(site): _moments(times) for site, times in _dict(arrivals).items()},
    )  # fmt: skip
    for trail in ([_touch(each) for each in _list(every)] for every in _list(trails)):
        (category,) = {touch.category for touch in trail}
        client.trails[category] = trail
    for times, touch in _list(rhythms):
        rhythm = Rhythm(_moments(times), _touch(touch))
        client.rhythms[rhythm.touch.site] = rhythm
    return client


def _visit(kept: list[Any]) -> Visit:
    begun, last, nuisances, touches = kept
    read = [_touch(each) for each in _list(touches)]
    return Visit(
        _moment(begun), _moment(last), {_text(site): _moment(when) for site, when in _dict(nuisances).items()},
        {(each.category, each.site): each for each in read},
    )  # fmt: skip


def _touch(kept: object) -> Touch:
    return Touch(*_fields(kept, _TOUCH))


# -- values ------------------------------------------------------------------------------------------------------------


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else _stop(value)


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else _stop(value)


def _bool(value: object) -> bool:
    return value if isinstance(value, bool) else _stop(value)


def _count(value: object) -> int:
    return value if type(value) is int and 0 <= value < 1 << 53 else _stop(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LAST:
        _stop(value)
    return float(value)


def _duration(value: object) -> float | None:
    return None if value is None else _number(value)


def _moment(value: object) -> float:
    moment = _number(value)
    return moment if moment >= _FIRST else _stop(value)


def _perhaps(value: object) -> float | None:
    return None if value in (None, _NONE) else _moment(value)


def _moments(value: object) -> list[float]:
    return list(map(_moment, _list(value))) or _stop(value)


def _text(value: object) -> str:
    # Half of a surrogate pair can be read, but neither written nor shown.
    return value if isinstance(value, str) and value.isprintable() else _stop(value)


def _time(value: object) -> str:
    return text if is_time((text := _text(value)).encode()) else _stop(value)


def _category(value: object) -> str:
    return text if (text := _text(value)) in BY_ID else _stop(value)


def _names(value: object) -> dict[str, int]:
    return {_text(name): _count(count) for name, count in _dict(value).items()}


def _signs(value: object) -> list[str]:
    return [Sign(each) for each in _list(value)]


def _fields(kept: object, readers: Sequence[Callable[[Any], object]]) -> list[Any]:
    """Read what stands in a list; the last fields may be missing, for older versions did not have them."""
    values = _list(kept)
    if len(values) > len(readers):
        _stop(kept)
    return [read(value) for read, value in zip(readers, values, strict=False)]


def _stop(value: object) -> NoReturn:
    raise ValueError(f"expected what is kept of a client, found {value!r:.80}")


_TOUCH = (
    _category, _text, _moment, _time, _moment, _time, _text, _text, _text, _duration, _count, _names, _bool, _bool,
    lambda later: [_moment(each) for each in _list(later)],
)  # fmt: skip
_CASE = (
    Rule, _category, _text, _text, _text, _moment, _time, _moment, _time, _moment, _count, _names, _signs, _perhaps,
    _bool, _count, _count, _moment, _count, _count, _count,
)  # fmt: skip
