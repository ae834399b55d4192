"""`doctor` finds what goes wrong in schools: each finding from facts alone, then the facts from a real machine."""

import asyncio
import json
import os
import socket
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from blocklists.sources import Source, save_sources
from cli import machine
from cli.control import ClientCount, Listening, Reply, parse_status
from cli.diagnosis import diagnose
from cli.doctor import doctor, list_states, targets
from cli.facts import (
    BindError,
    Clients,
    Clock,
    Disk,
    Facts,
    Holder,
    ListState,
    Memory,
    Outcome,
    Place,
    Probe,
    StateFolder,
)
from cli.findings import Finding, Health
from cli.settings_doubts import Doubt
from cli.sockets import OpenSocket, holders, in_the_way, open_sockets, parse_table
from cli.status import State
from cli.status_incidents import IncidentsState
from cli.status_journal import Kept
from cli.vicinity import Vicinity
from journal.intake.state import JournalState, Unsent
from journal.notifying.contacts import Channel, Contact, Role
from policy.discovery import Whereabouts
from policy.presets import PRESETS_BY_ID
from resolver.querylog import HEADER_LINE
from settings.model import DeviceSettings, Log, LogDetail, Notices, Paths, Settings, UpstreamSettings
from settings.model import Server as SettingsServer
from storage.policy_db import open_policy
from tests.cli.fakes import STATUS, installation, pretend_listening, run, status_worker
from tests.harness.upstream import FakeUpstream, says
from tests.storage.policies import by_hand

NOW = datetime(2026, 9, 2, 14, 30, tzinfo=UTC)
WELL = parse_status(STATUS)
KEPT = Kept(running=True, state=JournalState(7, "2026-09-02T14:29:58+00:00"))
TEACHER = Contact(3, "Asanova A.", Role.CLASS_TEACHER, ("7-b",), (), "kk", (Channel.MAIL,))
TOLD = IncidentsState(contacts=(TEACHER,))
RUNNING = State(Listening(1, ("192.0.2.53:53",), 1), (Reply(0, WELL),), 1, 100, kept=KEPT, incidents=TOLD)
STOPPED = State(None, (), 1, 100)
FORBIDDEN = State(None, (), 0, 0, "run this with sudo")
HEALTHY = Facts(
    settings=Settings(notices=Notices(smtp_server="smtp://mail.example.org", mail_from="filter@school.example")),
    state=RUNNING,
    folder=StateFolder(Path("/var/lib/schoolfilter"), exists=True, writable=True, owner="schoolfilter"),
    disk=Disk(10**11, 5 * 10**10),
    memory=Memory(10**9, 5 * 10**8),
    clock=Clock(NOW, NOW - timedelta(minutes=1), NOW - timedelta(days=9), synchronised=True),
    places=(Place("192.0.2.53:53", 53, loopback=False),),
    low_ports_allowed=True,
    probes=(Probe("udp://192.0.2.1", Outcome.ANSWER, "", 12.0),),
    lists=(ListState("games", 500, NOW - timedelta(days=1)),),
    lists_error="",
    clients=Clients(),
    vicinity=Vicinity(gateways=frozenset({"192.0.2.1"})),
    own=frozenset({"192.0.2.53"}),
    reached_at="192.0.2.53",
    python=(3, 11, 7),
)


def found(subject: str, **changes: object) -> list[Finding]:
    """Return what is found about a subject and not all right, if the facts are healthy but for the changes."""
    facts = replace(HEALTHY, **changes)  # type: ignore[arg-type]  # names and values of Facts
    return [each for each in diagnose(facts) if each.subject == subject and each.health is not Health.OK]


def test_a_healthy_server_has_no_findings_but_good_ones() -> None:
    assert {finding.health for finding in diagnose(HEALTHY)} == {Health.OK}


def test_the_worst_comes_first() -> None:
    order = [each.health for each in diagnose(replace(HEALTHY, state=STOPPED, lists=()))]
    assert order == sorted(order, key=[Health.PROBLEM, Health.WARNING, Health.OK].index)
    assert {Health.PROBLEM, Health.WARNING} < set(order)


FOLDER = HEALTHY.folder
CLOCK = HEALTHY.clock
PLACE = HEALTHY.places[0]
TAKEN = replace(PLACE, error=BindError.TAKEN)
OURS = replace(TAKEN, holders=(Holder("udp", "192.0.2.53", 53, 9, "schoolfilter", ours=True),))
UNWRITTEN = replace(RUNNING, listening=Listening(None, (), 1))
NOBODY = replace(FOLDER, writable=False, mine=False)
RESOLVED = Holder("udp", "127.0.0.53", 53, 310, "systemd-resolve")
UP = HEALTHY.probes[0]
DOWN = Probe("udp://192.0.2.2", Outcome.TIMEOUT)
ONE_CLIENT = Clients({"192.0.2.1": 1960, "192.0.2.77": 40})
BY_IPV6 = Vicinity(
    Whereabouts({"fe80::1": "00:00:5e:10:00:01", "2001:db8::1": "00:00:5e:10:00:01"}, {}), frozenset({"fe80::1"})
)
SILENT = Vicinity(
    Whereabouts({f"192.0.2.{number}": f"00:00:5e:10:00:{number:02x}" for number in (1, 5, 6, 7, 8)}, {}),
    HEALTHY.vicinity.gateways,
)


