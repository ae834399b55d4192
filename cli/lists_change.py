"""`lists add`, `set` and `remove`: which lists there are, and how each is taken."""

import shlex
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import click

from blocklists.catalogue import CATALOGUE, entry, source_of
from blocklists.errors import FetchError, ListError
from blocklists.generation import current_generation, generation_folder, read_manifest
from blocklists.refresh import Changes, add, change, remove
from blocklists.rules import Format, Rule, Skipped
from blocklists.sources import Source, find_source, load_sources, read_items, text_path
from cli.amounts import number
from cli.context import pass_settings
from cli.errors import Failure, Misuse
from cli.lists_effect import Effect, compile_lists, end, say_effect
from cli.lists_refresh import fetch_rules, progress_bar
from cli.lists_words import WARN, feeds, say_skipped, why_held
from cli.terminal import Terminal
from cli.typed import names_of, text_of
from policy.names import display_name
from policy.presets import PRESETS, PRESETS_BY_ID
from settings.model import Settings
from translations import _

_FAULTS_TOLD = 3
_HELD_TOLD = 3
_LONGEST_TITLE = 80
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")

_category_option = click.option("--category", metavar="CATEGORY", help=_("The category or service that it feeds."))
_format_option = click.option(
    "--format",
    "form",
    type=click.Choice([each.value for each in Format]),
    help=_("How it is written, if not to be detected."),
)
_title_option = click.option("--title", metavar="TEXT", help=_("What people call it."))
_subdomains_option = click.option(
    "--subdomains/--no-subdomains",
    default=None,
    help=_("Whether a name covers what is below it; if not given: as the format has it."),
)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was said on the command line about a list; None means nothing."""

    location: str | None
    category: str | None
    form: str | None
    title: str | None
    member: str | None
    subdomains: bool | None
    suffixes: bool
    shadow: bool
    checksum: str | None
    minisign: str | None

    def of(self, list_id: str) -> Source:
        """Return the list as it is to be added. Raises ListError, Misuse."""
        if list_id in CATALOGUE:
            source = source_of(CATALOGUE[list_id])
            if self.location is not None:
                # A mirror, or a copy brought on a stick: what its maker publishes elsewhere need not fit it.
                member = source.member if _has_parts(self.location) else ""
                source = replace(source, location=self.location, checksum="", member=member)
        elif self.location is None:
            source = source_of(entry(list_id))  # raises, naming the nearest
        elif self.category is None:
            raise Misuse(_("expected --category CATEGORY for a list that is not of the catalogue"))
        else:
            source = Source(list_id, list_id, self.category, self.location)
        said = {
            "category": self.category,
            "format": Format(self.form) if self.form else None,
            "title": text_of(self.title, "--title", _LONGEST_TITLE) if self.title else None,
            "member": self.member,
            "subdomains": self.subdomains,
            "suffixes": self.suffixes or None,
            "shadow": self.shadow or None,
            "checksum": self.checksum,
            "minisign": self.minisign,
        }
        return replace(source, **{key: value for key, value in said.items() if value is not None})  # type: ignore[arg-type] # fields of Source by name


def _has_parts(location: str) -> bool:
    """Tell whether a location is an archive or a folder, by its looks."""
    return location.endswith(_ARCHIVES) or Path(location).is_dir()


@click.command(
    "add",
    help=_(
        "Add a list and compile it. Without LOCATION, ID is one of the catalogue (lists catalogue); LOCATION is a "
        "file, a folder or an https: address.\n\n"
        "Example: schoolfilter lists add ut1-gambling\n\n"
        "Example: schoolfilter lists add our-games /srv/games.txt --category games"
    ),
)
@click.argument("id_", metavar="[ID]", required=False)
@click.argument("location", required=False)
@click.option(
    "--preset", type=click.Choice([each.id for each in PRESETS]), help=_("All lists that suit such a school instead.")
)
@click.option(
    "--except", "left_out", multiple=True, metavar="ID", help=_("With --preset: a list to leave out (may be repeated).")
)
@_category_option
@_format_option
@_title_option
@click.option("--member", metavar="NAME", help=_("Which part of an archive or folder to take."))
@_subdomains_option
@click.option("--suffixes", is_flag=True, help=_("Public suffixes on it are meant (lists of dynamic DNS or hosting)."))
@click.option("--shadow", is_flag=True, help=_("On trial: only count what it would block."))
@click.option("--checksum", metavar="LOCATION", help=_("Where its file of checksums is."))
@click.option("--minisign", metavar="KEY", help=_("The public key that signs it."))
@click.option("--force", is_flag=True, help=_("Take it though many of its lines are at fault."))
@pass_settings
def add_command(
    settings: Settings,
    id_: str | None,
    location: str | None,
    preset: str | None,
    left_out: tuple[str, ...],
    category: str | None,
    form: str | None,
    title: str | None,
    member: str | None,
    subdomains: bool | None,
    suffixes: bool,
    shadow: bool,
    checksum: str | None,
    minisign: str | None,
    force: bool,
) -> None:
    """Fetch, judge, register and compile one list or those of a preset."""
    said = Wishes(location, category, form, title, member, subdomains, suffixes, shadow, checksum, minisign)
    if (id_ is None) == (preset is None):
        raise Misuse(
            _("expected the ID of a list, or --preset; `schoolfilter lists catalogue` names what can be added")
        )
    if preset is not None:
        if said != Wishes(None, None, None, None, None, None, False, shadow, None, None):
            raise Misuse(
                _("--preset takes each list as the catalogue has it: expected no other option but --shadow, --except")
            )
        _add_preset(settings, preset, left_out, said, force)
        return
    if left_out:
        raise Misuse(_("--except goes with --preset"))
    assert id_ is not None  # noqa: S101 - for mypy: checked above
    terminal = Terminal()
    try:
        added = _add(settings, said.of(id_), force)
    except FetchError as error:
        raise FetchError("\n".join(filter(None, (str(error), _elsewhere(id_, location))))) from error
    _say_added(terminal, settings, added)
    end(_finish(terminal, settings, [added]))


def _add(settings: Settings, wanted: Source, force: bool) -> Source:
    folder, bad = settings.paths.lists, settings.lists.bad_lines_percent
    rules = fetch_rules(settings)
    with progress_bar(wanted.id) as bar:
        return add(folder, wanted, rules, datetime.now(UTC), bad_percent=bad, force=force, progress=bar)


def _elsewhere(list_id: str, location: str | None) -> str:
    """Return where else a list of the catalogue can be had, as a next step."""
    if location is not None or list_id not in CATALOGUE:
        return ""
    _first, *mirrors = CATALOGUE[list_id].urls
    if mirrors:
        text = _("Its maker has mirrors, try: schoolfilter lists add {id} {mirror}")
        return text.format(id=list_id, mirror=mirrors[0])
    return _("A copy from elsewhere will do: schoolfilter lists add {id} FILE").format(id=list_id)


def _add_preset(settings: Settings, preset: str, left_out: Sequence[str], said: Wishes, force: bool) -> None:
    """Add the lists that are not there yet; one that fails does not stop the others."""
    terminal = Terminal()
    of_preset = PRESETS_BY_ID[preset].lists
    unknown = [each for each in left_out if each not in of_preset]
    if unknown:
        text = _("--except: expected lists of the preset {preset} ({lists}), found {unknown}")
        raise Misuse(text.format(preset=preset, lists=", ".join(of_preset), unknown=", ".join(unknown)))
    present = {source.id for source in load_sources(settings.paths.lists)}
    added, failed = [], []
    for list_id in of_preset:
        if list_id in left_out:
            continue
        if list_id in present:
            terminal.say(_("{id}: is there already").format(id=list_id))
            continue
        try:
            source = _add(settings, said.of(list_id), force)
        except (ListError, OSError) as error:
            failed.append(list_id)
            Terminal(stderr=True).say(_("{id}: not added: {error}").format(id=list_id, error=error), WARN)
        else:
            added.append(source)
            _say_added(terminal, settings, source)
    effect = _finish(terminal, settings, added) if added else None
    if failed:
        again = ["--preset", preset, *(word for each in left_out for word in ("--except", each))]
        again += ["--shadow"] * said.shadow + ["--force"] * force
        message = _("could not add: {lists}. Try again later: schoolfilter lists add {options}")
        raise Failure(message.format(lists=", ".join(failed), options=shlex.join(again)))
    if effect is not None:
        end(effect)


def _say_added(terminal: Terminal, settings: Settings, added: Source) -> None:
    text = _("{id}: {category}, rules: {rules}")
    counts = [text.format(id=added.id, rules=number(added.rules), category=feeds(added.category))]
    if added.skipped:
        counts.append(_("lines skipped: {count}").format(count=number(added.skipped)))
    if added.unused:
        counts.append(_("lines without meaning for DNS: {count}").format(count=number(added.unused)))
    terminal.say(", ".join(counts))
    if added.skipped:
        path = text_path(settings.paths.lists, added.id)
        say_skipped(terminal, added.id, list(islice(_faults(path, added), _FAULTS_TOLD)), added.skipped)


def _faults(path: Path, source: Source) -> Iterator[Skipped]:
    return (item for item in read_items(path, source) if not isinstance(item, Rule) and item.fault)


def _finish(terminal: Terminal, settings: Settings, changed: list[Source]) -> Effect:
    """Compile, and say what that means for these lists."""
    effect = compile_lists(settings)
    compiled = {each.id: each for each in effect.manifest.lists}
    for source in changed:
        if source.id in compiled and compiled[source.id].held_count:
            text = _("{id}: held rules: {count}. They would close far more than one site, so they do not block:")
            terminal.say(text.format(id=source.id, count=number(compiled[source.id].held_count)), WARN)
            for held in compiled[source.id].held[:_HELD_TOLD]:
                terminal.say(f"  {source.id}:{held.line}: {display_name(held.name)}: {why_held(held)}")
            text = _("  See: schoolfilter lists held {id}; to let one through: lists set {id} --accept NAME")
            terminal.say(text.format(id=source.id))
        if source.shadow:
            text = _("{id} is on trial: it blocks nothing. What it would block: schoolfilter lists shadow {id}")
            terminal.say(text.format(id=source.id))
    say_effect(terminal, effect, [source.id for source in changed])
    return effect


@click.command(
    "set",
    help=_("Change how a list is taken, and compile.\n\nExample: schoolfilter lists set our-games --shadow"),
)
@click.argument("id_", metavar="ID")
@click.option("--shadow/--enforce", default=None, help=_("On trial (only count what it would block), or block."))
@click.option("--enable/--disable", default=None, help=_("Use it, or leave it out and keep it."))
@_subdomains_option
@click.option(
    "--suffixes/--no-suffixes", default=None, help=_("Whether public suffixes on it are meant (dynamic DNS, hosting).")
)
@click.option(
    "--accept", "accept", multiple=True, metavar="NAME", help=_("A held name to let through (may be repeated).")
)
@click.option(
    "--hold", "hold", multiple=True, metavar="NAME", help=_("A name no longer to let through (may be repeated).")
)
@_category_option
@_format_option
@_title_option
@pass_settings
def set_command(
    settings: Settings,
    id_: str,
    shadow: bool | None,
    enable: bool | None,
    subdomains: bool | None,
    suffixes: bool | None,
    accept: tuple[str, ...],
    hold: tuple[str, ...],
    category: str | None,
    form: str | None,
    title: str | None,
) -> None:
    """Change the settings of a list."""
    folder = settings.paths.lists
    before = find_source(load_sources(folder), id_)
    said: Changes = {}
    if shadow is not None:
        said["shadow"] = shadow
    if enable is not None:
        said["enabled"] = enable
    if subdomains is not None:
        said["subdomains"] = subdomains
    if suffixes is not None:
        said["suffixes"] = suffixes
    if accept or hold:
        dropped = {_rule_named(text, before.accepted) for text in hold}
        said["accepted"] = tuple(
            each for each in (*before.accepted, *_held_named(settings, id_, accept)) if each not in dropped
        )
    if category is not None:
        said["category"] = category
    if form is not None:
        said["format"] = Format(form)
    if title is not None:
        said["title"] = text_of(title, "--title", _LONGEST_TITLE)
    if not said:
        raise Misuse(_("expected something to change, such as --shadow, --disable or --accept; --help lists them"))
    changed = change(folder, id_, **said)
    terminal = Terminal()
    terminal.say(_("{id}: changed").format(id=id_))
    end(_finish(terminal, settings, [changed]))


def _held_named(settings: Settings, list_id: str, texts: tuple[str, ...]) -> list[str]:
    """Return the held rules that were named, as the list has them. Raises Misuse, or Failure for what is not held."""
    compiled = None
    with suppress(ListError):  # nothing is compiled, or nothing that can be read: then nothing can be compared
        folder = settings.paths.lists
        manifest = read_manifest(generation_folder(folder, current_generation(folder)))
        compiled = next((each for each in manifest.lists if each.id == list_id), None)
    held = {each.name for each in compiled.held} if compiled is not None else set()
    names = [_rule_named(text, held) for text in texts]
    accepted = find_source(load_sources(settings.paths.lists), list_id).accepted
    unknown = [name for name in names if name not in held and name not in accepted]
    # Of very many held rules the manifest names the first only.
    if unknown and compiled is not None and compiled.held_count == len(compiled.held):
        message = _("{list} holds no rule for {names}; `schoolfilter lists held {list}` shows what is held")
        raise Failure(message.format(list=list_id, names=", ".join(map(display_name, unknown))))
    return names


def _rule_named(text: str, known: Collection[str]) -> str:
    """Return a name in its canonical form; patterns and networks stay as the list has them."""
    return text if text in known else names_of([text])[0]


@click.command(
    "remove", help=_("Remove a list and compile the others.\n\nExample: schoolfilter lists remove our-games")
)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@pass_settings
def remove_command(settings: Settings, ids: tuple[str, ...]) -> None:
    """Forget lists."""
    folder = settings.paths.lists
    for id_ in ids:
        find_source(load_sources(folder), id_)  # all or none
    terminal = Terminal()
    for id_ in dict.fromkeys(ids):
        remove(folder, id_)
        terminal.say(_("{id}: removed").format(id=id_))
    say_effect(terminal, compile_lists(settings), ids)
