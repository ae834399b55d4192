"""What is odd about a name that somebody asks to open: slips of the pen, forged look-alikes, more than one site. Pure.

Each warning is a question to a person, never a refusal. So it has to be rare: a name whose registered domain is known
is trusted, and where two honest names often look like a slip of each other (short names, `mektep` and `emektep`,
`school1` and `school2`, the same name in two countries) either nothing is said, or less.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from policy.confusables import alphabets, mixes_alphabets, poses_as_latin, skeleton
from policy.decision import Listing
from policy.names import display_name, with_parents
from policy.subjects import title_of
from translations import _, language, mark


class WarningKind(StrEnum):
    """What there is to say of a name; the gravest first."""

    MIXED_ALPHABETS = "mixed-alphabets"
    """Letters of several alphabets that share forms in one label."""
    LOOK_ALIKE = "look-alike"
    """Reads like a known name."""
    POSES_AS_LATIN = "poses-as-latin"
    """Reads like a Latin word, and has not one Latin letter."""
    ODD_LETTERS = "odd-letters"
    """Marks and letters that no language here writes, or no valid international name at all."""
    TYPING_ERROR = "typing-error"
    """One letter more, less, other or out of place, and it were a known name."""
    DOT = "dot"
    """One dot more or less, and it were a known name."""
    SUFFIX = "suffix"
    """Below it strangers have sites of their own."""
    ADDRESS = "address"
    """Holds an IP address: made by a machine for a machine."""
    UNKNOWN_ENDING = "unknown-ending"
    """No such top-level domain."""
    SHORT = "short"
    """Perhaps not the whole name."""
    LISTED = "listed"
    """A list holds it in a category."""
    OTHER_ENDING = "other-ending"
    """A known name under another top-level domain: an honest one, often."""
    WWW = "www"
    """Opens less than the site."""
    INTERNATIONAL = "international"
    """Has letters of another alphabet; both forms are shown."""


HINTS = frozenset(
    {
        WarningKind.SHORT,
        WarningKind.LISTED,
        WarningKind.OTHER_ENDING,
        WarningKind.WWW,
        WarningKind.INTERNATIONAL,
    }
)
"""Facts worth a word; all other kinds are a reason to stop and look."""


@dataclass(frozen=True, slots=True)
class NameWarning:
    """One thing to say of a name."""

    kind: WarningKind
    name: str
    subject: str = ""
    """The known name it looks like, the label or ending at fault, the listed name, or the shorter name; in letters."""
    list_id: str = ""
    category: str = ""


class PublicSuffixes(Protocol):
    """What is asked of the Public Suffix List (blocklists/suffixes.py)."""

    @property
    def names(self) -> Set[str]: ...
    @property
    def above(self) -> Set[str]: ...
    @property
    def hosts(self) -> Set[str]: ...
    def hold(self, name: str) -> bool: ...


def registered_domain(name: str, suffixes: PublicSuffixes, *, of_hosts: bool = False) -> str:
    """Return the name under a public suffix that somebody registered; a public suffix is returned as it is.

    `of_hosts`: what lies below a host of strangers' sites (`user.github.io`) counts as registered, too.
    """
    found = name
    for parent in with_parents(name):
        if suffixes.hold(parent) or (of_hosts and parent in suffixes.hosts):
            break
        found = parent
    return found


@dataclass(frozen=True, slots=True)
class KnownNames:
    """Names that a new one is compared with, in letters. Build with `known_names`, once for many questions."""

    homes: Mapping[str, str]
    """Registered domain by name; registered domains are names, too."""
    by_label: Mapping[str, str]
    """Registered domain by its first label."""
    by_skeleton: Mapping[str, str]
    """Registered domain by what the eye makes of its first label, and by that with the ending."""
    letters: str
    """All that the names are written with, the dot too."""


def known_names(names: Iterable[str], suffixes: PublicSuffixes) -> KnownNames:
    """Gather canonical names that people trust: of the bundles, of the director's list, asked for most.

    Where several share a label, the first one stands for it.
    """
    homes: dict[str, str] = {}
    by_label: dict[str, str] = {}
    by_skeleton: dict[str, str] = {}
    for name in names:
        registered = registered_domain(name, suffixes, of_hosts=True)
        home = display_name(registered)
        homes[display_name(name)] = homes[home] = home
        if not suffixes.hold(registered):
            label = home.partition(".")[0]
            by_label.setdefault(label, home)
            for key in (skeleton(label), _seen(home)):
                by_skeleton.setdefault(key, home)
    return KnownNames(homes, by_label, by_skeleton, "".join(sorted(set().union(*homes))))


def warnings_for(
    name: str, known: KnownNames, suffixes: PublicSuffixes, listings: Sequence[Listing] = ()
) -> tuple[NameWarning, ...]:
    """Return what there is to say of a canonical name that somebody asks to open, the gravest first.

    `listings`: what the lists say of it.
    """
    asked = _asked(name, suffixes)
    kinds = list(_of_itself(asked, suffixes))
    if not asked.suffix and not any(parent in known.homes for parent in with_parents(asked.shown)):
        kinds += _of_stranger(asked, known)
    found = [NameWarning(kind, name, subject) for kind, subject in kinds]
    found += [
        NameWarning(WarningKind.LISTED, name, display_name(each.name), each.list_id, each.category)
        for each in listings
        if not each.allows and not (each.terms and each.terms.shadow)
    ]
    return tuple(sorted(found, key=lambda each: _RANK[each.kind]))


def describe(warning: NameWarning) -> str:
    """Return a warning in words, in the language in use."""
    return _(_TEXTS[warning.kind]).format(
        name=display_name(warning.name),
        ascii=warning.name,
        subject=warning.subject,
        list=warning.list_id,
        category=title_of(warning.category, language()),
    )


_TEXTS = {
    WarningKind.MIXED_ALPHABETS: mark(
        "{subject} has letters of several alphabets that look alike, as forged names have. Type the name by hand."
    ),
    WarningKind.LOOK_ALIKE: mark(
        "{name} looks like {subject}, but is another name: letters are exchanged for similar ones. If {subject} is "
        "meant, ask for that."
    ),
    WarningKind.POSES_AS_LATIN: mark(
        "{subject} looks like Latin letters, but none of them is one, as in forged names. Type the name by hand."
    ),
    WarningKind.ODD_LETTERS: mark(
        "{subject} has letters or signs that sites here do not use. Look at the name of the site once more."
    ),
    WarningKind.TYPING_ERROR: mark("Is {subject} meant? {name} differs from it by one typing error."),
    WarningKind.DOT: mark("Is {subject} meant? {name} differs from it by one dot."),
    WarningKind.SUFFIX: mark(
        "Below {name} strangers have sites of their own, so that it would open far more than one site. Give the name "
        "of the site, such as example.{name}."
    ),
    WarningKind.ADDRESS: mark(
        "{name} holds an IP address: such names are made for machines and change. Give the name of the site."
    ),
    WarningKind.UNKNOWN_ENDING: mark(
        "No name on the internet ends in .{subject}. Look at the end of the name once more."
    ),
    WarningKind.SHORT: mark("{name}: {subject} is very short, or a number. Look whether the name is whole."),
    WarningKind.LISTED: mark(
        "The list {list} holds {subject} in the category {category}; the director's order would go before it."
    ),
    WarningKind.OTHER_ENDING: mark("{subject} is known; {name} has another ending and may be somebody else's site."),
    WarningKind.WWW: mark("{name} opens only a part of the site. All of it opens with {subject}."),
    WarningKind.INTERNATIONAL: mark("{name} is written {ascii} in Latin letters; both are the same name."),
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """The name in question, taken apart."""

    name: str
    shown: str
    """In letters, as all below."""
    home: str
    """Its registered domain."""
    label: str
    """The first label of its registered domain."""
    ending: str
    """What follows it there: a public suffix or a host of strangers' sites."""
    top: str
    """Its top-level domain, canonical."""
    top_exists: bool
    suffix: bool
    """Whether strangers have sites of their own below it."""


