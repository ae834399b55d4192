"""Devices: how a MAC is written, what is stored, and which device a client is."""

import itertools
import json
import random
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policy.devices import (
    Device,
    Directory,
    about_randomised,
    address_text,
    body,
    conflicts,
    device_of,
    is_randomised,
    mac_text,
    parse_mac,
)

MAC = "02:00:5e:10:00:01"


@pytest.mark.parametrize(
    "text",
    [
        "02:00:5e:10:00:01",
        "02-00-5e-10-00-01",
        "0200.5e10.0001",
        "02005e100001",
        "02:00:5E:10:00:01",
        "02-00-5E-10-00-01",
        " 02005E100001\n",
    ],
)
def test_each_way_to_write_a_mac_gives_one_form(text: str) -> None:
    assert parse_mac(text) == MAC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "02:00:5e:10:00",
        "02:00:5e:10:00:01:02",
        "02:00:5e-10-00-01",
        "02:00:5e:10:00:0g",
        "2:0:5e:10:0:1",
        "0200:5e10:0001",
        "02.00.5e.10.00.01",
        "0x02005e100001",
        "02 00 5e 10 00 01",
        "02:00:5e:10:00:01;",
        "\u0660\u0662005e100001",  # digits, but not of hexadecimal numbers
        "192.0.2.1",
    ],
)
def test_what_is_no_mac_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a hardware address .* such as 02:00:5e:10:00:01, found"):
        parse_mac(text)


@pytest.mark.parametrize("text", ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:fb", "33-33-00-00-00-01", "00:00:00:00:00:00"])
def test_the_mac_of_many_or_of_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="of one device, found one for many or for none"):
        parse_mac(text)


@given(st.text(max_size=20) | st.from_regex(r"[0-9a-fA-F:.-]{10,18}", fullmatch=True))
def test_any_text_is_a_mac_in_its_one_form_or_refused(text: str) -> None:
    try:
        mac = parse_mac(text)
    except ValueError:
        return
    assert parse_mac(mac) == mac
    assert mac_text(bytes.fromhex(mac.replace(":", ""))) == mac


@given(st.binary(max_size=8) | st.binary(min_size=6, max_size=6))
@example(b"\x02\x00\x00\x00\x00\x00")
@example(bytes(6))
def test_octets_are_a_mac_only_if_they_are_that_of_one_device(octets: bytes) -> None:
    of_one = len(octets) == 6 and octets[0] % 2 == 0 and octets != bytes(6)
    assert bool(mac_text(octets)) == of_one
    if of_one:
        assert parse_mac(octets.hex()) == mac_text(octets)


@pytest.mark.parametrize(
    ("mac", "made_up"),
    [
        ("02:00:5e:10:00:01", True),
        ("da:a1:19:00:00:01", True),  # Android and iOS: 2, 6, a or e in the second place
        ("a6:00:00:00:00:01", True),
        ("0e:00:00:00:00:01", True),
        ("00:00:5e:10:00:01", False),
        ("b8:27:eb:00:00:01", False),
        ("fc:00:00:00:00:01", False),
    ],
)
def test_a_mac_that_no_maker_gave_is_told_apart(mac: str, made_up: bool) -> None:
    assert is_randomised(mac) is made_up


def test_people_are_told_why_a_made_up_mac_is_no_ground_for_a_rule() -> None:
    assert "no longer holds" in about_randomised()


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("192.168.1.23", "192.168.1.23"),
        (" 192.168.1.23 ", "192.168.1.23"),
        ("::ffff:192.168.1.23", "192.168.1.23"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_an_address_is_compared_in_one_form(text: str, canonical: str) -> None:
    assert address_text(text) == canonical


@pytest.mark.parametrize("text", ["", "192.168.1.0/24", "192.168.1", "192.168.1.023", "host", "192.168.1.23:53"])
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected an address such as 192\.168\.1\.23 or fd00::23, found"):
        address_text(text)


# -- what is stored ----------------------------------------------------------------------------------------------------

MACS = st.binary(min_size=6, max_size=6).map(mac_text).filter(bool)
ADDRESSES = st.ip_addresses().map(lambda address: address_text(str(address)))
DEVICES = st.builds(
    Device,
    st.from_regex(r"[a-z][a-z0-9-]{0,5}", fullmatch=True),
    st.text(max_size=10),
    st.none() | st.text(min_size=1, max_size=5),
    st.none() | st.text(min_size=1, max_size=5),
    st.lists(ADDRESSES, max_size=3, unique=True).map(tuple),
    st.lists(MACS, max_size=3, unique=True).map(tuple),
    st.text(max_size=10),
)


@given(DEVICES)
def test_a_device_comes_back_from_storage_as_it_was(device: Device) -> None:
    assert device_of(device.id, json.loads(json.dumps(body(device)))) == device


STORED = body(Device("pc", "PC 3", "pupils", "room-12", ("192.0.2.3",), (MAC,), "by the window"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *itertools.product(STORED, [7, [7], {"a": 1}]),
        *itertools.product(["addresses", "macs"], [None, "192.0.2.3", ["nothing"]]),
        *itertools.product(["title", "note"], [None, ["a"]]),
    ],
)
def test_a_stored_body_that_nobody_here_wrote_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"expected .* found"):
        device_of("pc", {**STORED, key: value})


