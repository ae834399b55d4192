"""The chain of evidence as values: what binds records, and what is found when one of them is touched."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.evidence import (
    GENESIS,
    Fault,
    Finding,
    Head,
    Kind,
    Stored,
    canonical,
    digest_of,
    first_fault,
    link_of,
    seal_of,
    stamp,
    text,
    texts,
    whole,
)


def chain(count: int) -> list[Stored]:
    records: list[Stored] = []
    link = GENESIS
    for number in range(1, count + 1):
        content = (number, f"2026-11-02T04:00:{number:02d}.000+00:00", "note", "aigul", f'{{"n":{number}}}', "")
        link = link_of(link, digest_of(*content))
        records.append(Stored(*content, link))
    return records


def test_whole_chain_has_no_fault() -> None:
    records = chain(9)
    assert first_fault(records, {4: records[3].link, 9: records[8].link[:16]}) is None


def test_part_of_a_chain_is_judged_from_where_it_begins() -> None:
    records = chain(9)
    assert first_fault(records[4:], {}, Head(4, records[3].link)) is None
    assert first_fault(records[4:], {}, Head(4, records[2].link)) == Finding(Fault.LINK, 5)


@given(st.integers(0, 8), st.sampled_from(["at", "kind", "by", "body", "seal", "link"]))
def test_first_changed_record_is_named(place: int, field: str) -> None:
    records = chain(9)
    records[place] = records[place]._replace(**{field: getattr(records[place], field) + "x"})
    assert first_fault(records, {}) == Finding(Fault.LINK, place + 1)


@given(st.integers(0, 8))
def test_first_missing_record_is_named(place: int) -> None:
    records = chain(9)
    del records[place]
    # What is cut off at the end leaves a whole chain: only a head that was kept shows it.
    expected = Finding(Fault.NUMBER, place + 1) if place < 8 else None
    assert first_fault(records, {}) == expected
    assert first_fault(records, {9: chain(9)[8].link}) == (expected or Finding(Fault.HEAD, 9))


@given(st.integers(0, 7))
def test_swapped_records_are_named(place: int) -> None:
    records = chain(9)
    records[place], records[place + 1] = records[place + 1], records[place]
    assert first_fault(records, {}) == Finding(Fault.NUMBER, place + 1)


def test_chain_that_was_written_anew_does_not_have_the_head() -> None:
    kept = chain(9)[6]
    records = chain(3)
    link = records[2].link
    for old in chain(9)[3:]:
        content = (old.number, old.at, old.kind, "somebody else", old.body, old.seal)
        link = link_of(link, digest_of(*content))
        records.append(Stored(*content, link))
    assert first_fault(records, {}) is None
    assert first_fault(records, {7: kept.link}) == Finding(Fault.HEAD, 7)


@pytest.mark.parametrize(
    ("first", "second"),
    [(("a", "bc"), ("ab", "c")), (('a"', "b"), ("a", '"b')), (("a", ""), ("", "a")), (("а", "b"), ("a", "b"))],
)
def test_what_stands_in_another_column_has_another_digest(first: tuple[str, str], second: tuple[str, str]) -> None:
    def digest(pair: tuple[str, str]) -> str:
        return digest_of(1, "", "", *pair, "")

    assert digest(first) != digest(second)


def test_body_has_one_text() -> None:
    assert canonical({"b": [1, None, True], "a": "ә"}) == '{"a":"ә","b":[1,null,true]}'


@pytest.mark.parametrize("body", [{"a": 0.5}, {"a": [1, {"b": 1.0}]}, {"a": (float("nan"),)}])
def test_fractions_are_refused(body: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no fraction"):
        canonical(body)


def test_moments_are_kept_in_utc_to_the_millisecond() -> None:
    at = datetime.fromisoformat("2026-11-02T09:00:00.123999+05:00")
    assert stamp(at) == "2026-11-02T04:00:00.123+00:00"


def test_seal_depends_on_the_salt() -> None:
    assert seal_of("a", "{}") != seal_of("b", "{}")


def test_record_is_what_its_texts_say() -> None:
    stored = Stored(3, "2026-11-02T04:00:00.000+00:00", "review", "Әлия", '{"text":"…","n":2}', "", "ab")
    record = stored.record({"client": "192.0.2.1"})
    assert (record.kind, record.by, record.body) == (Kind.REVIEW, "Әлия", {"text": "…", "n": 2})
    assert record.at == datetime(2026, 11, 2, 4, tzinfo=UTC)
    assert record.private == {"client": "192.0.2.1"}


@pytest.mark.parametrize(
    ("at", "kind", "body"),
    [
        ("2026-11-02T04:00:00.000+00:00", "review", "[]"),
        ("2026-11-02T04:00:00.000+00:00", "review", "{"),
        ("2026-11-02T04:00:00.000+00:00", "party", "{}"),
        ("soon", "review", "{}"),
    ],
)
def test_record_that_nobody_here_wrote_is_refused(at: str, kind: str, body: str) -> None:
    stored = Stored(3, at, kind, "a", body, "", "ab")
    with pytest.raises(ValueError):
        stored.record()


def test_values_of_a_body_are_read_whatever_stands_there() -> None:
    body = {"a": "x", "n": 3, "l": ["p", 1]}
    assert (text(body, "a"), text(body, "b"), text(body, "n")) == ("x", "", "3")
    assert (whole(body, "n"), whole(body, "a")) == (3, 0)
    assert (texts(body, "l"), texts(body, "a")) == (["p", "1"], [])
