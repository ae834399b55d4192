"""Search engines and video sites with a safe mode that DNS can ask for: which name stands for which."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from policy.decision import Rewrite

OFF, ON, MODERATE, STRICT = "off", "on", "moderate", "strict"


@dataclass(frozen=True, slots=True)
class Mode:
    """One safe mode of an engine."""

    name: str
    target: str
    """The name whose addresses serve the engine in this mode; they are asked for live."""
    addresses: tuple[str, ...] = ()
    """What the target had when this was written: a fallback for the minutes in which nobody upstream answers."""

    def rewrite(self, engine: str) -> Rewrite:
        """Return what the resolver needs to answer."""
        packed = [ipaddress.ip_address(text).packed for text in self.addresses]
        return Rewrite(
            engine,
            self.target,
            tuple(each for each in packed if len(each) == 4),
            tuple(each for each in packed if len(each) != 4),
        )


@dataclass(frozen=True, slots=True)
class Engine:
    """A search engine or video site."""

    id: str
    title: str
    hosts: tuple[str, ...]
    """Exactly these names, not what is below them: mail, maps and login of the same maker stay as they are."""
    modes: tuple[Mode, ...]
    """From lenient to strict; `off` is not among them."""

    def mode(self, name: str) -> Mode | None:
        """Return the mode of that name; None for `off` and for a mode that the engine does not have."""
        return next((mode for mode in self.modes if mode.name == name), None)


_GOOGLE = (
    "com ad ae al am as at az ba be bf bg bi bj bs bt by ca cat cd cf cg ch ci cl cm cn co co.ao co.bw co.ck co.cr "
    "co.id co.il co.in co.jp co.ke co.kr co.ls co.ma co.mz co.nz co.th co.tz co.ug co.uk co.uz co.ve co.vi co.za co.zm "
    "co.zw com.af com.ag com.ai com.ar com.au com.bd com.bh com.bn com.bo com.br com.bz com.co com.cu com.cy com.do "
    "com.ec com.eg com.et com.fj com.gh com.gi com.gt com.hk com.jm com.kh com.kw com.lb com.ly com.mm com.mt com.mx "
    "com.my com.na com.nf com.ng com.ni com.np com.om com.pa com.pe com.pg com.ph com.pk com.pr com.py com.qa com.sa "
    "com.sb com.sg com.sl com.sv com.tj com.tr com.tw com.ua com.uy com.vc com.vn cv cz de dj dk dm dz ee es fi fm fr "
    "ga ge gg gl gm gp gr gy hn hr ht hu ie im iq is it je jo kg ki kz la li lk lt lu lv md me mg mk ml mn ms mu mv mw "
    "ne nl no nr nu pl pn ps pt ro rs ru rw sc se sh si sk sm sn so sr st td tg tk tl tm tn to tt vg vu ws"
)
"""Where Google keeps a search page of its own; mail, documents and login live under other names."""

_YANDEX = (
    "ya.ru xn--d1acpjx3f.xn--p1ai yandex.az yandex.by yandex.co.il yandex.com yandex.com.am yandex.com.ge "
    "yandex.com.ru yandex.com.tr yandex.de yandex.ee yandex.eu yandex.fi yandex.fr yandex.kg yandex.kz yandex.lt "
    "yandex.lv yandex.md yandex.net yandex.org yandex.pl yandex.ru yandex.tj yandex.tm yandex.uz"
)
"""Each also with `www.`; xn--d1acpjx3f.xn--p1ai is яндекс.рф."""

ENGINES: tuple[Engine, ...] = (
    Engine(
        "google",
        "Google",
        tuple(f"www.google.{ending}" for ending in _GOOGLE.split()),
        (Mode(ON, "forcesafesearch.google.com", ("216.239.38.120", "2001:4860:4802:32::78")),),
    ),
    Engine(
        "youtube",
        "YouTube",
        (
            "www.youtube.com",
            "m.youtube.com",
            "youtubei.googleapis.com",
            "youtube.googleapis.com",
            "www.youtube-nocookie.com",
        ),
        (
            Mode(MODERATE, "restrictmoderate.youtube.com", ("216.239.38.119", "2001:4860:4802:32::77")),
            Mode(STRICT, "restrict.youtube.com", ("216.239.38.120", "2001:4860:4802:32::78")),
        ),
    ),
    Engine(
        "bing",
        "Bing",
        ("www.bing.com", "edgeservices.bing.com"),
        (Mode(ON, "strict.bing.com", ("204.79.197.220",)),),
    ),
    Engine(
        "duckduckgo",
        "DuckDuckGo",
        ("duckduckgo.com", "www.duckduckgo.com", "start.duckduckgo.com"),
        (Mode(ON, "safe.duckduckgo.com"),),
    ),
    Engine(
        "yandex",
        "Yandex",
        tuple(prefix + name for name in _YANDEX.split() for prefix in ("", "www.")),
        (Mode(ON, "familysearch.yandex.ru", ("213.180.193.56",)),),
    ),
    Engine("ecosia", "Ecosia", ("www.ecosia.org",), (Mode(ON, "strict-safe-search.ecosia.org"),)),
    Engine("pixabay", "Pixabay", ("pixabay.com",), (Mode(ON, "safesearch.pixabay.com"),)),
    Engine("brave", "Brave Search", ("search.brave.com",), (Mode(ON, "forcesafe.search.brave.com"),)),
)

ENGINES_BY_ID: dict[str, Engine] = {engine.id: engine for engine in ENGINES}

SAFE: dict[str, str] = {engine.id: engine.modes[0].name for engine in ENGINES}
"""Every engine in its most lenient safe mode: what a new group of pupils begins with. YouTube's strict mode hides most
lessons and all comments; the council may choose it."""


def rewrites(modes: Mapping[str, str]) -> Mapping[str, Rewrite]:
    """Return what is answered in the place of which name, given the mode of each engine; unknown ones are left out."""
    found: dict[str, Rewrite] = {}
    for engine in ENGINES:
        mode = engine.mode(modes.get(engine.id, OFF))
        if mode is not None:
            found |= dict.fromkeys(engine.hosts, mode.rewrite(engine.id))
    return found
