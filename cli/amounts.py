"""Counts, shares, sizes and spans of time as people read them."""

from translations import _

_MIB = 1 << 20
_LONG_NUMBER = 10_000


def share(part: int, whole: int) -> str:
    """Return `part` of `whole` as per cent."""
    return f"{100 * part / whole:.1f} %" if whole else "-"


def number(count: int) -> str:
    """Return a count for people: from five digits on, its thousands are set apart as in all four languages."""
    return str(count) if count < _LONG_NUMBER else f"{count:,}".replace(",", "\N{NO-BREAK SPACE}")


def duration(seconds: float) -> str:
    """Return a span of time in its two largest units."""
    whole = max(int(seconds), 0)  # the clock may have been put back
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if days:
        return _("{days} d {hours} h").format(days=days, hours=hours % 24)
    if hours:
        return _("{hours} h {minutes} min").format(hours=hours, minutes=minutes % 60)
    if minutes:
        return _("{minutes} min").format(minutes=minutes)
    return _("{seconds} s").format(seconds=whole)


def mebibytes(count: int) -> str:
    """Return a number of bytes for people."""
    return f"{count / _MIB:.1f} MiB"
