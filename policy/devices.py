"""Devices: clients that the school knows by address or hardware address (MAC), and which of them a client is."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from policy.networks import parse_address
from translations import _

_MAC_FORMS = (
    re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}"),
    re.compile(r"[0-9a-f]{2}(?:-[0-9a-f]{2}){5}"),
    re.compile(r"[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}"),
    re.compile(r"[0-9a-f]{12}"),
)
_SEPARATORS = str.maketrans("", "", ":-.")
_FOR_MANY, _MADE_UP = 0x01, 0x02
"""Bits of the first octet of a MAC (IEEE 802 section 8.2): sent to many devices; not given by a maker."""


@dataclass(frozen=True, slots=True)
class Device:
    """A known client."""

    id: str
    title: str
    group: str | None = None
    """None: that of the network it asks from."""
    room: str | None = None
    addresses: tuple[str, ...] = ()
    """As `address_text` writes them."""
    macs: tuple[str, ...] = ()
    """As `parse_mac` writes them."""
    note: str = ""


def body(device: Device) -> dict[str, object]:
    """Return a device as the JSON that storage keeps, without its id."""
    return {
        "title": device.title,
        "group": device.group,
        "room": device.room,
        "addresses": list(device.addresses),
        "macs": list(device.macs),
        "note": device.note,
    }


def device_of(id_: str, stored: Mapping[str, object]) -> Device:
    """Return the device of a stored body. Raises ValueError for one that nobody here wrote."""
    return Device(
        id_,
        _text(stored, "title"),
        _maybe(stored, "group"),
        _maybe(stored, "room"),
        tuple(address_text(text) for text in _texts(stored, "addresses")),
        tuple(parse_mac(text) for text in _texts(stored, "macs")),
        _text(stored, "note"),
    )


def address_text(text: str) -> str:
    """Return an address in the one form in which devices and clients are compared. Raises ValueError."""
    try:
        return str(parse_address(text.strip()))
    except ValueError:
        expected = _("expected an address such as 192.168.1.23 or fd00::23, found {text}")
        raise ValueError(expected.format(text=repr(text[:80]))) from None


def parse_mac(text: str) -> str:
    """Return the MAC of a device as 02:00:5e:10:00:01. Raises ValueError, also for one that no device can have."""
    written = text.strip().lower()
    if not any(form.fullmatch(written) for form in _MAC_FORMS):
        expected = _("expected a hardware address (MAC) such as 02:00:5e:10:00:01, found {text}")
        raise ValueError(expected.format(text=repr(text[:80])))
    mac = mac_text(bytes.fromhex(written.translate(_SEPARATORS)))
    if not mac:
        expected = _("expected the hardware address (MAC) of one device, found one for many or for none: {text}")
        raise ValueError(expected.format(text=repr(text)))
    return mac


def mac_text(octets: bytes) -> str:
    """Return six octets as a MAC; an empty text for what no device has: multicast, broadcast, zero, another length."""
    if len(octets) != 6 or octets[0] & _FOR_MANY or not any(octets):
        return ""
    return octets.hex(":")


def is_randomised(mac: str) -> bool:
    """Whether a MAC was made up by its device, as telephones and virtual machines do, instead of given by a maker."""
    return bool(int(mac[:2], 16) & _MADE_UP)


def about_randomised() -> str:
    """Return what a person has to know about a made-up MAC before resting a rule on it."""
    return _(
        "This hardware address (MAC) was made up by the device itself. Telephones, tablets and new laptops do so for "
        "each Wi-Fi network, some of them anew every day: then a rule by this address no longer holds, and nobody is "
        "told. Switch it off on the device, for the school's Wi-Fi only: Android: Privacy, use device MAC; iPhone and "
        "iPad: Private Wi-Fi Address off; Windows: Random hardware addresses off."
    )


class Directory:
    """All devices, built once, for the look-up of each new client: what it costs does not grow with their number.

    Of two devices with the same address or MAC the first by id counts, whatever order they come in.
    """

    __slots__ = ("_by_address", "_by_mac", "devices")

    def __init__(self, devices: Iterable[Device] = ()) -> None:
        self._by_address: dict[str, Device] = {}
        self._by_mac: dict[str, Device] = {}
        self.devices = tuple(sorted(devices, key=attrgetter("id")))
        """By id."""
        for device in self.devices:
            for address in device.addresses:
                self._by_address.setdefault(address, device)
            for mac in device.macs:
                self._by_mac.setdefault(mac, device)

    @property
    def knows_macs(self) -> bool:
        """Whether any device is known by a MAC: if none is, nobody needs to look for them."""
        return bool(self._by_mac)

    def find(self, address: str, mac: str = "") -> Device | None:
        """Return the device of a client: by its address, else by its MAC. Both in the form in which devices hold them.

        The address comes first: it was written down by a person for just this device, and is what its packets bear.
        """
        return self._by_address.get(address) or self._by_mac.get(mac)


def conflicts(devices: Iterable[Device]) -> tuple[str, ...]:
    """Return, in words, which addresses and MACs stand with more than one device."""
    holders: dict[str, list[str]] = {}
    for device in sorted(devices, key=attrgetter("id")):
        for key in dict.fromkeys((*device.addresses, *device.macs)):
            holders.setdefault(key, []).append(device.id)
    text = _(
        "{address} stands with more than one device: {devices}. Only {first} is recognised by it: take it from the "
        "others."
    )
    return tuple(
        text.format(address=key, devices=", ".join(ids), first=ids[0])
        for key, ids in sorted(holders.items())
        if len(ids) > 1
    )


def _text(stored: Mapping[str, object], key: str) -> str:
    value = stored.get(key)
    if not isinstance(value, str):
        raise ValueError(f"expected a text in {key}, found {value!r}")  # noqa: TRY004 - one kind of error for what is stored
    return value


def _maybe(stored: Mapping[str, object], key: str) -> str | None:
    return None if stored.get(key) is None else _text(stored, key)


def _texts(stored: Mapping[str, object], key: str) -> tuple[str, ...]:
    values = stored.get(key)
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise ValueError(f"expected texts in {key}, found {values!r}")
    return tuple(values)
