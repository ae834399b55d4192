"""Newly found harmful sites: reported by people or closed by hand, and named by no list. Pure (R3 1.13)."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, tzinfo

from journal.incidents import State, replay
from papers.referral import ReferredSite
from policy.names import display_name, with_parents
from storage.evidence import Kind, Record, text
from storage.policy_rows import StoredEntry


def standing_reports(records: Iterable[Record]) -> list[Record]:
    """Return the reports but for those that somebody closed without a review: there was nothing to do.

    `records`: of journal.incidents.KINDS.
    """
    kept = list(records)
    closed = {
        each.record
        for each in replay(kept)
        if each.state is State.CLOSED and all(note.kind is not Kind.REVIEW for note in each.notes)
    }
    return [each for each in kept if each.kind is Kind.REPORTED and each.number not in closed]


def newly_found(
    reports: Iterable[Record],
    blocks: Iterable[StoredEntry],
    first: date,
    last: date,
    zone: tzinfo,
    *,
    named: Callable[[str], bool],
    shared: Callable[[str], bool],
    opened: frozenset[str],
) -> list[ReferredSite]:
    """Return the sites found from the first to the last day, by name.

    `reports`: of Kind.REPORTED. `blocks`: those in force. `named`: whether a list names a site. `shared`: whether
    strangers have sites of their own below a name: it is no site. `opened`: the white list and the protected names;
    what these open with all below them is nothing to refer.
    """
    reported: dict[str, list[Record]] = {}
    for record in reports:
        site = text(record.body, "name")
        if site and first <= record.at.astimezone(zone).date() <= last:
            reported.setdefault(site, []).append(record)
    closed: dict[str, date] = {}
    for block in blocks:
        since = block.added_at.astimezone(zone).date()
        closed[block.name] = min(since, closed.get(block.name, since))
    by_hand = {name for name, since in closed.items() if first <= since <= last}
    return [
        _site(name, reported.get(name, []), closed, zone)
        for name in sorted(reported.keys() | by_hand)
        if not named(name) and not shared(name) and opened.isdisjoint(with_parents(name))
    ]


def _site(name: str, reports: Sequence[Record], closed: dict[str, date], zone: tzinfo) -> ReferredSite:
    since = min((closed[each] for each in with_parents(name) if each in closed), default=None)
    days = [record.at.astimezone(zone).date() for record in reports]
    if name in closed:
        days.append(closed[name])
    category = next((found for record in reports if (found := text(record.body, "category"))), "")
    return ReferredSite(name, display_name(name), min(days), category, len(reports), since)