def journal(**changes: object) -> dict[str, object]:
    """Return the facts about a running server whose journal says otherwise of itself in this."""
    assert KEPT.state is not None
    state = replace(KEPT.state, **changes)  # type: ignore[arg-type]  # names and values of JournalState
    return {"state": replace(RUNNING, kept=Kept(running=True, state=state))}


def incidents(**changes: object) -> dict[str, object]:
    """Return the facts about a running server whose journal holds something else."""
    state = replace(TOLD, **changes)  # type: ignore[arg-type]  # names and values of IncidentsState
    return {"state": replace(RUNNING, incidents=state)}


CASES: list[tuple[str, dict[str, object], Health, str]] = [
    ("journal", {"state": replace(RUNNING, kept=Kept())}, Health.PROBLEM, "The journal is not kept"),
    ("journal", {"state": replace(RUNNING, kept=replace(KEPT, running=False))}, Health.PROBLEM, "is not kept"),
    ("journal", journal(error="the disk is full"), Health.PROBLEM, "cannot be kept now: the disk is full"),
    ("journal", journal(lag_seconds=61), Health.PROBLEM, "61 s behind"),
    ("journal", incidents(alarms=("The segment x was changed.",)), Health.PROBLEM, "The segment x was changed."),
    ("journal", incidents(unsigned=NOW - timedelta(days=2)), Health.PROBLEM, "since 2026-08-31 19:30 is not signed"),
    ("notices", incidents(contacts=()), Health.WARNING, "Nobody is entered who is told"),
    ("notices", incidents(untold=NOW, failure="no answer in time"), Health.PROBLEM, "no answer in time"),
    ("notices", incidents(untold=NOW), Health.PROBLEM, "Nobody was told of new incidents"),
    ("notices", {"settings": Settings()}, Health.PROBLEM, "set notices.smtp_server"),
    ("state", {"folder": replace(FOLDER, writable=False)}, Health.PROBLEM, "cannot be written"),
    ("state", {"folder": replace(FOLDER, writable=False, mine=False)}, Health.WARNING, "not all can be checked"),
    ("state", {"folder": replace(FOLDER, exists=False)}, Health.WARNING, "does not exist yet"),
    ("state", {"folder": replace(FOLDER, exists=False, writable=False)}, Health.PROBLEM, "cannot make it"),
    ("state", {"folder": replace(FOLDER, strangers=("policy.db",))}, Health.PROBLEM, "policy.db"),
    ("state", {"folder": replace(FOLDER, open_to_all=True)}, Health.WARNING, "Every user"),
    ("history", {"history_fault": "changed without the program"}, Health.PROBLEM, "changed without the program"),
    ("disk", {"disk": Disk(10**12, 4 * 10**10)}, Health.PROBLEM, "nearly full"),
    ("disk", {"disk": Disk(10**9, 4 * 10**8)}, Health.PROBLEM, "nearly full"),
    ("disk", {"disk": Disk(10**9, 4096)}, Health.PROBLEM, "The disk is full"),
    ("disk", {"disk": Disk(10**9, 0)}, Health.PROBLEM, "The disk is full"),
    ("memory", {"memory": Memory(10**9, 10**7)}, Health.WARNING, "short"),
    ("clock", {"clock": replace(CLOCK, now=datetime(2020, 1, 1, tzinfo=UTC))}, Health.PROBLEM, "before this software"),
    ("clock", {"clock": replace(CLOCK, newest_log_line=NOW + timedelta(hours=1))}, Health.PROBLEM, "query log"),
    ("clock", {"clock": replace(CLOCK, newest_policy_change=NOW + timedelta(days=1))}, Health.PROBLEM, "policy"),
    ("clock", {"clock": replace(CLOCK, synchronised=False)}, Health.WARNING, "No time server"),
    ("port", {"state": STOPPED, "places": (replace(TAKEN, holders=(RESOLVED,)),)}, Health.PROBLEM, "systemd-resolved"),
    (
        "port",
        {"state": STOPPED, "places": (replace(TAKEN, holders=(Holder("udp", "127.0.0.53", 53),)),)},
        Health.PROBLEM,
        "systemd-resolved",
    ),
    (
        "port",
        {"state": STOPPED, "places": (replace(TAKEN, holders=(Holder("tcp", "0.0.0.0", 53, 7, "dnsmasq"),)),)},
        Health.PROBLEM,
        "dnsmasq (pid 7, tcp 0.0.0.0:53)",
    ),
    (
        "port",
        {"state": STOPPED, "places": (replace(TAKEN, holders=(Holder("udp", "::", 53),)),)},
        Health.PROBLEM,
        "another program: udp [::]:53",
    ),
    (
        "port",  # only the user of the program, and root, see which it is: it may be our own
        {"state": FORBIDDEN, "folder": NOBODY, "places": (replace(TAKEN, holders=(Holder("udp", "::", 53),)),)},
        Health.WARNING,
        "by which program, this user may not see: udp [::]:53",
    ),
    (
        "port",  # what our running server does not listen on, another schoolfilter does
        {"places": (replace(OURS, text="192.0.2.54:53"),)},
        Health.PROBLEM,
        "is taken by schoolfilter (pid 9",
    ),
    ("port", {"places": (replace(PLACE, error=BindError.NOT_HERE),)}, Health.PROBLEM, "no interface"),
    (
        "port",
        {"places": (replace(PLACE, error=BindError.NOT_PERMITTED),), "low_ports_allowed": False},
        Health.PROBLEM,
        "below 1024",
    ),
    ("port", {"places": (replace(PLACE, error=BindError.OTHER, detail="odd"),)}, Health.PROBLEM, "odd"),
    ("port", {"places": (PLACE, replace(PLACE, text="192.0.2.54:53"))}, Health.WARNING, "does not listen there"),
    (
        "port",  # the settings were changed from one address to all while the server ran
        {
            "places": (
                replace(TAKEN, text="0.0.0.0:53", holders=(Holder("udp", "192.0.2.53", 53, WELL.pid, "python3"),)),
            )
        },
        Health.WARNING,
        "does not listen there",
    ),
    (
        "port",  # the same, and the kernel's table led to the supervisor
        {"places": (replace(TAKEN, text="0.0.0.0:53", holders=(Holder("udp", "192.0.2.53", 53, 1, "python3"),)),)},
        Health.WARNING,
        "does not listen there",
    ),
    ("loopback", {"places": (Place("127.0.0.1:53", 53, loopback=True),)}, Health.WARNING, "no other device"),
    ("upstream", {"probes": (UP, DOWN)}, Health.WARNING, "192.0.2.2 does not answer"),
    ("upstream", {"probes": (UP, replace(DOWN, outcome=Outcome.CLOSED))}, Health.WARNING, "no DNS server"),
    ("upstream", {"probes": (UP, replace(DOWN, outcome=Outcome.UNREACHABLE))}, Health.WARNING, "cannot be reached"),
    ("upstream", {"probes": (UP, replace(DOWN, outcome=Outcome.CERTIFICATE))}, Health.WARNING, "cannot prove"),
    ("upstream", {"probes": (UP, replace(DOWN, outcome=Outcome.GARBAGE))}, Health.WARNING, "something else than DNS"),
    (
        "upstream",
        {"probes": (UP, replace(DOWN, outcome=Outcome.ERROR_CODE, detail="REFUSED"))},
        Health.WARNING,
        "answers REFUSED",
    ),
    ("upstream", {"probes": (replace(UP, invents=True),)}, Health.WARNING, "cannot exist"),
    ("upstream", {"probes": (replace(UP, address="udp://192.0.2.53"),)}, Health.PROBLEM, "itself"),
    ("lists", {"lists": ()}, Health.WARNING, "no list"),
    ("lists", {"lists": (), "lists_error": "damaged"}, Health.PROBLEM, "damaged"),
    ("lists", {"folder": NOBODY, "lists": (), "lists_error": "Permission denied"}, Health.WARNING, "Permission denied"),
    ("lists", {"lists": (ListState("games", 5, NOW - timedelta(days=31)),)}, Health.WARNING, "31 days old"),
    ("lists", {"lists": (ListState("games", 0, NOW),)}, Health.WARNING, "no names"),
    ("lists", {"lists": (ListState("games", 5, NOW, "404"),)}, Health.WARNING, "404"),
    (
        "lists",
        {"lists": (ListState("games", 5, NOW, "the new text was refused: it closes all", refused=True),)},
        Health.WARNING,
        "The list games: the new text was refused: it closes all",
    ),
    ("lists", {"lists": (ListState("games", 5, NOW, held=3),)}, Health.WARNING, "do not block: games (3)"),
    ("lists", {"lists": (ListState("games", 5, NOW, take="lists x"),)}, Health.WARNING, "rolled back and is not taken"),
    ("clients", {"state": STOPPED, "clients": ONE_CLIENT}, Health.PROBLEM, "which is the router"),
    (
        "clients",
        {"state": STOPPED, "clients": ONE_CLIENT, "vicinity": Vicinity()},
        Health.WARNING,
        "98 % of 2000 queries come from one address, 192.0.2.1",
    ),
    (
        "clients",
        {"state": replace(RUNNING, replies=(Reply(0, replace(WELL, clients=(ClientCount("192.0.2.1", 990),))),))},
        Health.PROBLEM,
        "99 % of 1000",
    ),
    (
        "clients",  # the log shows what is so now, the workers' counts go back to their start
        {"clients": ONE_CLIENT},
        Health.PROBLEM,
        "98 % of 2000",
    ),
    (
        "clients",  # routes name the router by its link-local address only
        {"clients": Clients({"2001:db8::1": 1000}), "vicinity": BY_IPV6},
        Health.PROBLEM,
        "2001:db8::1, which is the router",
    ),
    (
        "clients",
        {"clients": Clients({"192.0.2.1": 600, "192.0.2.7": 600})},
        Health.PROBLEM,
        "more than it needs for itself",
    ),
    (
        "clients",
        {"clients": Clients({"192.0.2.1": 500, "192.0.2.9": 700}), "vicinity": SILENT},
        Health.PROBLEM,
        "never ask: 4.",
    ),
    (
        "clients",  # what this machine itself asks says nothing of the others
        {"clients": Clients({"192.0.2.1": 1000, "192.0.2.53": 9000, "127.0.0.1": 9000})},
        Health.PROBLEM,
        "100 % of 1000",
    ),
    (
        "clients",
        {
            "clients": ONE_CLIENT,
            "settings": Settings(devices=DeviceSettings(trusted_routers=("192.0.2.1",))),
        },
        Health.PROBLEM,
        "which is the router",
    ),
    ("server", {"state": STOPPED}, Health.PROBLEM, "not running"),
    ("server", {"state": STOPPED, "folder": replace(FOLDER, exists=False)}, Health.WARNING, "not running"),
    (
        "server",
        {"state": STOPPED, "places": (OURS,)},
        Health.PROBLEM,
        "A schoolfilter listens on 192.0.2.53:53 (pid 9)",
    ),
    ("server", {"state": UNWRITTEN}, Health.PROBLEM, "it has not written run/listening.json"),
    ("settings", {"doubts": (Doubt("incidents.at_risk", "no such thing"),)}, Health.WARNING, "no such thing"),
    ("settings", {"doubts": (Doubt("notices.mail_from", "no sender"),)}, Health.PROBLEM, "no sender"),
    ("server", {"state": replace(RUNNING, replies=(Reply(0, None, "hangs"),))}, Health.PROBLEM, "hangs"),
    (
        "server",
        {"state": replace(RUNNING, replies=(Reply(0, replace(WELL, policy_error="torn")),))},
        Health.PROBLEM,
        "torn",
    ),
    ("traffic", {"clock": replace(CLOCK, newest_log_line=NOW - timedelta(hours=3))}, Health.WARNING, "3 h 0 min"),
    ("traffic", {"clock": replace(CLOCK, newest_log_line=None)}, Health.WARNING, "2 h 2 min"),
    ("python", {"python": (3, 10, 1)}, Health.PROBLEM, "3.10.1"),
]


