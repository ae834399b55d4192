"""What `status` says about the lists: when they were refreshed, what of them waits for a person."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from blocklists.errors import BrokenIndex, ListError
from blocklists.generation import CANDIDATE, current_generation, generation_folder, read_manifest
from blocklists.note import Note, read_note
from blocklists.sources import Source, load_sources
from blocklists.starters import is_packaged


@dataclass(frozen=True, slots=True)
class ListsState:
    """The lists as their folder shows them, whatever the server does."""

    generation: str = ""
    """In force by the pointer; the workers say what they really use."""
    held: int = 0
    """Rules that wait for a person's word."""
    shadow: tuple[str, ...] = ()
    """Lists that only count what they would have blocked."""
    candidate: str = ""
    """A generation that waits for a person's word."""
    rejected: tuple[str, ...] = ()
    """Lists of which a newer text is not taken, for it was refused or rolled back."""
    refreshed: str = ""
    """When a list was last fetched by schedule or by hand (RFC 3339); empty if none ever was."""
    note: Note | None = None


def read_lists_state(lists_folder: Path) -> ListsState:
    """Look into the folder of the lists; what cannot be read is left out: `lists show` says why. Raises nothing."""
    generation, held = _in_force(lists_folder)
    sources: tuple[Source, ...] = ()
    candidate = ""
    with suppress(ListError, OSError):
        sources = load_sources(lists_folder)
    with suppress(OSError, ValueError):
        candidate = (lists_folder / CANDIDATE).read_text(encoding="ascii").strip()
    enabled = [source for source in sources if source.enabled]
    return ListsState(
        generation,
        held,
        tuple(source.id for source in enabled if source.shadow),
        candidate,
        tuple(source.id for source in enabled if keeps_back(source)),
        # What comes with the program is not fetched, and its texts are looked at by every refresh.
        max((source.last_refresh for source in sources if not is_packaged(source.location)), default=""),
        read_note(lists_folder),
    )


def keeps_back(source: Source) -> bool:
    """Tell whether a list does not take a text, for it was refused at publishing or rolled back."""
    return bool(source.rejected) and source.rejected != source.sha256


def _in_force(lists_folder: Path) -> tuple[str, int]:
    """Return the generation in force and how many rules it holds back; if it cannot be read, the workers say so."""
    generation = ""
    with suppress(BrokenIndex, OSError):
        generation = current_generation(lists_folder)
        if generation:
            manifest = read_manifest(generation_folder(lists_folder, generation))
            return generation, sum(each.held_count for each in manifest.lists)
    return generation, 0


def moment(text: str) -> datetime | None:
    """Return a moment that the refresher wrote, None if it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
