"""What the answer for an open name leads to: lists of addresses close a name only when its answer has come."""

from dataclasses import dataclass

from dnslib import DNSQuestion

from blocklists.index import Index
from cli.probe import Target, ask
from policy.decision import Action, Decision, Why
from policy.views import View
from resolver.addresses import address_text
from resolver.judge import Judge
from resolver.records import addresses, read_answer
from resolver.upstream.address import parse_upstream
from resolver.wire import AAAA, HEADER, A, MalformedMessage, Query, Rcode, wire_name
from settings.model import Settings
from translations import _

_ASKED = 2
"""So many upstreams are tried: a person waits."""
_IN = 1


@dataclass(frozen=True, slots=True)
class Leading:
    """What came of asking an upstream as a worker would."""

    asked: str = ""
    """Who answered; empty if nobody did."""
    addresses: tuple[str, ...] = ()
    decision: Decision | None = None
    """What becomes of the decision about the name; None if nobody answered."""


def led_to(
    settings: Settings, index: Index, view: View, decision: Decision, name: str, qtype: int, zone: str
) -> Leading | None:
    """Ask an upstream and judge its answer; None where no list speaks of addresses or they change nothing."""
    opens = decision.action in (Action.ALLOW, Action.REWRITE) and decision.reason.why is not Why.PROTECTED
    if not index.has_addresses or not opens:
        return None
    if qtype not in (A, AAAA) or decision.action is Action.REWRITE:
        return Leading()
    question = DNSQuestion(name, qtype)
    for target in _targets(settings, zone)[:_ASKED]:
        reply = ask(target.address, question, settings.upstream.tls_ca_file)
        if reply is None:
            continue
        asked = wire_name(name) + qtype.to_bytes(2) + _IN.to_bytes(2)
        data = bytes(reply.pack())
        try:
            answer, _private = read_answer(
                data, data[HEADER : HEADER + len(asked)], 0.0, dnssec_ok=False, may_be_private=bool(zone)
            )
        except MalformedMessage:
            continue
        if answer.rcode not in (Rcode.NOERROR, Rcode.NXDOMAIN):
            continue  # a server that fails says nothing about the name
        query = Query(0, asked, wire_name(name), name, qtype, _IN, False, 512, False, False, False)
        found = tuple(map(address_text, addresses(answer)))
        return Leading(str(target.address), found, Judge(index).answer(view, query, decision, answer))
    return Leading()


def _targets(settings: Settings, zone: str) -> list[Target]:
    if zone:
        return [Target(parse_upstream(server), zone) for server in settings.upstream.zones[zone]]
    # Imported here: only schools with lists of addresses pay for what `doctor` needs.
    from cli.doctor import targets

    return [target for target in targets(settings) if not target.zone]


def words_of(leading: Leading) -> str:
    """Return what a person reads about it."""
    decision = leading.decision
    if decision is None:
        return _("lists close addresses too, and those of the answer are looked at when it has come")
    if not leading.addresses and not decision.blocked:
        return _("none now, says {upstream}; if there were any, lists could close them").format(upstream=leading.asked)
    if decision.blocked:
        text = _("{addresses}, says {upstream}; lists close what the answer leads to")
    else:
        text = _("{addresses}, says {upstream}; no list closes them for this group")
    return text.format(addresses=", ".join(leading.addresses) or "-", upstream=leading.asked)
