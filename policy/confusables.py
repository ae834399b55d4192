"""Letters that look like others, and the alphabets of a label: how names are told apart that the eye takes for one.

The table is a small part of confusables.txt of UTS 39 (Unicode Security Mechanisms, section 4): the digits and the
small letters of Cyrillic, Greek and Latin that look like one of a-z, and the Cyrillic and Greek letters whose capitals
do. `i`, `l` and `1` count as one here, because a name is often read where a capital I and a small l are one stroke.
"""

import unicodedata

_SMALL = {
    # Cyrillic, Kazakh and Kyrgyz letters among them
    "а": "a", "г": "r", "е": "e", "о": "o", "р": "p", "с": "c", "у": "y", "х": "x", "ѕ": "s", "і": "i", "ј": "j",
    "ѡ": "w", "ѵ": "v", "ү": "y", "һ": "h", "ҽ": "e", "ӏ": "l", "ԁ": "d", "ԛ": "q", "ԝ": "w",
    # Greek
    "α": "a", "γ": "y", "ι": "i", "ν": "v", "ο": "o", "ρ": "p", "σ": "o", "υ": "u", "ϲ": "c", "ϳ": "j",
    # Latin
    "ı": "i", "ɑ": "a", "ɡ": "g", "ɩ": "i", "ɪ": "i", "ʋ": "u", "ɯ": "w", "ʏ": "y",
}  # fmt: skip
_CAPITAL = {
    "в": "b", "к": "k", "м": "m", "н": "h", "т": "t", "ь": "b",
    "β": "b", "ε": "e", "ζ": "z", "η": "h", "κ": "k", "μ": "m", "τ": "t", "χ": "x",
}  # fmt: skip
"""Letters of which only the capitals look Latin, as a paper order may have them: КІТАР."""

_SAME = {"0": "o", "1": "l", "i": "l"}
_LETTERS = str.maketrans({letter: _SAME.get(like, like) for letter, like in (_CAPITAL | _SMALL).items()} | _SAME)
_STROKES = (("rn", "m"), ("vv", "w"))

_ALIKE = frozenset({"ARMENIAN", "CHEROKEE", "COPTIC", "CYRILLIC", "GREEK", "LATIN"})
"""Alphabets that share forms, so that no honest label mixes two of them (UTS 39 section 5.2)."""


def skeleton(label: str) -> str:
    """Return what the eye makes of a label, given in its letters: labels that look alike have the same skeleton."""
    if not label.isascii():
        # Accents are easily overlooked.
        label = "".join(part for part in unicodedata.normalize("NFD", label) if not unicodedata.combining(part))
    plain = label.translate(_LETTERS)
    for strokes, letter in _STROKES:
        plain = plain.replace(strokes, letter)
    return plain


def alphabets(label: str) -> frozenset[str]:
    """Return the alphabets of the letters of a label, by Unicode's names for them, such as CYRILLIC."""
    return frozenset(unicodedata.name(letter, "").partition(" ")[0] for letter in label if letter.isalpha())


def mixes_alphabets(label: str) -> bool:
    """Tell whether a label has letters of several alphabets that share forms."""
    return len(alphabets(label) & _ALIKE) > 1


def poses_as_latin(label: str) -> bool:
    """Tell whether a label without one Latin letter reads as if it were in Latin letters throughout."""
    letters = [letter for letter in label if letter.isalpha()]
    return bool(letters) and all(not letter.isascii() and letter in _SMALL for letter in letters)
