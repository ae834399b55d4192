"""Devices as a table: what is written reads back, whatever a spreadsheet has made of its form."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policy.devices import Device
from policy.devices_csv import COLUMNS, Row, read_table, write_table

PC = Device("pc-1", "Room 12, by the window", "pupils", "room-12", ("192.0.2.3", "fd00::3"), ("00:00:5e:10:00:01",), "")
TABLET = Device("tablet", "Планшет «А»", macs=("02:00:5e:10:00:01", "00:00:5e:10:00:02"), note='says "no"')

TABLE = """\
id,title,group,room,address,mac,note
pc-1,"Room 12, by the window",pupils,room-12,192.0.2.3 fd00::3,00:00:5e:10:00:01,
tablet,Планшет «А»,,,,02:00:5e:10:00:01 00:00:5e:10:00:02,"says ""no\"""
"""


def cells(device: Device) -> dict[str, str]:
    return {
        "id": device.id,
        "title": device.title,
        "group": device.group or "",
        "room": device.room or "",
        "address": " ".join(device.addresses),
        "mac": " ".join(device.macs),
        "note": device.note,
    }


def test_devices_are_written_as_a_table_and_read_back() -> None:
    assert write_table([PC, TABLET]) == TABLE
    assert read_table(TABLE) == [Row(2, cells(PC)), Row(3, cells(TABLET))]
    assert read_table(TABLE)[0].values("address") == ("192.0.2.3", "fd00::3")
    assert read_table(TABLE)[1].values("address") == ()


SAID = st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), max_size=12).map(str.strip)


@example("=1+1", "'=1+1", ",")
@example("''@x", "it's", ";")
@given(SAID, SAID, st.sampled_from([",", ";", "\t"]))
def test_whatever_people_write_comes_back_and_no_cell_is_a_formula(title: str, note: str, delimiter: str) -> None:
    written = write_table([Device("pc", title, note=note)], delimiter)
    assert read_table(written) == [Row(2, cells(Device("pc", title, note=note)))]
    for line in csv.reader(io.StringIO(written), delimiter=delimiter):
        assert not [cell for cell in line if cell.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize("begins", ["=", "+", "-", "@"])
def test_a_cell_that_a_spreadsheet_would_calculate_is_made_harmless(begins: str) -> None:
    assert f"pc,'{begins}1," in write_table([Device("pc", f"{begins}1")])


@pytest.mark.parametrize(
    "headings",
    [
        "id;title;group;room;address;mac;note",
        "ID;Title;GROUP; room ;Address;MAC;Note",
        "\ufeffid;атауы;топ;кабинет;мекенжай;mac;ескертпе",
        "id;аталышы;топ;кабинет;дарек;MAC-дарек;эскертүү",
        "Идентификатор;Название;Группа;Кабинет;Адрес;MAC-адрес;Примечание",
    ],
)
def test_headings_are_known_in_each_language(headings: str) -> None:
    (row,) = read_table(f"{headings}\r\na;b;c;d;e;f;g\r\n")
    assert row == Row(2, dict(zip(COLUMNS, "abcdefg", strict=True)))


def test_columns_may_stand_in_any_order_and_be_left_out() -> None:
    (row,) = read_table("room\tid\nroom-5\tpc-1\n")
    assert row == Row(2, {"room": "room-5", "id": "pc-1"})
    assert row.values("mac") is None


def test_what_a_spreadsheet_adds_or_leaves_out_at_the_end_of_a_row_does_no_harm() -> None:
    table = "id,title,,\npc-1,One,,,,\n,,,\n\npc-2\n  pc-3 , Three ,,\n"
    assert read_table(table) == [
        Row(2, {"id": "pc-1", "title": "One"}),
        Row(5, {"id": "pc-2", "title": ""}),
        Row(6, {"id": "pc-3", "title": "Three"}),
    ]


def test_several_addresses_stand_in_one_cell_however_they_are_parted() -> None:
    (row,) = read_table('id,address\npc,"192.0.2.3, 192.0.2.4;fd00::3\n192.0.2.5"\n')
    assert row.values("address") == ("192.0.2.3", "192.0.2.4", "fd00::3", "192.0.2.5")
    assert row.line == 3


def test_a_row_with_more_than_there_are_headings_has_a_fault() -> None:
    (row,) = read_table("id,title\npc-1,Room 12, by the window\n")
    assert row.fault == (
        "expected 2 cells as in the first line, found more: ' by the window'. A comma inside a cell needs quotation "
        "marks."
    )


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (
            "",
            "line 1: expected the headings id, title, group, room, address, mac, note, of which id is needed; found -",
        ),
        ("pc-1,One\n", "found 'pc-1', 'One'"),
        ("title,room\nOne,room-5\n", "of which id is needed; found 'title', 'room'"),
        ("id,owner\npc-1,me\n", "found 'owner'"),
        ("id,room,кабинет\npc-1,a,b\n", "line 1: expected each heading once, found room more than once"),
        ("<html>\n", "found '<html>'"),
        (f'id,title\npc,"{"x" * 200_000}"\n', "line 2: expected cells of a table, found what cannot be read"),
    ],
)
def test_what_is_no_table_of_devices_is_refused_with_what_was_expected(table: str, told: str) -> None:
    with pytest.raises(ValueError, match="line") as caught:
        read_table(table)
    assert told in str(caught.value)


@given(st.sampled_from(["", "id,title\n", "id;mac\n"]), st.text(max_size=80))
def test_no_text_breaks_the_reader(headings: str, text: str) -> None:
    try:
        rows = read_table(headings + text)
    except ValueError:
        return
    assert all("id" in row.cells for row in rows)
