"""The catalogue: public lists that a school adds by name, with what each means and under which terms it comes.

Nothing of these lists is in the program: each is fetched from its maker, who alone may change or withdraw it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from blocklists.errors import ListError
from blocklists.rules import Format
from blocklists.sources import Source
from translations import _, mark


@dataclass(frozen=True, slots=True)
class Entry:
    """One public list."""

    id: str
    title: str
    """As its maker calls it."""
    urls: tuple[str, ...]
    """Where its maker publishes it: the first is fetched, the others are mirrors of the maker."""
    category: str
    """The category or service that it feeds."""
    meaning: str
    """What is in it, in one line of English: a msgid of the catalogue of translations."""
    licence: str
    """An SPDX expression, or what the maker says instead."""
    homepage: str
    names: int
    """About how many names it has; tells a school whether its machine is up to it."""
    format: Format | None = None
    """None means: as its text shows."""
    member: str = ""
    """Which part of an archive."""
    subdomains: bool | None = None
    suffixes: bool = False
    """Whether public suffixes are listed on purpose."""
    checksum: str = ""
    """The URL of a file with its checksum."""
    remark: str = ""
    """What to know before it is used, in English: a msgid; empty if there is nothing."""


_UT1_HOME = "https://dsi.ut-capitole.fr/blacklists/index_en.php"
_UT1 = "https://dsi.ut-capitole.fr/blacklists/download/"

_DNS_ADDRESSES = mark("Blocking a name does not stop a device that knows the address: see docs/lists.md.")
_BLUNT = mark("Also closes many honest sites: put it on trial first (--shadow).")
_LOCKED = mark("Also lists some who help addicts, and no entry opens a name of this category.")
_LARGE = mark("Large: for a machine with at least 2 GB of memory.")
_MIRROR = mark("GitHub has locked this maker out more than once: `docs/lists.md` names his mirrors.")


def _ut1(name: str, category: str, names: int, meaning: str, *, suffixes: bool = False, remark: str = "") -> Entry:
    """Return a category of the University of Toulouse; its file names have underscores, ids do not."""
    return Entry(
        id=f"ut1-{name.replace('_', '-')}",
        title=f"UT1 {name}",
        urls=(f"{_UT1}{name}.tar.gz",),
        category=category,
        meaning=meaning,
        licence="CC-BY-SA-4.0",
        homepage=_UT1_HOME,
        names=names,
        format=Format.DOMAINS,
        member=name,
        subdomains=True,
        suffixes=suffixes,
        checksum=f"{_UT1}MD5SUM.LST",
        remark=remark,
    )


_HAGEZI_HOME = "https://github.com/hagezi/dns-blocklists"
_HAGEZI = (
    "https://raw.githubusercontent.com/hagezi/dns-blocklists/main/wildcard/",
    "https://hagezi-mirror.dnsbunker.org/wildcard/",
    "https://gitlab.com/hagezi/mirror/-/raw/main/dns-blocklists/wildcard/",
)


def _hagezi(
    name: str, category: str, names: int, meaning: str, *, suffixes: bool = False, remark: str = _MIRROR
) -> Entry:
    return Entry(
        id=f"hagezi-{name.replace('.', '-')}",
        title=f"HaGeZi {name}",
        urls=tuple(f"{base}{name}-onlydomains.txt" for base in _HAGEZI),
        category=category,
        meaning=meaning,
        licence="GPL-3.0-only",
        homepage=_HAGEZI_HOME,
        names=names,
        format=Format.DOMAINS,
        subdomains=True,
        suffixes=suffixes,
        remark=remark,
    )


def _stevenblack(id_: str, path: str, category: str, names: int, meaning: str, *, remark: str = "") -> Entry:
    return Entry(
        id=f"stevenblack-{id_}",
        title=f"StevenBlack {id_}",
        urls=(f"https://raw.githubusercontent.com/StevenBlack/hosts/master/{path}hosts",),
        category=category,
        meaning=meaning,
        licence="MIT AND others, some of them non-commercial",
        homepage="https://github.com/StevenBlack/hosts",
        names=names,
        format=Format.HOSTS,
        remark=remark,
    )


def _oisd(name: str, category: str, names: int, meaning: str) -> Entry:
    return Entry(
        id=f"oisd-{name}",
        title=f"OISD {name}",
        urls=(f"https://{name}.oisd.nl/domainswild2",),
        category=category,
        meaning=meaning,
        licence="GPL-3.0-only",
        homepage="https://oisd.nl/",
        names=names,
        format=Format.DOMAINS,
        subdomains=True,
    )


def _blocklistproject(name: str, category: str, names: int, meaning: str, *, remark: str = "") -> Entry:
    return Entry(
        id=f"blp-{name}",
        title=f"Block List Project {name}",
        urls=(f"https://blocklistproject.github.io/Lists/alt-version/{name}-nl.txt",),
        category=category,
        meaning=meaning,
        licence="Unlicense",
        homepage="https://github.com/blocklistproject/Lists",
        names=names,
        format=Format.DOMAINS,
        subdomains=False,  # its makers list the names below one by one
        remark=remark,
    )


_ALL_OF_SERVICE = mark("All names of the service, as users of proxies collect them: fresher and wider than ours.")


def _v2fly(name: str, target: str, names: int, meaning: str = _ALL_OF_SERVICE) -> Entry:
    """Return a newer edition of a service that comes with the program, or of a category of services."""
    return Entry(
        id=f"v2fly-{name}",
        title=f"v2fly {name}",
        urls=("https://github.com/v2fly/domain-list-community/archive/refs/heads/master.tar.gz",),
        category=target,
        meaning=meaning,
        licence="MIT",
        homepage="https://github.com/v2fly/domain-list-community",
        names=names,
        format=Format.V2FLY,
        member=name,
        remark=mark("May hold names that other services share: put it on trial first (--shadow)."),
    )


_ENTRIES: tuple[Entry, ...] = (
    # The University of Toulouse: made for schools, used by them since 1997. Left out: what it lists as good to open,
    # categories that match none of ours (astrology, press, cooking …), and `strict_redirector`, which closes Google.
    _ut1("adult", "adult", 4_600_000, mark("Erotic and pornographic sites."), remark=_LARGE),
    _ut1("mixed_adult", "adult", 160, mark("Sites with parts for adults only.")),
    _ut1("lingerie", "adult", 190, mark("Shops for lingerie.")),
    _ut1(
        "agressif",
        "violence",
        360,
        mark("Violent, racist and hateful sites, and cruel pictures."),
        remark=mark("Also lists some who document hatred: it feeds a category that the director can open."),
    ),
    _ut1("dangerous_material", "weapons", 35, mark("Weapons, explosives and poisons, and how to make them.")),
    _ut1("drogue", "drugs", 600, mark("Drugs."), remark=_LOCKED),
    _ut1("gambling", "gambling", 32_000, mark("Casinos, betting and lotteries.")),
    _ut1("arjel", "gambling", 70, mark("Gambling licensed in France.")),
    _ut1("dating", "dating", 6_500, mark("Dating sites.")),
    _ut1("games", "games", 34_000, mark("Games in the browser and shops for games.")),
    _ut1("audio-video", "video", 3_700, mark("Video and music.")),
    _ut1("radio", "video", 600, mark("Radio on the Internet.")),
    _ut1("social_networks", "social", 700, mark("Social networks.")),
    _ut1("blog", "social", 1_500, mark("Blogs and where they are hosted."), suffixes=True, remark=_BLUNT),
    _ut1("forums", "social", 200, mark("Forums.")),
    _ut1("chat", "messengers", 270, mark("Chat and messengers."), remark=mark("Also lists Microsoft Teams.")),
    _ut1("webmail", "messengers", 400, mark("Mail in the browser.")),
    _ut1("shopping", "transactions", 37_000, mark("Online shops and marketplaces.")),
    _ut1("bitcoin", "transactions", 1_400, mark("Cryptocurrency.")),
    _ut1("download", "downloads", 4_000, mark("Places to download programs."), remark=_BLUNT),
    _ut1("filehosting", "downloads", 940, mark("File and picture hosts."), remark=_BLUNT),
    _ut1("warez", "downloads", 1_500, mark("Pirated programs and films.")),
    _ut1("malware", "malware", 218_000, mark("Sites that spread malicious programs.")),
    _ut1("phishing", "malware", 27_000, mark("Phishing and fraud.")),
    _ut1("cryptojacking", "malware", 11_500, mark("Sites that compute cryptocurrency on the visitor's device.")),
    _ut1("stalkerware", "malware", 530, mark("Programs to spy on people.")),
    _ut1("hacking", "malware", 270, mark("Breaking into computers.")),
    _ut1("ddos", "malware", 420, mark("Attacks for hire.")),
    _ut1("publicite", "advertising", 4_300, mark("Advertising.")),
    _ut1("marketingware", "advertising", 80, mark("Advertising programs.")),
    _ut1("redirector", "bypass", 132_000, mark("Web proxies and anonymisers.")),
    _ut1("vpn", "bypass", 6_000, mark("VPN services."), remark=_DNS_ADDRESSES),
    _ut1("doh", "bypass", 3_000, mark("Servers of DNS over HTTPS."), remark=_DNS_ADDRESSES),
    _ut1("residential-proxies", "bypass", 140, mark("Proxies behind the lines of private people.")),
    _ut1("remote-control", "bypass", 170, mark("Remote control of computers."), remark=_BLUNT),
    _ut1(
        "shortener", "bypass", 4_500, mark("Short addresses that hide where they lead."), suffixes=True, remark=_BLUNT
    ),
    _ut1("dynamic-dns", "bypass", 2_000, mark("Names for private machines."), suffixes=True, remark=_BLUNT),
    _ut1("webhosting", "bypass", 40, mark("Free places for anybody's pages."), suffixes=True, remark=_BLUNT),
    # HaGeZi: large and current; steps from light to ultimate, each holding the one before.
    _hagezi("light", "advertising", 90_000, mark("Advertising and tracking, with care.")),
    _hagezi("multi", "advertising", 150_000, mark("Advertising, tracking and fraud, all-round.")),
    _hagezi("pro", "advertising", 200_000, mark("Advertising, tracking and fraud, extended.")),
    _hagezi("pro.mini", "advertising", 50_000, mark("Advertising, tracking and fraud: the most visited part.")),
    _hagezi("pro.plus", "advertising", 230_000, mark("Advertising, tracking and fraud, strict."), remark=_BLUNT),
    _hagezi("ultimate", "advertising", 280_000, mark("Advertising, tracking and fraud, strictest."), remark=_BLUNT),
    _hagezi("popupads", "advertising", 60_000, mark("Advertising that opens windows of its own.")),
    _hagezi("tif", "malware", 800_000, mark("Malicious sites of all kinds, from many observers."), remark=_LARGE),
    _hagezi("tif.medium", "malware", 350_000, mark("Malicious sites of all kinds: the more visited part.")),
    _hagezi("tif.mini", "malware", 100_000, mark("Malicious sites of all kinds: the most visited part.")),
    _hagezi("fake", "malware", 15_000, mark("Fake shops, fraud and traps.")),
    _hagezi("gambling", "gambling", 195_000, mark("Casinos, betting and lotteries.")),
    _hagezi("gambling.medium", "gambling", 60_000, mark("Casinos, betting and lotteries: the more visited part.")),
    _hagezi("gambling.mini", "gambling", 10_000, mark("Casinos, betting and lotteries: the most visited part.")),
    _hagezi("nsfw", "adult", 70_000, mark("Adult content.")),
    _hagezi("anti.piracy", "downloads", 12_000, mark("Pirated films, music and programs.")),
    _hagezi("social", "social", 900, mark("Social networks.")),
    _hagezi(
        "doh-vpn-proxy-bypass", "bypass", 15_000, mark("DNS over HTTPS, VPN, Tor and proxies."), remark=_DNS_ADDRESSES
    ),
    _hagezi("doh", "bypass", 3_500, mark("Servers of DNS over HTTPS."), remark=_DNS_ADDRESSES),
    _hagezi("dyndns", "bypass", 1_500, mark("Names for private machines."), suffixes=True, remark=_BLUNT),
    _hagezi("hoster", "bypass", 1_700, mark("Free places for anybody's pages."), suffixes=True, remark=_BLUNT),
    _hagezi("urlshortener", "bypass", 10_000, mark("Short addresses that hide where they lead."), remark=_BLUNT),
    _hagezi("nosafesearch", "bypass", 200, mark("Search engines without safe search.")),
    # StevenBlack: one file for many purposes; the parts `-only` hold one purpose.
    _stevenblack("unified", "", "advertising", 100_000, mark("Advertising, tracking and malicious sites.")),
    _stevenblack("gambling", "alternates/gambling-only/", "gambling", 9_000, mark("Casinos, betting and lotteries.")),
    _stevenblack("porn", "alternates/porn-only/", "adult", 77_000, mark("Adult content.")),
    _stevenblack("social", "alternates/social-only/", "social", 3_200, mark("Social networks.")),
    # OISD: no false alarms is what it strives for.
    _oisd("big", "advertising", 260_000, mark("Advertising, tracking and malicious sites, with care.")),
    _oisd("small", "advertising", 50_000, mark("Advertising, with care.")),
    _oisd("nsfw", "adult", 400_000, mark("Adult content.")),
    Entry(
        id="adguard-dns",
        title="AdGuard DNS filter",
        urls=("https://adguardteam.github.io/HostlistsRegistry/assets/filter_1.txt",),
        category="advertising",
        meaning=mark("Advertising and tracking, with exceptions for what would break."),
        licence="GPL-3.0-only",
        homepage="https://github.com/AdguardTeam/AdGuardSDNSFilter",
        names=160_000,
        format=Format.ADBLOCK,
    ),
    _blocklistproject("abuse", "malware", 430_000, mark("Sites made to deceive.")),
    _blocklistproject("ads", "advertising", 150_000, mark("Advertising.")),
    _blocklistproject("crypto", "malware", 1_300, mark("Sites that compute cryptocurrency on the visitor's device.")),
    _blocklistproject("drugs", "drugs", 26_000, mark("Drugs."), remark=_BLUNT),
    _blocklistproject("gambling", "gambling", 2_500, mark("Casinos, betting and lotteries.")),
    _blocklistproject("malware", "malware", 430_000, mark("Sites that spread malicious programs.")),
    _blocklistproject("phishing", "malware", 190_000, mark("Phishing and fraud.")),
    _blocklistproject("piracy", "downloads", 2_200, mark("Pirated films, music and programs.")),
    _blocklistproject("porn", "adult", 500_000, mark("Adult content.")),
    _blocklistproject("ransomware", "malware", 1_900, mark("Programs that take files hostage.")),
    _blocklistproject("scam", "malware", 8_500, mark("Fraud.")),
    _blocklistproject(
        "torrent", "downloads", 2_600, mark("Torrents."), remark=mark("Also lists archive.org and gutenberg.org.")
    ),
    _blocklistproject("tracking", "tracking", 15_000, mark("Tracking.")),
    _blocklistproject("vaping", "alcohol-tobacco", 100, mark("Vapes.")),
    Entry(
        id="urlhaus",
        title="URLhaus (malware-filter)",
        urls=("https://malware-filter.gitlab.io/malware-filter/urlhaus-filter-hosts-online.txt",),
        category="malware",
        meaning=mark("Sites that spread malicious programs at this moment."),
        licence="MIT AND CC0-1.0",
        homepage="https://gitlab.com/malware-filter/urlhaus-filter",
        names=600,
        format=Format.HOSTS,
    ),
    Entry(
        id="urlhaus-abuse-ch",
        title="URLhaus (abuse.ch)",
        urls=("https://urlhaus.abuse.ch/downloads/hostfile/",),
        category="malware",
        meaning=mark("Sites that spread malicious programs, from those who collect them."),
        licence="CC0-1.0",
        homepage="https://urlhaus.abuse.ch/",
        names=1_000,
        format=Format.HOSTS,
    ),
    Entry(
        id="phishing-army",
        title="Phishing Army",
        urls=("https://phishing.army/download/phishing_army_blocklist.txt",),
        category="malware",
        meaning=mark("Phishing and fraud."),
        licence="CC-BY-NC-4.0",
        homepage="https://phishing.army/",
        names=150_000,
        format=Format.DOMAINS,
        subdomains=False,
        remark=mark("Its licence forbids commercial use."),
    ),
    Entry(
        id="phishing-database",
        title="Phishing.Database",
        urls=(
            "https://raw.githubusercontent.com/Phishing-Database/Phishing.Database/master/phishing-domains-ACTIVE.txt",
        ),
        category="malware",
        meaning=mark("Phishing and fraud."),
        licence="MIT",
        homepage="https://github.com/Phishing-Database/Phishing.Database",
        names=400_000,
        format=Format.DOMAINS,
        subdomains=False,
        remark=_LARGE,
    ),
    Entry(
        id="dibdot-doh",
        title="dibdot DoH domains",
        urls=("https://raw.githubusercontent.com/dibdot/DoH-IP-blocklists/master/doh-domains.txt",),
        category="bypass",
        meaning=mark("Servers of DNS over HTTPS."),
        licence="GPL-3.0-only",
        homepage="https://github.com/dibdot/DoH-IP-blocklists",
        names=1_500,
        format=Format.DOMAINS,
        subdomains=False,
        remark=_DNS_ADDRESSES,
    ),
    Entry(
        id="mullvad-gambling",
        title="Mullvad gambling",
        urls=("https://raw.githubusercontent.com/mullvad/dns-blocklists/main/output/doh/doh_gambling.txt",),
        category="gambling",
        meaning=mark("Casinos, betting and lotteries."),
        licence="GPL-3.0-only",
        homepage="https://github.com/mullvad/dns-blocklists",
        names=195_000,
    ),
    Entry(
        id="mullvad-adult",
        title="Mullvad adult",
        urls=("https://raw.githubusercontent.com/mullvad/dns-blocklists/main/output/doh/doh_adult.zone",),
        category="adult",
        meaning=mark("Adult content."),
        licence="GPL-3.0-only",
        homepage="https://github.com/mullvad/dns-blocklists",
        names=25_000,
        format=Format.RPZ,
    ),
    Entry(
        id="mullvad-social",
        title="Mullvad social",
        urls=("https://raw.githubusercontent.com/mullvad/dns-blocklists/main/output/doh/doh_social.zone",),
        category="social",
        meaning=mark("Social networks."),
        licence="GPL-3.0-only",
        homepage="https://github.com/mullvad/dns-blocklists",
        names=73_000,
        format=Format.RPZ,
    ),
    _v2fly("category-porn", "adult", 10_000, mark("Adult content.")),
    _v2fly("category-doh", "bypass", 130, mark("Servers of DNS over HTTPS.")),
    _v2fly("category-vpnservices", "bypass", 70, mark("Makers of VPN.")),
    _v2fly("category-anticensorship", "bypass", 120, mark("Tools that go around filters.")),
    _v2fly("category-betting-ru", "gambling", 13, mark("Betting in Russian.")),
    _v2fly("category-cryptocurrency", "transactions", 230, mark("Exchanges and wallets of cryptocurrency.")),
    _v2fly("category-ecommerce", "transactions", 1_300, mark("Shops and marketplaces.")),
    _v2fly("discord", "discord", 28),
    _v2fly("facebook", "facebook", 400),
    _v2fly("instagram", "instagram", 75),
    _v2fly("likee", "likee", 35),
    _v2fly("netflix", "netflix", 28),
    _v2fly("pinterest", "pinterest", 52),
    _v2fly("reddit", "reddit", 12),
    _v2fly("roblox", "roblox", 48),
    _v2fly("snap", "snapchat", 9),
    _v2fly("spotify", "spotify", 28),
    _v2fly("steam", "steam", 60),
    _v2fly("supercell", "supercell", 23),
    _v2fly("telegram", "telegram", 21),
    _v2fly("tiktok", "tiktok", 36),
    _v2fly("twitch", "twitch", 34),
    _v2fly("twitter", "twitter", 24),
    _v2fly("vk", "vk", 52),
    _v2fly("whatsapp", "whatsapp", 13),
    _v2fly("youtube", "youtube", 178),
)

CATALOGUE: Mapping[str, Entry] = MappingProxyType({each.id: each for each in _ENTRIES})
"""All entries by id, in the order in which they are shown."""


def entry(entry_id: str) -> Entry:
    """Return the entry of that id. Raises ListError, naming the nearest."""
    if entry_id in CATALOGUE:
        return CATALOGUE[entry_id]
    nearest = get_close_matches(entry_id, CATALOGUE, n=1, cutoff=0.5)
    if nearest:
        message = _("the catalogue has no list {found!r}; did you mean {nearest!r}?")
        raise ListError(message.format(found=entry_id, nearest=nearest[0]))
    message = _("the catalogue has no list {found!r}; `schoolfilter lists catalogue` names those it has")
    raise ListError(message.format(found=entry_id))


def source_of(wanted: Entry) -> Source:
    """Return the entry as a list of the school that was never refreshed."""
    return Source(
        id=wanted.id,
        title=wanted.title,
        category=wanted.category,
        location=wanted.urls[0],
        format=wanted.format,
        member=wanted.member,
        subdomains=wanted.subdomains,
        suffixes=wanted.suffixes,
        licence=wanted.licence,
        homepage=wanted.homepage,
        checksum=wanted.checksum,
    )