@pytest.mark.parametrize(("subject", "changes", "health", "expected"), CASES)
def test_what_is_wrong_is_found_with_the_next_step(
    subject: str, changes: dict[str, object], health: Health, expected: str
) -> None:
    findings = found(subject, **changes)
    assert len(findings) == 1
    assert findings[0].health is health
    assert expected in findings[0].text
    assert findings[0].remedy
    assert "{" not in findings[0].text + findings[0].remedy


NO_FINDING: list[tuple[str, dict[str, object]]] = [
    ("clients", {"state": STOPPED, "clients": Clients({"192.0.2.1": 999})}),
    ("clients", {"state": STOPPED, "clients": Clients({"127.0.0.1": 5000})}),
    ("clients", {"state": STOPPED, "clients": Clients({"192.0.2.53": 5000})}),
    ("clients", {"state": STOPPED, "clients": Clients({"192.0.2.1": 290, "192.0.2.7": 710})}),
    ("clients", {"state": STOPPED, "clients": Clients({"": 5000})}),
    ("clients", {"clients": Clients({"192.0.2.9": 700, "192.0.2.7": 900}), "vicinity": SILENT}),
    (
        "clients",  # who asked lately is not silent, though these lines have nothing of it
        {"clients": Clients({"192.0.2.1": 500, "192.0.2.9": 700, "192.0.2.5": 0, "192.0.2.6": 0}), "vicinity": SILENT},
    ),
    (
        "clients",  # the busiest ten of many clients, as workers name them: the router is one of them, not all
        {
            "state": replace(
                RUNNING, replies=(Reply(0, replace(WELL, queries=9000, clients=(ClientCount("192.0.2.1", 2000),))),)
            )
        },
    ),
    ("port", {"state": STOPPED, "places": (OURS,)}),
    ("port", {"state": UNWRITTEN, "places": (OURS,)}),
    (
        "port",
        {
            "state": UNWRITTEN,
            "places": (replace(TAKEN, holders=(Holder("udp", "192.0.2.53", 53, WELL.pid, "python3"),)),),
        },
    ),
    ("loopback", {"places": (Place("127.0.0.1:5353", 5353, loopback=True),)}),
    ("loopback", {"places": (PLACE, Place("127.0.0.1:53", 53, loopback=True))}),
    ("clock", {"clock": replace(CLOCK, synchronised=None)}),
    ("clock", {"clock": replace(CLOCK, newest_log_line=NOW + timedelta(seconds=20))}),
    ("lists", {"lists": (ListState("starter-games", 5, None),)}),
    ("traffic", {"state": STOPPED, "clock": replace(CLOCK, newest_log_line=None)}),
    (
        "traffic",
        {"settings": Settings(log=Log(detail=LogDetail.BLOCKED)), "clock": replace(CLOCK, newest_log_line=None)},
    ),
    ("disk", {"disk": None}),
    ("memory", {"memory": None}),
]


