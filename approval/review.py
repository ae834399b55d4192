"""The yearly review of the director's list: what ends, what nobody uses, which sites are no longer what they were.

Pure: what is known of use and signs (approval/usage.py, approval/signs.py) is given, and so is the day. A remark is for
the director to decide about; nothing is taken off by itself.
"""

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from approval.signs import Outcome
from approval.usage import Usage
from policy.names import display_name
from translations import _, mark

SOON = timedelta(days=30)
"""How long before its end an entry is spoken of, and how long after."""
YEAR = timedelta(days=365)
"""An entry without use for as long, and a list without a review for as long, are due."""
SETTLING = timedelta(days=60)
"""So long a new entry may wait for its lesson."""


class RemarkKind(StrEnum):
    """What is remarkable, the gravest first."""

    PARKED = "parked"
    OWNER_CHANGED = "owner-changed"
    GONE = "gone"
    EXPIRED = "expired"
    """Ended within the last 30 days."""
    EXPIRES_SOON = "expires-soon"
    """Ends within 30 days."""
    NEVER_USED = "never-used"
    UNUSED = "unused"
    """For a year."""
    OLD = "old"
    """The list as a whole: no review for a year."""


@dataclass(frozen=True, slots=True)
class ReviewEntry:
    """An entry of the director's list, as far as a review looks at it."""

    name: str
    """Canonical."""
    group: str | None
    """None means every group."""
    order_text: str
    """The order it rests on, in words."""
    since: date
    until: date | None = None
    """The last day on which it holds; None means no end."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that the director should know, with the next step."""

    kind: RemarkKind
    name: str
    """Canonical; empty if it is about the list as a whole."""
    group: str | None
    text: str
    remedy: str


def review(
    entries: Sequence[ReviewEntry],
    usage: Usage,
    signs: Mapping[str, Outcome],
    today: date,
    last_review: date | None,
) -> tuple[Remark, ...]:
    """Return what is remarkable about a list, the gravest first, in the language in use.

    `entries` hold what is in force and what has expired; `signs` is by name, empty if nobody looked.
    """
    found: list[Remark] = []
    for entry in entries:
        if entry.until is not None and entry.until < today:
            found += _expired(entry, today)
        else:
            found += _signs(entry, signs.get(entry.name, Outcome.SILENT))
            found += _expires_soon(entry, today)
            found += _use(entry, usage, today)
    found += _due(entries, today, last_review)
    ranks = {kind: rank for rank, kind in enumerate(RemarkKind)}
    return tuple(sorted(found, key=lambda each: (ranks[each.kind], display_name(each.name), each.group or "")))


def watching(usage: Usage) -> str:
    """Return since when the use of the list is known: without that, remarks about use cannot be weighed."""
    if usage.since is None:
        return _("Whether entries are used is not known: the query log has to tell what is allowed (log.detail).")
    return _("Whether entries are used is known since {day}.").format(day=usage.since)


def reminders(remarks: Iterable[Remark]) -> tuple[str, ...]:
    """Return what `status` says of a review, a short line for each thing to do."""
    found = tuple(remarks)
    count = Counter(each.kind for each in found)
    changed = count[RemarkKind.PARKED] + count[RemarkKind.OWNER_CHANGED] + count[RemarkKind.GONE]
    unused = count[RemarkKind.NEVER_USED] + count[RemarkKind.UNUSED]
    lines = (
        (changed, _("The director's list: sites that are gone, for sale or perhaps in other hands: {count}.")),
        (count[RemarkKind.EXPIRED], _("The director's list: entries that ended within the last {days} days: {count}.")),
        (count[RemarkKind.EXPIRES_SOON], _("The director's list: entries that end within {days} days: {count}.")),
        (unused, _("The director's list: entries that nobody uses: {count}.")),
    )
    said = [text.format(count=number, days=SOON.days) for number, text in lines if number]
    return (*said, *(each.text for each in found if each.kind is RemarkKind.OLD))


def _expired(entry: ReviewEntry, today: date) -> Iterator[Remark]:
    if entry.until is not None and today - entry.until <= SOON:
        text = _("{entry} ended on {day} ({document}).").format(**_words(entry), day=entry.until)
        remedy = _("If it is still needed, ask for a new order: {allow}").format(**_words(entry))
        yield Remark(RemarkKind.EXPIRED, entry.name, entry.group, text, remedy)


