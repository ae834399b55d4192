"""Names that lead out of the filter."""

import pytest

from policy.bypass import BYPASS_NAMES
from policy.names import parse_name, with_parents


def test_every_name_is_canonical_and_none_stands_below_another() -> None:
    for name in BYPASS_NAMES:
        assert parse_name(name) == name
        assert not BYPASS_NAMES.intersection(list(with_parents(name))[1:])
        assert "." in name


@pytest.mark.parametrize(
    "name",
    [
        "use-application-dns.net",
        "mask.icloud.com",
        "mask-h2.icloud.com",
        "mask-api.icloud.com",
        "mask-canary.icloud.com",
        "mozilla.cloudflare-dns.com",
        "dns.google",
        "a1b2c3.dns.nextdns.io",
        "dns.adguard-dns.com",
        "common.dot.dns.yandex.net",
        "dns.quad9.net",
    ],
)
def test_ways_out_are_covered(name: str) -> None:
    assert BYPASS_NAMES.intersection(with_parents(name))


@pytest.mark.parametrize(
    "name",
    [
        "dns.msftncsi.com",  # Windows would say that there is no internet
        "ipv4only.arpa",  # NAT64 discovery (RFC 7050)
        "www.icloud.com",
        "gateway.icloud.com",
        "yandex.net",
        "google.com",
        "quad9.net",
        "mullvad.net",
        "telekom.de",
    ],
)
def test_what_devices_and_people_need_is_not(name: str) -> None:
    assert not BYPASS_NAMES.intersection(with_parents(name))
