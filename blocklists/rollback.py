"""Go back to an older generation; give what was refused or rolled back another chance, or throw it away."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from blocklists.asked import Asked
from blocklists.compile import Built, check
from blocklists.disk import DISK, Disk, alone
from blocklists.errors import ListError
from blocklists.generation import CANDIDATE, CURRENT, Manifest, generation_folder, read_manifest
from blocklists.publish import Limits, Published, rebuild_alone
from blocklists.shelf import (
    REFUSED,
    Candidate,
    Refused,
    candidate_name,
    check_texts,
    forget_candidate,
    kept_sources,
    pointed_to,
    previous,
    put_text,
    read_candidate,
    restored,
    was_refused,
    with_text_of,
)
from blocklists.sources import SOURCES, Source, load_sources, save_sources
from translations import _


def publish_candidate(
    lists_folder: Path,
    *,
    force: bool = False,
    disk: Disk = DISK,
    now: datetime | None = None,
    asked: Asked | None = None,
    limits: Limits | None = None,
) -> Published:
    """Give the refused texts of the candidate another chance, together with what the other lists have by now.

    They are examined again; `force` publishes them whatever is found.
    Raises ListError if there is no candidate, OSError.
    """
    with alone(lists_folder):
        candidate = _candidate(lists_folder)
        folder = generation_folder(lists_folder, candidate.generation)
        then = {source.id: source for source in kept_sources(folder)}
        sources = list(load_sources(lists_folder))
        again = {each.id: each for each in candidate.refused}
        for number, source in enumerate(sources):
            if source.id in again:
                put_text(lists_folder, folder, source.id, disk)
                known = then.get(source.id, replace(source, sha256=again[source.id].sha256))
                taken = replace(with_text_of(source, known), sha256=again[source.id].sha256)
                kept = tuple(sha256 for sha256 in source.rolled_back if sha256 != taken.sha256)
                sources[number] = replace(taken, rejected="", rolled_back=kept, last_error="", enabled=True)
        save_sources(lists_folder, sources, disk)
        return rebuild_alone(lists_folder, disk=disk, now=now, asked=asked, limits=limits, force=force)


def discard_candidate(lists_folder: Path, *, disk: Disk = DISK) -> str:
    """Remove the candidate and return its name; the texts it was refused for are not taken again. Raises ListError."""
    with alone(lists_folder):
        name = candidate_name(lists_folder)
        if not name:
            raise _no_candidate()
        forget_candidate(lists_folder, disk)
        return name


def _candidate(lists_folder: Path) -> Candidate:
    candidate = read_candidate(lists_folder)
    if candidate is None:
        raise _no_candidate()
    check_texts(
        generation_folder(lists_folder, candidate.generation),
        ((each.id, each.sha256) for each in candidate.refused),
    )
    return candidate


def _no_candidate() -> ListError:
    return ListError(_("there is no candidate: nothing was refused or rolled back; see: schoolfilter lists show"))


def rollback(lists_folder: Path, generation: str | None = None, *, disk: Disk = DISK) -> Manifest:
    """Put the generation before the one in force (or a named one) in force again, with its lists and their texts.

    What is rolled back becomes the candidate; its texts are not taken again when a refresh brings them, and lists that
    were added since are switched off. Raises ListError, OSError.
    """
    with alone(lists_folder):
        leaving = pointed_to(lists_folder)
        name = generation or previous(lists_folder)
        if not name:
            raise ListError(_("there is no generation before the one in force, so there is nothing to go back to"))
        if name == leaving:
            raise ListError(_("the generation {generation} is in force already").format(generation=name))
        folder = generation_folder(lists_folder, name)
        if not folder.is_dir():
            message = _("there is no generation {generation}; `schoolfilter lists generations` names those there are")
            raise ListError(message.format(generation=name))
        if was_refused(folder):
            message = _(
                "the generation {generation} was refused and never in force. See: schoolfilter lists diff. "
                "To take it nevertheless: schoolfilter lists publish --force"
            )
            raise ListError(message.format(generation=name))
        manifest = read_manifest(folder)
        check_texts(folder, ((each.id, each.sha256) for each in manifest.lists))
        check(folder, Built(manifest, ()))
        sources = load_sources(lists_folder)
        rows = restored(sources, kept_sources(folder), manifest)
        save_sources(lists_folder, rows, disk)
        # Before the pointer moves, or a cut would leave no way forward again; what is in force counts as no candidate.
        waits = _keep_as_candidate(lists_folder, leaving, sources, rows, name, disk)
        disk.replace_text(lists_folder / CURRENT, name + "\n")
        for each in manifest.lists:
            put_text(lists_folder, folder, each.id, disk)
        if not waits and not candidate_name(lists_folder):
            forget_candidate(lists_folder, disk)
        return manifest


def _keep_as_candidate(
    lists_folder: Path, leaving: str, before: Sequence[Source], rows: Sequence[Source], name: str, disk: Disk
) -> bool:
    """Let what is in force wait as candidate once it is no more, if it differs by texts; return whether it does."""
    if not leaving or name > leaving:  # going forward again: nothing was given up
        return False
    folder = generation_folder(lists_folder, leaving)
    now = {source.id: source for source in rows}
    refused = tuple(
        Refused(source.id, source.sha256, now[source.id].sha256 if now[source.id].enabled else "")
        for source in before
        if source.enabled and source.id in now and now[source.id].rejected == source.sha256
    )
    if not refused or not (folder / SOURCES).exists():
        return False
    # A candidate from before only loses the pointer: who goes back step by step may want to go forward again.
    disk.write(folder / REFUSED, Candidate(leaving, refused, ()).to_json().encode())
    disk.replace_text(lists_folder / CANDIDATE, leaving + "\n")
    return True
