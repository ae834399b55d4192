"""Addresses of upstreams: what people may write, what it means, and what they are told when it is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.upstream.address import (
    DEFAULT_UPSTREAMS,
    InvalidUpstream,
    Scheme,
    UpstreamAddress,
    parse_upstream,
    system_resolvers,
)

UDP, TCP, TLS, HTTPS = Scheme


@pytest.mark.parametrize(
    ("text", "expected", "canonical"),
    [
        ("192.0.2.1", UpstreamAddress(UDP, "192.0.2.1", 53), "udp://192.0.2.1"),
        (" 192.0.2.1:5300 ", UpstreamAddress(UDP, "192.0.2.1", 5300), "udp://192.0.2.1:5300"),
        ("2001:DB8::1", UpstreamAddress(UDP, "2001:db8::1", 53), "udp://[2001:db8::1]"),
        ("[2001:db8::1]:5300", UpstreamAddress(UDP, "2001:db8::1", 5300), "udp://[2001:db8::1]:5300"),
        ("udp://192.0.2.1:53", UpstreamAddress(UDP, "192.0.2.1", 53), "udp://192.0.2.1"),
        ("udp://[2001:db8::1]:5300", UpstreamAddress(UDP, "2001:db8::1", 5300), "udp://[2001:db8::1]:5300"),
        ("udp://[fe80::1%eth0]", UpstreamAddress(UDP, "fe80::1%eth0", 53), "udp://[fe80::1%eth0]"),
        ("TCP://192.0.2.1", UpstreamAddress(TCP, "192.0.2.1", 53), "tcp://192.0.2.1"),
        ("tls://192.0.2.1", UpstreamAddress(TLS, "192.0.2.1", 853), "tls://192.0.2.1"),
        (
            "tls://192.0.2.1#DNS.example.org.",
            UpstreamAddress(TLS, "192.0.2.1", 853, "dns.example.org"),
            "tls://192.0.2.1#dns.example.org",
        ),
        (
            "tls://dns.example.org:8853#2001:db8::1",
            UpstreamAddress(TLS, "2001:db8::1", 8853, "dns.example.org"),
            "tls://[2001:db8::1]:8853#dns.example.org",
        ),
        (
            "https://dns.example.org/dns-query#192.0.2.1",
            UpstreamAddress(HTTPS, "192.0.2.1", 443, "dns.example.org", "/dns-query"),
            "https://dns.example.org/dns-query#192.0.2.1",
        ),
        (
            "https://192.0.2.1/dns-query#dns.example.org",
            UpstreamAddress(HTTPS, "192.0.2.1", 443, "dns.example.org", "/dns-query"),
            "https://dns.example.org/dns-query#192.0.2.1",
        ),
        (
            "https://dns.example.org:8443/a/b?c=d#[2001:db8::1]",
            UpstreamAddress(HTTPS, "2001:db8::1", 8443, "dns.example.org", "/a/b?c=d"),
            "https://dns.example.org:8443/a/b?c=d#2001:db8::1",
        ),
        (
            "https://[2001:db8::1]",
            UpstreamAddress(HTTPS, "2001:db8::1", 443, "", "/dns-query"),
            "https://[2001:db8::1]/dns-query",
        ),
    ],
)
def test_reads_an_address_and_writes_it_back(text: str, expected: UpstreamAddress, canonical: str) -> None:
    assert parse_upstream(text) == expected
    assert str(expected) == canonical
    assert parse_upstream(canonical) == expected


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "expected an address such as udp://192.0.2.1"),
        ("udp://", "expected an address such as udp://192.0.2.1"),
        ("dns.example.org", "write its IP address too: udp://192.0.2.1"),
        ("tcp://dns.example.org:53", "write its IP address too: tcp://192.0.2.1"),
        ("tls://dns.example.org", "write its IP address too: tls://192.0.2.1#dns.example.org"),
        ("tls://dns.example.org#other.example.org", "tls://192.0.2.1#dns.example.org"),
        (
            "https://dns.example.org/dns-query",
            "write its IP address too: https://dns.example.org/dns-query#192.0.2.1",
        ),
        ("sdns://AAAA", "expected udp://, tcp://, tls:// or https://, found sdns://"),
        ("udp://192.0.2.1:0", "expected a port from 1 to 65535, found 0"),
        ("udp://192.0.2.1:65536", "expected a port from 1 to 65535, found 65536"),
        ("udp://192.0.2.1:٥٣", "expected a port from 1 to 65535"),
        ("udp://[2001:db8::1]5300", "expected a port from 1 to 65535"),
        ("udp://192.0.2.1/", "expected an address such as udp://192.0.2.1"),
        ("udp://192.0.2.1#dns.example.org", "for tls:// and https:// only"),
        ("tls://192.0.2.1#not a name", "expected a domain name"),
        ("tls://192.0.2.1#192.0.2.2", "expected a domain name"),
        ("https://192.0.2.1/a b", "expected a path such as /dns-query"),
        ("https://user@192.0.2.1/", "expected an address such as https://192.0.2.1"),
        ("0.0.0.0", "expected the address of one server"),
        ("[ff02::1]", "expected the address of one server"),
    ],
)
def test_says_how_to_write_what_cannot_be_read(text: str, hint: str) -> None:
    with pytest.raises(InvalidUpstream) as error:
        parse_upstream(text)
    assert hint in str(error.value)
    assert str(error.value).startswith(text)


@given(
    st.sampled_from(Scheme),
    st.ip_addresses().filter(lambda address: not address.is_unspecified and not address.is_multicast),
    st.integers(1, 65535),
    st.sampled_from(["", "dns.example.org"]),
)
def test_every_address_survives_being_written(scheme: Scheme, host: object, port: int, name: str) -> None:
    encrypted = scheme in {Scheme.TLS, Scheme.HTTPS}
    path = "/dns-query" if scheme is Scheme.HTTPS else ""
    address = UpstreamAddress(scheme, str(host), port, name if encrypted else "", path)
    assert parse_upstream(str(address)) == address


@given(st.text())
def test_any_text_is_an_address_or_an_explained_error(text: str) -> None:
    try:
        address = parse_upstream(text)
    except InvalidUpstream as error:
        assert str(error)  # noqa: PT017 - either outcome is right
    else:
        assert parse_upstream(str(address)) == address


@pytest.mark.parametrize(
    ("text", "name", "authority"),
    [
        ("tls://192.0.2.1#dns.example.org", "dns.example.org", "192.0.2.1"),
        ("tls://192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("tls://[fe80::1%eth0]", "fe80::1", "[fe80::1%eth0]"),
        ("https://dns.example.org#192.0.2.1", "dns.example.org", "dns.example.org"),
        ("https://[2001:db8::1]:8443", "2001:db8::1", "[2001:db8::1]:8443"),
    ],
)
def test_the_certificate_must_be_for_the_name_or_else_the_address(text: str, name: str, authority: str) -> None:
    address = parse_upstream(text)
    assert address.server_name == name
    assert address.authority == authority


def test_the_system_s_resolvers_are_read_in_order_and_once() -> None:
    text = """
# Generated by someone
; another comment
search example.org
nameserver 192.0.2.1
nameserver\t2001:db8::1
nameserver fe80::1%eth0 # the router
nameserver 192.0.2.1
nameserver 0.0.0.0
nameserver
nameserver dns.example.org
 nameserver 192.0.2.2
options edns0 trust-ad
"""
    assert [str(address) for address in system_resolvers(text)] == [
        "udp://192.0.2.1",
        "udp://[2001:db8::1]",
        "udp://[fe80::1%eth0]",
        "udp://192.0.2.2",
    ]


@given(st.text())
def test_any_resolv_conf_is_read(text: str) -> None:
    for address in system_resolvers(text):
        assert parse_upstream(str(address)) == address


def test_the_default_upstreams_are_encrypted_and_named() -> None:
    for address in DEFAULT_UPSTREAMS:
        assert address.scheme is Scheme.TLS
        assert address.tls_name
        assert parse_upstream(str(address)) == address
