"""`lists show`, `held` and `search`: what the lists are, what waits for a person's word, and who speaks of a name."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import click

from blocklists.errors import BrokenIndex, ListError
from blocklists.generation import CompiledList, Manifest, current_generation, generation_folder, read_manifest
from blocklists.holding import Held
from blocklists.intake import Census, count
from blocklists.shelf import read_candidate
from blocklists.sources import Source, find_source, load_sources, text_path
from blocklists.starters import SERVICE, is_packaged
from cli.amounts import number
from cli.context import pass_settings
from cli.days import minute
from cli.lists_words import WARN, age, feeds, remark, say_more, say_skipped, titled, to_take, why_held
from cli.status_lists import keeps_back
from cli.table import print_json, print_table
from cli.terminal import Terminal
from policy.names import display_name
from resolver.asked import ShadowCount, shadow_counts
from settings.model import Settings
from translations import _

_SHADOW_DAYS = 7
_HELD_TOLD = 10


@click.command("show", help=_("Show all lists, or one in full.\n\nExample: schoolfilter lists show starter-games"))
@click.argument("id_", metavar="[ID]", required=False)
@click.option("--services", is_flag=True, help=_("With the lists of services that come with the program, one by one."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def show_command(settings: Settings, id_: str | None, services: bool, as_json: bool) -> None:
    """Print what is known of lists."""
    folder = settings.paths.lists
    sources = load_sources(folder)
    manifest = _manifest(settings)
    compiled = {each.id: each for each in manifest.lists} if manifest is not None else {}
    if id_ is not None:
        _show_one(settings, find_source(sources, id_), manifest, as_json)
    elif as_json:
        print_json([asdict(source) | _compiled_json(compiled.get(source.id)) for source in sources])
    else:
        _show_all(settings, sources, compiled, manifest, services)


def _manifest(settings: Settings) -> Manifest | None:
    """Return what is in force; None if nothing is compiled, or what is cannot be read (`doctor` says why)."""
    folder = settings.paths.lists
    try:
        generation = current_generation(folder)
        return read_manifest(generation_folder(folder, generation)) if generation else None
    except BrokenIndex:
        return None


def _show_all(
    settings: Settings,
    sources: tuple[Source, ...],
    compiled: dict[str, CompiledList],
    manifest: Manifest | None,
    services: bool,
) -> None:
    terminal, now = Terminal(), datetime.now(UTC)
    if not sources:
        terminal.say(_("There is no list. Next: schoolfilter lists catalogue"))
        return
    headings = (_("LIST"), _("FEEDS"), _("RULES"), _("SKIPPED"), _("AGE"), _("REMARK"))
    rows, folded = [], []
    for source in sources:
        held = compiled[source.id].held_count if source.id in compiled else 0
        if not services and source.location.startswith(SERVICE) and not remark(source, held):
            folded.append(source)  # four of five lists are services: they would hide the others
            continue
        counts = number(source.rules), number(source.skipped)
        # What comes with the program is as old as the program, whenever it was copied.
        since = _("built in") if is_packaged(source.location) else age(source.last_refresh, now)
        rows.append((source.id, source.category, *counts, since, remark(source, held)))
    print_table(headings, rows)
    if folded:
        text = _(
            "Services that come with the program: {lists}, rules: {rules}. See: schoolfilter lists show --services"
        )
        terminal.say(text.format(lists=len(folded), rules=number(sum(each.rules for each in folded))))
    if manifest is None:
        terminal.say(_("Nothing is compiled that can be read. Next: schoolfilter lists refresh"), WARN)
    else:
        text = _("In force: generation {generation}, compiled {age}. Names: {names}, lists: {lists}.")
        names, lists = number(manifest.names), len(manifest.lists)
        terminal.say(
            text.format(generation=manifest.generation, age=age(manifest.created, now), names=names, lists=lists)
        )
    candidate = read_candidate(settings.paths.lists)
    if candidate is not None:
        text = _("A candidate waits: {generation}. See: schoolfilter lists diff")
        terminal.say(text.format(generation=candidate.generation), WARN)


def _compiled_json(compiled: CompiledList | None) -> dict[str, object]:
    return {
        "in_force": compiled is not None,
        "compiled_rules": compiled.rules if compiled else 0,
        "compiled_sha256": compiled.sha256 if compiled else "",
        "patterns": compiled.patterns if compiled else 0,
        "addresses": compiled.addresses if compiled else 0,
        "held": compiled.held_count if compiled else 0,
    }


def _show_one(settings: Settings, source: Source, manifest: Manifest | None, as_json: bool) -> None:
    path = text_path(settings.paths.lists, source.id)
    try:
        census = count(path, source)
    except OSError as error:
        message = _("the last good text of {id} cannot be read ({error}); run: schoolfilter lists refresh {id}")
        raise ListError(message.format(id=source.id, error=error)) from error
    lists = manifest.lists if manifest is not None else ()
    compiled = next((each for each in lists if each.id == source.id), None)
    shadow = _shadow(settings, source)
    if as_json:
        facts = {
            "format": census.format,
            "skipped_lines": [skipped.report(source.id) for skipped in census.first_skipped],
            "text": str(path),
            "generation": manifest.generation if manifest is not None and compiled is not None else "",
            "held_rules": [asdict(held) for held in compiled.held] if compiled else [],
            "would_have_blocked": [asdict(each) for each in shadow],
        }
        print_json(asdict(source) | _compiled_json(compiled) | facts)
        return
    terminal = Terminal()
    zone = ZoneInfo(settings.school.time_zone)
    for line in _facts(source, census, compiled, manifest, str(path), datetime.now(UTC), zone):
        terminal.say(line)
    for each in shadow:
        text = _("Would have blocked in the last {days} days: {queries} queries for {names} names")
        terminal.say(text.format(days=_SHADOW_DAYS, queries=number(each.queries), names=number(each.names)))
    if source.last_error:
        terminal.say(_("Last error: {error}").format(error=source.last_error), WARN)
    if keeps_back(source):
        candidate = read_candidate(settings.paths.lists)
        waiting = [each.id for each in candidate.refused] if candidate is not None else []
        text = _("A text of it was refused or rolled back and is not taken again. To take it: {command}")
        terminal.say(text.format(command=to_take(source, waiting)), WARN)
    if compiled is not None and compiled.held:
        terminal.say(_("Held: {count} (they do not block)").format(count=number(compiled.held_count)), WARN)
        for held in compiled.held[:_HELD_TOLD]:
            terminal.say(f"  {_held_line(source.id, held)}")
        say_more(terminal, compiled.held_count - min(len(compiled.held), _HELD_TOLD))
        terminal.say(_letting_through(source.id))
    if census.first_skipped:
        terminal.say(_("Skipped lines:"))
        say_skipped(terminal, source.id, census.first_skipped, census.skipped)


def _facts(
    source: Source,
    census: Census,
    compiled: CompiledList | None,
    manifest: Manifest | None,
    path: str,
    now: datetime,
    zone: tzinfo,
) -> Iterator[str]:
    yield titled(source.id, source.title)
    yield _("Feeds: {category}").format(category=feeds(source.category))
    yield _("Location: {location}").format(location=source.location + (f" › {source.member}" if source.member else ""))
    if source.homepage:
        yield _("Homepage: {homepage}").format(homepage=source.homepage)
    if source.licence:
        yield _("Licence: {licence}").format(licence=source.licence)
    detected = "" if source.format else _(" (detected)")
    yield _("Format: {format}").format(format=f"{census.format}{detected}")
    if source.subdomains is not None:
        yield _("A name covers what is below it.") if source.subdomains else _("A name covers itself only.")
    counts = number(census.rules), number(census.skipped), number(census.unused)
    text = _("Rules: {rules}, skipped lines: {skipped}, lines without meaning for DNS: {unused}")
    yield text.format(rules=counts[0], skipped=counts[1], unused=counts[2])
    if compiled is not None and (compiled.patterns or compiled.addresses):
        text = _("Of the rules, patterns: {patterns}, addresses: {addresses}")
        yield text.format(patterns=number(compiled.patterns), addresses=number(compiled.addresses))
    checked = [_("checksum")] * bool(source.checksum) + [_("signature")] * bool(source.minisign)
    if checked:
        yield _("Checked by: {means}").format(means=", ".join(checked))
    when = source.last_refresh
    shown = f"{minute(datetime.fromisoformat(when), zone)} ({age(when, now)})" if when else "-"
    yield _("Last found good: {time}").format(time=shown)
    yield _("Last good text: {path}").format(path=path)
    if not source.enabled:
        yield _("The list is switched off. To switch it on: schoolfilter lists set {id} --enable").format(id=source.id)
    elif manifest is None or compiled is None:
        yield _("The list is not in force yet. Next: schoolfilter lists refresh {id}").format(id=source.id)
    else:
        newer = "" if compiled.sha256 == source.sha256 else _(", of an older text")
        yield _("In force: generation {generation}{newer}").format(generation=manifest.generation, newer=newer)
    if source.shadow:
        text = _("On trial: it only counts what it would block. To let it block: schoolfilter lists set {id} --enforce")
        yield text.format(id=source.id)
    if source.suffixes:
        yield _("Public suffixes on it are meant, and block.")
    if source.accepted:
        yield _("Let through by hand: {names}").format(names=", ".join(map(display_name, source.accepted)))


def _shadow(settings: Settings, source: Source) -> tuple[ShadowCount, ...]:
    if not source.shadow:
        return ()
    since = datetime.now(UTC) - timedelta(days=_SHADOW_DAYS)
    return shadow_counts(settings.paths.query_log, source.id, since=since)


@click.command(
    "held",
    short_help=_("Show the rules that wait for your word."),
    help=_(
        "Show the rules that are held because they would close far more than one site: public suffixes, and names that "
        "much of what the school uses lies below. They do not block until you let them through.\n\n"
        "Example: schoolfilter lists held"
    ),
)
@click.argument("id_", metavar="[ID]", required=False)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def held_command(settings: Settings, id_: str | None, as_json: bool) -> None:
    """Print what waits for a person's word."""
    if id_ is not None:
        find_source(load_sources(settings.paths.lists), id_)
    manifest = _manifest(settings)
    found = [each for each in (manifest.lists if manifest else ()) if each.held_count and id_ in (None, each.id)]
    if as_json:
        print_json(
            [{"list": each.id, "count": each.held_count, "rules": [asdict(h) for h in each.held]} for each in found]
        )
        return
    terminal = Terminal()
    if not found:
        terminal.say(_("No rule is held."))
        return
    headings = (_("LIST"), _("LINE"), _("NAME"), _("WHY"))
    print_table(
        headings,
        ((each.id, str(held.line), display_name(held.name), why_held(held)) for each in found for held in each.held),
    )
    say_more(terminal, sum(each.held_count - len(each.held) for each in found))
    terminal.say(_letting_through(id_ or "ID"))


def _held_line(list_id: str, held: Held) -> str:
    return f"{list_id}:{held.line}: {display_name(held.name)}: {why_held(held)}"


def _letting_through(list_id: str) -> str:
    text = _(
        "To let a rule block: schoolfilter lists set {id} --accept NAME; all public suffixes of a list that means "
        "them: schoolfilter lists set {id} --suffixes"
    )
    return text.format(id=list_id)
