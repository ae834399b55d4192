"""What a notice says, and above all what it does not say."""

from zoneinfo import ZoneInfo

import pytest

from journal.incidents import Incident, Rule
from journal.notifying.contacts import Role
from journal.notifying.notice_text import MOST_INCIDENTS, Notice, notice, one_line, sample
from journal.titles import Titles
from tests.journal.incident_scene import CLIENT, SECRET_NAMES, TEACHER, incident
from translations import LANGUAGES, language

ZONE = ZoneInfo("Asia/Almaty")
FULL = incident(client=CLIENT, device="pc-21-07", teacher=TEACHER, asked=SECRET_NAMES)


def told(*incidents: Incident, tongue: str = "en", instead: Role | None = None) -> Notice:
    return notice(incidents, school="Мектеп № 12", zone=ZONE, language=tongue, instead=instead)


def test_it_tells_what_is_needed_to_act() -> None:
    found = told(FULL)
    assert found.subject == "Мектеп № 12: Incident 2026-11-0007: deliberate attempt"
    for line in (
        "Incident: 2026-11-0007",
        "Category: Gambling",
        "When: 2026-11-25 09:40 – 09:52",
        "Room: room21",
        "Lesson: 7-b, Informatics",
        "Group: 7-b",
        "Device: pc-21-07",
        "How often: 12 queries",
        "See what happened: schoolfilter journal show 2026-11-0007",
        "A look-up is no proof of intent: pages load other names by themselves.",
    ):
        assert line in found.text.splitlines()


@pytest.mark.parametrize("tongue", LANGUAGES)
@pytest.mark.parametrize("rule", list(Rule))
def test_it_tells_no_names_no_address_and_no_teacher(rule: Rule, tongue: str) -> None:
    found = told(
        incident(rule=rule, client=CLIENT, device="pc-21-07", teacher=TEACHER, asked=SECRET_NAMES), tongue=tongue
    )
    for secret in (CLIENT, TEACHER, *(name for name, _count in SECRET_NAMES)):
        assert secret not in found.subject + found.text
    assert "2026-11-0007" in found.subject
    assert language() == "en"


@pytest.mark.parametrize(
    ("room", "words"), [("room21", "Device: a device in room21"), ("", "Device: a device that is not entered")]
)
def test_a_device_without_a_name_is_no_address(room: str, words: str) -> None:
    assert words in told(incident(room=room, client=CLIENT)).text.splitlines()


@pytest.mark.parametrize("device", ["pc-21-07", ""])
def test_room_and_group_stand_there_as_people_know_them_and_a_device_by_its_id(device: str) -> None:
    titles = Titles({"room21": "Кабинет 21"}, {"7-b": "7 «Б»"})
    text = notice([incident(device=device)], school="S", zone=ZONE, language="en", titles=titles).text
    lines = text.splitlines()
    assert "Room: Кабинет 21" in lines
    assert "Group: 7 «Б»" in lines
    assert f"Device: {device or 'a device in Кабинет 21'}" in lines
    assert "room21" not in text


def test_what_has_no_title_is_told_by_its_id() -> None:
    text = notice([incident()], school="S", zone=ZONE, language="en", titles=Titles({"room21": ""}, {})).text
    assert "Room: room21" in text.splitlines()
    assert "Group: 7-b" in text.splitlines()


def test_many_are_one_message_of_bounded_length() -> None:
    found = told(*(incident(id=f"2026-11-{number:04d}") for number in range(1, MOST_INCIDENTS + 6)))
    assert found.subject == "Мектеп № 12: 15 incidents, from 2026-11-0001 on"
    assert found.text.count("Incident: ") == MOST_INCIDENTS
    assert "And 5 more." in found.text


def test_who_stands_in_is_told_why() -> None:
    assert "no class teacher is entered for this group and room" in told(FULL, instead=Role.CLASS_TEACHER).text
    assert "You are told because" not in told(FULL).text


@pytest.mark.parametrize(
    "hostile",
    [
        "pc\r\nBcc: all@example.org\r\n\r\nhello",
        "pc\nIncident: 2026-11-9999",
        "pc\u2028Room: x",
        "pc\u202egnp.exe",
        "pc\x1b[2J",
        "pc\ud800",
        "x" * 5000,
    ],
)
def test_no_value_makes_a_line_of_its_own(hostile: str) -> None:
    usual = told(FULL)
    found = told(incident(device=hostile, room="r\nx", lesson=hostile, group="g\r\nx"))
    assert len(found.text.splitlines()) == len(usual.text.splitlines())
    assert len(found.subject.splitlines()) == 1
    assert max(map(len, found.text.splitlines())) <= 200
    assert not set(found.text) & set("\r\x1b\u2028\u202e\ud800")
    school = notice([FULL], school=hostile, zone=ZONE, language="en")
    assert len(school.subject.splitlines()) == 1


def test_a_time_that_cannot_be_read_is_told_as_it_is() -> None:
    assert "When: sometime" in told(incident(first="sometime", last="sometime")).text


def test_one_line_keeps_letters_of_all_languages() -> None:
    assert one_line("  Қазақ ңөү  №5 ") == "Қазақ ңөү №5"


def test_the_test_notice_is_no_incident() -> None:
    assert "test" in sample(school="S", language="en").subject
    assert "Incident:" not in sample(school="S", language="en").text