@pytest.mark.parametrize(("subject", "changes"), NO_FINDING)
def test_what_is_all_right_or_unknown_is_no_finding(subject: str, changes: dict[str, object]) -> None:
    assert found(subject, **changes) == []


def test_nobody_is_told_to_stop_or_to_compile_what_only_cannot_be_seen() -> None:
    taken = replace(TAKEN, holders=(Holder("udp", "::", 53),))
    facts = replace(
        HEALTHY, state=FORBIDDEN, folder=NOBODY, places=(taken,), lists=(), lists_error="Permission denied", doubts=()
    )
    remedies = {each.subject: each.remedy for each in diagnose(facts) if each.remedy}
    assert remedies.keys() == {"server", "port", "lists", "state"}
    assert set(remedies.values()) == {"Run the doctor again with: sudo schoolfilter doctor"}


@pytest.mark.parametrize("state", [STOPPED, UNWRITTEN])
def test_a_port_that_our_server_holds_is_not_called_free(state: State) -> None:
    said = [each.text for each in diagnose(replace(HEALTHY, state=state, places=(OURS,))) if each.subject == "port"]
    assert said == ["The server listens on 192.0.2.53:53."]


@pytest.mark.parametrize(
    "changes",
    [
        {"state": STOPPED, "places": (OURS,)},
        {"state": UNWRITTEN, "places": (OURS,)},
        {"places": (replace(OURS, text="192.0.2.54:53"),)},
    ],
)
def test_no_schoolfilter_is_ever_to_be_disabled(changes: dict[str, object]) -> None:
    facts = replace(HEALTHY, **changes)  # type: ignore[arg-type]  # names and values of Facts
    assert not any("systemctl disable" in each.remedy for each in diagnose(facts))
    assert not any("not running" in each.text for each in diagnose(facts))


