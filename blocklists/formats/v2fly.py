"""v2fly domain lists (github.com/v2fly/domain-list-community): `name`, `full:`, `keyword:`, `regexp:`, `include:`."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from blocklists.errors import ListError, RefusedText
from blocklists.formats.grammar import NAME, fault, name_rule, read_lines
from blocklists.formats.patterns import escape, pattern_rule
from blocklists.rules import Item, Scope
from translations import _, mark

_NO_LINE = mark("a name, full:name, keyword:text or regexp:expression, with @attributes")
_NO_INCLUDE = mark("a list whose includes are resolved (this file was not found)")
_NO_KEYWORD = mark("keyword: with at least three characters of a name")

_KEYWORD = re.compile(r"[a-z0-9._-]{3,}")
_INCLUDE = re.compile(r"include:\s*(\S+)((?:\s+@\S+)*)")
_FILE = re.compile(r"[a-z0-9!_-]+", re.IGNORECASE)
"""Names of files: an include must not lead out of the folder."""
_ATTRIBUTES = "(?: @[a-z!-]+)*(?::@[a-z!-]+(?:,@[a-z!-]+)*)?"
"""As the sources write them (`name @ads @cn`), or the lists made of those (`domain:name:@ads,@cn`)."""
_LAST_ATTRIBUTES = re.compile(r"(\S+):(@[\w!-]+(?:,@[\w!-]+)*)")
_MOST_TEXT = 64 << 20
"""Characters read for one list. The real ones take less than a mebibyte; a file that is included under ever other
conditions is read again each time."""
_DEEPEST = 32
"""Includes of includes; the real lists go down five or six."""

Read = Callable[[str], Iterable[str] | None]


def parse_v2fly(lines: Iterable[str], first_line: int, subdomains: bool | None = None) -> Iterator[Item]:
    """Yield what the lines of a v2fly list say; `include:` lines are to be resolved before, by flatten.

    A name without a kind covers what is below it unless `subdomains` is False; `domain:name` always does.
    """
    scope = Scope.EXACT if subdomains is False else Scope.SUBTREE
    return read_lines(
        lines,
        first_line,
        rf"({NAME}){_ATTRIBUTES}" if subdomains is False else rf"(?:domain:)?({NAME}){_ATTRIBUTES}",
        scope,
        lambda line, number: _read(line, number, scope),
    )


def _read(line: str, number: int, scope: Scope) -> Iterator[Item]:
    text = _content(line)
    if not text or text[0] in "!;" or text[:2] == "//":
        return
    kind, colon, value = _parted(text)[0].partition(":")
    if not colon:
        yield name_rule(kind, scope, number, text)
        return
    value = value.strip()
    written = f"{kind}:{value}"
    if kind == "domain":
        yield name_rule(value, Scope.SUBTREE, number, text)
    elif kind == "full":
        yield name_rule(value, Scope.EXACT, number, text)
    elif kind == "regexp":
        yield pattern_rule(value, written, number) if value else fault(number, _NO_LINE, text)
    elif kind == "keyword":
        keyword = value.lower()
        known = _KEYWORD.fullmatch(keyword) is not None
        yield pattern_rule(escape(keyword), written, number) if known else fault(number, _NO_KEYWORD, text)
    elif kind == "include":
        yield fault(number, _NO_INCLUDE, text)
    else:
        yield name_rule(text, Scope.SUBTREE, number, text) if "/" in text else fault(number, _NO_LINE, text)


def flatten(name: str, read: Read) -> Iterator[str]:
    """Yield a file of the folder `data/` with its includes resolved, each behind a comment that names its file.

    `include:other @attr` takes only the lines of `other` with that attribute, `include:other @-attr` those without.
    `read` returns the lines of a file, or None if there is none. A file that is missing among the includes stays as its
    `include:` line, which the parser counts as a fault: one file less is no reason to lose the rest. A file that was
    read already (so also one that includes itself) adds nothing again. Affiliations (`name &other`, by which the line
    belongs to the file `other`, too) are not followed: that would take reading every file there is.
    Raises ListError if there is no file `name`, RefusedText if the includes never come to an end.
    """
    lines = read(name) if _FILE.fullmatch(name) else None
    if lines is None:
        raise ListError(
            _("the archive has no list {name!r}: name one of the files in its folder data/").format(name=name)
        )
    yield from _Flattening(read, {(name.lower(), frozenset())}).flat(name, lines, frozenset(), _DEEPEST)


@dataclass(slots=True)
class _Flattening:
    read: Read
    seen: set[tuple[str, frozenset[str]]]
    """Files that were taken, each with the attributes asked for."""
    size: int = 0
    """Characters read so far."""

    def flat(self, name: str, lines: Iterable[str], wanted: frozenset[str], deep: int) -> Iterator[str]:
        yield f"# from {name}"
        for line in lines:
            self.size += len(line) + 1
            if self.size > _MOST_TEXT:
                raise RefusedText(_("expected v2fly lists of usual size, found {name!r}").format(name=name))
            text = _content(line)
            if not text:
                continue
            include = _INCLUDE.fullmatch(text)
            if include is None:
                if not wanted or _meets(text, wanted):
                    yield text
                continue
            inner = wanted | {word.lower() for word in include[2].split()}
            key = (include[1].lower(), inner)
            if key in self.seen:
                continue
            self.seen.add(key)
            found = self.read(include[1]) if deep and _FILE.fullmatch(include[1]) else None
            if found is None:
                yield text
            else:
                yield from self.flat(include[1], found, inner, deep - 1)
                yield f"# from {name}"


def _meets(text: str, wanted: frozenset[str]) -> bool:
    """Tell whether a line has all attributes asked for (`@attr`) and none of those refused (`@-attr`)."""
    attributes = _parted(text)[1]
    return all("@" + each[2:] not in attributes if each.startswith("@-") else each in attributes for each in wanted)


def _parted(text: str) -> tuple[str, frozenset[str]]:
    """Return a line without its attributes (`@ads`) and affiliations (`&other`), and those."""
    words = text.split()
    last = _LAST_ATTRIBUTES.fullmatch(words[-1])
    if last is not None:
        words[-1:] = [last[1], *last[2].split(",")]
    rest = len(words)
    while rest > 1 and words[rest - 1][0] in "@&":
        rest -= 1
    return " ".join(words[:rest]), frozenset(word.lower() for word in words[rest:])


def _content(line: str) -> str:
    return line.partition("#")[0].strip("\ufeff \t\r\n\f\v")
