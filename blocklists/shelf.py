"""The generations that lie in a lists folder: which is in force, which waits as candidate, what each was made of."""

import json
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from blocklists.disk import Disk
from blocklists.errors import BrokenIndex, ListError
from blocklists.generation import (
    CANDIDATE,
    GENERATIONS,
    CompiledList,
    Manifest,
    current_generation,
    facts_of,
    generation_folder,
    other_generations,
    read_manifest,
    verify,
    verify_current,
)
from blocklists.sanity import Kind, Problem
from blocklists.sources import Source, load_sources, text_path
from translations import _

REFUSED = "refused.json"
"""In the folder of a candidate: which lists are to blame, and what was found."""
_ROLLED_BACK = 8
"""So many texts that were rolled back are remembered of each list."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One generation that lies in the folder."""

    name: str
    manifest: Manifest | None
    error: str
    """Why the manifest cannot be read; empty if it can."""
    in_force: bool
    candidate: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A list that did not get through with its new text."""

    id: str
    sha256: str
    """Of the refused text."""
    kept: str
    """Of the text that stays; a list that has got another since has moved on. Empty if it had none and is off."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A generation that waits for a person: refused by the checks, or rolled back."""

    generation: str
    refused: tuple[Refused, ...]
    problems: tuple[Problem, ...]
    """Empty if it was rolled back."""

    def to_json(self) -> str:
        """Return the text of refused.json."""
        facts = {"refused": [asdict(each) for each in self.refused], "problems": [asdict(p) for p in self.problems]}
        return json.dumps(facts, ensure_ascii=False, indent=1) + "\n"


def pointed_to(lists_folder: Path) -> str:
    """Return the generation that the pointer names; empty if it names none."""
    try:
        return current_generation(lists_folder)
    except BrokenIndex:
        return ""


def sound_current(lists_folder: Path) -> Manifest | None:
    """Return the manifest in force, if every byte of its generation is as it was compiled."""
    try:
        return verify_current(lists_folder)
    except BrokenIndex:
        return None


def sound_other(lists_folder: Path) -> Manifest | None:
    """Return the manifest of the best whole generation besides the one in force; None if there is none."""
    for name in other_generations(lists_folder):
        folder = generation_folder(lists_folder, name)
        with suppress(BrokenIndex):
            if not was_refused(folder):
                return verify(folder)
    return None


def generations(lists_folder: Path) -> tuple[Kept, ...]:
    """Return the generations that lie in the folder, newest first. Raises OSError."""
    in_force, candidate = pointed_to(lists_folder), candidate_name(lists_folder)
    found = []
    for name in sorted(_names(lists_folder), reverse=True):
        manifest, error = None, ""
        try:
            manifest = read_manifest(generation_folder(lists_folder, name))
        except BrokenIndex as broken:
            error = str(broken)
        found.append(Kept(name, manifest, error, name == in_force, name == candidate))
    return tuple(found)


def _names(lists_folder: Path) -> list[str]:
    try:
        return [path.name for path in (lists_folder / GENERATIONS).iterdir() if not path.name.startswith(".")]
    except FileNotFoundError:
        return []


def newest_moment(lists_folder: Path) -> datetime | None:
    """Return when the newest generation was made, by its name; None if there is none."""
    moments = []
    for name in _names(lists_folder):
        with suppress(ValueError):  # a folder that somebody else put there
            moments.append(datetime.strptime(name.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC))
    return max(moments, default=None)


def previous(lists_folder: Path) -> str:
    """Return the newest generation before the one in force that can be read; empty if there is none."""
    in_force = pointed_to(lists_folder)
    older = (
        each.name
        for each in generations(lists_folder)
        if each.name < in_force and not each.candidate and each.manifest is not None
        if not was_refused(generation_folder(lists_folder, each.name))
    )
    return next(older, "")


def candidate_name(lists_folder: Path) -> str:
    """Return the name of the candidate; empty if there is none. What is in force never is one."""
    try:
        name = (lists_folder / CANDIDATE).read_text(encoding="utf-8").strip()
        if not name or name == pointed_to(lists_folder) or not generation_folder(lists_folder, name).is_dir():
            return ""
    except (OSError, ValueError, BrokenIndex):
        return ""
    return name


def read_candidate(lists_folder: Path) -> Candidate | None:
    """Return the candidate; None if there is none, or none that can be read."""
    name = candidate_name(lists_folder)
    return _read_refused(generation_folder(lists_folder, name)) if name else None


def was_refused(folder: Path) -> bool:
    """Tell whether the checks refused a generation; one that was rolled back they did not."""
    candidate = _read_refused(folder)
    return candidate is not None and bool(candidate.problems)


def _read_refused(folder: Path) -> Candidate | None:
    try:
        raw: dict[str, Any] = json.loads((folder / REFUSED).read_bytes())
        problems = tuple(
            Problem(**{**each, "kind": Kind(each["kind"]), "lists": tuple(each["lists"])}) for each in raw["problems"]
        )
        return Candidate(folder.name, tuple(Refused(**each) for each in raw["refused"]), problems)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def forget_candidate(lists_folder: Path, disk: Disk, *, spare: str = "") -> None:
    """Let no candidate wait any more, and remove its generation unless it is to be spared or is in force."""
    name = candidate_name(lists_folder)
    if (lists_folder / CANDIDATE).exists():
        disk.remove(lists_folder / CANDIDATE)
    if name and name != spare:
        disk.remove(generation_folder(lists_folder, name))