def test_the_remedy_for_systemd_resolved_is_exact() -> None:
    remedy = found("port", state=STOPPED, places=(replace(TAKEN, holders=(RESOLVED,)),))[0].remedy
    assert "DNSStubListener=no" in remedy
    assert "systemctl restart systemd-resolved" in remedy


def test_a_router_that_asks_for_all_is_told_with_dhcp_option_6() -> None:
    remedy = found("clients", state=STOPPED, clients=ONE_CLIENT)[0].remedy
    assert "option 6" in remedy
    assert "DNS server 192.0.2.53 and no other" in remedy
    assert "docs/router-dhcp.md" in remedy


def test_where_nobody_knows_our_address_the_remedy_says_so_in_words() -> None:
    assert (
        "DNS server this machine's address and no other"
        in found("clients", clients=ONE_CLIENT, reached_at="")[0].remedy
    )


def test_devices_that_ask_by_themselves_are_said_to() -> None:
    facts = replace(HEALTHY, clients=Clients({"192.0.2.7": 500, "192.0.2.8": 500}))
    assert "Queries come from more than one device." in {each.text for each in diagnose(facts)}
    few = replace(facts, state=STOPPED, clients=Clients({"192.0.2.7": 500, "192.0.2.53": 5000}))
    assert "clients" not in {each.subject for each in diagnose(few)}


@pytest.mark.parametrize("probes", [(DOWN,), (DOWN, DOWN), ()])
def test_no_upstream_at_all_is_a_problem(probes: tuple[Probe, ...]) -> None:
    assert Health.PROBLEM in {each.health for each in found("upstream", probes=probes)}


# the machine


def test_kernel_tables_are_read() -> None:
    udp = (
        "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref\n"
        "  533: 3500007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 17482 2 0 0\n"
        "junk\n"
    )
    tcp6 = (
        "  sl  local_address remote_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode\n"
        "   0: 00000000000000000000000000000000:0035 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 99 1 0\n"
        "   1: 00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 01 0:0 0:0 0 0 0 98 1 0\n"
    )
    if sys.byteorder == "little":
        assert parse_table(udp, "udp") == [OpenSocket("udp", "127.0.0.53", 53, 17482)]
    assert parse_table(tcp6, "tcp6") == [OpenSocket("tcp", "::", 53, 99)]


