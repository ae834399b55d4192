"""Names by which a device leaves the school's resolver; all but staff are kept from them, whatever the lists say."""

_SIGNALS = frozenset(
    {
        "use-application-dns.net",  # Firefox's canary: NXDOMAIN keeps its own DoH off
        "mask.icloud.com",  # iCloud Private Relay: NXDOMAIN makes the device ask its owner to switch it off
        "mask-h2.icloud.com",
    }
)

_PUBLIC_DOH = frozenset(
    {
        # Without the name a browser or phone cannot find the DoH or DoT server that its maker set up beforehand. Only
        # names that serve nothing but DNS stand here; sites about such services are the category `bypass` of the lists.
        "cloudflare-dns.com",
        "common.dot.dns.yandex.net",
        "dns-family.adguard.com",
        "dns-unfiltered.adguard.com",
        "dns.adguard-dns.com",
        "dns.adguard.com",
        "dns.alidns.com",
        "dns.comss.one",
        "dns.controld.com",
        "dns.google",
        "dns.google.com",
        "dns.mullvad.net",
        "dns.nextdns.io",
        "dns.opendns.com",
        "dns.quad9.net",
        "dns10.quad9.net",
        "dns11.quad9.net",
        "dns12.quad9.net",
        "dns9.quad9.net",
        "doh.cleanbrowsing.org",
        "doh.dns.sb",
        "doh.familyshield.opendns.com",
        "doh.libredns.gr",
        "doh.mullvad.net",
        "doh.opendns.com",
        "doh.pub",
        "doh.umbrella.com",
        "doh.xfinity.com",
        "family.adguard-dns.com",
        "family.dot.dns.yandex.net",
        "freedns.controld.com",
        "one.one.one.one",
        "safe.dot.dns.yandex.net",
        "unfiltered.adguard-dns.com",
    }
)

BYPASS_NAMES: frozenset[str] = _SIGNALS | _PUBLIC_DOH
"""Each covers the name and all below it (`mozilla.cloudflare-dns.com`)."""
