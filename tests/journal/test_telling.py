"""When somebody is told: soon, together with what comes at the same time, once, and never in a flood."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal.incidents import Audience, Incident, Rule, State
from journal.notifying.contacts import Channel, Contact, Role
from journal.notifying.telling import (
    AGE,
    APART,
    GATHER,
    HURRY,
    LONGEST_PAUSE,
    MOST_A_DAY,
    MOST_HURRIED,
    Delivery,
    Message,
    Route,
    pause,
    plan,
    to_enter,
    to_tell,
)
from tests.journal.incident_scene import NOW, incident

ZONE = ZoneInfo("Asia/Almaty")
MAIL = Channel.MAIL
RESPONSIBLE = Contact(1, "Ivanov", Role.RESPONSIBLE, (), (), "ru", (MAIL,), "i@school.example")
TEACHER = Contact(2, "Asanova", Role.CLASS_TEACHER, ("7-b",), (), "kk", (MAIL, Channel.TELEGRAM), "a@x.example", "77")
HOOK = Contact(0, "webhook", Role.RESPONSIBLE, (), (), "en", (Channel.WEBHOOK,))
MINUTE = timedelta(minutes=1)
LATER = NOW + GATHER


def delivery(
    number: int, at: datetime, record: int = 5, name: str = "Asanova", channel: Channel = MAIL, *, arrived: bool = True
) -> Delivery:
    return Delivery(number, at, record, Route(name, channel), arrived)


def routes(*messages: Message) -> list[tuple[str, str, list[int]]]:
    return [(each.contact.name, each.channel.value, [i.record for i in each.incidents]) for each in messages]


def planned(
    incidents: list[Incident],
    now: datetime = LATER,
    contacts: tuple[Contact, ...] = (TEACHER,),
    deliveries: tuple[Delivery, ...] = (),
    tried: dict[Route, datetime] | None = None,
) -> list[tuple[str, str, list[int]]]:
    return routes(*plan(incidents, contacts, deliveries, tried or {}, now, ZONE).messages)


BOTH = [("Asanova", "mail", [5]), ("Asanova", "telegram", [5])]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (Rule.ATTEMPT, True),
        (Rule.UNLAWFUL, True),
        (Rule.AT_RISK, True),
        (Rule.BEACON, True),
        (Rule.REPORT, True),
        (Rule.HARMFUL, False),
    ],
)
def test_which_rules_somebody_is_called_for(rule: Rule, told: bool) -> None:
    found = plan(to_tell([incident(rule=rule)]), [TEACHER], [], {}, LATER, ZONE)
    assert (routes(*found.messages), found.waits) == ((BOTH, True) if told else ([], False))


HARMFUL = incident(record=5, rule=Rule.HARMFUL, category="adult", client="192.0.2.1")


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        pytest.param(HARMFUL, {}, True, id="again"),
        pytest.param(HARMFUL, {"category": "violence"}, False, id="other-category"),
        pytest.param(HARMFUL, {"client": "192.0.2.2"}, False, id="other-client"),
        pytest.param(replace(HARMFUL, device="pc-7"), {"device": "pc-7", "client": "192.0.2.9"}, True, id="device"),
        pytest.param(replace(HARMFUL, device="pc-7"), {"device": "pc-8"}, False, id="other-device"),
        pytest.param(replace(HARMFUL, client=""), {"client": ""}, False, id="erased"),
        pytest.param(replace(HARMFUL, state=State.CLOSED), {}, True, id="looked-at"),
    ],
)
def test_a_harmful_contact_is_told_when_it_is_not_the_first(
    first: Incident, second: dict[str, Any], told: bool
) -> None:
    found = to_tell([first, replace(HARMFUL, record=6, **second)])
    assert [each.record for each in found] == ([6] if told else [])


def test_an_attempt_before_does_not_make_a_harmful_contact_a_repeat() -> None:
    attempt = replace(HARMFUL, rule=Rule.ATTEMPT)
    assert to_tell([attempt, replace(HARMFUL, record=6)]) == [attempt]


def test_what_comes_at_the_same_time_is_one_message() -> None:
    incidents = [incident(record=5), incident(record=6, at=NOW + MINUTE)]
    assert planned(incidents, NOW + GATHER - MINUTE / 60) == []
    assert planned(incidents, NOW + GATHER) == [("Asanova", "mail", [5, 6]), ("Asanova", "telegram", [5, 6])]


def test_what_is_urgent_does_not_wait() -> None:
    assert planned([incident(rule=Rule.AT_RISK)], NOW) == BOTH
    assert planned([incident(severity="unlawful")], NOW) == BOTH


def test_each_channel_is_told_once() -> None:
    assert planned([incident(state=State.TOLD)], deliveries=(delivery(9, NOW),)) == [("Asanova", "telegram", [5])]


@pytest.mark.parametrize("state", [State.REVIEWED, State.CLOSED])
def test_what_somebody_looked_at_is_told_no_more(state: State) -> None:
    assert planned([incident(state=state)]) == []


def test_messages_are_apart_but_for_what_is_urgent() -> None:
    before, sooner = (delivery(9, NOW - MINUTE, record=4),), (delivery(9, NOW - MINUTE, 4, channel=Channel.TELEGRAM),)
    program = incident(rule=Rule.BEACON, audience=Audience.CLASS_TEACHER)
    assert planned([program], deliveries=before + sooner) == []
    assert planned([program], NOW - MINUTE + APART - MINUTE / 60, deliveries=before + sooner) == []
    assert planned([program], NOW - MINUTE + APART, deliveries=before + sooner) == BOTH
    assert planned([incident(rule=Rule.UNLAWFUL)], deliveries=before + sooner) == BOTH


def test_an_attempt_waits_three_minutes_at_most_while_there_is_room_for_others_in_the_day() -> None:
    attempt = incident(at=NOW)
    both = [delivery(9, NOW, 4), delivery(9, NOW, 4, channel=Channel.TELEGRAM)]
    assert planned([attempt], NOW + HURRY - MINUTE / 60, deliveries=tuple(both)) == []
    assert planned([attempt], NOW + HURRY, deliveries=tuple(both)) == BOTH
    many = [
        delivery(20 + i, NOW - timedelta(hours=2) + i * HURRY, 100 + i, channel=channel)
        for i in range(MOST_HURRIED - 1)
        for channel in (MAIL, Channel.TELEGRAM)
    ]
    assert planned([attempt], NOW + HURRY, deliveries=(*many, *both)) == []
    assert planned([attempt], NOW + APART, deliveries=(*many, *both)) == BOTH
    assert planned([incident(rule=Rule.AT_RISK)], NOW + HURRY, deliveries=(*many, *both)) == BOTH


def test_there_is_an_end_for_the_day_and_the_next_day_goes_on() -> None:
    morning = NOW - timedelta(hours=9)
    full = tuple(delivery(9 + i, morning + i * MINUTE, 100 + i) for i in range(MOST_A_DAY))
    urgent = [incident(rule=Rule.UNLAWFUL)]
    assert planned(urgent, deliveries=full) == [("Asanova", "telegram", [5])]
    assert planned(urgent, NOW + timedelta(hours=14), deliveries=full) == BOTH
    assert planned(urgent, deliveries=full[1:]) == BOTH


def test_one_message_about_many_counts_once_a_day() -> None:
    one = tuple(delivery(9 + i, NOW - timedelta(hours=1), 100 + i) for i in range(MOST_A_DAY + 5))
    assert planned([incident()], deliveries=one) == BOTH


def test_an_incident_that_goes_on_the_next_day_is_told_again() -> None:
    deliveries = (delivery(9, NOW), delivery(10, NOW, channel=Channel.TELEGRAM))
    same_day = incident(state=State.TOLD, last="2026-11-25T23:59:59.000+05:00")
    next_day = incident(state=State.TOLD, last="2026-11-26T00:00:01.000+05:00")
    tomorrow = NOW + timedelta(days=1)
    assert planned([same_day], tomorrow, deliveries=deliveries) == []
    assert planned([next_day], tomorrow, deliveries=deliveries) == BOTH
    again = (*deliveries, delivery(11, tomorrow), delivery(12, tomorrow, channel=Channel.TELEGRAM))
    assert planned([next_day], tomorrow + APART, deliveries=again) == []


def test_a_contact_entered_later_is_not_told_what_others_were_told() -> None:
    late = Contact(20, "Late", Role.RESPONSIBLE, (), (), "en", (MAIL,), "l@x.example")
    told = incident(audience=Audience.RESPONSIBLE, state=State.TOLD)
    deliveries = (delivery(9, NOW, name="Ivanov"),)
    assert planned([told], contacts=(RESPONSIBLE, late), deliveries=deliveries) == []
    untold = incident(audience=Audience.RESPONSIBLE)
    assert planned([untold], contacts=(late,)) == [("Late", "mail", [5])]


def test_a_failed_route_is_left_alone_for_longer_and_longer() -> None:
    failed = (delivery(9, NOW, arrived=False),)
    mail = Route("Asanova", MAIL)

    def due(after: timedelta, last: timedelta) -> bool:
        found = planned([incident()], NOW + after, deliveries=failed, tried={mail: NOW + last})
        return ("Asanova", "mail", [5]) in found

    assert not due(MINUTE / 2, timedelta())
    assert due(MINUTE, timedelta())
    assert not due(7 * MINUTE, 4 * MINUTE)
    assert due(8 * MINUTE, 4 * MINUTE)
    assert due(timedelta(days=3) + LONGEST_PAUSE, timedelta(days=3))
    assert not due(timedelta(days=3, hours=5), timedelta(days=3))


def test_after_a_restart_a_failed_route_is_tried_at_once() -> None:
    assert ("Asanova", "mail", [5]) in planned([incident()], deliveries=(delivery(9, NOW, arrived=False),))


def test_a_failure_is_entered_once_a_day_for_each_incident() -> None:
    message = Message(TEACHER, MAIL, (incident(record=5), incident(record=6)), None)
    failed = [delivery(9, NOW, 5, arrived=False), delivery(10, NOW, 6, channel=Channel.TELEGRAM, arrived=False)]
    assert [each.record for each in to_enter(message, failed, LATER, ZONE)] == [6]
    assert [each.record for each in to_enter(message, failed, NOW + timedelta(days=1), ZONE)] == [5, 6]


def test_the_webhook_hears_of_all_and_is_nobodys_stand_in() -> None:
    director = Contact(3, "Head", Role.DIRECTOR, (), (), "ru", (MAIL,), "h@x.example")
    found = plan([incident(group="9-v")], [HOOK, director], [], {}, LATER, ZONE).messages
    assert routes(*found) == [("webhook", "webhook", [5]), ("Head", "mail", [5])]
    assert [each.instead for each in found] == [None, Role.CLASS_TEACHER]


def test_what_is_a_month_old_is_told_no_more() -> None:
    assert planned([incident()], NOW + AGE) == BOTH
    assert planned([incident()], NOW + AGE + MINUTE) == []


def test_a_clock_that_was_put_back_does_not_silence_anybody() -> None:
    future = NOW + timedelta(days=900)
    deliveries = (delivery(9, future, record=4), delivery(10, future, 4, channel=Channel.TELEGRAM))
    assert planned([incident()], deliveries=deliveries, tried={Route("Asanova", MAIL): future}) == BOTH


@settings(deadline=None, max_examples=40)  # hours of a school's day each
@given(st.lists(st.integers(0, 400), min_size=1, max_size=30), st.booleans())
def test_however_incidents_come_each_arrives_once_and_messages_stay_apart(minutes: list[int], up: bool) -> None:
    incidents = [incident(record=100 + i, at=NOW + m * MINUTE) for i, m in enumerate(sorted(minutes))]
    deliveries: list[Delivery] = []
    tried: dict[Route, datetime] = {}
    teacher = Contact(2, "Asanova", Role.CLASS_TEACHER, ("7-b",), (), "kk", (MAIL,), "a@x.example")
    for step in range(0, 900, 3):
        now = NOW + step * MINUTE
        known = [each for each in incidents if each.at <= now]
        for message in plan(known, [teacher], deliveries, tried, now, ZONE).messages:
            arrived = up or step > 300
            told = message.incidents if arrived else to_enter(message, deliveries, now, ZONE)
            number = 1000 + len(deliveries)
            deliveries += [delivery(number + i, now, each.record, arrived=arrived) for i, each in enumerate(told)]
            if not arrived:
                tried[message.route] = now
            else:
                tried.pop(message.route, None)
    arrived_ = [each for each in deliveries if each.arrived]
    assert sorted(each.incident for each in arrived_) == [each.record for each in incidents]
    times = sorted({each.at for each in arrived_})
    assert all(later - sooner >= HURRY for sooner, later in pairwise(times))
    assert all(later - sooner >= APART for sooner, later in pairwise(times[MOST_HURRIED - 1 :]))
    assert len(deliveries) - len(arrived_) <= 2 * len(incidents)


@given(st.timedeltas(timedelta(), timedelta(days=60)))
def test_pauses_stay_within_their_bounds(span: timedelta) -> None:
    assert MINUTE <= pause(NOW, NOW + span) <= LONGEST_PAUSE
