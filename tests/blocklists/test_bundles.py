"""The bundles: what lessons, devices and app stores need, each name with its reason."""

import pytest

from blocklists.bundles import Bundle, bundles, load_bundles
from blocklists.starters import starter_sources
from blocklists.suffixes import bundled
from policy.categories import BY_ID
from policy.names import parse_name, with_parents
from policy.needed import APP_STORES, BUNDLES, DEVICES, EDUCATION, Needed
from tests.blocklists.packaged import rules_of

ALL = bundles()


def test_there_is_a_table_for_each_bundle_that_policy_knows() -> None:
    assert tuple(bundle.id for bundle in ALL) == BUNDLES
    assert load_bundles().keys() == set(BUNDLES)
    assert Needed("time.windows.com", subtree=False, bundle=DEVICES) in load_bundles()[DEVICES]
    assert Needed("bilimland.kz", subtree=True, bundle=EDUCATION) in load_bundles()[EDUCATION]


@pytest.mark.parametrize("bundle", ALL, ids=lambda bundle: bundle.id)
def test_each_row_is_a_name_with_a_reason(bundle: Bundle) -> None:
    names = [row.name for row in bundle.rows]
    assert len(names) == len(set(names))
    for row in bundle.rows:
        assert parse_name(row.name) == row.name
        assert row.kind
        assert row.what
        assert row.evidence
        assert row.country in {"", "KZ", "KG", "RU"}
    assert set(bundle.names) == {"en", "ru", "kk", "ky"}
    assert bundle.title("ru") != bundle.title("en")


@pytest.mark.parametrize("bundle", ALL, ids=lambda bundle: bundle.id)
def test_no_bundle_opens_a_whole_public_suffix(bundle: Bundle) -> None:
    # In edu.kz, gov.kz and the like others register names.
    assert [row.name for row in bundle.rows if row.subtree and bundled().hold(row.name)] == []


def test_app_stores_are_a_bundle_of_their_own() -> None:
    stores = {row.name for row in ALL[BUNDLES.index(APP_STORES)].rows}
    assert {"play.google.com", "apps.apple.com", "displaycatalog.mp.microsoft.com"} <= stores
    others = {row.name for bundle in ALL if bundle.id != APP_STORES for row in bundle.rows}
    assert not stores & others


def test_the_check_of_windows_is_needed_as_it_stands() -> None:
    # The device expects one certain address: the name must be answered by the upstream, never rewritten or blocked.
    assert [row.subtree for row in ALL[BUNDLES.index(DEVICES)].rows if row.name == "dns.msftncsi.com"] == [False]


def test_nothing_that_is_needed_stands_in_a_locked_category() -> None:
    locked = {rule.name for source in starter_sources() if BY_ID[source.category].locked for rule in rules_of(source)}
    wrong = [row.name for bundle in ALL for row in bundle.rows if not locked.isdisjoint(with_parents(row.name))]
    assert wrong == []
