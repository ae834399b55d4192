"""What is told of a name that somebody asks to open: slips and forgeries are seen, honest names are left in peace."""

import csv
import gzip
import time
import unicodedata
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from blocklists.suffixes import bundled
from policy.confusables import mixes_alphabets, poses_as_latin, skeleton
from policy.decision import Listing, Terms
from policy.name_warnings import HINTS, NameWarning, WarningKind, describe, known_names, registered_domain, warnings_for
from policy.names import parse_name
from tests.blocklists.lists_folder import DATA

real_data = pytest.mark.skipif(not DATA.exists(), reason="the real names are not part of the repository")

SUFFIXES = bundled()
WELL_KNOWN = """
    kitap.kz mektep.kz edu.gov.kz classroom.google.com apple.com geogebra.org wikipedia.org www.kundelik.kz
    kitap.github.io okuma.kg мектеп.қаз modern.org wwf.org school1.kz youtube.com
"""
KNOWN = known_names(map(parse_name, WELL_KNOWN.split()), SUFFIXES)

K = WarningKind


def told(name: str, listings: Sequence[Listing] = ()) -> list[tuple[WarningKind, str]]:
    return [(each.kind, each.subject) for each in warnings_for(parse_name(name), KNOWN, SUFFIXES, listings)]


def kinds(name: str) -> set[WarningKind]:
    return {kind for kind, _subject in told(name)}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("kitap.kzz", "kitap.kz"),
        ("kitap.zk", "kitap.kz"),
        ("kitap.k", "kitap.kz"),
        ("kitab.kz", "kitap.kz"),
        ("kittap.kz", "kitap.kz"),
        ("ktiap.kz", "kitap.kz"),
        ("ikitap.kz", None),
        ("iktap.kz", "kitap.kz"),
        ("googel.com", "google.com"),
        ("classroom.googel.com", "classroom.google.com"),
        ("sites.googel.com", "google.com"),
        ("geogebr.org", "geogebra.org"),
        ("geo-gebra.org", "geogebra.org"),
        ("edu.gov.kx", "edu.gov.kz"),
        ("kitab.github.io", "kitap.github.io"),
        ("kundelig.kz", "kundelik.kz"),
        ("мектер.қаз", "мектеп.қаз"),
        # Honest neighbours.
        ("emektep.kz", None),
        ("imektep.kz", None),
        ("school2.kz", None),
        ("school.kz", None),
        ("kita.kz", None),
        ("kitap.kg", None),
        ("edu.gov.kg", None),
        ("geogebr.com", None),
        ("wwg.org", None),
        ("kitaplar.kz", None),
        ("example.org", None),
    ],
)
def test_a_slip_of_the_pen_names_what_was_meant(name: str, meant: str | None) -> None:
    assert [known for kind, known in told(name) if kind is K.TYPING_ERROR] == ([meant] if meant else [])


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("wwwkitap.kz", "kitap.kz"),
        ("edugov.kz", "edu.gov.kz"),
        ("kit.ap.kz", "kitap.kz"),
        ("classroomgoogle.com", "classroom.google.com"),
        ("www.edugov.kz", "edu.gov.kz"),
        ("edu-gov.kz", None),
        ("wwwother.kz", None),
    ],
)
def test_a_dot_too_many_or_too_few_names_what_was_meant(name: str, meant: str | None) -> None:
    assert [known for kind, known in told(name) if kind is K.DOT] == ([meant] if meant else [])


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("аррӏе.com", "apple.com"),
        ("аpple.com", "apple.com"),
        ("аррӏе.kz", "apple.com"),
        ("app1e.com", "apple.com"),
        ("appie.com", "apple.com"),
        ("g00gle.com", "google.com"),
        ("rnektep.kz", "mektep.kz"),
        ("rnodern.org", "modern.org"),
        ("vvikipedia.org", "wikipedia.org"),
        ("wíkipedia.org", "wikipedia.org"),
        ("wıkıpedıa.org", "wikipedia.org"),
        ("кітар.kz", "kitap.kz"),
        ("γουτυβε.com", "youtube.com"),
        # In plain letters under another ending: a name of its own.
        ("app1e.kz", None),
        ("appel.kz", None),
    ],
)
def test_a_look_alike_names_what_it_looks_like(name: str, meant: str | None) -> None:
    assert [known for kind, known in told(name) if kind is K.LOOK_ALIKE] == ([meant] if meant else [])


