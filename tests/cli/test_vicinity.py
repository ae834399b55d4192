"""What this machine knows of the network around it, from the kernel and lease files, and under which address it is."""

import socket
from pathlib import Path

import pytest

from cli import vicinity
from cli.vicinity import look_around, own_among, reached_at, source_for
from resolver.neighbours import Neighbours
from settings.model import DeviceSettings

NOW = 1_800_000_000.0
MAC = "00:00:5e:10:00:01"


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vicinity, "neighbours", lambda: Neighbours({"192.0.2.9": MAC}, "It does not tell all."))
    monkeypatch.setattr(vicinity, "gateways", lambda: frozenset({"192.0.2.1"}))


@pytest.mark.usefixtures("kernel")
def test_kernel_and_lease_files_are_put_together(tmp_path: Path) -> None:
    leases = tmp_path / "leases"
    leases.write_text(f"1900000000 {MAC} 192.0.2.8 pc-1 *\n1799999999 {MAC} 192.0.2.7 gone *\n", "utf-8")
    found = look_around(DeviceSettings(lease_files=(str(tmp_path / "nothing"), str(leases))), NOW)
    assert found.whereabouts.macs == {"192.0.2.8": MAC, "192.0.2.9": MAC}
    assert found.whereabouts.hostname("192.0.2.9") == "pc-1"
    assert found.gateways == frozenset({"192.0.2.1"})
    assert [each.partition(":")[0] for each in found.complaints] == [
        str(tmp_path / "nothing"),
        "It does not tell all.",
    ]


@pytest.mark.usefixtures("kernel")
def test_the_kernel_is_not_asked_for_devices_where_the_settings_say_so() -> None:
    found = look_around(DeviceSettings(neighbours=False), NOW)
    assert (found.whereabouts.macs, found.complaints) == ({}, ())


def test_this_machine_is_told_from_others() -> None:
    assert source_for("127.0.0.1") == "127.0.0.1"
    assert own_among(["127.0.0.1", "192.0.2.77", "198.51.100.9", "fe80::1", "", "junk"]) == {"127.0.0.1"}


def test_an_address_of_a_network_interface_is_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    class Routed(socket.socket):
        """A socket of a machine that has 192.0.2.53 and reaches all others from there."""

        def connect(self, _address: object) -> None:
            return

        def getsockname(self) -> tuple[str, int]:
            return "192.0.2.53", 40000

    monkeypatch.setattr(socket, "socket", Routed)
    assert own_among(["192.0.2.53", "192.0.2.1"]) == {"192.0.2.53"}
    assert reached_at(["0.0.0.0:53"], ["192.0.2.1"]) == "192.0.2.53"


@pytest.mark.parametrize(
    ("listen", "sources", "expected"),
    [
        (["192.0.2.53:53"], {}, "192.0.2.53"),
        (["[fd00::53]:53", "192.0.2.53:53"], {}, "192.0.2.53"),
        (["[fd00::53]:53"], {"192.0.2.1": "192.0.2.9"}, "fd00::53"),
        (["127.0.0.1:53", "0.0.0.0:53"], {"fe80::1": "", "192.0.2.1": "192.0.2.9"}, "192.0.2.9"),
        (["[::]:53"], {"2001:db8::1": "2001:db8::9", "192.0.2.1": "192.0.2.9"}, "192.0.2.9"),
        (["0.0.0.0:53"], {"fe80::1": ""}, ""),
        (["127.0.0.1:5353"], {}, ""),
    ],
)
def test_the_address_for_dhcp_is_where_we_listen_or_what_the_router_sees(
    monkeypatch: pytest.MonkeyPatch, listen: list[str], sources: dict[str, str], expected: str
) -> None:
    monkeypatch.setattr(vicinity, "source_for", sources.__getitem__)
    assert reached_at(listen, sources) == expected
