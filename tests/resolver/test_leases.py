"""Lease files of three DHCP servers, whole, damaged, and of something else.

The samples were given to the servers' own programs: `dhcpd -T` took the one, `kea-lfc` made the same of the other.
"""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.discovery import Lease
from resolver import leases as module
from resolver.leases import Leases, LeasesError, parse_leases, read_leases

NOW = 1_800_000_000.0
LATER = 1_900_000_000

DNSMASQ = """\
1900000000 02:00:5e:10:00:01 192.0.2.11 room-12-pc-3 01:02:00:5e:10:00:01
1799999999 02:00:5e:10:00:02 192.0.2.12 gone *
1800000000 02:00:5e:10:00:03 192.0.2.13 just-gone *
0 02:00:5e:10:00:04 192.0.2.14 * *
1900000000 06-02:00:5e:10:00:05 192.0.2.15 firewire *
1900000000 02:00:5e:10:00:06 192.0.2.16 first *
1900000000 02:00:5e:10:00:07 192.0.2.16 second *
duid 00:01:00:01:2c:6a:90:ec:02:00:5e:10:00:fe
1900000000 6291457 2001:db8::11 room-12-pc-3 00:01:00:01:2c:6a:90:ec:02:00:5e:10:00:01
1900000000 T6291457 2001:DB8::12 * 00:04:aa:bb
agent-info 192.0.2.11 01:02
"""

DHCPD = r"""# The format of this file is documented in the dhcpd.leases(5) manual page.
# This lease file was written by isc-dhcp-4.4.3-P1

# authoring-byte-order entry is generated, DO NOT DELETE
authoring-byte-order little-endian;

server-duid "\000\001\000\001,j\220\354\002\000^\020\000\001";

lease 192.0.2.21 {
  starts 4 2026/09/03 08:00:00;
  ends 4 2036/09/03 08:10:00;
  cltt 4 2026/09/03 08:00:00;
  binding state active;
  hardware ethernet 02:00:5e:10:00:15;
}
lease 192.0.2.22 {
  starts 4 2026/09/03 08:00:00;
  ends 4 2036/09/03 20:00:00;
  cltt 4 2026/09/03 08:00:00;
  binding state active;
  next binding state free;
  rewind binding state free;
  hardware ethernet 02:00:5e:10:00:16;
  uid "\001\002\000^\020\000\026";
  set vendor-class-identifier = "MSFT 5.0";
  client-hostname "ROOM-12-PC-3";
  on release {
    set ddns-rev-name = "22.2.0.192.in-addr.arpa.";
  }
}
lease 192.0.2.23 {
  ends 4 2036/09/03 20:00:00;
  binding state free;
  hardware ethernet 02:00:5e:10:00:17;
}
lease 192.0.2.24 {
  ends 4 2026/09/03 20:00:00;
  binding state active;
  hardware ethernet 02:00:5e:10:00:18;
}
lease 192.0.2.25 {
  ends epoch 1900000000; # Mon Mar 18 17:46:40 2030
  binding state active;
  hardware token-ring 02:00:5e:10:00:19;
}
lease 192.0.2.26 {
  ends 4 2036/09/03 20:00:00;
  binding state active;
  hardware ethernet 02:00:5e:10:00:1a;
}
host reserved {
  dynamic;
  hardware ethernet 02:00:5e:10:00:ff;
}
lease 192.0.2.21 {
  starts 4 2026/09/03 08:20:00;
  ends never;
  binding state active;
  hardware ethernet 02:00:5e:10:00:99;
  client-hostname "new}; one";
}
lease 192.0.2.26 {
  ends 4 2036/09/03 20:00:00;
  binding state abandoned;
  hardware ethernet 02:00:5e:10:00:1a;
}
"""

KEA = """\
address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context
192.0.2.31,02:00:5e:10:00:1f,01:02:00:5e:10:00:1f,3600,1900000000,1,0,0,tablet-1.school.example.,0,
192.0.2.31,02:00:5e:10:00:20,,3600,1900000100,1,0,0,with&#x2ccomma,0,
192.0.2.32,02:00:5e:10:00:21,,3600,1900000000,1,0,0,,0,
192.0.2.32,02:00:5e:10:00:21,,0,1900000000,1,0,0,,0,
192.0.2.33,,,3600,1900000000,1,0,0,,1,
192.0.2.34,02:00:5e:10:00:22,,3600,1799999999,1,0,0,gone,0,
192.0.2.35,02:00:5e:10:00:23,,3600,1900000000,1,0,0,reclaimed,2,
"""

KEA_6 = """\
address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname,hwaddr
2001:db8::31,00:03:00:01:02:00:5e:10:00:1f,3600,1900000000,1,1800,0,7,128,0,0,tablet-1,02:00:5e:10:00:1f
2001:db8::32,00:04:aa,3600,1900000000,1,1800,0,7,128,0,0,,
2001:db8:1::,00:04:aa,3600,1900000000,1,1800,2,7,56,0,0,,
"""