def test_one_slip_is_told_once() -> None:
    """`appie` is both a look-alike of `apple` and one letter away from it."""
    assert told("appie.com") == [(K.LOOK_ALIKE, "apple.com")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gооgle-disk.kz", {K.MIXED_ALPHABETS, K.INTERNATIONAL}),
        ("x.gооgle-disk.kz", {K.MIXED_ALPHABETS, K.INTERNATIONAL}),
        ("рахоса.com", {K.POSES_AS_LATIN, K.INTERNATIONAL}),
        ("рахоса.қаз", {K.INTERNATIONAL}),
        ("школа.kz", {K.INTERNATIONAL}),
        ("қазақ-тілі.kz", {K.INTERNATIONAL}),
        ("кыргыз-өңү.kg", {K.INTERNATIONAL}),
        ("школа7.рф", {K.INTERNATIONAL}),
        ("bücher.example.org", {K.INTERNATIONAL}),
        ("日本語かな.jp", {K.INTERNATIONAL}),
        ("xn--a.example.org", {K.ODD_LETTERS}),
        ("схоɵl.com", {K.MIXED_ALPHABETS, K.INTERNATIONAL}),
        ("schoɵl.com", {K.ODD_LETTERS, K.INTERNATIONAL}),
        ("scho\u0332ol.com", {K.ODD_LETTERS, K.INTERNATIONAL}),
        ("example.kzz", {K.UNKNOWN_ENDING}),
        ("printer.local", {K.UNKNOWN_ENDING}),
        ("portal.example.ck", set()),
        ("школа.рус", {K.INTERNATIONAL}),
        ("24.kg", {K.SHORT}),
        ("o.kg", {K.SHORT}),
        ("333.kg", {K.SHORT}),
        ("2024-2025.kg", {K.SHORT}),
        ("vb.kg", {K.SHORT}),
        ("abc.kg", set()),
        ("2gis.kg", set()),
        ("192-0-2-1.example.net", {K.ADDRESS}),
        ("192.0.2.1.example.net", {K.ADDRESS}),
        ("ip-10-0-0-1.example.net", {K.ADDRESS}),
        ("255-255-255-255.example.net", {K.ADDRESS}),
        ("192-0-2-256.example.net", set()),
        ("2.10.2024.1.example.net", set()),
        ("1-2-3.example.net", set()),
        ("user.github.io", set()),
        ("github.io", {K.SUFFIX}),
        ("blogspot.com", {K.SUFFIX}),
        ("com.kz", {K.SUFFIX}),
        ("kz", {K.SUFFIX}),
        ("geogebra.com", {K.OTHER_ENDING}),
        ("okuma.edu.kg", {K.OTHER_ENDING}),
        ("мектеп.рф", {K.OTHER_ENDING, K.INTERNATIONAL}),
        ("www.example.org", {K.WWW}),
        ("www.gov.kz", set()),
        ("www2.example.org", set()),
        ("example.org", set()),
        ("portal.example.edu.kz", set()),
    ],
)
def test_what_else_is_told_of_a_name(name: str, expected: set[WarningKind]) -> None:
    assert kinds(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("kitap.kz", set()),
        ("old.kitap.kz", set()),
        ("sites.google.com", set()),
        ("kundelik.kz", set()),
        ("www.kitap.kz", {K.WWW}),
        ("мектеп.қаз", {K.INTERNATIONAL}),
        ("192-0-2-1.kitap.kz", set()),
    ],
)
def test_names_of_a_known_domain_are_trusted(name: str, expected: set[WarningKind]) -> None:
    assert kinds(name) == expected