def waits_still(candidate: Candidate, sources: Sequence[Source]) -> bool:
    """Tell whether any list of a candidate still has what it had when its new text was refused."""
    now = {source.id: source for source in sources}
    for refused in candidate.refused:
        source = now.get(refused.id)
        if source is not None and source.rejected == refused.sha256:
            if not refused.kept and not source.enabled:
                return True
            if refused.kept and source.sha256 == refused.kept:
                return True
    return False


def prune(lists_folder: Path, keep: int, disk: Disk) -> None:
    """Remove generations beyond the one in force, the candidate, and the newest `keep` - 1 before the one in force.

    One that cannot be read or was refused takes nobody's place.

    A worker that still maps one of them goes on with it: the files live until they are unmapped.
    """
    in_force, candidate = pointed_to(lists_folder), candidate_name(lists_folder)
    sound = [each.name for each in generations(lists_folder) if each.manifest is not None]
    older = [
        name
        for name in sound
        if name < in_force and name != candidate and not was_refused(generation_folder(lists_folder, name))
    ]
    stay = {in_force, candidate, *sorted(older, reverse=True)[: max(keep - 1, 1)]}
    for name in _names(lists_folder):
        if name not in stay:
            disk.remove(lists_folder / GENERATIONS / name)


def kept_sources(folder: Path) -> tuple[Source, ...]:
    """Return the lists as they were when a generation was compiled; none if it does not say."""
    try:
        return load_sources(folder)
    except ListError:
        return ()


def put_text(lists_folder: Path, generation: Path, list_id: str, disk: Disk) -> None:
    """Make the text that a generation was compiled from the list's text again. Raises OSError."""
    aside = text_path(lists_folder, list_id).with_name(f".incoming-{list_id}.restored")
    original = text_path(generation, list_id)
    # A copy, not a link: what is in force must not depend on nobody ever writing into a file in place.
    disk.save(aside, lambda path: _copy(original, path))
    disk.move(aside, text_path(lists_folder, list_id))


def _copy(original: Path, path: Path) -> None:
    shutil.copyfile(original, path)


def check_texts(folder: Path, texts: Iterable[tuple[str, str]]) -> None:
    """Make sure that a generation has its texts, by list and SHA-256, whole. Raises ListError."""
    for list_id, sha256 in texts:
        try:
            whole = facts_of(text_path(folder, list_id)).sha256 == sha256
        except OSError:
            whole = False
        if not whole:
            message = _(
                "the generation {generation} does not have the text of the list {id} any more, so it cannot be "
                "restored; `schoolfilter lists generations` shows which others there are"
            )
            raise ListError(message.format(generation=folder.name, id=list_id))


def mend_rejected(lists_folder: Path, sources: Sequence[Source], disk: Disk) -> None:
    """Take rejected texts away that a power cut left in place, and put back those that should stand there."""
    for source in sources:
        if not source.rejected or source.rejected == source.sha256:
            continue
        try:
            if facts_of(text_path(lists_folder, source.id)).sha256 != source.rejected:
                continue
        except OSError:
            continue  # the compiler tells it better
        for kept in generations(lists_folder):
            lists = kept.manifest.lists if kept.manifest is not None else ()
            if any(each.id == source.id and each.sha256 == source.sha256 for each in lists):
                put_text(lists_folder, generation_folder(lists_folder, kept.name), source.id, disk)
                break


def with_text_of(now: Source, then: Source | CompiledList) -> Source:
    """Return a list with what is known of another version of its text."""
    unused = getattr(then, "unused", 0)
    return replace(now, rules=then.rules, skipped=then.skipped, unused=unused, sha256=then.sha256)


def restored(now: Sequence[Source], then: Sequence[Source], manifest: Manifest) -> list[Source]:
    """Return the lists as they were when a generation was compiled, and mark what they had meanwhile as rejected."""
    compiled = {each.id: each for each in manifest.lists}
    present = {source.id: source for source in now}
    known = {source.id: source for source in then}
    restored = []
    for list_id in (*known, *(each for each in present if each not in known)):
        current, source = present.get(list_id), known.get(list_id) or present[list_id]
        if list_id in compiled:
            source = with_text_of(replace(source, enabled=True, last_error=""), compiled[list_id])
            if current is not None and current.sha256 != source.sha256:
                source = replace(source, rejected=current.sha256, rolled_back=_with_rolled_back(current, source.sha256))
            elif current is not None:
                source = replace(source, rejected=current.rejected, rolled_back=current.rolled_back)
            if current is not None and current.location == source.location:
                # The source need not send again what we do not take.
                source = replace(source, etag=current.etag, last_modified=current.last_modified)
        elif current is not None and current.enabled:
            text = _("switched off by going back to {generation}, which did not have it")
            error = text.format(generation=manifest.generation)
            source = replace(current, enabled=False, rejected=current.sha256, last_error=error)
        else:
            source = current or source
        restored.append(source)
    return restored


def _with_rolled_back(leaving: Source, taken: str) -> tuple[str, ...]:
    """Return what was rolled back of a list, the text it has left now first, without the one it has gone back to."""
    known = dict.fromkeys((leaving.sha256, *leaving.rolled_back))
    return tuple(sha256 for sha256 in known if sha256 not in (taken, ""))[:_ROLLED_BACK]