@pytest.mark.parametrize(
    ("wanted", "other", "clash"),
    [
        ("0.0.0.0", "127.0.0.53", True),
        ("127.0.0.53", "0.0.0.0", True),
        ("192.0.2.1", "127.0.0.53", False),
        ("192.0.2.1", "::", True),
        ("::", "192.0.2.1", False),
        ("2001:db8::1", "::", True),
        ("fe80::1%eth0", "fe80::1", True),
    ],
)
def test_what_stands_in_the_way(wanted: str, other: str, clash: bool) -> None:
    assert bool(in_the_way(wanted, 53, [OpenSocket("udp", other, 53, 1)])) is clash
    assert not in_the_way(wanted, 54, [OpenSocket("udp", other, 53, 1)])


def test_the_holder_of_a_port_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        (place,) = machine.places([f"127.0.0.1:{port}"], served=())
    assert place.error is BindError.TAKEN
    assert (os.getpid(), port) in {(holder.pid, holder.port) for holder in place.holders}
    assert all(holder.program for holder in place.holders)


@pytest.mark.parametrize(
    ("command", "ours"),
    [
        (["/opt/schoolfilter/venv/bin/python", "/usr/local/bin/schoolfilter", "run"], True),
        (["/usr/local/bin/schoolfilter", "run"], True),
        (["python3", "-m", "cli.main", "run"], True),
        (["python3", "-m", "resolver.worker", "0", "7"], True),
        (["python3", "-I", "-m", "resolver.worker", "0", "7"], True),
        (["dnsmasq", "-C", "/etc/schoolfilter"], False),
        (["python3", "-m", "http.server"], False),
        ([""], False),
    ],
)
def test_a_schoolfilter_is_known_by_its_command_line(tmp_path: Path, command: list[str], ours: bool) -> None:
    process = tmp_path / "310"
    (process / "fd").mkdir(parents=True)
    (process / "fd" / "7").symlink_to("socket:[99]")
    (process / "comm").write_text("python3\n")
    (process / "cmdline").write_text("\0".join([*command, ""]))
    (holder,) = holders([OpenSocket("udp", "0.0.0.0", 53, 99)], tmp_path)
    assert (holder.pid, holder.program, holder.ours) == (310, "python3", ours)


def test_a_port_of_our_own_server_is_not_in_the_way() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        text = f"127.0.0.1:{sock.getsockname()[1]}"
        assert machine.places([text], served=[text])[0].error is BindError.NONE


def test_an_address_that_no_interface_has_is_found() -> None:
    assert machine.places(["192.0.2.99:5353"], served=())[0].error is BindError.NOT_HERE


def test_a_free_port_is_free_and_ipv6_is_understood() -> None:
    assert machine.places(["127.0.0.1:0"], served=())[0].error is BindError.NONE
    assert machine.places(["[::1]:0"], served=())[0].loopback is True


def test_sockets_without_proc_are_unknown_not_an_error(tmp_path: Path) -> None:
    assert open_sockets(tmp_path) == []
    assert holders([OpenSocket("udp", "127.0.0.1", 53, 1)], tmp_path)[0].pid is None
    assert machine.memory(tmp_path) is None
    assert machine.low_ports_allowed(tmp_path) is False


