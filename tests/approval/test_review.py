"""The review names what the director should decide about, and nothing that it cannot know."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approval.review import Remark, RemarkKind, ReviewEntry, reminders, review, watching
from approval.signs import Outcome
from approval.usage import Usage

TODAY = date(2026, 9, 10)
LONG_AGO = TODAY - timedelta(days=1000)
K = RemarkKind


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def entry(
    since: date = LONG_AGO, until: date | None = None, name: str = "kitap.kz", group: str | None = None
) -> ReviewEntry:
    return ReviewEntry(name, group, "order 12 of 2026-09-02", since, until)


def remarks_of(
    one: ReviewEntry, usage: Usage | None = None, outcome: Outcome | None = None, last_review: date | None = TODAY
) -> tuple[Remark, ...]:
    signs = {} if outcome is None else {one.name: outcome}
    return review([one], usage or Usage(), signs, TODAY, last_review)


def used(last: date | None, since: date | None = LONG_AGO) -> Usage:
    return Usage(since, {"kitap.kz": last} if last else {})


@pytest.mark.parametrize(
    ("until", "kind"),
    [
        (None, None),
        (ago(-31), None),
        (ago(-30), K.EXPIRES_SOON),
        (ago(-1), K.EXPIRES_SOON),
        (TODAY, K.EXPIRES_SOON),
        (ago(1), K.EXPIRED),
        (ago(30), K.EXPIRED),
        (ago(31), None),
    ],
)
def test_what_ends_is_told_a_month_before_and_a_month_after(until: date | None, kind: RemarkKind | None) -> None:
    found = remarks_of(entry(until=until))
    assert [each.kind for each in found] == ([kind] if kind else [])
    for each in found:
        assert str(until) in each.text
        assert "order 12 of 2026-09-02" in each.text
        assert each.remedy.endswith("ask for a new order: schoolfilter allow kitap.kz")


@pytest.mark.parametrize(
    ("since", "watched", "last", "kind", "day"),
    [
        # Watched for long: what counts is the last use.
        (LONG_AGO, LONG_AGO, ago(364), None, None),
        (LONG_AGO, LONG_AGO, ago(365), K.UNUSED, ago(365)),
        (LONG_AGO, LONG_AGO, None, K.NEVER_USED, LONG_AGO),
        # An order of today's confirms what was not used for long.
        (ago(60), LONG_AGO, ago(500), None, None),
        (ago(61), LONG_AGO, ago(500), K.UNUSED, ago(500)),
        # New entries may wait for their lesson.
        (ago(60), LONG_AGO, None, None, None),
        (ago(61), LONG_AGO, None, K.NEVER_USED, ago(61)),
        (ago(61), ago(61), None, K.NEVER_USED, ago(61)),
        # Not watched from the beginning: it may have been used before.
        (LONG_AGO, ago(60), None, None, None),
        (LONG_AGO, ago(61), None, K.NEVER_USED, ago(61)),
        (LONG_AGO, ago(364), None, K.NEVER_USED, ago(364)),
        (LONG_AGO, ago(365), None, K.UNUSED, ago(365)),
        # Not watched for a year without a gap: it may have been used in between.
        (LONG_AGO, ago(364), ago(500), None, None),
        (LONG_AGO, ago(365), ago(500), K.UNUSED, ago(500)),
        # Not watched at all.
        (LONG_AGO, None, None, None, None),
        (LONG_AGO, None, ago(500), None, None),
    ],
)
def test_what_nobody_uses_is_told_as_far_as_it_is_known(
    since: date, watched: date | None, last: date | None, kind: RemarkKind | None, day: date | None
) -> None:
    found = remarks_of(entry(since), used(last, watched))
    assert [each.kind for each in found] == ([kind] if kind else [])
    for each in found:
        assert str(day) in each.text
        assert "schoolfilter remove kitap.kz" in each.remedy
        assert "schoolfilter allow kitap.kz" in each.remedy


def test_only_use_before_watching_is_called_unknown() -> None:
    (unsure,) = remarks_of(entry(LONG_AGO), used(None, ago(100)))
    (sure,) = remarks_of(entry(ago(90)), used(None, ago(100)))
    assert "not known" in unsure.text
    assert "never" not in unsure.text
    assert "never" in sure.text


@given(st.integers(0, 800), st.integers(0, 800), st.none() | st.integers(0, 800))
def test_an_entry_used_within_a_year_is_left_in_peace(since: int, watched: int, last: int | None) -> None:
    """Whatever is told of use is true: nothing was seen in a stretch that was watched, and it is told from when on."""
    found = remarks_of(entry(ago(since)), used(None if last is None else ago(last), ago(watched)))
    for each in found:
        assert since > 60
        assert watched > 60
        if each.kind is K.UNUSED:
            assert watched >= 365
            assert last is None or last >= 365
        else:
            assert each.kind is K.NEVER_USED
            assert last is None
            assert str(ago(min(since, watched))) in each.text


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Outcome.PARKED, K.PARKED),
        (Outcome.OWNER_CHANGED, K.OWNER_CHANGED),
        (Outcome.GONE, K.GONE),
        (Outcome.FOUND, None),
        (Outcome.SILENT, None),
        (Outcome.NO_ADDRESS, None),
        (None, None),
    ],
)
def test_a_site_that_is_no_longer_what_it_was_is_to_be_taken_off(
    outcome: Outcome | None, kind: RemarkKind | None
) -> None:
    found = remarks_of(entry(), outcome=outcome)
    assert [each.kind for each in found] == ([kind] if kind else [])
    for each in found:
        assert each.text.startswith("kitap.kz ")
        assert each.remedy.endswith("off: schoolfilter remove kitap.kz")


def test_of_what_has_ended_nothing_else_is_told() -> None:
    found = remarks_of(entry(until=ago(2)), used(None), Outcome.GONE)
    assert [each.kind for each in found] == [K.EXPIRED]


@pytest.mark.parametrize(
    ("oldest", "last_review", "told"),
    [
        (LONG_AGO, ago(364), None),
        (LONG_AGO, ago(365), ago(365)),
        (ago(10), ago(400), ago(400)),
        (ago(364), None, None),
        (ago(365), None, ago(365)),
    ],
)
def test_the_list_is_to_be_reviewed_once_a_year(oldest: date, last_review: date | None, told: date | None) -> None:
    found = review([entry(ago(1)), entry(oldest, name="old.kz")], Usage(), {}, TODAY, last_review)
    assert [each.kind for each in found] == ([K.OLD] if told else [])
    for each in found:
        assert (each.name, each.group) == ("", None)
        assert str(told) in each.text


@pytest.mark.parametrize("last_review", [None, LONG_AGO])
def test_an_empty_list_needs_no_review(last_review: date | None) -> None:
    assert review([], Usage(), {}, TODAY, last_review) == ()


def test_an_entry_for_a_group_is_named_and_taken_off_as_such() -> None:
    (remark,) = remarks_of(entry(name="xn--e1aaogsq.xn--80ao21a", group="grade-7"), outcome=Outcome.GONE)
    assert (remark.name, remark.group) == ("xn--e1aaogsq.xn--80ao21a", "grade-7")
    assert remark.text.startswith("мектеп.қаз (group grade-7) ")
    assert remark.remedy.endswith("schoolfilter remove мектеп.қаз --group grade-7")


def test_the_gravest_comes_first_and_names_are_in_order() -> None:
    entries = [entry(name=f"{letter}.kz", until=until) for letter in "ba" for until in (None, TODAY)]
    signs = {"a.kz": Outcome.GONE, "b.kz": Outcome.PARKED}
    found = review(entries, used(None), signs, TODAY, None)
    ranks = list(RemarkKind)
    assert found == tuple(sorted(found, key=lambda each: (ranks.index(each.kind), each.name)))
    assert {each.kind for each in found} == {K.PARKED, K.GONE, K.EXPIRES_SOON, K.NEVER_USED, K.OLD}


def test_entries_of_one_name_stand_together_everyones_first() -> None:
    groups = ["grade-7", None, "grade-5"]
    found = review([entry(group=group) for group in groups], used(None), {"kitap.kz": Outcome.GONE}, TODAY, TODAY)
    assert [(each.kind, each.group) for each in found] == [
        (kind, group) for kind in (K.GONE, K.NEVER_USED) for group in (None, "grade-5", "grade-7")
    ]


def test_since_when_use_is_watched_is_told() -> None:
    assert "2026-06-01" in watching(Usage(date(2026, 6, 1)))
    assert "log.detail" in watching(Usage())


def test_reminders_are_one_line_for_each_thing_to_do() -> None:
    entries = [
        entry(until=ago(-3), name="soon.kz"),
        entry(until=ago(-9), name="later.kz"),
        entry(until=ago(9), name="over.kz"),
        entry(name="unused.kz"),
        entry(name="gone.kz"),
        entry(name="sold.kz"),
        entry(name="moved.kz"),
    ]
    fine = {each.name: TODAY for each in entries if each.name != "unused.kz"}
    signs = {"gone.kz": Outcome.GONE, "sold.kz": Outcome.PARKED, "moved.kz": Outcome.OWNER_CHANGED}
    found = review(entries, Usage(LONG_AGO, fine), signs, TODAY, ago(400))
    assert reminders(found) == (
        "The director's list: sites that are gone, for sale or perhaps in other hands: 3.",
        "The director's list: entries that ended within the last 30 days: 1.",
        "The director's list: entries that end within 30 days: 2.",
        "The director's list: entries that nobody uses: 1.",
        "The director's list was last reviewed on 2025-08-06: a review is due.",
    )
    assert reminders(()) == ()
