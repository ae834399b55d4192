"""What in the settings does not keep the server from starting, but cannot do what it is there for."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from journal.notifying.sending import Unreachable, secret_of
from policy.categories import BY_ID
from policy.subjects import nearest
from settings.load import Loaded, Problem, Source
from settings.model import Settings
from storage.errors import StorageError
from storage.policy_peek import group_ids
from translations import _

_SECRETS: tuple[tuple[str, Callable[[Settings], str]], ...] = (
    ("notices.smtp_password_file", lambda settings: settings.notices.smtp_password_file),
    ("notices.telegram_token_file", lambda settings: settings.notices.telegram_token_file),
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A setting that cannot do what it is there for."""

    key: str
    text: str
    """Where it stands, what was expected and what was found."""


def doubts(loaded: Loaded, *, mine: bool = True) -> list[Doubt]:
    """Return what is found, having looked at the policy and at the files that the settings name. Raises nothing.

    `mine`: this user is the one that runs the server, and so may read what it reads.
    """
    return [*_names(loaded), *_mail(loaded), *_secrets(loaded, mine)]


def place(loaded: Loaded, key: str) -> str:
    """Return where a setting stands."""
    if loaded.sources[key] is Source.ENVIRONMENT:
        return _("environment")
    return str(loaded.path) if loaded.path else _("(no settings file)")


def _names(loaded: Loaded) -> Iterator[Doubt]:
    """Judge what is named. A default is not judged: nobody named it, and a school may do without such a group."""
    incidents = loaded.settings.incidents
    yield from _unknown(loaded, "incidents.at_risk", incidents.at_risk, BY_ID, _("a category that exists"))
    if loaded.sources["incidents.unwatched_groups"] is Source.DEFAULT:
        return
    try:
        groups = group_ids(loaded.settings.paths.policy_db)
    except StorageError:
        return  # before `init`, or damaged, or another user's: others say so
    yield from _unknown(
        loaded, "incidents.unwatched_groups", incidents.unwatched_groups, sorted(groups), _("a group that exists")
    )


def _unknown(loaded: Loaded, key: str, named: Iterable[str], known: Iterable[str], expected: str) -> Iterator[Doubt]:
    known = list(known)
    for each in named:
        if each not in known:
            near = nearest(each, known)
            hint = _("Did you mean {name}?").format(name=near) if near else ""
            if not near:
                hint = _("Known here: {names}.").format(names=", ".join(known))
            yield _doubt(loaded, key, expected, repr(each), hint)


def _mail(loaded: Loaded) -> Iterator[Doubt]:
    notices = loaded.settings.notices
    if notices.smtp_server and not notices.mail_from:
        expected, hint = _("an address such as filter@school.example"), _("Without it no mail is sent.")
        yield _doubt(loaded, "notices.mail_from", expected, _("an empty text"), hint)


def _secrets(loaded: Loaded, mine: bool) -> Iterator[Doubt]:
    for key, path_in in _SECRETS:
        path = path_in(loaded.settings)
        if not path:
            continue
        if not Path(path).is_absolute():
            # The service does not start in the folder in which a person stands.
            yield _doubt(loaded, key, _("a full path, such as /etc/schoolfilter/mail-password"), repr(path))
        elif mine or os.access(path, os.R_OK):
            try:
                secret_of(path)
            except Unreachable as error:
                yield Doubt(key, f"{place(loaded, key)}: {key}: {error}")


def _doubt(loaded: Loaded, key: str, expected: str, found: str, hint: str = "") -> Doubt:
    return Doubt(key, str(Problem(place(loaded, key), key, expected, found, hint)))
