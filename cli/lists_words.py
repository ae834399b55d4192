"""What the commands about lists say in common: how old a list is, what it feeds, why a rule is held, what was found."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from blocklists.bundles import load_bundles
from blocklists.holding import Held, WhyHeld
from blocklists.rules import Skipped
from blocklists.sanity import Kind, Problem
from blocklists.sources import Source
from cli.amounts import duration, number
from cli.explanation import is_expression
from cli.printable import printable
from cli.status_lists import keeps_back
from cli.terminal import Terminal
from policy.categories import BY_ID
from policy.needed import DEVICES, EDUCATION
from policy.subjects import subject, title_of
from translations import _, language

_PROBLEMS_TOLD = 5
_LISTS_TOLD = 3
FAINT = "dim"
WARN = "yellow"


def say_problems(
    terminal: Terminal, problems: Sequence[Problem], *, taken: bool = False, about: Collection[str] = ()
) -> None:
    """Print the first findings about a generation; those that refuse it come first.

    `taken`: it is in force whatever was found. `about`: the lists that were just changed by hand.
    """
    for problem in (_short(problem, about) for problem in problems[:_PROBLEMS_TOLD]):
        if problem.refuses and taken:
            label = _("Taken nevertheless: {problem}")
        elif problem.refuses:
            label = _("Refused: {problem}")
        elif problem.kind is Kind.CLOSED and _opens_nevertheless(problem):
            label = _("Note: {problem} (and does: what lessons and devices need goes before categories)")
        else:
            label = _("Note: {problem}")
        terminal.say(label.format(problem=problem.words()), WARN if problem.refuses else "")
    say_more(terminal, len(problems) - _PROBLEMS_TOLD)


def _short(problem: Problem, about: Collection[str]) -> Problem:
    """Return a finding that names few lists: those that were changed, if any was, of those that are concerned."""
    lists = tuple(each for each in problem.lists if each in about) or problem.lists
    return replace(problem, lists=lists if len(lists) <= _LISTS_TOLD else (*lists[:_LISTS_TOLD], "…"))


def _opens_nevertheless(problem: Problem) -> bool:
    """Tell whether the rules open the name whatever category holds it (policy.decide)."""
    category = BY_ID.get(problem.category)
    needed = (each.name for bundle in (EDUCATION, DEVICES) for each in load_bundles()[bundle])
    return category is not None and not category.locked and problem.name in needed


def say_skipped(terminal: Terminal, list_id: str, skipped: Sequence[Skipped], total: int) -> None:
    """Print the first lines that were skipped, and how many more there are."""
    for each in skipped:
        terminal.say(f"  {each.report(list_id)}", FAINT)
    say_more(terminal, total - len(skipped))


def say_more(terminal: Terminal, more: int) -> None:
    """Say how many were not shown, if any were not."""
    if more > 0:
        terminal.say(_("  … and {more} more").format(more=number(more)), FAINT)


def why_held(held: Held) -> str:
    """Return in a few words why a rule is held."""
    match held.why:
        case WhyHeld.SUFFIX if is_expression(held.name):
            return _("an expression that would close whole public suffixes, such as all of .kz")
        case WhyHeld.SUFFIX:
            return _("a public suffix: strangers register their own names below it")
        case WhyHeld.BROAD:
            return _("covers {percent:.0f} % of the names that the school asks for most").format(
                percent=100 * held.share
            )
        case WhyHeld.NETWORK:
            return _("private addresses, or a large part of the internet")
        case WhyHeld.PATTERNS:
            return _("more expressions than can be looked up in time")


def age(moment: str, now: datetime) -> str:
    """Return how long ago a time of sources.json or a manifest was; a dash if it never was."""
    if not moment:
        return "-"
    return _("{time} ago").format(time=duration((now - datetime.fromisoformat(moment)).total_seconds()))


def feeds(id_: str) -> str:
    """Return the category or service of a list, as people know it."""
    return id_ if subject(id_) is None else f"{title_of(id_, language())} ({id_})"


def titled(id_: str, title: str) -> str:
    """Return an id with its title, if it has one of its own."""
    return id_ if title in ("", id_) else f"{id_}: {title}"


def to_take(source: Source, waiting: Collection[str]) -> str:
    """Return the command that takes a text which was refused or rolled back; `waiting` are lists of the candidate."""
    return (
        "schoolfilter lists publish --force"
        if source.id in waiting
        else f"schoolfilter lists refresh {source.id} --force"
    )


def remark(source: Source, held: int = 0, widest: int = 60) -> str:
    """Return in a few words what is special about a list."""
    words = []
    if not source.enabled:
        words.append(_("switched off"))
    if source.shadow:
        words.append(_("on trial"))
    if held:
        words.append(_("held: {count}").format(count=held))
    if keeps_back(source):
        words.append(_("a text is not taken"))
    if source.last_error:
        words.append(printable(source.last_error))
    text = "; ".join(words)
    return text if len(text) <= widest else text[: widest - 1] + "…"
