"""Which sites are newly found: reported or closed by hand in the period, and named by no list."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from journal.documents.referral import newly_found, standing_reports
from papers.referral import ReferredSite
from storage.evidence import Kind, Record
from storage.policy_rows import StoredEntry

ALMATY = timezone(timedelta(hours=5))


def reported(name: str, at: datetime, category: str = "") -> Record:
    body = {"rule": "report", "name": name, "category": category}
    return Record(7, at, Kind.REPORTED, "teacher", body, "", "link", {"by": "Pupilova", "note": "saw it"})


def blocked(name: str, at: datetime, group: str | None = None) -> StoredEntry:
    return StoredEntry(name, group, "because of Pupilova", "", at, "teacher")


def on(day: int, hour: int = 6, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def found(
    reports: tuple[Record, ...] = (),
    blocks: tuple[StoredEntry, ...] = (),
    listed: tuple[str, ...] = (),
    opened: tuple[str, ...] = (),
    shared: tuple[str, ...] = (),
) -> list[ReferredSite]:
    return newly_found(
        reports, blocks, date(2026, 11, 1), date(2026, 11, 30), ALMATY,
        named=lambda name: name in listed, shared=lambda name: name in shared, opened=frozenset(opened),
    )  # fmt: skip


def test_a_site_that_was_reported_twice_and_then_closed_is_one_site() -> None:
    reports = (reported("bad.example", on(3)), reported("bad.example", on(5), "gambling"))
    assert found(reports, (blocked("bad.example", on(4)),)) == [
        ReferredSite("bad.example", "bad.example", date(2026, 11, 3), "gambling", 2, date(2026, 11, 4))
    ]


def test_what_a_list_names_or_the_director_allows_is_left_out() -> None:
    reports = tuple(reported(name, on(3)) for name in ("a.example", "b.example", "sub.c.example", "d.example"))
    assert [each.name for each in found(reports, (), ("a.example",), ("c.example",))] == ["b.example", "d.example"]


def test_a_name_below_which_strangers_have_sites_is_left_out_and_a_site_below_it_is_not() -> None:
    reports = (reported("com.kz", on(3)), reported("bad.com.kz", on(3)))
    assert [each.name for each in found(reports, (blocked("com", on(4)),), shared=("com.kz", "com"))] == ["bad.com.kz"]


@pytest.mark.parametrize(
    ("after", "stands"),
    [
        ((), True),
        ((Kind.REVIEW,), True),
        ((Kind.REVIEW, Kind.CLOSED), True),
        ((Kind.CLOSED,), False),
        ((Kind.TOLD, Kind.CLOSED), False),
        ((Kind.CLOSED, Kind.REOPENED), True),
        ((Kind.CLOSED, Kind.REOPENED, Kind.CLOSED), False),
        ((Kind.CLOSED, Kind.REOPENED, Kind.REVIEW, Kind.CLOSED), True),
    ],
)
def test_a_report_that_was_closed_without_a_review_is_none(after: tuple[Kind, ...], stands: bool) -> None:
    body = {"id": "2026-11-0001", "rule": "report", "audience": "responsible", "severity": "", "name": "bad.example"}
    other = {**body, "id": "2026-11-0002"}
    records = [Record(7, on(3), Kind.REPORTED, "x", body, "", "", None)]
    records += [Record(8, on(3), Kind.REPORTED, "x", other, "", "", None)]
    records += [
        Record(9 + at, on(3), kind, "x", {"incident": 7, "arrived": True}, "", "", None)
        for at, kind in enumerate(after)
    ]
    assert [each.number for each in standing_reports(records)] == ([7, 8] if stands else [8])


def test_days_are_those_of_the_school_both_ends_included() -> None:
    inside = (on(31, 19, 10), on(30, 18))
    outside = (on(31, 18, 10), on(30, 19))
    for moment in inside:
        assert len(found((reported("bad.example", moment),))) == 1
        assert len(found((), (blocked("bad.example", moment),))) == 1
    for moment in outside:
        assert found((reported("bad.example", moment),)) == []
        assert found((), (blocked("bad.example", moment),)) == []


def test_a_site_below_one_that_is_closed_since_earlier_says_since_when() -> None:
    [site] = found((reported("sub.bad.example", on(3)),), (blocked("bad.example", on(2, month=9)),))
    assert (site.name, site.first, site.closed) == ("sub.bad.example", date(2026, 11, 3), date(2026, 9, 2))


def test_one_that_several_groups_are_kept_from_is_one_site_since_the_first_day() -> None:
    blocks = (blocked("bad.example", on(9), "senior"), blocked("bad.example", on(4), "pupils"))
    assert [(site.name, site.closed) for site in found((), blocks)] == [("bad.example", date(2026, 11, 4))]


def test_nobody_is_named() -> None:
    told = repr(found((reported("bad.example", on(3)),), (blocked("worse.example", on(4)),)))
    assert "Pupilova" not in told
    assert "teacher" not in told
