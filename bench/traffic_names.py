"""Names for made school traffic: what is on the lists in the box, what people visit, what pages and systems ask for."""

import gzip
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random

from policy.names import InvalidName, parse_name

_STARTER = Path(__file__).parent.parent / "blocklists" / "starter"
_TRACES = Path(__file__).parent.parent.parent / "shared" / "data" / "traces"

GRAVE = ("adult", "violence", "weapons", "alcohol-tobacco")
UNLAWFUL = ("drugs", "extremism", "terrorism", "hatred")
AT_RISK = ("gambling", "self-harm")
UNRELATED = ("games", "dating", "video", "social", "transactions", "messengers")
OTHER = ("malware", "bypass", "advertising", "tracking")

_SITES = """
    bilimland.kz kundelik.kz kitap.kz egov.kz tengrinews.kz zakon.kz nur.kz kaspi.kz 24.kg kloop.kg edu.gov.kg
    akipress.org ru.wikipedia.org kk.wikipedia.org ky.wikipedia.org en.wikipedia.org github.com stackoverflow.com
    scratch.mit.edu code.org khanacademy.org geogebra.org wolframalpha.com quizlet.com kahoot.it canva.com
    duolingo.com uchi.ru znanija.com yandex.ru mail.ru news.mail.ru gismeteo.kz weather.com translate.google.com
    docs.google.com classroom.google.com nationalgeographic.com nasa.gov britannica.com coursera.org w3schools.com
    python.org inkscape.org gimp.org foxford.ru resh.edu.ru infourok.ru multiurok.ru nsportal.ru reshak.ru gdz.ru
    sportbox.ru kolesa.kz krisha.kz olx.kz
"""
_PARTS = """
    fonts.googleapis.com fonts.gstatic.com www.gstatic.com ajax.googleapis.com cdnjs.cloudflare.com cdn.jsdelivr.net
    unpkg.com code.jquery.com maxcdn.bootstrapcdn.com use.fontawesome.com s.w.org i0.wp.com secure.gravatar.com
    maps.googleapis.com yastatic.net avatars.mds.yandex.net st.mycdn.me lh3.googleusercontent.com
    upload.wikimedia.org
"""
_SYSTEM = """
    ctldl.windowsupdate.com fe3cr.delivery.mp.microsoft.com settings-win.data.microsoft.com
    v10.events.data.microsoft.com www.msftconnecttest.com time.windows.com login.live.com client.wns.windows.com
    detectportal.firefox.com connectivitycheck.gstatic.com clients4.google.com play.googleapis.com mtalk.google.com
    android.clients.google.com time.android.com captive.apple.com gsp-ssl.ls.apple.com init.push.apple.com
    configuration.apple.com ocsp.digicert.com safebrowsing.googleapis.com update.googleapis.com edge.microsoft.com
    firefox.settings.services.mozilla.com
"""
APPS = {
    "social": ("graph.facebook.com", "b-graph.facebook.com", "edge-mqtt.facebook.com", "api.vk.com", "api.ok.ru"),
    "messengers": ("g.whatsapp.net", "mmg.whatsapp.net", "static.whatsapp.net", "api.viber.com", "media.viber.com"),
    "video": ("api.twitch.tv", "gql.twitch.tv", "usher.ttvnw.net", "static-cdn.jtvnw.net"),
    "games": ("api.roblox.com", "ecsv2.roblox.com", "setup.rbxcdn.com", "auth.roblox.com", "api.brawlstars.com"),
}
"""What apps ask for by themselves, by category."""
WIDGETS = ("www.facebook.com", "vk.com", "connect.ok.ru", "platform.twitter.com", "t.me", "www.instagram.com")
"""What pages show of social networks."""
CANARIES = (
    "use-application-dns.net",
    "mask.icloud.com",
    "mask-h2.icloud.com",
    "dns.google",
    "mozilla.cloudflare-dns.com",
)

OWN_RESOLVERS = ("doh.example-dns.net", "dns.own-resolver.org", "dot.blocker.example.com")
"""DNS servers that somebody once set up, as lists of bypasses name them by the thousand."""


@dataclass(frozen=True, slots=True)
class Pool:
    """All names by use."""

    listed: dict[str, tuple[str, ...]]
    """By category: what the starter lists name."""
    sites: tuple[str, ...]
    """Open sites, most visited first."""
    parts: tuple[str, ...]
    system: tuple[str, ...]
    categories: dict[str, str]
    """By name, which stands for all below it."""

    def category(self, name: str) -> str:
        """Return the category of a name; empty if no list names it."""
        while name:
            if name in self.categories:
                return self.categories[name]
            name = name.partition(".")[2]
        return ""

    def site(self, random: Random) -> str:
        """Return an open site, the first ones far more often."""
        return self.sites[int(len(self.sites) * random.random() ** 3)]


@cache
def pool() -> Pool:
    """Return the names; those of the traces in the shared folder too, if that is there."""
    listed = {category: _listed(category) for category in (*GRAVE, *UNLAWFUL, *AT_RISK, *UNRELATED, *OTHER)}
    categories = {name: category for category, names in (*APPS.items(), *listed.items()) for name in names}
    categories |= dict.fromkeys(OWN_RESOLVERS, "bypass")
    found = Pool(listed, (), tuple(_PARTS.split()), tuple(_SYSTEM.split()), categories)
    sites = dict.fromkeys(name for name in (*_SITES.split(), *_traced()) if not found.category(name))
    return replace(found, sites=tuple(sites))


def _listed(category: str) -> tuple[str, ...]:
    names = []
    for line in (_STARTER / f"{category}.txt").read_text(encoding="utf-8").splitlines():
        try:
            names.append(parse_name(line.partition("#")[0].strip().removeprefix("||").removesuffix("^")))
        except InvalidName:
            continue
    return tuple(names)


def _traced() -> list[str]:
    names: list[str] = []
    for file, most in (("local-kz-kg.tsv.gz", 600), ("opendns-top-domains.txt.gz", 1500), ("local-ru.txt.gz", 500)):
        path = _TRACES / file
        if path.exists():
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                names += [line.split()[0] for _, line in zip(range(most), lines, strict=False) if line.strip()]
    return names


def front(site: str, random: Random) -> str:
    """Return a name by which people come to a site."""
    return random.choices((site, f"www.{site}", f"m.{site}", f"ru.{site}"), (5, 6, 1, 1))[0]


def part(site: str, random: Random) -> str:
    """Return a name by which a program or a page comes to a site."""
    first = random.choice(("api", "cdn", "static", "img1", "log", "push", "ws", "config", "s3", "a1b2c3d4e5"))
    return f"{first}.{site}"


def made_up(random: Random) -> str:
    """Return a name as a program makes them, a new one each day."""
    letters = "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=random.randint(9, 16)))
    return f"{letters}.{random.choice(('com', 'net', 'info', 'biz', 'ru'))}"
