"""`devices`: clients with a name, their group and room, tables of them, and who asks that nobody has named."""

import asyncio
import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli import vicinity
from policy.devices import Device, about_randomised, body
from resolver.neighbours import Neighbours
from resolver.querylog import HEADER_LINE
from storage.policy_db import open_policy
from storage.policy_load import DEVICE
from tests.cli.installation import Bench, prepared

MAC, OTHER_MAC, MADE_UP = "00:00:5e:10:00:01", "00:00:5e:10:00:02", "02:00:5e:10:00:01"
ROUTER, OWN = "10.0.5.1", "10.0.5.2"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """An installation on a machine at 10.0.5.2 whose kernel knows nobody, with one room and a network of teachers."""
    put_on_cable(monkeypatch, {})
    monkeypatch.setattr(vicinity, "gateways", lambda: frozenset({ROUTER}))
    monkeypatch.setattr(vicinity, "source_for", lambda _address: OWN)
    with prepared(tmp_path, monkeypatch) as bench:
        bench.done("rooms", "add", "room5", "--network", "10.0.5.0/24")
        bench.done("groups", "set", "teachers", "--network", "10.0.5.128/25")
        yield bench


def put_on_cable(monkeypatch: pytest.MonkeyPatch, macs: dict[str, str], reason: str = "") -> None:
    monkeypatch.setattr(vicinity, "neighbours", lambda: Neighbours(macs, reason))


def ask(bench: Bench, address: str, times: int = 1, *, device: str = "", hours_ago: float = 1) -> str:
    """Let an address ask, as a device or as none; return when, as it stands in the log."""
    moment = datetime.now(UTC) - timedelta(hours=hours_ago)
    folder = bench.folder / "var" / "querylog"
    folder.mkdir(exist_ok=True)
    stamp = moment.isoformat(timespec="milliseconds")
    line = f"{stamp}\t{address}\t{device}\t\tpupils\texample.org\tA\tallow\tdefault\t\t\tNOERROR\tcache\t0.1\n"
    path = folder / f"{moment:%Y%m%dT%H%M%S}-w0-{len(list(folder.iterdir())) + 1:04}.tsv"
    path.write_bytes(HEADER_LINE + line.encode() * times)
    return stamp


def listed(bench: Bench) -> dict[str, dict[str, Any]]:
    found = bench.json("devices", "--json")
    assert isinstance(found, list)
    return {each["id"]: each for each in found}


def discovered(bench: Bench, *arguments: str) -> dict[str, Any]:
    found = bench.json("devices", "discover", "--json", *arguments)
    assert isinstance(found, dict)
    return found


# -- one device --------------------------------------------------------------------------------------------------------


def test_where_nobody_is_named_the_next_step_is_told(bench: Bench) -> None:
    assert bench.done("devices") == "No devices. See who asks: schoolfilter devices discover\n"
    assert bench.json("devices", "--json") == []


def test_a_device_is_added_with_all_that_is_known_of_it(bench: Bench) -> None:
    result = bench.run(
        *("devices", "add", "pc-1", "--title", "Терезе жақта", "--group", "teachers", "--room", "room5"),
        *("--address", "10.0.5.20", "--address", "FD00::0020", "--mac", "00-00-5E-10-00-01", "--note", "new"),
    )
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "The device pc-1 is added.",
        "Now: group teachers, room room5, level low.",
        "The server follows within a second.",
    ]
    assert listed(bench) == {
        "pc-1": {
            "id": "pc-1",
            "title": "Терезе жақта",
            "group": "teachers",
            "room": "room5",
            "addresses": ["10.0.5.20", "fd00::20"],
            "macs": [MAC],
            "note": "new",
            "randomised": [],
            "seen_last": None,
        }
    }


def test_what_is_not_said_of_a_device_its_network_says(bench: Bench) -> None:
    assert "Now: group pupils, room room5, level off." in bench.done("devices", "add", "pc", "--address", "10.0.5.20")
    assert "Now: group teachers, room room5, level low." in bench.done("devices", "add", "t", "--address", "10.0.5.200")
    assert listed(bench)["pc"]["title"] == "pc"


