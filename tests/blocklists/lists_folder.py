"""Make lists folders for tests."""

from datetime import UTC, datetime
from pathlib import Path

from blocklists.rules import Format
from blocklists.sources import TEXTS, Source, load_sources, save_sources, text_path, with_source

NOW = datetime(2026, 9, 2, 8, 30, tzinfo=UTC)
DATA = Path(__file__).parents[2].parent / "shared" / "data"
"""Real lists; they lie beside the repository and are not part of it."""


def put(folder: Path, list_id: str, text: str, category: str = "games", form: Format | None = None) -> Source:
    """Register a list with its text, as a refresh would leave it."""
    (folder / TEXTS).mkdir(parents=True, exist_ok=True)
    text_path(folder, list_id).write_text(text, encoding="utf-8")
    source = Source(list_id, list_id, category, f"/nowhere/{list_id}", form)
    save_sources(folder, with_source(load_sources(folder), source))
    return source
