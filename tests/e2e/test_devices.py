"""Devices while people surf: known by address or MAC within a second, wherever they go, and named in the log."""

from pathlib import Path

from tests.e2e.conftest import BLOCKED, Maker
from tests.harness.client import ask, ede
from tests.harness.server import Server
from tests.harness.waiting import until
from tests.harness.wire import Edns

MAC = "00:00:5e:10:00:01"
ONE, OTHER = "127.0.50.1", "127.0.50.2"


def blocked(server: Server, source: str, name: str = BLOCKED) -> bool:
    return bool(ede(ask(server.address, name, edns=Edns(), source=source)))


def soon(what: str, server: Server, expected: dict[str, bool], name: str = BLOCKED) -> None:
    until(what, lambda: {source: blocked(server, source, name) for source in expected} == expected, 10)


def test_a_device_is_known_by_its_address_as_soon_as_it_is_named(make: Maker) -> None:
    server = make()
    soon("nobody is named", server, {ONE: True, OTHER: True})
    server.command("devices", "add", "laptop", "--group", "staff", "--address", ONE)
    soon("the device has its group", server, {ONE: False, OTHER: True})
    server.command("devices", "set", "laptop", "--drop-address", ONE, "--address", OTHER)
    soon("the device has another address", server, {ONE: True, OTHER: False})
    server.command("devices", "close", "laptop", "films.example.org", "--reason", "films")
    soon("a name is closed for it", server, {ONE: False, OTHER: True}, "films.example.org")
    server.command("devices", "remove", "laptop")
    soon("it is no longer named", server, {ONE: True, OTHER: True})
    soon("and nothing is closed for it", server, {ONE: False, OTHER: False}, "films.example.org")
    assert {line["device"] for line in server.log_lines("films.example.org") if line["action"] == "block"} == {"laptop"}


def test_a_device_is_known_by_its_mac_wherever_dhcp_puts_it(make: Maker, tmp_path: Path) -> None:
    leases = tmp_path / "leases"
    leases.write_text(f"0 {MAC} {ONE} laptop *\n", "utf-8")
    server = make({"devices": {"lease_files": [str(leases)]}})
    soon("nobody is named", server, {ONE: True, OTHER: True})
    server.command("devices", "add", "laptop", "--group", "staff", "--mac", MAC)
    soon("the device has its group", server, {ONE: False, OTHER: True})
    leases.write_text(f"0 {MAC} {OTHER} laptop *\n", "utf-8")
    soon("the device has another address", server, {ONE: True, OTHER: False})
    leases.write_text("", "utf-8")
    soon("the lease is given back", server, {ONE: True, OTHER: True})
