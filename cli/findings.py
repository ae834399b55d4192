"""One thing that `doctor` looked at: how bad it is, in words, with the next step."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    """Works, but will hurt, or hurts some."""
    PROBLEM = "problem"
    """Does not work, or not as the school believes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    """What it is about, for machines: `clock`, `port`, `upstream` …"""
    health: Health
    text: str
    remedy: str = ""
