"""Names by which a device leaves the school's resolver; all but staff are kept from them, whatever the lists say."""

_SIGNALS = """
    use-application-dns.net
    mask.icloud.com mask-h2.icloud.com mask-api.icloud.com mask-canary.icloud.com
"""
"""Names that exist so that a network can say no. NXDOMAIN for Firefox's canary keeps its own DoH off; for those of
iCloud Private Relay it makes the device ask its owner to switch it off."""

# Without the name a browser or phone cannot find the DoH, DoT or DoQ server that its maker set up beforehand. Only
# names that serve DNS stand here, at most with a page about themselves; sites about such services are the category
# `bypass` of the lists, as are the thousands of private resolvers.
_PUBLIC_RESOLVERS = """
    cloudflare-dns.com one.one.one.one
    dns.google dns.google.com
    dns.quad9.net dns9.quad9.net dns10.quad9.net dns11.quad9.net dns12.quad9.net
    dns.opendns.com doh.opendns.com doh.familyshield.opendns.com doh.umbrella.com
    dns.adguard-dns.com family.adguard-dns.com unfiltered.adguard-dns.com d.adguard-dns.com
    dns.adguard.com dns-family.adguard.com dns-unfiltered.adguard.com
    dns.nextdns.io dns1.nextdns.io dns2.nextdns.io
    dns.controld.com freedns.controld.com
    common.dot.dns.yandex.net safe.dot.dns.yandex.net family.dot.dns.yandex.net
    doh.cleanbrowsing.org adult-filter-dns.cleanbrowsing.org family-filter-dns.cleanbrowsing.org
    security-filter-dns.cleanbrowsing.org
    dns.mullvad.net doh.mullvad.net
    dns.comss.one dns.east.comss.one dns.malw.link
    dns0.eu
    unfiltered.joindns4.eu protective.joindns4.eu child.joindns4.eu noads.joindns4.eu child-noads.joindns4.eu
    doh.dns.sb dot.sb doh.libredns.gr dot.libredns.gr doh.pub dot.pub doh.360.cn dot.360.cn
    dns.alidns.com doh.xfinity.com dot.xfinity.com doh.cox.net
    dns.switch.ch odvr.nic.cz doh.applied-privacy.net dot1.applied-privacy.net doh.ffmuc.net dot.ffmuc.net
    dns.digitale-gesellschaft.ch dns.njal.la unicast.censurfridns.dk anycast.uncensoreddns.org unicast.uncensoreddns.org
    doh.tiar.app dot.tiar.app jp.tiar.app doh.tiarap.org dns.twnic.tw ordns.he.net
    private.canadianshield.cira.ca protected.canadianshield.cira.ca family.canadianshield.cira.ca
    public.dns.iij.jp dns.bebasid.com dns.decloudus.com doh.seby.io dot.seby.io doh.bortzmeyer.fr dot.bortzmeyer.fr
    dns.aa.net.uk dns.oszx.co dns.pumplex.com dns.circl.lu dnsforge.de
    doh.crypto.sx v.dnscrypt.uk dns1.dnscrypt.ca dns2.dnscrypt.ca
    dns.surfsharkdns.com dns.rethinkdns.com sky.rethinkdns.com
    max.rethinkdns.com basic.rethinkdns.com
    helios.plan9-dns.com hydra.plan9-dns.com pluton.plan9-dns.com
"""

BYPASS_NAMES: frozenset[str] = frozenset((_SIGNALS + _PUBLIC_RESOLVERS).split())
"""Each covers the name and all below it (`mozilla.cloudflare-dns.com`)."""
