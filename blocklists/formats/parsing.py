"""The one door to all formats: lines of text in, rules and skipped lines out; no line is ever fatal, none silent."""

from collections.abc import Callable, Iterable, Iterator

from blocklists.formats.adblock import parse_adblock
from blocklists.formats.addresses import parse_addresses
from blocklists.formats.bind import parse_bind
from blocklists.formats.dnsmasq import parse_dnsmasq
from blocklists.formats.domains import parse_domains, parse_wildcards
from blocklists.formats.hosts import parse_hosts
from blocklists.formats.rpz import parse_rpz
from blocklists.formats.unbound import parse_unbound
from blocklists.formats.v2fly import parse_v2fly
from blocklists.rules import Format, Item, Scope

STATELESS = frozenset(Format) - {Format.RPZ, Format.UNBOUND, Format.BIND}
"""Formats in which no line says anything about another: any block of lines can be parsed alone (AdBlock with what
cancelled_rules found in the whole)."""

_PARSERS: dict[Format, Callable[[Iterable[str], int], Iterator[Item]]] = {
    Format.WILDCARD: parse_wildcards,
    Format.DNSMASQ: parse_dnsmasq,
    Format.UNBOUND: parse_unbound,
    Format.BIND: parse_bind,
    Format.RPZ: parse_rpz,
    Format.ADDRESSES: parse_addresses,
}


def parse(
    lines: Iterable[str],
    form: Format,
    *,
    first_line: int = 1,
    subdomains: bool | None = None,
    cancelled: frozenset[str] = frozenset(),
) -> Iterator[Item]:
    """Yield what each line says, in order (unbound's redirect zones last); lines are numbered from first_line.

    `subdomains` says whether a plain name covers what is below it (None: as the format has it); hosts files are widened
    by True. `cancelled` is what cancelled_rules found in an AdBlock list.
    """
    if form is Format.DOMAINS:
        return parse_domains(lines, first_line, subdomains)
    if form is Format.V2FLY:
        return parse_v2fly(lines, first_line, subdomains)
    if form is Format.HOSTS:
        return parse_hosts(lines, first_line, Scope.SUBTREE if subdomains else Scope.EXACT)
    if form is Format.ADBLOCK:
        return parse_adblock(lines, first_line, cancelled)
    return _PARSERS[form](lines, first_line)