FILES = {
    "dnsmasq": (
        DNSMASQ,
        {
            "192.0.2.11": Lease("02:00:5e:10:00:01", "room-12-pc-3", LATER),
            "192.0.2.14": Lease("02:00:5e:10:00:04", "", None),
            "192.0.2.15": Lease("", "firewire", LATER),
            "192.0.2.16": Lease("02:00:5e:10:00:07", "second", LATER),
            "2001:db8::11": Lease("", "room-12-pc-3", LATER),
            "2001:db8::12": Lease("", "", LATER),
        },
    ),
    "dhcpd": (
        DHCPD,
        {
            "192.0.2.21": Lease("02:00:5e:10:00:99", "new}; one", None),
            "192.0.2.22": Lease("02:00:5e:10:00:16", "ROOM-12-PC-3", 2_104_084_800),
            "192.0.2.25": Lease("", "", LATER),
        },
    ),
    "Kea": (KEA, {"192.0.2.31": Lease("02:00:5e:10:00:20", "with,comma", LATER + 100)}),
    "Kea for IPv6": (
        KEA_6,
        {
            "2001:db8::31": Lease("02:00:5e:10:00:1f", "tablet-1", LATER),
            "2001:db8::32": Lease("", "", LATER),
        },
    ),
    "nothing": ("", {}),
    "only a comment": ("# The format of this file is documented in …\n\n", {}),
    "only Kea's columns": (KEA.splitlines()[0], {}),
    "only dnsmasq's own DUID": ("duid 00:01:00:01:2c:6a\n", {}),
}


@pytest.mark.parametrize(("text", "found"), FILES.values(), ids=FILES)
def test_leases_in_force_are_found_whichever_server_wrote_them(text: str, found: dict[str, Lease]) -> None:
    assert parse_leases(text, NOW) == Leases(found, 0)


@pytest.mark.parametrize("text", [DNSMASQ, DHCPD, KEA], ids=["dnsmasq", "dhcpd", "Kea"])
@pytest.mark.parametrize("end", ["\r\n", "\n\n"])
def test_other_ends_of_lines_change_nothing(text: str, end: str) -> None:
    assert parse_leases(text.replace("\n", end), NOW) == parse_leases(text, NOW)


def test_the_last_block_of_an_address_wins_even_if_it_ends_the_lease() -> None:
    assert "192.0.2.26" not in parse_leases(DHCPD, NOW).by_address
    before, _brace, _last = DHCPD.rpartition("lease 192.0.2.26 {")
    assert parse_leases(before, NOW).by_address["192.0.2.26"].mac == "02:00:5e:10:00:1a"


GOOD = "1900000000 02:00:5e:10:00:01 192.0.2.11 pc-3 *\n"
BLOCK = "lease 192.0.2.11 {\n  ends never;\n  binding state active;\n  hardware ethernet 02:00:5e:10:00:01;\n}\n"
HEAD = KEA.partition("\n")[0] + "\n"
ROW = "192.0.2.11,02:00:5e:10:00:01,,3600,1900000000,1,0,0,pc-3,0,\n"

DAMAGED = {
    "no address": (GOOD, "1900000000 02:00:5e:10:00:02 192.0.2 pc *"),
    "no MAC": (GOOD, "1900000000 02:00:5e:10:00 192.0.2.12 pc *"),
    "MAC of many": (GOOD, "1900000000 ff:ff:ff:ff:ff:ff 192.0.2.12 pc *"),
    "no time": (GOOD, "soon 02:00:5e:10:00:02 192.0.2.12 pc *"),
    "endless time": (GOOD, "9" * 5000 + " 02:00:5e:10:00:02 192.0.2.12 pc *"),
    "cut line": (GOOD, "1900000000 02:00:5e:10:00:02 192.0"),
    "zeros after a power cut": (GOOD, "\0" * 40),
    "block without end": (BLOCK, "lease 192.0.2.12 {\n  ends never;"),
    "block without end before another": (BLOCK, "lease 192.0.2.12 {\n" + BLOCK.replace("2.11", "2.11")),
    "block of no address": (BLOCK, "lease pc {\n  ends never;\n}"),
    "block without address": (BLOCK, "lease {\n  ends never;\n}"),
    "block with no MAC": (BLOCK, BLOCK.replace("00:01;", "00;").replace("2.11", "2.12")),
    "block with no date": (BLOCK, BLOCK.replace("never", "4 2026/13/03 08:00:00").replace("2.11", "2.12")),
    "block with no epoch": (BLOCK, BLOCK.replace("never", "epoch soon").replace("2.11", "2.12")),
    "row of no address": (HEAD + ROW, "192.0.2,02:00:5e:10:00:02,,3600,1900000000,1,0,0,pc,0,"),
    "row with no MAC": (HEAD + ROW, "192.0.2.12,,,3600,1900000000,1,0,0,pc,0,"),
    "row with no time": (HEAD + ROW, "192.0.2.12,02:00:5e:10:00:02,,3600,soon,1,0,0,pc,0,"),
    "cut row": (HEAD + ROW, "192.0.2.12,02:00:5e"),
}