_Found = tuple[WarningKind, str]

_RANK = {kind: rank for rank, kind in enumerate(WarningKind)}
_NUMBERS = re.compile(r"(?<![0-9])([0-9]{1,3})[.-]([0-9]{1,3})[.-]([0-9]{1,3})[.-]([0-9]{1,3})(?![0-9])")
_DIGITS = re.compile(r"[0-9]")

_LEAST_LABEL = 5
"""Shorter labels have too many honest neighbours (24.kg and 34.kg, ok.kg and ik.kg) to be called slips of these."""
_SHORT_LABEL = 2
_LOOSE = frozenset({"Mn", "Me", "Cf", "Lm"})


def _asked(name: str, suffixes: PublicSuffixes) -> _Asked:
    home = display_name(registered_domain(name, suffixes, of_hosts=True))
    label, _dot, ending = home.partition(".")
    top = name.rpartition(".")[2]
    exists = top in suffixes.names or top in suffixes.above
    suffix = suffixes.hold(name) or name in suffixes.hosts
    return _Asked(name, display_name(name), home, label, ending, top, exists, suffix)


def _of_itself(asked: _Asked, suffixes: PublicSuffixes) -> Iterator[_Found]:
    """Yield what is to be said of any name, a known one too."""
    name = asked.name
    if asked.suffix:
        yield WarningKind.SUFFIX, ""
    shorter = name.removeprefix("www.")
    if shorter != name and not suffixes.hold(shorter):
        yield WarningKind.WWW, display_name(shorter)
    if asked.shown != name:
        yield WarningKind.INTERNATIONAL, ""