def test_a_known_look_alike_is_not_called_one() -> None:
    known = known_names(["apple.com", "app1e.com", parse_name("аррӏе.com")], SUFFIXES)
    for name in ("app1e.com", parse_name("аррӏе.com")):
        assert {each.kind for each in warnings_for(name, known, SUFFIXES)} <= {K.INTERNATIONAL}


def test_www_names_the_whole_site() -> None:
    assert told("www.школа.kz") == [(K.WWW, "школа.kz"), (K.INTERNATIONAL, "")]


def test_what_lists_in_force_say_is_told() -> None:
    listings = (
        Listing("starter-games", "games", "example.org"),
        Listing("starter-games", "games", "example.org", allows=True),
        Listing("on-trial", "games", "example.org", terms=Terms(shadow=True)),
    )
    (warning,) = warnings_for("www2.example.org", KNOWN, SUFFIXES, listings)
    assert warning == NameWarning(K.LISTED, "www2.example.org", "example.org", "starter-games", "games")
    assert "starter-games" in describe(warning)
    assert "Games" in describe(warning)


def test_the_gravest_comes_first() -> None:
    found = [kind for kind, _ in told("www.gооgle.com", [Listing("starter-games", "games", "google.com")])]
    assert found == [K.MIXED_ALPHABETS, K.LOOK_ALIKE, K.LISTED, K.WWW, K.INTERNATIONAL]


@pytest.mark.parametrize("kind", WarningKind)
def test_each_kind_says_what_it_is_about_in_whole_sentences(kind: WarningKind) -> None:
    text = describe(NameWarning(kind, parse_name("мектеп.kz"), "kitap.kz", "starter-games", "games"))
    assert text.endswith((".", "?"))
    assert "{" not in text
    assert "мектеп.kz" in text or "kitap.kz" in text


def test_both_forms_of_an_international_name_are_shown() -> None:
    text = describe(NameWarning(K.INTERNATIONAL, "xn--e1aaogsq.kz"))
    assert "мектеп.kz" in text
    assert "xn--e1aaogsq.kz" in text


@pytest.mark.parametrize(
    ("name", "registered", "of_hosts"),
    [
        ("a.b.kitap.kz", "kitap.kz", "kitap.kz"),
        ("kitap.kz", "kitap.kz", "kitap.kz"),
        ("a.school.edu.kz", "school.edu.kz", "school.edu.kz"),
        ("edu.kz", "edu.kz", "edu.kz"),
        ("a.user.github.io", "github.io", "user.github.io"),
        ("github.io", "github.io", "github.io"),
        ("a.b.ck", "a.b.ck", "a.b.ck"),
        ("a.www.ck", "www.ck", "www.ck"),
        ("a.nonsense", "a.nonsense", "a.nonsense"),
    ],
)
def test_the_registered_domain(name: str, registered: str, of_hosts: str) -> None:
    assert registered_domain(name, SUFFIXES) == registered
    assert registered_domain(name, SUFFIXES, of_hosts=True) == of_hosts


LABELS = st.text("abcdefghij", min_size=6, max_size=10)


def distance(one: str, other: str) -> int:
    """Return how many edits apart two words are (optimal string alignment), by the textbook's table."""
    rows = [[max(i, j) if not i * j else 0 for j in range(len(other) + 1)] for i in range(len(one) + 1)]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            same = one[i - 1] == other[j - 1]
            rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (not same))
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]


@st.composite
def neighbours(draw: st.DrawFn) -> tuple[str, str]:
    """Two words with the same first letter, up to two edits apart."""
    word = draw(LABELS)
    other = word
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(1, len(other) - 1))
        letter = draw(st.sampled_from("abcdefghij"))
        edits = (
            other[:at] + letter + other[at:],
            other[:at] + letter + other[at + 1 :],
            other[:at] + other[at + 1 :],
            other[:at] + other[at : at + 2][::-1] + other[at + 2 :],
        )
        other = draw(st.sampled_from(edits))
    return word, other