def test_low_ports_by_capability_or_by_setting(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self/status").write_text("Name:\tx\nCapEff:\t0000000000000400\n")
    assert machine.low_ports_allowed(tmp_path) is True
    (tmp_path / "self/status").write_text("CapEff:\t0000000000000000\n")
    assert machine.low_ports_allowed(tmp_path) is False
    (tmp_path / "sys/net/ipv4").mkdir(parents=True)
    (tmp_path / "sys/net/ipv4/ip_unprivileged_port_start").write_text("53\n")
    assert machine.low_ports_allowed(tmp_path) is True


def test_memory_and_disk_are_read(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:  1000 kB\nMemAvailable:  10 kB\n")
    assert machine.memory(tmp_path) == Memory(1_024_000, 10_240)
    disk = machine.disk(tmp_path / "not" / "yet")
    assert disk is not None
    assert disk.total >= disk.free > 0


def test_files_of_another_owner_and_a_readable_log_are_seen(tmp_path: Path) -> None:
    where = installation(tmp_path)
    paths = where.settings.paths
    paths.query_log.mkdir()
    paths.query_log.chmod(0o755)
    tmp_path.chmod(0o755)
    assert machine.state_folder(paths).open_to_all is True
    tmp_path.chmod(0o700)
    assert machine.state_folder(paths).open_to_all is False
    assert machine.state_folder(replace(paths, state=tmp_path / "nowhere")).exists is False
    if os.geteuid() == 0:
        os.chown(paths.query_log, 12345, 12345)
        assert machine.state_folder(paths).strangers == ("querylog",)


@pytest.mark.parametrize(("said", "expected"), [("yes", True), ("no", False), ("", None)])
def test_timedatectl_is_asked_without_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, expected: bool | None
) -> None:
    program = tmp_path / "timedatectl"
    program.write_text(f"#!/bin/sh\necho {said}\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert machine.synchronised() is expected


def test_no_timedatectl_means_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.synchronised() is None


# the upstreams


def test_zone_servers_are_asked_too_and_nobody_else() -> None:
    upstream = UpstreamSettings(servers=("udp://127.0.0.1:5400",), zones={"school.local": ("udp://127.0.0.2",)})
    assert [(str(each.address), each.zone) for each in targets(Settings(upstream=upstream))] == [
        ("udp://127.0.0.1:5400", ""),
        ("udp://127.0.0.2", "school.local"),
    ]


def test_without_configured_servers_those_that_the_resolver_would_take_are_asked() -> None:
    assert any(str(each.address).startswith("tls://") for each in targets(Settings()))


# the command


def test_wrong_settings_are_findings_not_an_end(tmp_path: Path) -> None:
    where = installation(tmp_path, server__workers="many", school__time_zone="Asia/Almata")
    result = run(doctor, where, "--json")
    assert result.exit_code == 1
    subjects = [(each["subject"], each["health"]) for each in json.loads(result.output)]
    assert subjects == [("settings", "problem")] * 2


def test_doctor_as_a_whole_on_a_running_server(tmp_path: Path) -> None:
    with FakeUpstream() as fake:
        fake.on("invalid", says(rcode=3))
        where = installation(
            tmp_path, upstream__servers=f"udp://127.0.0.1:{fake.address[1]}", server__listen="127.0.0.1:5353"
        )
        tmp_path.chmod(0o700)
        pretend_listening(tmp_path / "run", listen=("127.0.0.1:5353",))
        with status_worker(tmp_path / "run"):
            result = run(doctor, where, "--json")
    findings = {each["subject"]: each for each in json.loads(result.output)}
    assert findings["settings"]["health"] == "ok"
    assert findings["server"]["health"] == "ok"
    assert findings["upstream"]["health"] == "ok"
    assert findings["lists"]["text"].startswith("There is no list")
    assert findings["python"]["health"] == "ok"


def test_doctor_prints_remedies_and_exits_1_on_a_problem(tmp_path: Path) -> None:
    closed = FakeUpstream()
    closed.close()
    where = installation(
        tmp_path, upstream__servers=f"udp://127.0.0.1:{closed.address[1]}", server__listen="127.0.0.1:0"
    )
    result = run(doctor, where)
    assert result.exit_code == 1
    assert "PROBLEM  No upstream answers" in result.output
    assert result.output.index("PROBLEM") < result.output.index("warning") < result.output.index("ok ")


def test_the_newest_log_lines_are_counted_by_client(tmp_path: Path) -> None:
    where = installation(tmp_path)
    paths = where.settings.paths
    paths.query_log.mkdir()
    row = "2026-09-02T10:00:00.000+05:00\t{}\t\t\tpupils\texample.org\tA\tallow\tdefault\t\t\tNOERROR\tcache\t0.1\n"
    lines = "".join(row.format(client) for client in ["10.0.0.3", *["10.0.0.1"] * 3, "10.0.0.2"])
    (paths.query_log / "20260902T050000-w0-0001.tsv").write_bytes(HEADER_LINE + lines.encode())
    newest, lately = machine.newest_lines(paths)[:4], machine.askers(paths, datetime(2026, 9, 3, tzinfo=UTC))
    assert machine.clients(newest, lately).queries == {"10.0.0.1": 3, "10.0.0.2": 1, "10.0.0.3": 0}
    assert machine.askers(paths, datetime(2026, 9, 4, tzinfo=UTC)) == []


def test_a_query_log_that_may_not_be_read_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.scandir", refuse)
    paths = installation(tmp_path).settings.paths
    assert machine.askers(paths, NOW) == []
    assert machine.newest_lines(paths) == []


def test_our_own_address_in_resolv_conf_is_no_upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resolv_conf = tmp_path / "resolv.conf"
    monkeypatch.setattr("resolver.upstream.system.RESOLV_CONF", resolv_conf)
    assert not any(str(each.address).startswith("udp://") for each in targets(Settings()))
    resolv_conf.write_text("nameserver 127.0.0.1\nnameserver 192.0.2.1\n")
    here = Settings(server=SettingsServer(listen=("127.0.0.1:53",)))
    assert [str(each.address) for each in targets(here)][:1] == ["udp://192.0.2.1"]


def test_an_upstream_that_cannot_be_understood_is_a_finding(tmp_path: Path) -> None:
    result = run(doctor, installation(tmp_path, upstream__servers="tls://dns.example"), "--json")
    assert result.exit_code == 1
    assert [each["subject"] for each in json.loads(result.output)] == ["settings"]


def test_lists_are_judged_by_their_last_refresh_but_for_those_of_the_program(tmp_path: Path) -> None:
    when = "2026-08-01T00:00:00+00:00"
    sources = [
        Source("starter-games", "", "games", "starter:games", last_refresh=when, rules=3),
        Source("mine", "", "games", "/srv/mine.txt", last_refresh=when, rules=2, last_error="gone"),
        Source("off", "", "games", "/srv/off.txt", enabled=False),
    ]
    save_sources(tmp_path, sources)
    lists, error = list_states(tmp_path)
    assert error == ""
    assert lists == (
        ListState("starter-games", 3, None, packaged=True),
        ListState("mine", 2, datetime.fromisoformat(when), "gone"),
    )


def test_a_broken_index_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "current").write_text("gone\n")
    lists, error = list_states(tmp_path)
    assert lists == ()
    assert "gone" in error


def test_a_school_with_packaged_lists_only_is_told_of_public_ones() -> None:
    def hints(*states: ListState) -> list[Finding]:
        facts = replace(HEALTHY, lists=states)
        return [each for each in diagnose(facts) if "--preset" in each.remedy]

    ours = ListState("starter-games", 5, None, packaged=True)
    [hint] = hints(ours, ours)
    assert hint.health is Health.OK
    preset = hint.remedy.rpartition(" ")[2]
    assert preset in PRESETS_BY_ID
    assert hints(ours, ListState("mine", 5, NOW)) == []


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE groups SET added_by = 'somebody'", "it was changed without the program"),
        ("UPDATE audit SET what = 'somebody' WHERE number = 1", "is not what it was"),
    ],
)
def test_a_policy_changed_past_the_program_is_found(tmp_path: Path, statement: str, told: str) -> None:
    paths = Paths(state=tmp_path)
    asyncio.run(open_policy(paths.policy_db))
    assert machine.history_fault(paths) == ""
    by_hand(paths.policy_db, statement)
    assert told in machine.history_fault(paths)


