"""The lists of services: names that belong to that service and to nobody else."""

import csv
from pathlib import Path

import pytest

from blocklists.bundles import bundles
from blocklists.rules import Scope
from blocklists.sources import Source
from blocklists.starters import packaged_text, service_sources
from blocklists.suffixes import bundled
from policy.names import parse_name, with_parents
from policy.services import SERVICES, SERVICES_BY_ID
from tests.blocklists.lists_folder import DATA
from tests.blocklists.packaged import path_of, rules_of

SOURCES = service_sources()


def covers(source: Source, name: str) -> bool:
    """Tell whether a list closes a name, its exceptions heard."""
    rules = {rule.name: rule.allows for rule in rules_of(source)}
    return next((not rules[each] for each in with_parents(name) if each in rules), False)


def list_of(service: str) -> Source:
    return next(source for source in SOURCES if source.category == service)


def test_there_is_one_for_each_service_and_no_other_file() -> None:
    folder = path_of(SOURCES[0]).parent
    assert {path.stem for path in folder.glob("*.txt")} == set(SERVICES_BY_ID)
    assert [source.category for source in SOURCES] == [service.id for service in SERVICES]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.category)
def test_each_says_what_it_is_and_names_each_name_once(source: Source) -> None:
    text = packaged_text(source.location).read_text(encoding="utf-8")
    for expected in (f"schoolfilter service: {source.category}\n", "Licence: MIT. Origin: "):
        assert expected in text
    rules = rules_of(source)
    names = [rule.name for rule in rules]
    assert names
    assert len(names) == len(set(names))
    for rule in rules:
        assert rule.scope is Scope.SUBTREE
        assert parse_name(rule.name) == rule.name
        assert not bundled().hold(rule.name)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.category)
def test_no_name_stands_below_another_of_the_same_list(source: Source) -> None:
    blocked = {rule.name for rule in rules_of(source) if not rule.allows}
    assert [name for name in blocked if not blocked.isdisjoint(list(with_parents(name))[1:])] == []


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("youtube", "www.youtube.com"),
        ("youtube", "rr3---sn-4g5e6nzl.googlevideo.com"),
        ("youtube", "i.ytimg.com"),
        ("youtube", "yt3.ggpht.com"),
        ("tiktok", "v16-webapp.tiktok.com"),
        ("tiktok", "p16-sign-va.tiktokcdn.com"),
        ("instagram", "i.instagram.com"),
        ("vk", "sun9-1.userapi.com"),
        ("telegram", "web.telegram.org"),
        ("whatsapp", "mmg.whatsapp.net"),
        ("roblox", "tr.rbxcdn.com"),
        ("chatgpt", "ab.chatgpt.com"),
        ("discord", "gateway.discord.gg"),
        ("minecraft", "sessionserver.mojang.com"),
        ("supercell", "game.brawlstarsgame.com"),
    ],
)
def test_a_service_is_closed_with_what_it_cannot_do_without(service: str, name: str) -> None:
    assert covers(list_of(service), name)


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("youtube", "accounts.youtube.com"),
        ("youtube", "youtubeeducation.com"),
        ("youtube", "lh3.googleusercontent.com"),
        ("youtube", "lh3.ggpht.com"),
        ("youtube", "www.googleapis.com"),
        ("youtube", "accounts.google.com"),
        ("minecraft", "education.minecraft.net"),
        ("minecraft", "login.live.com"),
        ("apple-music", "itunes.apple.com"),
        ("gemini", "classroom.google.com"),
        ("copilot", "www.bing.com"),
        ("copilot", "teams.microsoft.com"),
        ("mailru", "vk.com"),
        ("mailru", "uchi.ru"),
        ("vk", "cloud.vk.cloud"),
        ("yandex-music", "translate.yandex.kz"),
        ("yandex-alice", "yandex.kz"),
        ("amazon", "s3.amazonaws.com"),
        ("amazon", "aws.amazon.com"),
        ("epicgames", "www.unrealengine.com"),
        ("netflix", "fast.com"),
        ("facebook", "www.instagram.com"),
        ("twitch", "d1g1f25tn8m2e6.cloudfront.net"),
        ("steam", "steamcdn-a.akamaihd.net"),
        ("xbox", "login.live.com"),
        ("gigachat", "online.sberbank.ru"),
    ],
)
def test_what_only_stands_near_a_service_stays_open(service: str, name: str) -> None:
    assert not covers(list_of(service), name)


MEANT: dict[str, set[str]] = {}
"""Names that a bundle needs and a service closes all the same, with the reason in the file of the service."""


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.category)
def test_no_service_closes_what_lessons_or_devices_need(source: Source) -> None:
    # Services are asked before the bundles are: a name here would be closed whatever the bundle says.
    rules = {rule.name: rule.allows for rule in rules_of(source)}
    needed = [row for bundle in bundles() for row in bundle.rows]
    wrong = {
        row.name for row in needed if not next((rules[each] for each in with_parents(row.name) if each in rules), True)
    }
    whole = {row.name for row in needed if row.subtree}
    inside = {name for name, allows in rules.items() if not allows and not whole.isdisjoint(with_parents(name))}
    assert wrong == MEANT.get(source.category, set())
    assert inside <= INSIDE.get(source.category, set())


INSIDE: dict[str, set[str]] = {
    "apple-music": {"aod.itunes.apple.com", "aodp.itunes.apple.com"},  # hosts of the music alone
}
"""Names of a service below one that a bundle needs whole."""


@pytest.mark.skipif(not DATA.exists(), reason="the allow tables are not part of the repository")
def test_no_service_closes_what_certificates_and_updates_need() -> None:
    covered = {rule.name: source.id for source in SOURCES for rule in rules_of(source) if not rule.allows}
    wrong = []
    for file in ("misp-captive-portals.txt", "misp-crl-ocsp-hosts.txt"):
        for line in (DATA / "allow" / file).read_text(encoding="utf-8").split():
            wrong += [(line, covered[each]) for each in with_parents(line.lower().strip(".")) if each in covered]
    with Path(DATA / "allow" / "devices.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table):
            if row["domain"] != "accounts.youtube.com":
                wrong += [(row["domain"], covered[each]) for each in with_parents(row["domain"]) if each in covered]
    assert wrong == []
