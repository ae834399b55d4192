"""What suits a kind of users, as one choice: level, what is blocked, safe search, and the lists that feed it."""

from collections.abc import Mapping
from dataclasses import dataclass

from policy.categories import CATEGORIES
from policy.levels import Level
from policy.safesearch import MODERATE, SAFE, STRICT
from policy.services import SERVICES, ServiceKind


@dataclass(frozen=True, slots=True)
class Preset:
    """A choice for one group. It is a beginning: the council changes what it wants."""

    id: str
    level: Level
    blocked: frozenset[str]
    """Categories and services."""
    safe_search: Mapping[str, str]
    """Mode by engine; one that does not stand here is off."""
    lists: tuple[str, ...]
    """Ids of the catalogue: lists that know more than the starter lists do."""


_ALL_CATEGORIES = frozenset(category.id for category in CATEGORIES)


def _services(*kinds: ServiceKind) -> frozenset[str]:
    return frozenset(service.id for service in SERVICES if service.kind in kinds)


_GRAVE_LISTS = (
    "ut1-adult",
    "ut1-gambling",
    "hagezi-gambling",
    "ut1-drogue",
    "ut1-agressif",
    "ut1-dangerous-material",
    "ut1-malware",
    "ut1-phishing",
    "urlhaus",
)
"""What the law or the care for children closes. Of the millions of names nearly all are those of ut1-adult."""

_PUPILS_LISTS = (
    "ut1-vpn",
    "ut1-redirector",
    "ut1-doh",
    "hagezi-doh-vpn-proxy-bypass",
    "hagezi-nosafesearch",
    "blp-vaping",
    "ut1-dating",
    "ut1-games",
    "ut1-audio-video",
    "ut1-social-networks",
    "ut1-chat",
    "ut1-publicite",
)
"""Ways around the filter, and what does not relate to education."""

PRESETS: tuple[Preset, ...] = (
    # R1 2.11: only what relates to education. Small children: no service of any kind but mail, the strictest YouTube.
    Preset(
        "primary-school",
        Level.MEDIUM,
        _ALL_CATEGORIES | (_services(*ServiceKind) - _services(ServiceKind.MAIL)),
        {**SAFE, "youtube": STRICT},
        (*_GRAVE_LISTS, *_PUPILS_LISTS),
    ),
    # Lessons of older pupils use videos and talk about AI: neither is closed as a service, though the category may be.
    Preset(
        "secondary-school",
        Level.MEDIUM,
        (_ALL_CATEGORIES - {"video"})
        | _services(ServiceKind.SOCIAL, ServiceKind.MESSENGER, ServiceKind.GAMES, ServiceKind.SHOPPING)
        | {"tiktok", "likee", "twitch", "kick", "netflix", "kinopoisk", "ivi", "okko", "disney-plus", "prime-video"},
        {**SAFE, "youtube": MODERATE},
        (*_GRAVE_LISTS, *_PUPILS_LISTS),
    ),
    # The categories stay entered: a group that is set to medium one day does what that says.
    Preset("staff", Level.OPEN, _ALL_CATEGORIES, {}, _GRAVE_LISTS),
)

PRESETS_BY_ID: dict[str, Preset] = {preset.id: preset for preset in PRESETS}