def test_a_policy_that_is_missing_or_damaged_is_no_end_of_doctor(tmp_path: Path) -> None:
    paths = Paths(state=tmp_path)
    assert machine.history_fault(paths) == ""
    assert not paths.policy_db.exists()
    paths.policy_db.write_bytes(b"no database at all" * 100)
    assert "expected a sound database" in machine.history_fault(paths)


def test_without_a_server_or_the_right_to_ask_it_nothing_is_said_of_who_keeps_the_journal() -> None:
    for state in (STOPPED, replace(RUNNING, kept=Kept(), control_error="run this with sudo")):
        assert "journal" not in {each.subject for each in diagnose(replace(HEALTHY, state=state))}


def test_what_the_journal_holds_is_judged_though_the_server_stands_still() -> None:
    state = replace(STOPPED, incidents=replace(TOLD, alarms=("Somebody was here.",), contacts=()))
    (finding,) = found("journal", state=state)
    assert finding.text == "Somebody was here."
    assert "schoolfilter journal settle NUMBER" in finding.remedy
    more = replace(STOPPED, incidents=replace(TOLD, alarms=("One.", "Two."), more_alarms=7))
    said = "Open alarms besides these: 7. See: schoolfilter journal show --alarms"
    assert [each.text for each in found("journal", state=more)] == ["One.", "Two.", said]
    assert [each.health for each in found("notices", state=state)] == [Health.WARNING]


def test_what_cannot_be_sent_just_now_is_told_instead_of_what_failed_first() -> None:
    unsent = (Unsent("Asanova A.", "mail", "2026-09-02T14:00:00+00:00", "no answer in time"),)
    kept = replace(KEPT, state=JournalState(7, "2026-09-02T14:29:58+00:00", unsent=unsent))
    state = replace(RUNNING, kept=kept, incidents=replace(TOLD, untold=NOW, failure="of yesterday"))
    (finding,) = found("notices", state=state)
    assert finding.health is Health.PROBLEM
    assert "Asanova A.: not told of incidents by mail" in finding.text
    assert "no answer in time" in finding.text
    assert found("journal", state=state) == []


def test_a_webhook_is_somebody() -> None:
    settings = replace(HEALTHY.settings, notices=Notices(webhook="https://hook.example.org/x"))
    assert found("notices", settings=settings, **incidents(contacts=())) == []


def test_a_setting_that_is_missing_is_named_once_however_many_wait_for_it() -> None:
    other = replace(TEACHER, name="Ivanov", channels=(Channel.MAIL, Channel.TELEGRAM))
    said = found("notices", settings=Settings(), **incidents(contacts=(TEACHER, other)))
    assert [("smtp_server" in each.text, each.remedy.split("'")[1]) for each in said] == [
        (True, "Asanova A."),
        (False, "Ivanov"),
    ]
