"""Put a new generation in force, or leave the old one.

The order of steps is such that a cut between any two leaves a working generation in force, and the next rebuild
finishes or undoes what was begun: the pointer `current` is replaced only when all it names is on the disk, and what
`sources.json` says of a rejected text counts more than the text itself (`shelf.mend_rejected`).
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from blocklists.asked import Asked
from blocklists.breadth import Breadth
from blocklists.bundles import load_bundles
from blocklists.compile import Built, build, check
from blocklists.disk import DISK, Disk, alone
from blocklists.errors import BrokenIndex, ListError
from blocklists.generation import (
    CANDIDATE,
    CURRENT,
    GENERATIONS,
    Manifest,
    current_generation,
    generation_folder,
    read_manifest,
)
from blocklists.index import Index, open_current
from blocklists.sanity import BLOCKED, Expectations, Kind, OpenName, Problem, covering, examine
from blocklists.search import find_line
from blocklists.shelf import (
    REFUSED,
    Candidate,
    Refused,
    forget_candidate,
    mend_rejected,
    newest_moment,
    pointed_to,
    prune,
    put_text,
    read_candidate,
    sound_current,
    sound_other,
    waits_still,
    with_text_of,
)
from blocklists.sources import SOURCES, Source, load_sources, save_sources
from blocklists.starters import is_packaged, missing_packaged, register_missing, register_starter
from blocklists.suffixes import bundled
from policy.names import InvalidName, parse_name
from policy.needed import DEVICES, EDUCATION
from settings.model import Settings
from translations import _

_log = logging.getLogger(__name__)

_BUILDING = ".building"
"""A generation that is being written; one that is found at the start was left by a crash."""
_LINES_TOLD = 20
"""For so many findings the line is looked up: each costs a reading of the list."""
_ERROR_TOLD = 3
"""So many findings are kept as a list's last error; the candidate keeps them all."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a new generation is held against, and how much is kept."""

    must_open: tuple[str, ...] = ()
    must_block: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    broad_percent: int = 5
    top_names: int = 1000
    keep: int = 2

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Read them from the settings. Raises ListError for what is no name after all."""
        lists = settings.lists
        return cls(
            _canonical("lists.must_open", lists.must_open),
            _canonical("lists.must_block", lists.must_block),
            _canonical("school.protected", settings.school.protected),
            lists.broad_percent,
            lists.top_names,
            lists.keep,
        )


@dataclass(frozen=True, slots=True)
class Published:
    """How a rebuild ended."""

    manifest: Manifest
    """Of the generation in force now."""
    changed: bool
    """Whether it was put in force just now."""
    problems: tuple[Problem, ...] = ()
    """What was found about the texts that were compiled; those that refuse first."""
    refused: tuple[str, ...] = ()
    """The lists whose new text did not get through; they keep the text in force, or are off if they had none."""

    @property
    def held(self) -> int:
        """How many rules are held for the operator."""
        return sum(each.held_count for each in self.manifest.lists)


def rebuild(
    lists_folder: Path,
    *,
    disk: Disk = DISK,
    now: datetime | None = None,
    asked: Asked | None = None,
    limits: Limits | None = None,
    force: bool = False,
) -> Published:
    """Compile all enabled lists, look at the result, and put it in force if it may be.

    Nothing is published if nothing changed. A list whose new text would do harm goes back to the text in force, and
    the news of the other lists are published without it. Whatever goes wrong, the generation in force stays.
    Raises ListError, OSError.
    """
    with alone(lists_folder):
        return rebuild_alone(lists_folder, disk=disk, now=now, asked=asked, limits=limits, force=force)


def rebuild_alone(
    lists_folder: Path,
    *,
    disk: Disk,
    now: datetime | None,
    asked: Asked | None,
    limits: Limits | None,
    force: bool,
) -> Published:
    """Do what `rebuild` does for a caller who holds the folder alone."""
    return _Rebuild(lists_folder, disk, now, asked, limits or Limits(), force).run()


def _moment(lists_folder: Path, now: datetime | None) -> datetime:
    """Return when the next generation is made: later than all others, whatever the clock says; names order them."""
    moment = now or datetime.now(UTC)
    newest = newest_moment(lists_folder)
    return moment if newest is None or newest < moment.replace(microsecond=0) else newest + timedelta(seconds=1)


@dataclass(slots=True)
class _Rebuild:
    """One rebuild; the caller holds the folder alone."""

    folder: Path
    disk: Disk
    now: datetime | None
    asked: Asked | None
    limits: Limits
    force: bool

    def run(self) -> Published:
        self.disk.make_folder(self._building.parent)
        mend_rejected(self.folder, load_sources(self.folder), self.disk)
        problems: list[Problem] = []
        refused: list[str] = []
        current = sound_current(self.folder)
        # A damaged generation is replaced whatever was compiled, but not by what does harm.
        before = current or sound_other(self.folder)
        breadth = self._breadth(before)
        while True:
            sources = load_sources(self.folder)
            built = self._build(sources, breadth)
            if current is not None and current.content() == built.manifest.content():
                self.disk.remove(self._building)
                return self._result(current, False, problems, refused)
            check(self._building, built)
            found = self._examine(built.manifest, before, breadth, sources)
            problems += [problem for problem in found if problem not in problems]
            harmful = [problem for problem in found if problem.refuses]
            if before is None or self.force or not harmful:
                self._publish(built.manifest, before)
                return self._result(built.manifest, True, problems, refused)
            # Each turn takes at least one list back to what is in force, so it ends.
            refused += self._refuse(built.manifest, before, sources, harmful)

    @property
    def _building(self) -> Path:
        return self.folder / GENERATIONS / _BUILDING

    def _result(self, manifest: Manifest, changed: bool, found: list[Problem], refused: list[str]) -> Published:
        return Published(manifest, changed, tuple(sorted(found, key=lambda each: not each.refuses)), tuple(refused))

    def _breadth(self, before: Manifest | None) -> Breadth:
        top = self.asked.top(self.limits.top_names) if self.asked is not None else ()
        old = Index.open(generation_folder(self.folder, before.generation)) if before is not None else None
        try:
            # Whoever has no names looked at wants nothing held, and not what was held before kept so.
            percent = self.limits.broad_percent if self.limits.top_names else 100
            return Breadth.of(top, percent, before, old)
        finally:
            if old is not None:
                old.close()

    def _build(self, sources: Sequence[Source], breadth: Breadth) -> Built:
        self.disk.remove(self._building)
        self.disk.make_folder(self._building)
        enabled = [source for source in sources if source.enabled]
        # Each is later than a candidate that was just set aside: their names tell them apart and order them.
        moment = _moment(self.folder, self.now)
        built = build(self.folder, enabled, self._building, self.disk, moment, breadth=breadth)
        save_sources(self._building, sources, self.disk)
        return built

    def _examine(
        self, manifest: Manifest, before: Manifest | None, breadth: Breadth, sources: Sequence[Source]
    ) -> list[Problem]:
        new = Index.open(self._building)
        old = Index.open(generation_folder(self.folder, before.generation)) if before is not None else None
        try:
            found = [
                *examine(new, manifest, old, before, expectations(self.limits), bundled()),
                *covering(breadth.covering(new, sources)),
            ]
        finally:
            new.close()
            if old is not None:
                old.close()
        return [
            replace(problem, line=self._line(problem)) if number < _LINES_TOLD else problem
            for number, problem in enumerate(found)
        ]

    def _line(self, problem: Problem) -> int | None:
        if problem.kind is not Kind.CLOSED:
            return problem.line
        # The folder has sources and texts as a lists folder has them, and nothing is in force in it.
        return find_line(self._building, problem.lists[0], problem.rule)

    def _publish(self, manifest: Manifest, before: Manifest | None) -> None:
        folder = generation_folder(self.folder, manifest.generation)
        self.disk.remove(folder)  # of the same second and content, but not in force: left by a crash
        self.disk.move(self._building, folder)
        leaving = pointed_to(self.folder)
        self.disk.replace_text(self.folder / CURRENT, manifest.generation + "\n")
        self._move_on(manifest, before)
        candidate = read_candidate(self.folder)
        if candidate is None or not waits_still(candidate, load_sources(self.folder)):
            forget_candidate(self.folder, self.disk, spare=leaving)
        prune(self.folder, self.limits.keep, self.disk)

    def _move_on(self, manifest: Manifest, before: Manifest | None) -> None:
        """Forget what was rejected of lists that have got through with a newer text since."""
        texts = {each.id: each.sha256 for each in manifest.lists}
        known = {each.id: each.sha256 for each in before.lists} if before is not None else {}
        sources = load_sources(self.folder)
        moved = [
            replace(source, rejected="")
            if source.rejected and texts.get(source.id, source.rejected) not in (source.rejected, known.get(source.id))
            else source
            for source in sources
        ]
        if moved != list(sources):
            save_sources(self.folder, moved, self.disk)

    def _refuse(
        self, manifest: Manifest, before: Manifest, sources: Sequence[Source], harmful: Sequence[Problem]
    ) -> list[str]:
        """Set the candidate aside and take the lists to blame back to the text in force; return their ids."""
        guilty = list(dict.fromkeys(list_id for problem in harmful for list_id in problem.lists))
        texts = {each.id: each.sha256 for each in manifest.lists}
        in_force = {each.id: each for each in before.lists}
        entries = [Refused(each, texts[each], in_force[each].sha256 if each in in_force else "") for each in guilty]
        merged = self._set_aside(manifest, Candidate(manifest.generation, tuple(entries), tuple(harmful)), sources)
        reverted = {}
        for source in sources:
            if source.id in guilty:
                error = _refusal([problem for problem in harmful if source.id in problem.lists])
                reverted[source.id] = replace(source, rejected=texts[source.id], last_error=error)
                if source.id in in_force:
                    reverted[source.id] = with_text_of(reverted[source.id], in_force[source.id])
                else:
                    reverted[source.id] = replace(reverted[source.id], enabled=False)
        save_sources(self.folder, [reverted.get(source.id, source) for source in sources], self.disk)
        for list_id in guilty:
            if list_id in in_force:
                put_text(self.folder, generation_folder(self.folder, before.generation), list_id, self.disk)
        if merged and merged != before.generation:
            self.disk.remove(generation_folder(self.folder, merged))
        return guilty

    def _set_aside(self, manifest: Manifest, candidate: Candidate, sources: Sequence[Source]) -> str:
        """Keep what was refused, with what is still waiting from before, for a person to look at.

        Return the name of the candidate from before, which nobody needs any more; empty if there was none.
        """
        waiting = read_candidate(self.folder)
        if waiting is not None and waiting.generation != manifest.generation and waits_still(waiting, sources):
            folder = generation_folder(self.folder, waiting.generation)
            known = {each.id for each in candidate.refused}
            for older in waiting.refused:
                if older.id not in known:
                    put_text(self._building, folder, older.id, self.disk)
            candidate = Candidate(
                candidate.generation,
                (*candidate.refused, *(older for older in waiting.refused if older.id not in known)),
                (*candidate.problems, *waiting.problems),
            )
        self.disk.write(self._building / REFUSED, candidate.to_json().encode())
        folder = generation_folder(self.folder, manifest.generation)
        self.disk.remove(folder)
        self.disk.move(self._building, folder)
        self.disk.replace_text(self.folder / CANDIDATE, manifest.generation + "\n")
        return waiting.generation if waiting is not None and waiting.generation != manifest.generation else ""


def expectations(limits: Limits) -> Expectations:
    """Return what every generation must leave open and must block."""
    bundles = load_bundles()
    needed = [OpenName(each.name, each.subtree) for bundle in (EDUCATION, DEVICES) for each in bundles.get(bundle, ())]
    named = [OpenName(name, needed=False) for name in limits.must_open]
    protected = [OpenName(name) for name in limits.protected]
    blocked = dict.fromkeys(name for names in (*BLOCKED.values(), limits.must_block) for name in names)
    return Expectations((*named, *protected, *needed), tuple(blocked))


def _canonical(key: str, names: Iterable[str]) -> tuple[str, ...]:
    try:
        return tuple(map(parse_name, names))
    except InvalidName as error:
        raise ListError(_("{key} in the settings: {error}").format(key=key, error=error)) from error


def _refusal(problems: Sequence[Problem]) -> str:
    told = "; ".join(problem.words() for problem in problems[:_ERROR_TOLD])
    text = _(
        "the new text was refused: {problems}; the text before it stays in force. See: schoolfilter lists diff. "
        "To take it nevertheless: schoolfilter lists publish --force"
    )
    return text.format(problems=told)


def ensure_starter(
    lists_folder: Path, limits: Limits | None = None, *, disk: Disk = DISK, now: datetime | None = None
) -> None:
    """Register the lists that come with the program and were never offered here, and compile if they are not in force.

    What the school asks for is not read, so what is held for its breadth stays as it was. Costs next to nothing where
    everything is in place. Raises ListError, OSError.
    """
    moment = now or datetime.now(UTC)
    if not (lists_folder / SOURCES).exists():
        with alone(lists_folder):
            if not (lists_folder / SOURCES).exists():  # another process may have been faster
                register_starter(lists_folder, disk, moment)
    elif missing_packaged(lists_folder, load_sources(lists_folder)):
        with alone(lists_folder):
            register_missing(lists_folder, disk, moment)
    try:
        open_current(lists_folder).close()
        if _packaged_in_force(lists_folder):
            return
    except BrokenIndex as error:
        _log.warning("%s: compiling the lists again", error)
    rebuild(lists_folder, disk=disk, now=moment, limits=limits)


def _packaged_in_force(lists_folder: Path) -> bool:
    generation = current_generation(lists_folder)
    if not generation:
        return False
    compiled = {each.id for each in read_manifest(generation_folder(lists_folder, generation)).lists}
    sources = load_sources(lists_folder)
    return all(source.id in compiled for source in sources if source.enabled and is_packaged(source.location))
