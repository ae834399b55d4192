"""What `status` says about the journal: whether it is kept, and how far behind the query log it is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from journal.incident_words import channel_words
from journal.intake.state import JournalState, Unsent, read_state
from journal.notifying.contacts import Channel
from settings.model import Settings
from translations import _

LATE_SECONDS = 60
"""An incident that is found later is told too late."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The process that keeps the journal."""

    running: bool = False
    state: JournalState | None = None
    """What it said last; None if it never said anything."""

    def problems(self) -> list[str]:
        """Return what is wrong, one sentence each."""
        if not self.running or self.state is None:
            return [
                _(
                    "The journal is not kept: incidents are not found, and nothing is archived. The server starts it "
                    "by itself; its messages say why it ended (journalctl -u schoolfilter)."
                )
            ]
        found = []
        if self.state.error:
            found.append(_("The journal cannot be kept now: {error}").format(error=self.state.error))
        if self.lateness():
            found.append(self.lateness())
        return found

    def lateness(self) -> str:
        """Return by how much it is too far behind, a sentence; empty if it is not."""
        if self.state is None or self.state.lag_seconds <= LATE_SECONDS:
            return ""
        return _("The journal is {seconds} s behind the query log: incidents are found late.").format(
            seconds=self.state.lag_seconds
        )

    def unsent(self) -> list[str]:
        """Return by which ways nobody can be told of incidents now, a sentence for each cause."""
        if not self.running or self.state is None:
            return []
        causes: dict[tuple[str, str], list[Unsent]] = {}
        for each in self.state.unsent:
            causes.setdefault((each.channel, each.error), []).append(each)
        said = _(
            "{contacts}: not told of incidents by {channel}, last tried {moment}: {error}. It is tried again by "
            "itself; to try it now: schoolfilter journal contacts test NAME"
        )
        return [
            said.format(
                channel=_channel(channel),
                contacts=", ".join(each.contact for each in unsent),
                moment=f"{max(datetime.fromisoformat(each.at) for each in unsent):%Y-%m-%d %H:%M}",
                error=error.rstrip("."),
            )
            for (channel, error), unsent in causes.items()
        ]

    def as_json(self) -> Mapping[str, object]:
        """Return it for machines."""
        return {"running": self.running, **(asdict(self.state) if self.state is not None else {})}


def _channel(word: str) -> str:
    """Return a channel in words; what another version may have written stays as it is."""
    return channel_words(Channel(word)) if word in {each.value for each in Channel} else word


def read_kept(settings: Settings, now: datetime) -> Kept:
    """Return how the journal is kept. Raises nothing."""
    state = read_state(settings)
    if state is None:
        return Kept()
    return Kept(state.age(now) <= LATE_SECONDS and Path(f"/proc/{state.pid}").exists(), state)
