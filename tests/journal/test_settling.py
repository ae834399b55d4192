"""An alarm is open until a person settles it, whatever else the chain holds."""

from datetime import UTC, datetime

import pytest

from journal.trust.settling import alarms_told_by
from storage.evidence import Body, Kind, Record

AT = datetime(2026, 11, 25, 5, tzinfo=UTC)


def alarm(number: int) -> Record:
    return Record(number, AT, Kind.ALARM, "schoolfilter", {"what": "segment-lost", "segment": "x.tsv"}, "", "")


def settled(number: int, body: Body, by: str = "aigul") -> Record:
    return Record(number, AT, Kind.SETTLED, by, body, "", "", {"text": "the disk was full"})


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([], {}),
        ([alarm(2)], {2: None}),
        ([alarm(2), settled(3, {"alarm": 2})], {2: 3}),
        ([alarm(2), alarm(3), settled(4, {"alarm": 2})], {2: 4, 3: None}),
        # The first word counts: who came later was told so.
        ([alarm(2), settled(3, {"alarm": 2}), settled(4, {"alarm": 2}, "daniyar")], {2: 3}),
        # The same happened again, and nobody has looked at that yet.
        ([alarm(2), settled(3, {"alarm": 2}), alarm(4)], {2: 3, 4: None}),
        ([alarm(2), settled(3, {"alarm": 2}), alarm(4), settled(5, {"alarm": 4})], {2: 3, 4: 5}),
        # Nobody settles what is yet to come, nor what is no alarm.
        ([settled(2, {"alarm": 3}), alarm(3)], {3: None}),
        ([alarm(2), settled(3, {"alarm": 1}), settled(4, {"alarm": 3}), settled(5, {})], {2: None}),
        ([alarm(2), settled(3, {"alarm": "2"}), settled(4, {"alarm": None})], {2: None}),
        ([Record(1, AT, Kind.BEGUN, "schoolfilter", {}, "", ""), settled(2, {"alarm": 1})], {}),
    ],
)
def test_an_alarm_stands_as_the_first_person_after_it_left_it(
    records: list[Record], told: dict[int, int | None]
) -> None:
    found = alarms_told_by(records)
    assert {each.record.number: each.settled and each.settled.number for each in found} == told
    assert [each.is_open for each in found] == [number is None for number in told.values()]