def _expires_soon(entry: ReviewEntry, today: date) -> Iterator[Remark]:
    if entry.until is not None and entry.until - today <= SOON:
        text = _("{entry} ends on {day} ({document}).").format(**_words(entry), day=entry.until)
        remedy = _("If it is needed longer, ask for a new order: {allow}").format(**_words(entry))
        yield Remark(RemarkKind.EXPIRES_SOON, entry.name, entry.group, text, remedy)


_TAKE_OFF = mark("Take it off: {remove}")
_OF_SIGNS = {
    Outcome.PARKED: (
        RemarkKind.PARKED,
        mark("{entry} is for sale: there is no site any more, and whoever buys the name is let in ({document})."),
        _TAKE_OFF,
    ),
    Outcome.OWNER_CHANGED: (
        RemarkKind.OWNER_CHANGED,
        mark("{entry} has other name servers than at the last review: it may have a new owner ({document})."),
        mark("Look at the site. If it is not what the director approved, take it off: {remove}"),
    ),
    Outcome.GONE: (
        RemarkKind.GONE,
        mark("{entry} does not exist any more, and whoever registers the name anew is let in ({document})."),
        _TAKE_OFF,
    ),
}


def _signs(entry: ReviewEntry, outcome: Outcome) -> Iterator[Remark]:
    if outcome in _OF_SIGNS:
        sign, words = _OF_SIGNS[outcome], _words(entry)
        text, remedy = _(sign[1]).format(**words), _(sign[2]).format(**words)
        yield Remark(sign[0], entry.name, entry.group, text, remedy)


def _use(entry: ReviewEntry, usage: Usage, today: date) -> Iterator[Remark]:
    """Speak of an entry without use, as far as watching reaches back: before that, it may have been used daily."""
    if usage.since is None or today - entry.since <= SETTLING:
        return
    last = usage.last.get(entry.name)
    watched_a_year = today - usage.since >= YEAR
    if last is not None:
        if not watched_a_year or today - last < YEAR:
            return
        kind, day = RemarkKind.UNUSED, last
        text = _("{entry} was last used on {day} ({document}).")
    elif today - usage.since <= SETTLING:
        return
    elif usage.since <= entry.since:
        kind, day = RemarkKind.NEVER_USED, entry.since
        text = _("{entry} has never been used since it came on the list on {day} ({document}).")
    else:
        kind, day = RemarkKind.UNUSED if watched_a_year else RemarkKind.NEVER_USED, usage.since
        text = _("{entry} has not been used since {day}; whether it was before that, is not known ({document}).")
    remedy = _("If nobody needs it, take it off: {remove}. To keep it, ask for a new order: {allow}")
    words = _words(entry)
    yield Remark(kind, entry.name, entry.group, text.format(**words, day=day), remedy.format(**words))


def _due(entries: Sequence[ReviewEntry], today: date, last_review: date | None) -> Iterator[Remark]:
    oldest = min((entry.since for entry in entries), default=today)
    if last_review is not None and entries and today - last_review >= YEAR:
        text = _("The director's list was last reviewed on {day}: a review is due.").format(day=last_review)
    elif last_review is None and today - oldest >= YEAR:
        text = _("The director's list has entries since {day} and was never reviewed: a review is due.")
        text = text.format(day=oldest)
    else:
        return
    remedy = _("Look it through with the director: schoolfilter allow --list")
    yield Remark(RemarkKind.OLD, "", None, text, remedy)


def _words(entry: ReviewEntry) -> dict[str, str]:
    """Return what the texts are filled with."""
    name = display_name(entry.name)
    text, audience = name, ""
    if entry.group is not None:
        text = _("{name} (group {group})").format(name=name, group=entry.group)
        audience = f" --group {shlex.quote(entry.group)}"
    return {
        "entry": text,
        "document": entry.order_text,
        "allow": f"schoolfilter allow {name}{audience}",
        "remove": f"schoolfilter remove {name}{audience}",
    }