def test_a_device_known_by_its_mac_only_is_known_a_little_later(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    told = bench.done("devices", "add", "pc", "--mac", MAC)
    assert "Its group is that of the network it asks from." in told
    assert "within a second; by its MAC a device is known some seconds after its next query." in told
    put_on_cable(monkeypatch, {"10.0.5.130": OTHER_MAC})
    assert "Now: group teachers, room room5, level low." in bench.done("devices", "add", "t", "--mac", OTHER_MAC)


def test_a_device_is_changed(bench: Bench) -> None:
    bench.done("devices", "add", "pc", "--group", "teachers", "--room", "room5", "--address", "10.0.5.20", "--mac", MAC)
    bench.done(
        *("devices", "set", "pc", "--group", "", "--room", "", "--drop-address", "10.0.5.20"),
        *("--address", "10.0.5.21", "--drop-mac", "0000.5e10.0001", "--mac", OTHER_MAC, "--title", "New"),
    )
    pc = listed(bench)["pc"]
    assert (pc["title"], pc["group"], pc["room"]) == ("New", None, None)
    assert (pc["addresses"], pc["macs"]) == (["10.0.5.21"], [OTHER_MAC])
    bench.done("devices", "set", "pc", "--note", "old")
    assert listed(bench)["pc"] == pc | {"note": "old"}


def test_a_device_is_shown_with_what_it_gets_and_since_when(bench: Bench) -> None:
    bench.done("devices", "add", "pc", "--address", "10.0.5.20", "--mac", MADE_UP, "--note", "loud fan")
    bench.done("devices", "close", "pc", "youtube.com", "--reason", "films in lessons")
    shown = bench.done("devices", "show", "pc")
    for line in (
        "pc: pc",
        "Group: that of the network it asks from",
        "Addresses: 10.0.5.20",
        f"MACs: {MADE_UP}",
        "Remark: loud fan",
        "Closed for it: youtube.com (films in lessons)",
        "Now: group pupils, room room5, level off.",
        "Not seen in the last 7 days.",
        about_randomised(),
    ):
        assert f"{line}\n" in shown
    ask(bench, "10.0.5.200", device="pc")
    shown = bench.done("devices", "show", "pc")
    assert "Now: group teachers, room room5, level low." in shown
    assert re.search(r"Seen last: [0-9-]{10} [0-9:]{5}, at the address 10\.0\.5\.200\.", shown)
    found = bench.json("devices", "show", "pc", "--json")
    assert isinstance(found, dict)
    assert found["closures"] == [{"name": "youtube.com", "reason": "films in lessons"}]
    assert found["randomised"] == [MADE_UP]
    assert found["by"]


def test_a_device_is_removed_with_what_was_closed_for_it(bench: Bench) -> None:
    bench.done("devices", "add", "pc", "--address", "10.0.5.20")
    bench.done("devices", "close", "pc", "youtube.com", "--reason", "films")
    assert "it gets what its network gets" in bench.done("devices", "remove", "pc")
    assert listed(bench) == {}
    bench.done("devices", "add", "pc", "--address", "10.0.5.20")
    found = bench.json("devices", "show", "pc", "--json")
    assert isinstance(found, dict)
    assert found["closures"] == []


def test_names_are_closed_for_one_device_and_opened_again(bench: Bench) -> None:
    bench.done("devices", "add", "pc", "--address", "10.0.5.20", "--group", "teachers")
    told = bench.done("devices", "close", "pc", "youtube.com", "example.org", "--reason", "films in lessons")
    assert "youtube.com and all names below it are closed for the device pc." in told
    assert bench.run("check", "www.youtube.com", "--client", "10.0.5.20").exit_code == 0
    assert decided(bench, "www.youtube.com", "10.0.5.20") == "block"
    assert decided(bench, "www.youtube.com", "10.0.5.200") == "allow"
    bench.done("devices", "reopen", "pc", "youtube.com")
    assert decided(bench, "www.youtube.com", "10.0.5.20") == "allow"
    assert decided(bench, "example.org", "10.0.5.20") == "block"
    assert "not closed for the device pc: youtube.com" in bench.refused(1, "devices", "reopen", "pc", "youtube.com")


def decided(bench: Bench, name: str, client: str) -> str:
    found = bench.json("check", name, "--client", client, "--json")
    assert isinstance(found, dict)
    return str(found["action"])


@pytest.mark.parametrize(
    ("status", "arguments", "told"),
    [
        (2, ("add", "PC 1"), ("expected an id of small Latin letters",)),
        (1, ("add", "pc", "--address", "10.0.5.21"), ("there is a device pc already",)),
        (1, ("add", "x", "--group", "techers"), ("expected a group that exists (pupils", "found techers")),
        (1, ("add", "x", "--room", "room6"), ("expected a room that exists (room5), found room6",)),
        (
            1,
            ("add", "x", "--address", "10.0.5.20", "--mac", MAC, "--group", "nobody"),
            (
                "found nobody",
                "10.0.5.20 belongs to the device pc. To move it: schoolfilter devices set pc --drop-address 10.0.5.20",
                f"{MAC} belongs to the device pc. To move it: schoolfilter devices set pc --drop-mac {MAC}",
            ),
        ),
        (1, ("set", "other", "--address", "::ffff:10.0.5.20"), ("10.0.5.20 belongs to the device pc",)),
        (1, ("set", "other", "--room", "room6"), ("found room6",)),
        (
            2,
            ("add", "x", "--address", "10.0.5", "--address", "10.0.6", "--mac", "zz", "--title", "a\nb"),
            ("found '10.0.5'", "found '10.0.6'", "found 'zz'", "title: expected at most 80 characters"),
        ),
        (2, ("add", "x", "--mac", "ff:ff:ff:ff:ff:ff"), ("of one device, found one for many or for none",)),
        (2, ("set", "pc"), ("expected something to change",)),
        (2, ("set", "pc", "--room", "room5"), ("expected something to change",)),
        (2, ("set", "pc", "--drop-address", "10.0.5.21"), ("expected what pc has (10.0.5.20), found 10.0.5.21",)),
        (2, ("set", "pc", "--drop-mac", OTHER_MAC), (f"expected what pc has ({MAC})",)),
        (2, ("set", "pc", "--drop-mac", "zz"), ("expected a hardware address (MAC)",)),
        (1, ("set", "pcc", "--room", "room5"), ("expected a device that exists, such as pc, found pcc",)),
        (1, ("show", "pcc"), ("found pcc",)),
        (1, ("remove", "pcc"), ("found pcc",)),
        (1, ("close", "pcc", "example.org", "--reason", "x"), ("found pcc",)),
        (1, ("reopen", "pcc", "example.org"), ("found pcc",)),
        (2, ("close", "pc", "example.org", "--reason", " "), ("--reason: expected why",)),
        (2, ("--json", "show", "pc"), ("--json stands behind the command",)),
    ],
)
def test_what_cannot_be_is_refused_with_all_reasons_and_changes_nothing(
    bench: Bench, status: int, arguments: tuple[str, ...], told: tuple[str, ...]
) -> None:
    bench.done("devices", "add", "pc", "--room", "room5", "--address", "10.0.5.20", "--mac", MAC)
    bench.done("devices", "add", "other", "--address", "10.0.5.30")
    before = listed(bench)
    refused = bench.refused(status, "devices", *arguments)
    for text in told:
        assert text in refused
    assert listed(bench) == before


def test_where_there_is_no_device_the_refusal_leads_to_those_that_ask(bench: Bench) -> None:
    assert "schoolfilter devices discover" in bench.refused(1, "devices", "show", "pc")


@pytest.mark.parametrize(
    ("arguments", "environ", "noted"),
    [
        (("--mac", MADE_UP), {}, f"Note (pc): {about_randomised()}"),
        (("--mac", MAC), {"SCHOOLFILTER_DEVICES__NEIGHBOURS": "false"}, "no MAC is ever seen"),
        ((), {}, "not recognised until it has an address or a MAC: pc"),
        (("--address", "203.0.113.5"), {}, "203.0.113.5/32 get no answers until server.allowed_networks"),
        (("--address", "10.0.5.20", "--mac", MAC), {}, ""),
    ],
)
def test_what_there_is_to_think_of_is_told_but_the_device_is_added(
    bench: Bench, arguments: tuple[str, ...], environ: dict[str, str], noted: str
) -> None:
    result = bench.run("devices", "add", "pc", *arguments, **environ)
    assert result.exit_code == 0
    assert (noted in result.stderr) if noted else result.stderr == ""
    assert "pc" in listed(bench)
    changed = bench.run("devices", "set", "pc", "--title", "PC", **environ)
    assert (changed.stderr == "") is bool(arguments)  # what was there before is not told again


# -- all devices -------------------------------------------------------------------------------------------------------


def test_devices_are_listed_with_when_they_asked_last(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_cable(monkeypatch, {"10.0.5.40": OTHER_MAC})
    bench.done("devices", "add", "by-address", "--address", "10.0.5.20", "--address", "10.0.5.21")
    bench.done("devices", "add", "by-log", "--mac", MAC)
    bench.done("devices", "add", "by-mac", "--mac", OTHER_MAC)
    bench.done("devices", "add", "long-ago", "--address", "10.0.5.50")
    bench.done("devices", "add", "never", "--address", "10.0.5.60")
    ask(bench, "10.0.5.20", hours_ago=9)
    newest = ask(bench, "10.0.5.21", hours_ago=3)
    by_log = ask(bench, "10.0.5.20", device="by-log", hours_ago=2)
    by_mac = ask(bench, "10.0.5.40", device="no-more", hours_ago=4)
    ask(bench, "10.0.5.50", hours_ago=8 * 24)
    seen = {id_: each["seen_last"] for id_, each in listed(bench).items()}
    assert {id_: moment and datetime.fromisoformat(moment) for id_, moment in seen.items()} == {
        "by-address": datetime.fromisoformat(newest),
        "by-log": datetime.fromisoformat(by_log),
        "by-mac": datetime.fromisoformat(by_mac),
        "long-ago": None,
        "never": None,
    }
    table = bench.done("devices").splitlines()
    assert table[0].split("  ")[0] == "DEVICE"
    assert re.search(r"by-address +by-address +- +- +10\.0\.5\.20, 10\.0\.5\.21 +- +[0-9-]{10} [0-9:]{5}$", table[1])
    assert table[-1] == "Seen last: by the query log of the last 7 days."


def test_what_cannot_be_as_it_stands_is_told_beside_the_list(bench: Bench) -> None:
    bench.done("groups", "add", "gone")
    bench.done("devices", "add", "pc", "--group", "gone", "--address", "10.0.5.20")
    bench.done("groups", "remove", "gone", "--force")
    result = bench.run("devices", SCHOOLFILTER_LOG__DETAIL="blocked")
    assert "Note: pc: expected a group that exists" in result.stderr
    assert "the query log holds blocked queries only" in result.stderr


def test_two_devices_with_one_address_are_told_however_that_came_about(bench: Bench) -> None:
    """No command lets it be; a backup put back beside newer changes may."""
    puts = [(DEVICE, id_, body(Device(id_, id_, addresses=("10.0.5.20",)))) for id_ in ("one", "two")]

    async def change() -> None:
        async with await open_policy(bench.folder / "var" / "policy.db") as policy:
            await policy.change_objects("import devices", puts, at=datetime.now(UTC), by="somebody")

    asyncio.run(change())
    told = bench.run("devices").stderr
    assert "Note: 10.0.5.20 stands with more than one device: one, two. Only one is recognised by it" in told
    bench.done("devices", "set", "two", "--drop-address", "10.0.5.20")
    assert bench.run("devices").stderr == ""


# -- tables ------------------------------------------------------------------------------------------------------------

TABLE = """\
id,title,group,room,address,mac,note
pc-1,"Room 5, door",,room5,10.0.5.20 fd00::20,,
pc-2,=1+1,teachers,,,00-00-5e-10-00-01,'-1
"""


def written(bench: Bench, text: str, encoding: str = "utf-8") -> str:
    path = bench.folder / "devices.csv"
    path.write_text(text, encoding)
    return str(path)


def test_a_table_is_imported_and_exported_and_imported_again(bench: Bench) -> None:
    told = bench.done("devices", "import", written(bench, TABLE))
    assert told.splitlines()[0] == "Devices added: 2, changed: 0, already so: 0."
    assert "by its MAC a device is known some seconds after its next query" in told
    found = listed(bench)
    assert found["pc-1"]["addresses"] == ["10.0.5.20", "fd00::20"]
    assert (found["pc-2"]["title"], found["pc-2"]["note"], found["pc-2"]["group"]) == ("=1+1", "-1", "teachers")
    exported = bench.done("devices", "export")
    assert exported == (
        "id,title,group,room,address,mac,note\n"
        'pc-1,"Room 5, door",,room5,10.0.5.20 fd00::20,,\n'
        f"pc-2,'=1+1,teachers,,,{MAC},'-1\n"
    )
    for table in (exported, bench.done("devices", "export", "--excel")):
        assert bench.done("devices", "import", written(bench, table)) == (
            "Nothing to change: all devices of the table are so already (2).\n"
        )
    assert listed(bench) == found


def test_the_table_for_excel_has_its_mark_and_semicolons(bench: Bench) -> None:
    bench.done("devices", "import", written(bench, TABLE))
    assert bench.done("devices", "export", "--excel").startswith("\ufeffid;title;group;room;address;mac;note\npc-1;")


def test_a_table_changes_what_it_names_and_leaves_the_rest(bench: Bench) -> None:
    bench.done("devices", "import", written(bench, TABLE))
    bench.done("devices", "add", "pc-3", "--address", "10.0.5.30")
    before = listed(bench)
    told = bench.done("devices", "import", written(bench, "кабинет;id\nroom5;pc-2\nroom5;pc-1\n;pc-4\n"))
    assert told.startswith("Devices added: 1, changed: 1, already so: 1.\n")
    after = listed(bench)
    assert after.pop("pc-4")["addresses"] == []
    assert after == before | {"pc-2": before["pc-2"] | {"room": "room5"}}


def test_devices_may_change_places_within_a_table(bench: Bench) -> None:
    bench.done("devices", "import", written(bench, "id,address\na,10.0.5.20\nb,10.0.5.21\n"))
    bench.done("devices", "import", written(bench, "id,address\na,10.0.5.21\nb,10.0.5.20\n"))
    assert {id_: each["addresses"] for id_, each in listed(bench).items()} == {"a": ["10.0.5.21"], "b": ["10.0.5.20"]}


def test_a_table_with_bad_lines_is_refused_whole_and_every_bad_line_is_told(bench: Bench) -> None:
    bench.done("devices", "add", "old", "--address", "10.0.5.99")
    before = listed(bench)
    path = written(
        bench,
        "id,title,group,room,address,mac\n"
        "good,,,,10.0.5.20,\n"
        "PC 2,,,,,\n"
        "pc-3,,techers,room6,10.0.5,zz\n"
        "good,,,,,\n"
        "pc-4,,,,10.0.5.20,\n"
        "pc-5,,,,10.0.5.99,\n"
        ",x,,,,\n"
        "pc-6,a,,,,,b\n",
    )
    refused = bench.refused(2, "devices", "import", path).splitlines()
    told = [line.removeprefix("Error: ") for line in refused]
    for beginning in (
        "line 2: 10.0.5.20 belongs to the device pc-4 in line 6 too",
        "line 3: expected an id of small Latin letters, digits and hyphens, such as room-5, found 'PC 2'",
        "line 4: expected a hardware address (MAC) such as",
        "line 4: expected an address such as",
        "line 5: expected each device once, found good in line 2 too",
        "line 6: 10.0.5.20 belongs to the device good in line 2 too",
        "line 7: 10.0.5.99 belongs to the device old, which is not in the table",
        "line 8: expected an id of small Latin letters",
        "line 9: expected 6 cells as in the first line, found more: 'b'.",
    ):
        assert any(line.startswith(beginning) for line in told), beginning
    assert told[-1] == "Nothing was changed."
    assert listed(bench) == before
    strange = bench.refused(2, "devices", "import", written(bench, "id,group,room\npc,techers,room6\n"))
    assert "line 2: expected a group that exists" in strange
    assert "line 2: expected a room that exists (room5), found room6" in strange


@pytest.mark.parametrize(
    ("text", "encoding", "told"),
    [
        ("id;title\npc;Ноутбук\n", "cp1251", "expected UTF-8, found another encoding. In Excel: Save as, CSV UTF-8."),
        ("name,owner\n", "utf-8", "line 1: expected the headings id, title, group, room, address, mac, note"),
        ("", "utf-8", "line 1: expected the headings"),
    ],
)
def test_a_file_that_is_no_table_is_refused(bench: Bench, text: str, encoding: str, told: str) -> None:
    assert told in bench.refused(2, "devices", "import", written(bench, text, encoding))


def test_a_table_with_made_up_macs_is_taken_and_explained_once(bench: Bench) -> None:
    result = bench.run("devices", "import", "-", stdin=f"id,mac\na,{MADE_UP}\nb,06:00:5e:10:00:01\nc,{MAC}\n")
    assert result.exit_code == 0
    assert result.stderr == f"Note (a, b): {about_randomised()}\n"


# -- who asks that nobody has named ------------------------------------------------------------------------------------


def test_who_asks_without_a_name_is_found_with_all_that_is_known(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put_on_cable(monkeypatch, {"10.0.5.20": MAC, "10.0.5.200": MADE_UP})
    leases = tmp_path / "leases"
    leases.write_text(f"0 {MAC} 10.0.5.20 ROOM-5_PC.3 *\n", "utf-8")
    first, last = ask(bench, "10.0.5.20", 2, hours_ago=30), ask(bench, "10.0.5.20", 3)
    ask(bench, "10.0.5.200", 2)
    ask(bench, "192.168.7.7", 1, hours_ago=100)
    environ = {"SCHOOLFILTER_DEVICES__LEASE_FILES": str(leases)}
    found = json.loads(bench.run("devices", "discover", "--json", **environ).stdout)
    assert (found["days"], found["queries"], found["suspicion"], found["complaints"]) == (7, 8, None, [])
    (busiest, made_up, far) = found["clients"]
    assert busiest | {"first": "", "last": ""} == {
        "address": "10.0.5.20",
        "mac": MAC,
        "randomised": False,
        "hostname": "ROOM-5_PC.3",
        "device": None,
        "own": False,
        "router": False,
        "group": "pupils",
        "group_network": None,
        "room": "room5",
        "room_network": "10.0.5.0/24",
        "first": "",
        "last": "",
        "queries": 5,
    }
    assert datetime.fromisoformat(busiest["first"]) == datetime.fromisoformat(first)
    assert datetime.fromisoformat(busiest["last"]) == datetime.fromisoformat(last)
    assert (made_up["randomised"], made_up["group"], made_up["group_network"]) == (True, "teachers", "10.0.5.128/25")
    assert (far["address"], far["room"], far["mac"]) == ("192.168.7.7", "", "")
    table = bench.run("devices", "discover", **environ).stdout
    assert re.search(rf"10\.0\.5\.20 +{MAC} +ROOM-5_PC\.3 +pupils +room5 \(10\.0\.5\.0/24\) +- ", table)
    assert re.search(rf"10\.0\.5\.200 +{MADE_UP}\* +- +teachers \(10\.0\.5\.128/25\)", table)
    assert f"* {about_randomised()}\n" in table
    assert [each["address"] for each in discovered(bench, "--days", "1")["clients"]] == ["10.0.5.20", "10.0.5.200"]


@pytest.mark.parametrize(
    ("hostname", "mac", "taken", "expected"),
    [
        ("ROOM-5_PC.3", MAC, (), f"room-5_pc-3 --mac {MAC}"),
        ("ROOM-5_PC.3", MADE_UP, (), "room-5_pc-3 --address 10.0.5.20"),
        ("", "", (), "pc-1 --address 10.0.5.20"),
        ("«Планшет»", MAC, ("pc-1",), f"pc-2 --mac {MAC}"),
        ("tablet", MAC, ("tablet", "tablet-1"), f"tablet-2 --mac {MAC}"),
        ("--" + "x" * 40, MAC, (), f"{'x' * 32} --mac {MAC}"),
        ("x" * 40, MAC, ("x" * 32,), f"{'x' * 27}-1 --mac {MAC}"),
    ],
)
def test_the_example_names_the_busiest_and_works_as_it_stands(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    hostname: str,
    mac: str,
    taken: tuple[str, ...],
    expected: str,
) -> None:
    put_on_cable(monkeypatch, {"10.0.5.20": mac} if mac else {})
    leases = tmp_path / "leases"
    leases.write_text(f"0 {mac} 10.0.5.20 {hostname} *\n" if hostname and mac else "", "utf-8")
    for id_ in taken:
        bench.done("devices", "add", id_)
    ask(bench, ROUTER, 9)
    ask(bench, "10.0.5.20", 5)
    ask(bench, "10.0.5.21", 3)
    environ = {"SCHOOLFILTER_DEVICES__LEASE_FILES": str(leases)}
    example = bench.run("devices", "discover", **environ).stdout.splitlines()[-1]
    assert example == f"  schoolfilter devices add {expected}"
    assert bench.run(*shlex.split(example)[1:]).exit_code == 0
    after = json.loads(bench.run("devices", "discover", "--json", **environ).stdout)["clients"]
    assert [each["address"] for each in after] == [ROUTER, "10.0.5.21"]


def test_who_has_a_name_is_shown_on_demand_only(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_cable(monkeypatch, {"10.0.5.21": MAC})
    bench.done("devices", "add", "by-address", "--address", "10.0.5.20", "--group", "teachers")
    bench.done("devices", "add", "by-mac", "--mac", MAC, "--room", "room5")
    bench.done("devices", "add", "away", "--mac", OTHER_MAC)
    ask(bench, "10.0.5.20", 5)
    ask(bench, "10.0.5.21", 4)
    ask(bench, "10.0.5.22", 3, device="away")  # its MAC is no longer on the cable
    ask(bench, "10.0.5.23", 2, device="away", hours_ago=9)
    ask(bench, "10.0.5.23", 1, hours_ago=2)  # somebody else has its address since
    ask(bench, OWN, 7)
    ask(bench, "127.0.0.1", 6)
    assert [(each["address"], each["queries"]) for each in discovered(bench)["clients"]] == [("10.0.5.23", 3)]
    everybody = discovered(bench, "--all")["clients"]
    assert [(each["address"], each["device"], each["own"]) for each in everybody] == [
        (OWN, None, True),
        ("127.0.0.1", None, True),
        ("10.0.5.20", "by-address", False),
        ("10.0.5.21", "by-mac", False),
        ("10.0.5.22", "away", False),
        ("10.0.5.23", None, False),
    ]
    assert (everybody[2]["group"], everybody[2]["group_network"]) == ("teachers", None)
    table = bench.done("devices", "discover", "--all")
    assert re.search(r"127\.0\.0\.1 .* this machine ", table)
    assert re.search(r"10\.0\.5\.20 +- +- +teachers +room5 \(10\.0\.5\.0/24\) +by-address ", table)


def test_where_nobody_or_nobody_new_asks_that_is_said(bench: Bench) -> None:
    assert "Nobody asked in the last 7 days. How to point devices here: docs/router-dhcp.md" in bench.done(
        "devices", "discover"
    )
    ask(bench, OWN, 5)
    assert "Nobody asked" in bench.done("devices", "discover")
    bench.done("devices", "add", "pc", "--address", "10.0.5.20")
    ask(bench, "10.0.5.20")
    told = bench.done("devices", "discover")
    assert told == "Every client that asked in the last 7 days has a name; --all shows them.\n"


def test_who_is_in_the_network_and_never_asks_is_told_apart(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_cable(
        monkeypatch,
        {
            "10.0.5.20": MAC,
            "fe80::20": MAC,
            "10.0.5.30": OTHER_MAC,
            "fe80::30": OTHER_MAC,
            "10.0.5.40": MADE_UP,
            ROUTER: "00:00:5e:10:00:fe",
            OWN: "00:00:5e:10:00:fd",
        },
    )
    bench.done("devices", "add", "printer", "--mac", OTHER_MAC)
    ask(bench, "10.0.5.20")
    assert discovered(bench)["silent"] == [
        {"mac": OTHER_MAC, "addresses": ["10.0.5.30", "fe80::30"], "hostname": "", "device": "printer"},
        {"mac": MADE_UP, "addresses": ["10.0.5.40"], "hostname": "", "device": None},
    ]
    told = bench.done("devices", "discover")
    assert "In the network, but never asked in the last 7 days: 2." in told
    assert re.search(rf"\n{OTHER_MAC} +10\.0\.5\.30, fe80::30 +- +printer\n", told)
    blocked = bench.run("devices", "discover", SCHOOLFILTER_LOG__DETAIL="blocked")
    assert "never asked" not in blocked.stdout
    assert "holds blocked queries only" in blocked.stderr


def test_a_router_that_asks_for_all_is_told_before_anything_else(bench: Bench) -> None:
    ask(bench, ROUTER, 1900)
    ask(bench, "10.0.5.20", 100)
    ask(bench, OWN, 2000)
    told = bench.run("devices", "discover", SCHOOLFILTER_SERVER__LISTEN="0.0.0.0:53").stdout.splitlines()
    assert told[0].startswith("95 % of 2000 queries come from one address, 10.0.5.1, which is the router. ")
    assert told[1] == "What to do:"
    assert told[2].startswith("  - In the router, change what it gives out")
    assert f"as DNS server {OWN} and no other" in told[2]
    suspicion = discovered(bench)["suspicion"]
    assert (suspicion["reason"], suspicion["address"], suspicion["queries"]) == ("router", ROUTER, 1900)
    assert suspicion["meaning"] == told[0]
    router = discovered(bench)["clients"][0]
    assert (router["address"], router["router"]) == (ROUTER, True)


def test_after_the_router_was_put_right_nobody_is_suspected_any_more(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.machine._LINES_LOOKED_AT", 2000)
    ask(bench, ROUTER, 9000, hours_ago=5)
    assert discovered(bench)["suspicion"] is not None
    for number in (20, 21, 22, 23):
        ask(bench, f"10.0.5.{number}", 500)
    assert discovered(bench)["suspicion"] is None


def test_what_cannot_be_known_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_cable(monkeypatch, {}, "The kernel does not tell.")
    ask(bench, "203.0.113.5")
    result = bench.run("devices", "discover", SCHOOLFILTER_DEVICES__LEASE_FILES="/nothing/here")
    assert "Note: The kernel does not tell.\n" in result.stderr
    assert "Note: /nothing/here: expected the lease file of a DHCP server" in result.stderr
    assert "clients of 203.0.113.5/32 get no answers until server.allowed_networks" in result.stderr
