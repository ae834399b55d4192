"""How names look and how visits follow each other: what tells a person from a page or a program."""

import pytest

from journal.detection.signs import (
    is_again,
    is_backing_off,
    is_growing,
    is_part,
    is_regular,
    is_resolver,
    is_telling,
    site_of,
)


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("www.example.org", "example.org"),
        ("example.org", "example.org"),
        ("a.b.example.com.kz", "example.com.kz"),
        ("example.edu.kg", "example.edu.kg"),
        ("somebody.blogspot.com", "somebody.blogspot.com"),
        ("www.somebody.github.io", "somebody.github.io"),
        ("com.kz", "com.kz"),
        ("org", "org"),
        ("a.b.no-such-top", "b.no-such-top"),
        ("", ""),
        (".", ""),
    ],
)
def test_a_site_is_what_somebody_registered(name: str, site: str) -> None:
    assert site_of(name) == site or (name == "." and site_of(name) in (".", ""))


@pytest.mark.parametrize(
    "name",
    [
        "cdn.example.org", "img3.example.org", "static-eu.example.org", "api.www.example.org", "s12.example.org",
        "a1b2c3d4e5.example.org", "deadbeef01.example.org", "x.cdn.example.org", "api.somebody.github.io",
    ],
)  # fmt: skip
def test_parts_of_pages_and_programs_are_known_by_their_first_label(name: str) -> None:
    assert is_part(name)


@pytest.mark.parametrize(
    "name",
    ["example.org", "www.example.org", "m.example.org", "ru.example.org", "blog.example.org", "cdn.org", "api.kz"],
)
def test_what_people_visit_is_no_part(name: str) -> None:
    assert not is_part(name)


@pytest.mark.parametrize(
    "name", ["doh.example.org", "dns.example.org", "eu.dns1.example.org", "a.dot.example.org", "adns.example"]
)
def test_dns_servers_are_known_by_their_names(name: str) -> None:
    assert is_resolver(name)


@pytest.mark.parametrize("name", ["vpn.example.org", "www.example.org", "dotted.example.org", "doha.example.org"])
def test_others_are_no_dns_servers(name: str) -> None:
    assert not is_resolver(name)


@pytest.mark.parametrize(
    ("name", "telling"),
    [("best-casino.example", True), ("example.org", False), ("bet.example", True), ("alphabet.org", True)],
)
def test_names_tell_by_words(name: str, telling: bool) -> None:
    assert is_telling(name) is telling


REGULAR = [0.0, 60, 121, 180, 300, 361, 420]
GROWING = [0.0, 36, 96, 396, 996]
HUMAN = [0.0, 45, 200, 260, 500]


def test_a_machines_beats_are_alike_even_if_one_is_missing() -> None:
    assert is_regular(REGULAR, 6)
    assert not is_regular(REGULAR[:5], 6)
    assert not is_regular(HUMAN, 4)
    assert not is_regular([5.0, 5.0, 5.0, 5.0], 4)


def test_an_error_page_waits_longer_each_time() -> None:
    assert is_growing(GROWING)
    assert not is_growing(HUMAN)
    assert not is_growing([0.0, 60])
    assert not is_growing([0.0, 100, 250, 500]), "a person who loses interest"


def test_a_program_backs_off_and_a_person_does_not() -> None:
    assert is_backing_off([0.0, 8, 24, 56, 120, 184, 248])
    assert not is_backing_off([0.0, 30, 60, 90, 120])
    assert not is_backing_off([0.0, 20, 55, 83, 123])
    assert not is_backing_off([0.0, 60])


def test_only_a_person_comes_back() -> None:
    assert is_again(HUMAN)
    assert is_again([0.0, 300])
    assert not is_again([0.0, 40])
    assert not is_again(GROWING)
    assert not is_again([0.0, 100, 200, 300, 400])
    assert not is_again([0.0])
