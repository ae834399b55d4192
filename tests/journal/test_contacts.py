"""Who is told of an incident: whose business it is, and if there is nobody, somebody else, who is told so."""

import pytest

from journal.incidents import Audience
from journal.notifying.contacts import Channel, Contact, Role, contacts_of, recipients, removal
from storage.evidence import Body, Kind, Record
from tests.journal.incident_scene import NOW, incident


def contact(name: str, role: Role, *, groups: tuple[str, ...] = (), rooms: tuple[str, ...] = ()) -> Contact:
    return Contact(1, name, role, groups, rooms, "en", (Channel.MAIL,), f"{name}@school.example")


TEACHER_7B = contact("teacher-7b", Role.CLASS_TEACHER, groups=("7-b",))
TEACHER_8A = contact("teacher-8a", Role.CLASS_TEACHER, groups=("8-a",))
TEACHER_ROOM = contact("teacher-room", Role.CLASS_TEACHER, rooms=("room12",))
RESPONSIBLE = contact("responsible", Role.RESPONSIBLE)
PSYCHOLOGIST = contact("psychologist", Role.PSYCHOLOGIST)
DIRECTOR = contact("director", Role.DIRECTOR)
ALL = (TEACHER_7B, TEACHER_8A, TEACHER_ROOM, RESPONSIBLE, PSYCHOLOGIST, DIRECTOR)


@pytest.mark.parametrize(
    ("audience", "severity", "group", "room", "people", "told", "instead"),
    [
        pytest.param("class-teacher", "harmful", "7-b", "room21", ALL, ["teacher-7b"], None, id="own-class"),
        pytest.param(
            "class-teacher", "harmful", "7-b", "room12", ALL, ["teacher-7b", "teacher-room"], None, id="class-and-room"
        ),
        pytest.param(
            "class-teacher", "harmful", "9-v", "room21", ALL, ["responsible"], Role.CLASS_TEACHER, id="nobodys-class"
        ),
        pytest.param("psychologist", "harmful", "7-b", "room21", ALL, ["psychologist"], None, id="psychologist"),
        pytest.param(
            "psychologist", "harmful", "7-b", "", (RESPONSIBLE,), ["responsible"], Role.PSYCHOLOGIST, id="none-there"
        ),
        pytest.param("responsible", "harmful", "", "", ALL, ["responsible"], None, id="responsible"),
        pytest.param(
            "responsible", "harmful", "", "", (DIRECTOR, TEACHER_7B), ["director"], Role.RESPONSIBLE, id="director-last"
        ),
        pytest.param(
            "class-teacher", "unlawful", "7-b", "room21", ALL, ["teacher-7b", "director"], None, id="unlawful-director"
        ),
        pytest.param(
            "class-teacher", "unlawful", "7-b", "", (DIRECTOR,), ["director"], Role.CLASS_TEACHER, id="director-once"
        ),
        pytest.param("class-teacher", "harmful", "7-b", "", (TEACHER_8A, PSYCHOLOGIST), [], None, id="nobody"),
    ],
)
def test_who_is_told(
    audience: str,
    severity: str,
    group: str,
    room: str,
    people: tuple[Contact, ...],
    told: list[str],
    instead: Role | None,
) -> None:
    found = recipients(incident(audience=Audience(audience), severity=severity, group=group, room=room), people)
    assert [each.contact.name for each in found] == told
    assert {each.instead for each in found if each.contact.role is not Role.DIRECTOR or len(found) == 1} <= {instead}


def record(number: int, body: Body, private: Body | None = None) -> Record:
    return Record(number, NOW, Kind.CONTACT, "root", body, "seal" if private else "", "", private)


def test_the_last_record_of_a_name_counts() -> None:
    changed = Contact(3, "teacher-7b", Role.RESPONSIBLE, (), (), "kk", (Channel.TELEGRAM,), "", "-100")
    records = [
        record(1, TEACHER_7B.body, TEACHER_7B.private),
        record(2, DIRECTOR.body, DIRECTOR.private),
        record(3, changed.body, changed.private),
        record(4, removal("director")),
    ]
    assert contacts_of(records) == {"teacher-7b": changed}


def test_addresses_are_sealed_and_nowhere_else() -> None:
    assert "school.example" not in str(TEACHER_7B.body)
    (found,) = contacts_of([record(1, TEACHER_7B.body)]).values()
    assert (found.mail, found.telegram, found.channels) == ("", "", (Channel.MAIL,))
