"""Rules that speak of names by an expression: RE2 syntax, linear in time whatever a stranger writes."""

import re
from functools import cache

import re2

from blocklists.formats.grammar import NO_BREADTH, fault
from blocklists.patterns import MAX_SIZE
from blocklists.rules import Item, Rule, Scope
from policy.decision import Terms
from policy.names import InvalidName, parse_name
from translations import mark

_NO_EXPRESSION = mark("a regular expression without look-around or back-references (RE2 syntax)")
_NO_SIZE = mark("a shorter regular expression")
_LONGEST = 500
"""Characters of an expression; those of real lists have less than a hundred."""
_LETTERS = re.compile(r"\\[pP]")
"""Classes of Unicode (`\\pL`): names are ASCII, and each repetition of such a class costs RE2 hundreds of steps."""
_REPEATED = re.compile(r"\{([0-9]+)(?:,([0-9]*))?\}")
_MEMORY = 1 << 18
"""Bytes for compiling one; with RE2's default of 8 MiB five hundred characters can take seconds."""

_NO_LETTERS = mark("a pattern in the letters of names as DNS has them (xn--… for others)")

_STRANGERS = (b"qx7.kz", b"jd-9.test", b"www.mno.bfh", b"xn--80ak6aa92e.xn--p1ai", b"u_v.l5.gc")
"""Names that have nothing in common but being names: an expression found in all of them is found in any."""

_SUBTREE = r"(?:\((?:\?:)?\^\|\\\.\)|\^\((?:\?:)?(?:\.[*+]|\[\^\.\]\+)\\\.\)[?*])"
_BELOW = r"(?:\\\.|\^\.[*+]\\\.)"
_PLAIN = re.compile(rf"(?:(?P<subtree>{_SUBTREE})|(?P<below>{_BELOW})|\^)(?P<name>[a-z0-9_-]+(?:\\\.[a-z0-9_-]+)+)\$")
"""Expressions that say in a roundabout way what a plain rule says."""


def pattern_rule(expression: str, written: str, number: int, allows: bool = False, terms: Terms | None = None) -> Item:
    """Return the rule for an expression to be searched in names, as a plain rule where it is one in truth.

    One that RE2 refuses, or that is found in any name, gives the line with the reason.
    """
    if not expression.isascii() or _LETTERS.search(expression):
        return fault(number, _NO_LETTERS, written)
    plain = _PLAIN.fullmatch(expression)
    if plain is not None:
        scope = Scope.SUBTREE if plain["subtree"] else Scope.BELOW if plain["below"] else Scope.EXACT
        try:
            return Rule(parse_name(plain["name"].replace("\\.", ".")), scope, allows, number, terms)
        except InvalidName:
            pass  # then it is searched for as it stands
    if len(expression) > _LONGEST or _repeats(expression) > MAX_SIZE:
        return fault(number, _NO_SIZE, written)
    if expression.lower() != expression:
        expression = "(?i)" + expression  # names are in small letters
    try:
        compiled = re2.compile(expression.encode(), _options())
    except re2.error as error:
        return fault(number, _NO_SIZE if "too large" in str(error) else _NO_EXPRESSION, written)
    if compiled.programsize > MAX_SIZE:
        return fault(number, _NO_SIZE, written)
    if all(compiled.search(stranger) for stranger in _STRANGERS):
        return fault(number, NO_BREADTH, written)
    return Rule(expression, Scope.PATTERN, allows, number, terms, written)


def _repeats(expression: str) -> int:
    """Return how many instructions its `{n,m}` come to at least: compiling `a{1,1000}a{1,1000}…` is what takes long."""
    return sum(max(int(least), int(most or 0)) for least, most in _REPEATED.findall(expression))


def glob_expression(text: str) -> str:
    """Return the expression for a name with `*`, `?` and `[a-z]` in it, as the shell and dnscrypt-proxy read it."""
    parts = (_glob_part(part) for part in re.findall(r"\*+|\?|\[[a-z0-9-]+\]|.", text.lower()))
    return ("^" + "".join(parts) + "$").removeprefix("^.*").removesuffix(".*$")


def _glob_part(part: str) -> str:
    if part[0] == "*":
        return ".*"
    if part == "?":
        return "."
    return part if len(part) > 1 else escape(part)


def escape(text: str) -> str:
    """Return an expression that finds the text as it stands."""
    return re.sub(r"[^a-z0-9_-]", lambda match: "\\" + match[0], text)


@cache
def _options() -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # as the index compiles them
    options.never_capture = True
    options.log_errors = False
    options.max_mem = _MEMORY
    return options
