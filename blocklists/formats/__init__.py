"""The formats of lists: lines of text in, rules and skipped lines out."""

from blocklists.formats.adblock import cancelled_rules
from blocklists.formats.detection import detect
from blocklists.formats.parsing import STATELESS, parse

__all__ = ["STATELESS", "cancelled_rules", "detect", "parse"]