def _of_stranger(asked: _Asked, known: KnownNames) -> Iterator[_Found]:
    """Yield what is to be said of a name that does not belong to a known domain."""
    like = _look_alike(asked, known)
    if like:
        yield WarningKind.LOOK_ALIKE, like
    yield from _odd_letters(asked, like)
    near = min(_slips(asked, known), default=None)
    if near is not None and near[1] != like:
        yield near
    if any(all(int(each) < 256 for each in match.groups()) for match in _NUMBERS.finditer(asked.name)):
        yield WarningKind.ADDRESS, ""
    if not asked.top_exists:
        yield WarningKind.UNKNOWN_ENDING, display_name(asked.top)
    if len(asked.label) <= _SHORT_LABEL or asked.label.replace("-", "").isdecimal():
        yield WarningKind.SHORT, asked.label
    twin = known.by_label.get(asked.label)
    if twin and asked.top_exists and len(asked.label) >= _LEAST_LABEL:
        yield WarningKind.OTHER_ENDING, twin


def _odd_letters(asked: _Asked, like: str) -> Iterator[_Found]:
    labels = asked.shown.split(".")
    for label in labels:
        if mixes_alphabets(label):
            yield WarningKind.MIXED_ALPHABETS, label
        elif label.startswith("xn--") or any(map(_odd, label)):
            yield WarningKind.ODD_LETTERS, label
        elif not like and poses_as_latin(label) and alphabets(label) != alphabets(labels[-1]):
            yield WarningKind.POSES_AS_LATIN, label


def _odd(letter: str) -> bool:
    """Tell whether a letter is a loose mark, an invisible sign, a modifier, or one of the phonetic alphabet."""
    return unicodedata.category(letter) in _LOOSE or "\u0250" <= letter <= "\u02af"


def _look_alike(asked: _Asked, known: KnownNames) -> str:
    """Return the known domain that a person would read instead; empty if there is none."""
    twin = known.by_skeleton.get(_seen(asked.home), "")
    # In plain letters a label under another ending is seldom a forgery: `mir.kz` and `mlr.com`.
    if not twin and not asked.label.isascii():
        twin = known.by_skeleton.get(skeleton(asked.label), "")
    return "" if twin.partition(".")[0] == asked.label else twin


def _seen(home: str) -> str:
    label, dot, ending = home.partition(".")
    return skeleton(label) + dot + ending


def _slips(asked: _Asked, known: KnownNames) -> Iterator[_Found]:
    """Yield the known names that the asked one would be, but for one slip of the pen."""
    if asked.label.startswith("www") and asked.home[3:] in known.homes:
        yield WarningKind.DOT, asked.home[3:]
    for text in {asked.home, asked.shown.removeprefix("www.")}:
        for near in _one_edit(text, known.letters):
            home = known.homes.get(near)
            if home is None:
                continue
            label, _dot, ending = home.partition(".")
            dots = near.count(".") - text.count(".")
            if dots and len(near) - len(text) == dots:
                yield WarningKind.DOT, near
            elif not asked.top_exists or (ending == asked.ending and _is_slip(asked.label, label)):
                yield WarningKind.TYPING_ERROR, near


def _is_slip(label: str, known: str) -> bool:
    """Tell whether a label one edit away from a known one is rather a slip than another site's own name."""
    return (
        min(len(label), len(known)) >= _LEAST_LABEL
        # `emektep` is not `mektep`, nor `mbank` `obank`: other first letters make names of their own.
        and (label[0] == known[0] or label == known[1] + known[0] + known[2:])
        # Neither are school1 and school2.
        and _DIGITS.findall(label) == _DIGITS.findall(known)
    )


def _one_edit(text: str, letters: str) -> Iterator[str]:
    """Yield all texts one edit away: a character less, more, another, or two neighbours the other way round."""
    for at in range(len(text) + 1):
        before, after = text[:at], text[at:]
        for letter in letters:
            yield before + letter + after
        if after:
            yield before + after[1:]
            for letter in letters:
                yield before + letter + after[1:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
