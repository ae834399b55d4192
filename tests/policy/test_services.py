"""Services and categories: two sets of ids that share one column, and a title for each."""

import re

import pytest

from policy.categories import BY_ID
from policy.levels import Level
from policy.needed import BUNDLES
from policy.presets import PRESETS
from policy.safesearch import ENGINES, ENGINES_BY_ID
from policy.services import SERVICES, SERVICES_BY_ID, Service, ServiceKind
from policy.subjects import SUBJECT_IDS, nearest, subject, title_of


def test_no_id_means_two_things() -> None:
    ids = [*BY_ID, *(service.id for service in SERVICES), *BUNDLES]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id_) for id_ in ids)
    assert set(SUBJECT_IDS) == {*BY_ID, *SERVICES_BY_ID}


@pytest.mark.parametrize("service", SERVICES, ids=[service.id for service in SERVICES])
def test_every_service_has_four_titles(service: Service) -> None:
    assert set(service.names) == {"en", "ru", "kk", "ky"}
    assert all(service.names.values())
    assert service.title("de") == service.names["en"]


def test_every_kind_is_used() -> None:
    assert {service.kind for service in SERVICES} == set(ServiceKind)


def test_titles_come_from_one_place() -> None:
    assert title_of("games", "ru") == "Игры"
    assert title_of("vk", "kk") == "ВКонтакте"
    assert title_of("homemade", "ru") == "homemade"
    assert subject("youtube") is SERVICES_BY_ID["youtube"]
    assert subject("games") is BY_ID["games"]
    assert subject("homemade") is None


@pytest.mark.parametrize(
    ("text", "meant"), [("tiktoc", "tiktok"), ("GAME", "games"), ("instgram", "instagram"), ("zzz", "")]
)
def test_the_nearest_id_is_guessed(text: str, meant: str) -> None:
    assert nearest(text) == meant


@pytest.mark.parametrize("preset", PRESETS, ids=[preset.id for preset in PRESETS])
def test_a_preset_is_made_of_what_exists(preset: object) -> None:
    found = next(each for each in PRESETS if each is preset)
    assert found.blocked <= set(SUBJECT_IDS)
    assert {category.id for category in BY_ID.values() if category.locked} <= found.blocked
    assert all(ENGINES_BY_ID[engine].mode(mode) for engine, mode in found.safe_search.items())
    assert len(set(found.lists)) == len(found.lists)


def test_pupils_presets_switch_every_engine_on_and_staffs_none() -> None:
    for preset in PRESETS:
        expected = set() if preset.level is Level.OPEN else {engine.id for engine in ENGINES}
        assert set(preset.safe_search) == expected