@given(neighbours())
def test_one_edit_is_a_slip_and_two_are_none(pair: tuple[str, str]) -> None:
    known, asked = pair
    assume(known != asked and len(asked) > 5 and skeleton(known) != skeleton(asked))
    found = warnings_for(f"{asked}.kz", known_names([f"{known}.kz"], SUFFIXES), SUFFIXES)
    slips = [each.subject for each in found if each.kind is K.TYPING_ERROR]
    assert slips == ([f"{known}.kz"] if distance(known, asked) == 1 else [])


@given(st.text(max_size=20))
def test_a_skeleton_looks_like_itself(label: str) -> None:
    assert skeleton(skeleton(label)) == skeleton(label)


@pytest.mark.parametrize("letters", ["аеорсухіјѕһ", "αορν"])
def test_letters_of_other_alphabets_read_as_plain_ones(letters: str) -> None:
    assert skeleton(letters).isascii()
    assert poses_as_latin(letters)
    assert not mixes_alphabets(letters)
    assert mixes_alphabets(letters + "q")
    assert not poses_as_latin(letters + "q")
    assert not poses_as_latin(letters + "ж")


@pytest.mark.parametrize("letters", ["әғқңөұүһі", "ңөү", "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"])
def test_kazakh_kyrgyz_and_russian_letters_are_one_alphabet(letters: str) -> None:
    assert all(unicodedata.name(letter).startswith("CYRILLIC") for letter in letters)
    assert not mixes_alphabets(letters)
    assert not poses_as_latin(letters)


def school_names() -> list[str]:
    text = (DATA / "allow" / "education-kz-kg.csv").read_text(encoding="utf-8")
    return [parse_name(row["domain"]) for row in csv.DictReader(text.splitlines())]


def local_names() -> list[str]:
    text = gzip.decompress((DATA / "traces" / "local-kz-kg.tsv.gz").read_bytes()).decode()
    return [parse_name(line.partition("\t")[0]) for line in text.splitlines()]


def suspected(names: Iterable[str], others: Sequence[str]) -> dict[str, set[WarningKind]]:
    """Return which names would be stopped at if all others, but not their own domain's, were known."""
    homes = {each: registered_domain(each, SUFFIXES, of_hosts=True) for each in {*names, *others}}
    found = {}
    for name in names:
        known = known_names((each for each in others if homes[each] != homes[name]), SUFFIXES)
        grave = {each.kind for each in warnings_for(name, known, SUFFIXES)} - HINTS
        if grave:
            found[name] = grave
    return found


@real_data
def test_the_names_that_schools_need_are_left_in_peace_by_each_other() -> None:
    """Two firms of one foundation differ by a letter, and a public suffix is on the list on purpose."""
    names = school_names()
    assert suspected(names, names) == {
        "wikipedia.org": {K.TYPING_ERROR},
        "wikimedia.org": {K.TYPING_ERROR},
        "gov.kz": {K.SUFFIX},
    }


@real_data
def test_few_names_of_the_two_countries_are_suspected_because_of_the_others() -> None:
    """Of all 3,530 names 98 are, 2.8 in a hundred; here every 23rd is looked at."""
    names = local_names()
    sample = names[::23]
    assert len(sample) > 150
    assert len(suspected(sample, names)) <= 0.045 * len(sample)


@real_data
def test_one_name_is_compared_with_5000_in_no_time() -> None:
    known = known_names((local_names() * 2)[:5000], SUFFIXES)
    spent = []
    for _ in range(3):
        begun = time.perf_counter()
        warnings_for("portal.long-name-of-a-school.edu.kz", known, SUFFIXES)
        spent.append(time.perf_counter() - begun)
    assert min(spent) < 0.05
