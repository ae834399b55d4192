"""The catalogue: every entry can be added as it stands, says what it is, and presets name only what is there."""

import re

import pytest

from blocklists.catalogue import CATALOGUE, Entry, entry, source_of
from blocklists.errors import ListError
from blocklists.places import check_url
from blocklists.rules import Format
from blocklists.sources import check_id
from blocklists.starters import packaged_sources
from policy.categories import BY_ID
from policy.presets import PRESETS
from policy.services import SERVICES_BY_ID

SMALL_MACHINE = 1_000_000
"""Names that a machine with 1 GB compiles beside its other work; `ut1-adult`, which has more, is worth its memory."""


@pytest.mark.parametrize("wanted", CATALOGUE.values(), ids=lambda each: each.id)
def test_each_entry_can_be_added_and_says_what_it_is(wanted: Entry) -> None:
    assert check_id(wanted.id) == wanted.id
    assert wanted.urls
    for url in (*wanted.urls, wanted.homepage, *filter(None, [wanted.checksum])):
        check_url(url)
        assert url.startswith("https://")
    assert wanted.category in BY_ID or wanted.category in SERVICES_BY_ID
    assert wanted.meaning.endswith(".")
    assert len(wanted.meaning) <= 120
    assert wanted.licence
    assert wanted.names > 0


def test_ids_are_not_those_of_packaged_lists() -> None:
    assert not CATALOGUE.keys() & {source.id for source in packaged_sources()}


def test_a_list_from_the_catalogue_is_taken_as_its_maker_means_it() -> None:
    source = source_of(entry("ut1-dynamic-dns"))
    assert source.location == "https://dsi.ut-capitole.fr/blacklists/download/dynamic-dns.tar.gz"
    assert (source.member, source.format, source.suffixes) == ("dynamic-dns", Format.DOMAINS, True)
    assert source.checksum.endswith("/MD5SUM.LST")
    assert source.licence == "CC-BY-SA-4.0"
    assert source_of(entry("ut1-social-networks")).member == "social_networks"


def test_what_lists_only_names_one_by_one_does_not_cover_what_is_below() -> None:
    assert source_of(entry("blp-piracy")).subdomains is False
    assert source_of(entry("hagezi-pro")).subdomains is True
    assert source_of(entry("stevenblack-unified")).format is Format.HOSTS


@pytest.mark.parametrize("category", ["terrorism", "extremism", "hatred"])
def test_no_foreign_list_feeds_a_category_that_nobody_can_open_but_drugs(category: str) -> None:
    # Such a list is the work of strangers with another law; the official register of the country is added by hand.
    assert all(each.category != category for each in CATALOGUE.values())


def test_every_list_that_names_public_suffixes_on_purpose_is_marked_as_blunt() -> None:
    blunt = {each.id for each in CATALOGUE.values() if "trial" in each.remark}
    assert {each.id for each in CATALOGUE.values() if each.suffixes} <= blunt


def test_an_unknown_id_is_answered_with_the_nearest() -> None:
    with pytest.raises(ListError, match=re.escape("did you mean 'ut1-gambling'?")):
        entry("ut1-gamling")
    with pytest.raises(ListError, match="lists catalogue"):
        entry("zzzzzz")


@pytest.mark.parametrize("preset", PRESETS, ids=lambda each: each.id)
def test_presets_name_lists_of_the_catalogue_that_a_small_machine_bears(preset: object) -> None:
    names = getattr(preset, "lists", ())
    assert [each for each in names if each not in CATALOGUE] == []
    assert sum(CATALOGUE[each].names for each in names if each != "ut1-adult") <= SMALL_MACHINE


def test_presets_take_no_list_that_closes_honest_sites() -> None:
    for preset in PRESETS:
        assert [each for each in preset.lists if "trial" in CATALOGUE[each].remark] == []


def test_what_feeds_a_category_is_not_described_as_a_service() -> None:
    of_services = {each.id for each in CATALOGUE.values() if "of the service" in each.meaning}
    assert of_services == {
        each.id for each in CATALOGUE.values() if each.id.startswith("v2fly-") and each.category in SERVICES_BY_ID
    }
