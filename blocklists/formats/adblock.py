"""AdBlock syntax as AdGuard's DNS engine reads it (adguard-dns.io/kb/general/dns-filtering-syntax).

Its rule for modifiers is ours: a rule with one that says nothing to DNS (`$third-party`, `$script`, `$domain=`,
`$popup`) is not applied, for it would close a name for which the list closes only some requests. One difference:
`$all`, `$document` and `$network` of a blocking rule are read over, as AdGuard's own hostlist compiler does, since they
mean the whole site.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from blocklists.formats.grammar import (
    COMMENT,
    NAME,
    NO_ADDRESS,
    NO_BREADTH,
    NO_NAME,
    NO_URL,
    fault,
    is_address,
    is_sinkhole,
    name_rule,
    no_name,
    read_lines,
    unused,
)
from blocklists.formats.hosts import read_hosts_line
from blocklists.formats.patterns import escape, pattern_rule
from blocklists.rules import Item, Rule, Scope
from policy.decision import Terms
from policy.names import InvalidName, parse_name
from translations import mark

_NO_PAGE = mark("a rule about names (this one is about parts of a page)")
_NO_MODIFIER = mark("a rule without modifiers for browsers")
_NO_CLIENT = mark("a rule for all clients (who may what is for the school to say)")
_NO_REWRITE = mark("a rule that blocks (no list may lead a device elsewhere)")
_NO_TYPE = mark("$dnstype with types such as A or ~AAAA")
_NO_DENYALLOW = mark("$denyallow with names between bars")
_NO_CANCELLED = mark("a rule that no $badfilter of this list cancels")
_NO_RULE = mark("a rule such as ||name^ or @@||name^")

_COSMETIC = re.compile(r"#@?[?$%]*#|#@?%#|\$@?\$|##\^")
_INLINE_COMMENT = re.compile(r"(?<!\s)\s+#(?:\s|$).*")
_HOSTS = re.compile(r"[0-9a-fA-F.:]+(?:%\w+)?\s+\S")
_WIDE = frozenset({"all", "document", "doc", "network"})
_MODIFIERS = re.compile(r"(?<!\\)\$((?:[^$\\]|\\.)+)$")
_SPLIT = re.compile(r"(?<!\\),")
_MASK = re.compile(r"[a-z0-9._*-]+")
_OF_URLS = re.compile(r"[/?=&:%;,~(]")
_NUMERIC = re.compile(r"[0-9.*]+")
_SHORTEST = 3
"""Fewer characters of a name (AdGuard's number, too) would speak of nearly all."""

_TYPES = {
    "A": 1,
    "NS": 2,
    "CNAME": 5,
    "SOA": 6,
    "PTR": 12,
    "HINFO": 13,
    "MX": 15,
    "TXT": 16,
    "AAAA": 28,
    "LOC": 29,
    "SRV": 33,
    "NAPTR": 35,
    "DNAME": 39,
    "DS": 43,
    "SSHFP": 44,
    "RRSIG": 46,
    "NSEC": 47,
    "DNSKEY": 48,
    "TLSA": 52,
    "SVCB": 64,
    "HTTPS": 65,
    "SPF": 99,
    "ANY": 255,
    "URI": 256,
    "CAA": 257,
}
_NUMBERED_TYPE = re.compile(r"TYPE([0-9]{1,5})")
_BLOCKING_CODES = frozenset({"NXDOMAIN", "REFUSED", "SERVFAIL", "NOERROR"})


def parse_adblock(lines: Iterable[str], first_line: int, cancelled: frozenset[str] = frozenset()) -> Iterator[Item]:
    """Yield what the lines of an AdBlock list say; `cancelled` is what cancelled_rules found in the whole list."""
    return read_lines(
        lines,
        first_line,
        rf"\|\|({NAME})\^",
        Scope.SUBTREE,
        lambda line, number: _read(line, number, cancelled),
        never=cancelled,
        never_group=0,
    )


def cancelled_rules(lines: Iterable[str]) -> frozenset[str]:
    """Return the normal form of the rules that `$badfilter` cancels, wherever in the list they stand."""
    return frozenset(
        _normal(*_split(text)) for line in lines if "badfilter" in line and (text := _text(line)) and _cancels(text)
    )


def _read(line: str, number: int, cancelled: frozenset[str]) -> Iterator[Item]:
    text = _text(line)
    if not text:
        return
    if _is_cosmetic(text):
        yield unused(number, _NO_PAGE, text)
        return
    if _HOSTS.match(text) and _is_hosts(text):
        yield from read_hosts_line(text, number)
        return
    allows, pattern, modifiers = _split(text)
    if "badfilter" in modifiers:
        if _normal(allows, pattern, modifiers) not in cancelled:
            yield unused(number, _NO_RULE, text)
        return
    if cancelled and _normal(allows, pattern, modifiers) in cancelled:
        yield unused(number, _NO_CANCELLED, text)
        return
    terms: Terms | None = None
    if modifiers:
        judged = _terms(tuple(modifiers), allows)
        if isinstance(judged, tuple):
            expected, is_fault = judged
            yield (fault if is_fault else unused)(number, expected, text)
            return
        terms = judged
    yield _rule(pattern, allows, terms, number, text)


def _text(line: str) -> str:
    """Return the rule of a line; empty for comments and headers."""
    text = line.strip("\ufeff \t\r\n\f\v")
    if not text or text[0] == "!" or (text[0] == "[" and text[-1] == "]"):
        return ""
    if text[0] == "#" and (not _COSMETIC.match(text) or COMMENT.match(text)):
        return ""
    return _INLINE_COMMENT.sub("", text) if "#" in text else text


def _is_cosmetic(text: str) -> bool:
    return text[0] != "/" and ("#" in text or "$$" in text or "$@$" in text) and _COSMETIC.search(text) is not None


def _is_hosts(text: str) -> bool:
    address = text.split(maxsplit=1)[0]
    return is_address(address) or is_sinkhole(address)


def _split(text: str) -> tuple[bool, str, list[str]]:
    """Return whether the rule is an exception, its pattern, and its modifiers."""
    allows = text.startswith("@@")
    body = text.removeprefix("@@")
    if len(body) > 1 and body[0] == "/" and body[-1] == "/":
        return allows, body, []  # what looks like modifiers is part of the expression
    match = _MODIFIERS.search(body)
    if match is None or match.start() == 0:
        return allows, body, []
    modifiers = [each.strip().replace("\\,", ",") for each in _SPLIT.split(match[1])]
    return allows, body[: match.start()], modifiers


def _cancels(text: str) -> bool:
    return "badfilter" in _split(text)[2]


def _normal(allows: bool, pattern: str, modifiers: list[str]) -> str:
    """Return the same text for all ways to write a rule (and for the `$badfilter` that cancels it)."""
    rest = sorted(each for each in modifiers if each and each != "badfilter")
    pattern = pattern if pattern[:1] == "/" else pattern.lower()
    return ("@@" if allows else "") + pattern + ("$" + ",".join(rest) if rest else "")


@lru_cache(maxsize=1024)
def _terms(modifiers: tuple[str, ...], allows: bool) -> Terms | tuple[str, bool] | None:
    """Return the conditions that modifiers set; or why the rule is not used, and whether that is a fault."""
    important = False
    types: list[int] = []
    others: list[int] = []
    excluded: list[str] = []
    for modifier in modifiers:
        key, _equals, value = modifier.partition("=")
        if key == "important":
            important = True
        elif key == "dnstype":
            for word in value.split("|"):
                number = _type_number(word.strip().removeprefix("~"))
                if number is None:
                    return _NO_TYPE, True
                (others if word.strip()[:1] == "~" else types).append(number)
        elif key == "denyallow":
            try:
                excluded += [parse_name(name) for name in value.split("|")]
            except InvalidName:
                return _NO_DENYALLOW, True
        elif key in ("client", "ctag"):
            return _NO_CLIENT, False
        elif key == "dnsrewrite":
            if allows or not _rewrite_blocks(value):
                return _NO_REWRITE, False
        elif allows or key not in _WIDE:
            return _NO_MODIFIER, False
    if not (important or types or others or excluded):
        return None
    return Terms(important, tuple(types), tuple(others), tuple(excluded))


def _type_number(name: str) -> int | None:
    name = name.upper()
    match = _NUMBERED_TYPE.fullmatch(name)
    if match is not None:
        return int(match[1]) if int(match[1]) <= 0xFFFF else None
    return _TYPES.get(name)


def _rewrite_blocks(value: str) -> bool:
    """Tell whether `$dnsrewrite` answers with nothing, with an error or with an address that leads nowhere."""
    words = [word.strip() for word in value.split(";")]
    if len(words) == 1:
        return words[0].upper() in _BLOCKING_CODES or (words[0] != "0" and is_sinkhole(words[0]))
    code, kind, data = (*words, "", "")[:3]
    if code.upper() != "NOERROR":
        return code.upper() in _BLOCKING_CODES
    return (not kind and not data) or (kind.upper() in ("A", "AAAA") and is_sinkhole(data))


def _rule(pattern: str, allows: bool, terms: Terms | None, number: int, text: str) -> Item:
    if len(pattern) > 2 and pattern[0] == "/" and pattern[-1] == "/":
        return pattern_rule(pattern[1:-1], text, number, allows, terms)
    if any(letter.isspace() for letter in pattern):
        return fault(number, _NO_RULE, text)
    return _mask_rule(pattern, allows, terms, number, text)


def _mask_rule(pattern: str, allows: bool, terms: Terms | None, number: int, text: str) -> Item:
    """Return the rule for a pattern with `||`, `|`, `^` and `*`, matched with a name as AdGuard does.

    `^` is a separator, and the only one at a name is its end. `||name` without it is read as the name, although it
    would be the beginning of `name.example`, too: whoever writes a whole name means it.
    """
    mask = pattern.lower()
    # `://ads.` and `/ads.` mean the beginning of the host; `name/*` means `name^`.
    if mask.startswith("://"):
        mask = "|" + mask[3:]
    elif mask[:1] == "/" and mask[-1:] == "." and _MASK.fullmatch(mask[1:]):
        mask = "|" + mask[1:]
    if mask.endswith("/*"):
        mask = mask[:-2] + "^"
    bare = mask
    start = "label" if mask.startswith("||") else "name" if mask.startswith("|") else ""
    mask = mask.lstrip("|")
    ends = mask.endswith("|")
    mask = mask.rstrip("|")
    core = mask.rstrip("*")
    if core != mask:
        ends = False
    if core.endswith("^"):
        core = core[:-1].rstrip("*")
        ends = True
    if core.startswith("*"):
        core, start = core.lstrip("*"), ""
    if not core.isascii():
        return _international(core, start, ends, allows, terms, number, text)
    if not _MASK.fullmatch(core):
        if not core:
            return fault(number, NO_BREADTH, text)
        if _OF_URLS.search(core) or "^" in core:
            return unused(number, NO_URL, text)
        return fault(number, _NO_RULE, text)
    if _NUMERIC.fullmatch(core):
        return unused(number, NO_ADDRESS, text) if "." in core else fault(number, NO_NAME, text)
    scope = _scope_of(core, start, ends, core == bare)
    if scope is not None:
        item = name_rule(core.removeprefix("."), scope, number, text, allows)
        if isinstance(item, Rule):
            return item if terms is None else item._replace(terms=terms)
        if ends or start == "label":
            return item  # it would be a whole name, and is none
    if len(core.replace("*", "")) < _SHORTEST:
        return fault(number, NO_BREADTH, text)
    begin = {"label": r"(?:^|\.)", "name": "^", "": ""}[start]
    expression = begin + ".*".join(map(escape, re.split(r"\*+", core))) + ("$" if ends else "")
    return pattern_rule(expression, text, number, allows, terms)


def _scope_of(core: str, start: str, ends: bool, bare: bool) -> Scope | None:
    """Return what a mask covers if it speaks of one whole name; None if it is a true pattern."""
    if "*" in core or (core[0] == "." and start):
        return None
    if bare:
        # AdGuard's "domains-only" syntax: the name and nothing below it. `ads.` or `.ads` is a part of one.
        return None if core[0] in ".-" or core[-1] == "-" or core.find(".") == len(core) - 1 else Scope.EXACT
    if start == "label" and (ends or "." in core.strip(".")) and (ends or core[-1] not in ".-"):
        return Scope.SUBTREE
    if start == "name" and ends:
        return Scope.EXACT
    return Scope.BELOW if not start and ends and core[0] == "." else None


def _international(
    core: str, start: str, ends: bool, allows: bool, terms: Terms | None, number: int, text: str
) -> Item:
    """Return the rule about a whole name in other than ASCII letters; parts of names have no form in DNS."""
    if "*" in core or (start != "label" and not ends):
        return no_name(core, number, text)
    scope = Scope.SUBTREE if start == "label" else Scope.EXACT if start == "name" else Scope.BELOW
    if scope is Scope.BELOW and core[0] != ".":
        return no_name(core, number, text)
    item = name_rule(core.removeprefix("."), scope, number, text, allows)
    return item._replace(terms=terms) if isinstance(item, Rule) else item