@pytest.mark.parametrize("key", ["title", "addresses", "macs", "note"])
def test_a_stored_body_with_a_part_missing_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=key):
        device_of("pc", {name: value for name, value in STORED.items() if name != key})


def test_what_is_stored_in_another_form_is_brought_into_the_one_form() -> None:
    device = device_of("pc", {**STORED, "addresses": ["2001:DB8::3"], "macs": ["0200.5e10.0001"]})
    assert (device.addresses, device.macs) == (("2001:db8::3",), (MAC,))


# -- which device a client is ------------------------------------------------------------------------------------------

PC = Device("pc", "PC 3", addresses=("192.0.2.3", "2001:db8::3"), macs=(MAC,))
LAPTOP = Device("laptop", "Laptop", macs=("02:00:5e:10:00:02", "02:00:5e:10:00:03"))


@pytest.mark.parametrize(
    ("address", "mac", "device"),
    [
        ("192.0.2.3", "", PC),
        ("2001:db8::3", "", PC),
        ("192.0.2.9", MAC, PC),
        ("192.0.2.9", "02:00:5e:10:00:02", LAPTOP),
        ("2001:db8::9", "02:00:5e:10:00:03", LAPTOP),
        ("192.0.2.3", "02:00:5e:10:00:02", PC),  # the address before the MAC
        ("192.0.2.9", "", None),
        ("192.0.2.9", "02:00:5e:10:00:09", None),
        ("", "", None),
    ],
)
def test_a_device_is_found_by_its_address_else_by_its_mac(address: str, mac: str, device: Device | None) -> None:
    assert Directory([LAPTOP, PC]).find(address, mac) is device


def test_without_devices_nobody_is_found() -> None:
    assert Directory().find("192.0.2.3", MAC) is None


def test_of_two_devices_with_one_address_the_first_by_id_counts_in_whatever_order_they_come() -> None:
    twins = [replace(PC, id=id_) for id_ in ("b", "a", "c")]
    for order in itertools.permutations(twins):
        directory = Directory(order)
        found = directory.find("192.0.2.3"), directory.find("192.0.2.9", MAC)
        assert [device and device.id for device in found] == ["a", "a"]


@given(st.lists(DEVICES, max_size=6, unique_by=lambda device: device.id), st.randoms(use_true_random=False))
def test_a_directory_agrees_with_a_search_of_all_devices(devices: list[Device], chance: random.Random) -> None:
    directory = Directory(devices)
    keys = [*(a for d in devices for a in d.addresses), "192.0.2.250"]
    macs = [*(m for d in devices for m in d.macs), ""]
    address, mac = chance.choice(keys), chance.choice(macs)
    ordered = sorted(devices, key=lambda device: device.id)
    assert directory.devices == tuple(ordered)
    by_address = [device for device in ordered if address in device.addresses]
    by_mac = [device for device in ordered if mac in device.macs]
    assert directory.find(address, mac) == next(iter([*by_address, *by_mac]), None)


def test_what_stands_with_two_devices_is_told_once_with_both() -> None:
    other = Device("a-third", "Third", addresses=("192.0.2.3",), macs=("02:00:5e:10:00:03",))
    assert conflicts([PC, LAPTOP, other]) == (
        "02:00:5e:10:00:03 stands with more than one device: a-third, laptop. "
        "Only a-third is recognised by it: take it from the others.",
        "192.0.2.3 stands with more than one device: a-third, pc. "
        "Only a-third is recognised by it: take it from the others.",
    )


def test_a_device_is_in_no_conflict_with_itself() -> None:
    assert conflicts([replace(PC, macs=(MAC, MAC)), LAPTOP]) == ()


@pytest.mark.parametrize(("devices", "knows"), [([], False), ([replace(PC, macs=())], False), ([PC], True)])
def test_a_directory_says_whether_macs_are_worth_looking_for(devices: list[Device], knows: bool) -> None:
    assert Directory(devices).knows_macs is knows
