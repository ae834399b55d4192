"""What tells a person from a page or a program: how names look, and how visits follow each other. Pure."""

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from statistics import median

from blocklists.suffixes import bundled

AGAIN_SECONDS = 60.0
"""After so long the same site is asked for again by somebody who saw that it is closed; before, by the browser."""
COMING_SECONDS = 7.0
"""After such a pause a site is asked for by somebody who comes back; before, by a browser's retries or another type."""
MOST_BEATS = 12
"""So often somebody may reload a page at even intervals; what goes on like that is a program."""
_FIRST_PAUSES = 50.0
"""Seconds: an error page tries again after 1, 5 and 30, then after minutes; the first of them count as one visit."""


class Sign(StrEnum):
    """What a rule went by."""

    REPEATED = "repeated"
    VARIED = "varied"
    SEARCH = "search"
    WORDS = "words"
    AGAIN = "again"
    TOOLS = "tools"
    REGULAR = "regular"
    MANY = "many"


# First labels under which pages and programs keep their parts. Nobody types such a name or gets to it by a link.
_PART = re.compile(
    r"(?:[a-z]+-)?(?:"
    r"cdn|st|img|image|images|pic|pics|thumb|thumbs|static|assets?|media|files?|fonts?|css|js|scripts?|widgets?|embed"
    r"|ads?|adv|banners?|promo|partners?|track|tracker|tracking|pixel|stats?|metrics?|analytics?|counter|log|logs|report"
    r"|api|apis|gateway|gw|edge|mqtt|ws|wss|socket|push|notify|sync|update|updates|config|settings|time|ping|beacon"
    r"|connect|platform|graph|auth|oauth|sso|token|telemetry|crash|events?|collector|ocsp|crl|download|dl|node|srv|server|host|data"
    r")[0-9]*(?:-[a-z0-9-]+)?"
    r"|[a-z]{0,3}[0-9]+[a-z]?"  # v1, s12, eu3
    r"|[0-9a-f]{8,}"  # made by machines
    r"|(?=[a-z0-9-]*[0-9][a-z-]*[0-9])[a-z0-9-]{12,}"
)
_BUTTONS = """
    facebook.com fb.com vk.com vk.ru ok.ru mycdn.me twitter.com x.com instagram.com t.me telegram.org pinterest.com
    linkedin.com whatsapp.com youtube.com tiktok.com livejournal.com my.mail.ru reddit.com discord.com
"""
BUTTONS = frozenset(_BUTTONS.split())
"""Sites whose buttons and players nearly every page shows: that they are asked for says nothing about a person."""
_RESOLVER = re.compile(r"(?:.*[.-])?(?:doh|[a-z0-9]*dns|dot|dnscrypt|resolver)[0-9]*(?:[.-].*)")
_TELLING = re.compile(
    r"porn|xxx|sex|nude|hentai|erotic|casino|bet(?:s|ting|city)?(?![a-z])|\dxbet|poker|slot|vulkan|vpn|proxy|unblock"
    r"|bypass|drug|weed|vape|gun|weapon|game|dating|movie|torrent|kino|film|chat"
)


@lru_cache(maxsize=8192)
def site_of(name: str) -> str:
    """Return the name that somebody registered, `example.com.kz` of `www.example.com.kz`; of a suffix itself that."""
    suffixes = bundled()
    below, rest = name, name
    while True:
        if suffixes.hold(rest) or rest in suffixes.hosts:
            return below
        below = rest
        rest = rest.partition(".")[2]


@lru_cache(maxsize=8192)
def is_part(name: str) -> bool:
    """Whether the name looks like a part of a page or a program rather than like something that people visit."""
    site = site_of(name)
    if name == site:  # of a host of strangers' sites the part may stand before the suffix
        return name.partition(".")[2] in bundled().hosts and _PART.fullmatch(name.partition(".")[0]) is not None
    return _PART.fullmatch(name[: -len(site) - 1].rpartition(".")[2]) is not None or (
        _PART.fullmatch(name.partition(".")[0]) is not None
    )


def is_resolver(name: str) -> bool:
    """Whether it looks like a DNS server: systems and browsers ask for theirs without a person."""
    return _RESOLVER.fullmatch(name) is not None


def is_telling(name: str) -> bool:
    """Whether the name says by a word what is to be had there."""
    return _TELLING.search(name) is not None


def is_regular(times: Sequence[float], least: int, share: float = 0.6) -> bool:
    """Whether this share of the intervals is alike, as a machine's are; some beats may be missing."""
    if len(times) < least:
        return False
    intervals = [later - sooner for sooner, later in pairwise(times)]
    middle = median(intervals)
    return middle > 0 and sum(abs(each - middle) <= 0.15 * middle for each in intervals) >= share * len(intervals)


def is_growing(times: Sequence[float]) -> bool:
    """Whether each interval is longer than the one before, as between the attempts of a browser's error page."""
    intervals = [later - sooner for sooner, later in pairwise(times)]
    return (
        len(intervals) > 1
        and intervals[0] <= _FIRST_PAUSES
        and all(later >= 1.2 * sooner for sooner, later in pairwise(intervals))
    )


def is_backing_off(times: Sequence[float]) -> bool:
    """Whether no interval is shorter than the one before and the last much longer than the first: so programs retry."""
    intervals = [later - sooner for sooner, later in pairwise(times)]
    return (
        len(intervals) > 1
        and intervals[-1] >= 2 * intervals[0]
        and all(later >= 0.9 * sooner for sooner, later in pairwise(intervals))
    )


def is_again(times: Sequence[float]) -> bool:
    """Whether a person came back: later than a browser's retries, and not by its clock."""
    if len(times) < 2 or times[-1] - times[0] < AGAIN_SECONDS:
        return False
    return not (is_growing(times) or is_regular(times, 4, share=1.0))
