"""The bundles: names that lessons, devices and app stores need; their tables are in the folder `bundle`."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from policy.needed import APP_STORES, BUNDLES, DEVICES, EDUCATION, Needed


@dataclass(frozen=True, slots=True)
class Row:
    """One name of a bundle, and why it is there."""

    name: str
    subtree: bool
    """Whether it stands for all names below it, too."""
    kind: str
    """What it serves, in one word: textbooks, updates, time."""
    what: str
    country: str
    """`KZ`, `KG` or `RU` where it serves one country; empty otherwise."""
    evidence: str
    """Where the name was seen, joined by plus signs; docs/lists.md explains the words."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A table of names that open whatever category a list has put them into."""

    id: str
    names: Mapping[str, str]
    """Title by language: en, ru, kk, ky."""
    rows: tuple[Row, ...]

    def title(self, language: str) -> str:
        """Return the title in the language, or in English."""
        return self.names.get(language, self.names["en"])


_TITLES: dict[str, dict[str, str]] = {
    EDUCATION: {"en": "Education", "ru": "Образование", "kk": "Білім беру", "ky": "Билим берүү"},
    DEVICES: {
        "en": "What devices need",
        "ru": "Нужное устройствам",
        "kk": "Құрылғыларға қажетті атаулар",
        "ky": "Түзмөктөргө керектүү аталыштар",
    },
    APP_STORES: {
        "en": "App stores",
        "ru": "Магазины приложений",
        "kk": "Қолданба дүкендері",
        "ky": "Колдонмо дүкөндөрү",
    },
}


@cache
def bundles() -> tuple[Bundle, ...]:
    """Return the bundles with their tables."""
    return tuple(Bundle(id_, MappingProxyType(_TITLES[id_]), _rows(id_)) for id_ in BUNDLES)


@cache
def load_bundles() -> Mapping[str, tuple[Needed, ...]]:
    """Return what policy has to know of each bundle, by its id."""
    return MappingProxyType(
        {bundle.id: tuple(Needed(row.name, row.subtree, bundle.id) for row in bundle.rows) for bundle in bundles()}
    )


def _rows(bundle_id: str) -> tuple[Row, ...]:
    text = files("blocklists").joinpath("bundle", f"{bundle_id}.csv").read_text(encoding="utf-8")
    return tuple(
        Row(row["name"], row["match"] == "suffix", row["kind"], row["what"], row["country"], row["evidence"])
        for row in csv.DictReader(text.splitlines())
    )
