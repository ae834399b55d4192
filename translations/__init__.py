"""Every text a person reads, in kk, ky, ru and en."""

from translations.speak import LANGUAGES, _, choose, language, mark, spoken, use

__all__ = ["LANGUAGES", "_", "choose", "language", "mark", "spoken", "use"]
