"""The text of a new settings file: every key with its default and a sentence about it, in the language in use."""

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import fields
from enum import StrEnum
from pathlib import Path

from settings.model import Settings
from translations import _

WIDTH = 100
"""Comments are wrapped here; a terminal of 80 columns shows them, and an editor shows them whole."""


def settings_text(chosen: Mapping[str, object]) -> str:
    """Return a settings file in which the chosen keys (`section.key`) are set and all others stand as comments.

    A key that stands as a comment follows the default of the version that runs, today's and a later one's.
    """
    told = explanations()
    lines = [
        *_comment(
            _("The settings of schoolfilter. A line that begins with #key shows the default: remove the # to set it.")
        ),
        *_comment(_("After a change: `schoolfilter config check`, then start the server again.")),
    ]
    defaults = Settings()
    for section in fields(Settings):
        holder = getattr(defaults, section.name)
        lines += ["", f"[{section.name}]"]
        for setting in fields(holder):
            key = f"{section.name}.{setting.name}"
            lines += _comment(told[key])
            if key in chosen:
                lines.append(f"{setting.name} = {toml_value(chosen[key])}")
            else:
                lines.append(f"#{setting.name} = {toml_value(getattr(holder, setting.name))}")
    return "\n".join(lines) + "\n"


def toml_value(value: object) -> str:
    """Return a value as TOML."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case tuple() | list():
            return f"[{', '.join(map(toml_value, value))}]"
        case dict():
            pairs = ", ".join(f"{toml_value(str(name))} = {toml_value(part)}" for name, part in value.items())
            return f"{{ {pairs} }}" if pairs else "{}"
        case StrEnum() | str() | Path():
            # JSON's escapes are TOML's; only DEL may stand bare in JSON and not in TOML.
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    raise TypeError(f"no setting is of the type {type(value).__name__}")


def _comment(text: str) -> Iterator[str]:
    return (f"# {line}" for line in textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False))


def explanations() -> dict[str, str]:
    """Return a sentence about every key, in the language in use."""
    return {
        "school.name": _("The name of the school; it stands on the block page and on every paper."),
        "school.country": _("The country whose rules hold: kz or kg."),
        "school.language": _("The language of messages, pages and papers: kk, ky, ru or en."),
        "school.time_zone": _("The time zone of the log and of papers, such as Asia/Almaty or Asia/Bishkek."),
        "school.contact": _(
            "Whom to ask about a blocked site: an address that begins with mailto:, tel: or https:. "
            "Programs that understand it show it to the user."
        ),
        "school.protected": _("Names that no list and no entry can block: the school's own site, the ministry's."),
        "server.listen": _(
            "Where the server answers, UDP and TCP: ADDRESS:PORT, IPv6 as [ADDRESS]:PORT. "
            "0.0.0.0 and [::] mean every address of the machine; devices ask port 53."
        ),
        "server.workers": _("How many processes answer; one is enough for a school of 1,000 devices."),
        "server.allowed_networks": _("Only clients from these networks are answered."),
        "server.refuse_silently": _("Clients from other networks get no answer at all instead of a refusal."),
        "server.rate_limit": _(
            "How many queries a second one client may ask while others are waiting; 0 means no limit."
        ),
        "server.tcp_connections": _("How many TCP connections may be open at once."),
        "server.tcp_connections_per_client": _("How many of them one client may have."),
        "server.tcp_idle_seconds": _("After how many seconds without a query a TCP connection is closed."),
        "upstream.servers": _(
            "Who is asked for what is not blocked, in this order: udp://ADDRESS, tcp://ADDRESS, tls://ADDRESS#NAME or "
            "https://NAME/dns-query#ADDRESS. An empty list: the machine's own resolvers, then public ones over TLS."
        ),
        "upstream.zones": _('Other servers for some zones, such as { "school.local" = ["udp://192.168.1.1"] }.'),
        "upstream.private_zones": _(
            "Zones whose answers may hold private addresses; in answers for other names these are dropped as an attack."
        ),
        "upstream.tls_ca_file": _("A PEM file with an authority of your own, for servers asked by tls:// or https://."),
        "cache.entries": _("How many answers are kept in memory."),
        "cache.megabytes": _("How much memory they may take."),
        "cache.stale_hours": _(
            "For how many hours an expired answer may still be given while nobody upstream answers; 0 means never."
        ),
        "blocking.answer": _(
            'What a blocked name is answered with: "null" (0.0.0.0), "nxdomain" (no such name) or "page" '
            "(the address of the block page)."
        ),
        "blocking.ttl": _("For how many seconds a device may remember that a name is blocked."),
        "blocking.page_address": _(
            'The IPv4 and IPv6 address of the block page, with a comma between; for answer = "page".'
        ),
        "log.durability": _(
            'When the query log is forced to the disk: every "second", with every "batch" of answers, or by the system '
            '("none"). It is written before the answer leaves in any case.'
        ),
        "log.retention_days": _("For how many days the query log is kept."),
        "log.detail": _('Which queries are logged: all ("full") or the blocked ones only ("blocked").'),
        "log.segment_megabytes": _("At which size a new file of the query log begins."),
        "log.segment_days": _("For how many days a file of the query log stays as text after the archive holds it."),
        "log.anonymise_days": _("After how many days the archive no longer says who asked; 0: never."),
        "log.archive_megabytes": _("How much memory archiving and searching may take."),
        "incidents.off": _("Rules that are switched off; `schoolfilter journal rules` shows them all."),
        "incidents.attempt_visits": _(
            "So many visits to closed sites of one category are an attempt, if varied or persistent."
        ),
        "incidents.attempt_sites": _("So many different harmful or unlawful sites count as varied."),
        "incidents.unrelated_sites": _("So many different sites unrelated to education are an attempt."),
        "incidents.window_minutes": _("Within so many minutes."),
        "incidents.merge_minutes": _("What follows within so many minutes belongs to the same incident."),
        "incidents.beacon_visits": _(
            "So many regular queries for a malicious site come from a program, not from a person."
        ),
        "incidents.at_risk": _("Categories after which a pupil may need help: the psychologist is told."),
        "incidents.unwatched_groups": _("Groups that are no pupils: of them only malicious sites are an incident."),
        "notices.smtp_server": _(
            "The mail server: smtp://HOST[:PORT] (STARTTLS if it is offered) or smtps://HOST[:PORT]; empty: no mail."
        ),
        "notices.smtp_user": _("The account on the mail server."),
        "notices.smtp_password_file": _("A file that holds its password and that only the service can read."),
        "notices.mail_from": _("The address from which mail comes."),
        "notices.telegram_token_file": _(
            "A file that holds the token of the school's bot and that only the service can read; empty: no Telegram."
        ),
        "notices.telegram_server": _("Where the Bot API is."),
        "notices.webhook": _("An https:// address that gets each notice as JSON; empty: none."),
        "lists.refresh_hours": _(
            "After how many hours the lists are fetched anew by themselves; 0: only by `schoolfilter lists refresh`."
        ),
        "lists.quiet": _(
            "The hours of lessons, in which lists are not fetched by themselves, in the school's time zone; "
            "an empty text: at any hour."
        ),
        "lists.proxy": _(
            "The proxy by which lists are fetched, such as http://192.0.2.1:3128; an empty text: directly."
        ),
        "lists.must_open": _(
            "Names that a new version of the lists must not close; what lessons and devices need is looked after "
            "anyway."
        ),
        "lists.must_block": _("Names that every new version of the lists must still hold."),
        "lists.broad_percent": _(
            "A rule of a list that covers more than so many per cent of the names asked for most is held until a "
            "person lets it through."
        ),
        "lists.top_names": _("How many of the names asked for most are looked at for that."),
        "lists.bad_lines_percent": _("A text with more than so many per cent of bad lines is refused as a whole."),
        "lists.keep": _(
            "How many compiled versions of the lists are kept: the one in force and those before it, to return to by "
            "`schoolfilter lists rollback`."
        ),
        "devices.trusted_routers": _(
            "Addresses of routers that ask for their devices and say in each query for which one. They must take out "
            "what a device writes there itself (dnsmasq: add-mac, strip-mac, add-subnet=32,128, strip-subnet)."
        ),
        "devices.lease_files": _(
            "Files in which a DHCP server on this machine (dnsmasq, ISC dhcpd, Kea) keeps which device has which "
            "address."
        ),
        "devices.neighbours": _("Whether the system is asked which hardware address (MAC) a device has."),
        "approval.mode": _(
            'What makes an entry of the director\'s list valid: "paper" (a signed order, whose number and date are '
            'entered) or "signature" (only what the director has signed with a key: schoolfilter orders key create).'
        ),
        "approval.director_key": _(
            "The fingerprint of the director's key, by which orders are verified; an empty text: that of the file "
            "director.pub in the state folder."
        ),
        "web.listen": _("Where the console answers."),
        "paths.state": _(
            "The folder of policy, lists and logs. A relative path is meant from the folder of this file; "
            "if this file lies in the state folder itself, that folder is meant."
        ),
    }