@pytest.mark.parametrize(("good", "bad"), DAMAGED.values(), ids=DAMAGED)
def test_what_is_damaged_is_counted_and_spoils_nothing_else(good: str, bad: str) -> None:
    whole = parse_leases(good, NOW)
    assert list(whole.by_address) == ["192.0.2.11"]
    assert parse_leases(good + bad, NOW) == Leases(whole.by_address, 1)


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE html>\n<html></html>",
        "nameserver 192.0.2.1\n",
        "hello world",
        "2026 was a good year for pupils\n",
        "ip,mac\n192.0.2.1,02:00:5e:10:00:01\n",
        "\0" * 100,
    ],
)
def test_what_none_of_the_servers_writes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no lease file"):
        parse_leases(text, NOW)


LINES = st.sampled_from(
    [
        *DNSMASQ.splitlines(),
        *DHCPD.splitlines(),
        *KEA.splitlines(),
        "lease",
        "lease ",
        "lease {",
        "}",
        "  ends",
        "address,",
        ",",
    ]
)


@given(st.text(max_size=200) | st.lists(LINES | st.text(max_size=20), max_size=30).map("\n".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        leases = parse_leases(text, NOW)
    except ValueError:
        return
    assert leases.damaged <= text.count("\n") + 1
    assert all(lease.expires is None or lease.expires > NOW for lease in leases.by_address.values())


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("ПК-3", "ПК-3"),
        ("a\x1b[31mb", "a[31mb"),  # what a terminal would take as a command
        ("a\u202eb", "ab"),  # what would turn the direction of writing
        ("pc.school.example.", "pc.school.example"),
        ("x" * 300, "x" * 253),
    ],
)
def test_what_a_device_calls_itself_is_made_fit_to_be_shown(written: str, shown: str) -> None:
    lease = parse_leases(f"1900000000 02:00:5e:10:00:01 192.0.2.11 {written} *", NOW).by_address["192.0.2.11"]
    assert lease.hostname == shown


# -- files -------------------------------------------------------------------------------------------------------------


def test_a_file_is_read_whatever_its_encoding(tmp_path: Path) -> None:
    path = tmp_path / "leases"
    path.write_bytes(b"1900000000 02:00:5e:10:00:01 192.0.2.11 \xcf\xca *\n" + GOOD.replace("2.11", "2.12").encode())
    assert read_leases(path, NOW).by_address["192.0.2.12"] == Lease("02:00:5e:10:00:01", "pc-3", LATER)


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("", "1900000000 02:00:5e:10:00:{mac:02x} 192.0.2.{host} pc-{host} *\n"),
        (HEAD, "192.0.2.{host},02:00:5e:10:00:{mac:02x},,3600,1900000000,1,0,0,pc-{host},0,\n"),
        (
            "# comment\nauthoring-byte-order little-endian;\n",
            "lease 192.0.2.{host} {{\n  ends never;\n  binding state active;\n"
            '  hardware ethernet 02:00:5e:10:00:{mac:02x};\n  client-hostname "pc-{host}";\n}}\n',
        ),
    ],
    ids=["dnsmasq", "Kea", "dhcpd"],
)
def test_of_a_file_too_big_its_end_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: str, line: str
) -> None:
    monkeypatch.setattr(module, "MAX_OCTETS", 10_000)
    monkeypatch.setattr(module, "_HEAD", len(head) + 300)
    old = "".join(line.format(host=number % 200 + 1, mac=1) for number in range(2_000))
    new = "".join(line.format(host=host, mac=2) for host in (7, 8))
    path = tmp_path / "leases"
    path.write_text(head + old + new, "utf-8")
    leases = read_leases(path, NOW)
    assert {leases.by_address[f"192.0.2.{host}"].mac for host in (7, 8)} == {"02:00:5e:10:00:02"}
    assert leases.by_address["192.0.2.200"].mac == "02:00:5e:10:00:01"
    # A block in which the end begins or the beginning ends; never a line.
    assert leases.damaged <= (1 if "lease" in line else 0)


def test_a_file_of_something_else_is_told_with_what_was_found(tmp_path: Path) -> None:
    path = tmp_path / "leases"
    path.write_text("<!DOCTYPE html>\n<html></html>", "utf-8")
    with pytest.raises(LeasesError) as caught:
        read_leases(path, NOW)
    assert str(caught.value) == (
        f"{path}: expected a lease file of dnsmasq, ISC dhcpd or Kea, found '<!DOCTYPE html>\\n<html></html>'"
    )


def test_what_is_no_file_is_told_with_the_setting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # to open it would wait for ever
    for path in (tmp_path / "nothing", tmp_path, tmp_path / "pipe"):
        with pytest.raises(
            LeasesError, match=r"expected the lease file of a DHCP server, found no file\. See lease_files"
        ):
            read_leases(path, NOW)


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "leases"
    path.write_text(GOOD, "utf-8")

    def refuse(*_arguments: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(LeasesError, match=r"cannot be read: Permission denied\. Let the user of this service read it"):
        read_leases(path, NOW)
