"""Judge the machine: state folder, disk, memory, clock. Pure: facts in, findings out."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cli.amounts import mebibytes
from cli.facts import Clock, Facts
from cli.findings import Finding, Health
from translations import _

RELEASED = datetime(2026, 9, 1, tzinfo=UTC)
"""No clock that is right shows an earlier time than the release of this software."""
CLOCK_TOLERANCE = timedelta(minutes=2)
"""A clock that is being set may jump back by seconds; that is no finding."""
DISK_SHARE, DISK_BYTES = 0.05, 500_000_000
"""Below either, a school day's log and a list update may no longer fit."""
FULL_BYTES = 1 << 20
"""With less, nothing of any size can be written."""
OLDEST_PYTHON = (3, 11)
MEMORY_BYTES = 100 << 20
"""One worker with a full cache and an index swap beside it."""


def folder(facts: Facts) -> Iterator[Finding]:
    """Judge the folder that holds all state."""
    look = facts.folder
    path = look.path
    if not look.exists and not look.writable:
        yield Finding(
            "state",
            Health.PROBLEM,
            _("The state folder {path} does not exist and this user cannot make it.").format(path=path),
            _("Make it as root and give it to the user that runs schoolfilter, or set [paths] state."),
        )
    elif not look.exists:
        yield Finding(
            "state",
            Health.WARNING,
            _("The state folder {path} does not exist yet.").format(path=path),
            _("Make it and the first policy with: schoolfilter init"),
        )
    elif not look.writable and not look.mine:
        yield Finding(
            "state",
            Health.WARNING,
            _(
                "The state folder {path} belongs to {owner} and this user may not use it: not all can be checked."
            ).format(path=path, owner=look.owner),
            doctor_again(),
        )
    elif not look.writable:
        yield Finding(
            "state",
            Health.PROBLEM,
            _("The state folder {path} cannot be written: nothing can be logged or changed.").format(path=path),
            _("See whether its disk is mounted read-only (mount), and its permissions: chmod 700 {path}").format(
                path=path
            ),
        )
    else:
        yield Finding("state", Health.OK, _("The state folder {path} can be written.").format(path=path))
    if look.strangers:
        yield Finding(
            "state",
            Health.PROBLEM,
            _("In {path}, these do not belong to {owner}, so the server may fail to write them: {names}.").format(
                path=path, owner=look.owner, names=", ".join(look.strangers)
            ),
            _("sudo chown -R {owner} {path} (this happens when a command was once run as root)").format(
                owner=look.owner, path=path
            ),
        )
    if look.open_to_all:
        yield Finding(
            "state",
            Health.WARNING,
            _("Every user of this machine can read the query log: it says what each pupil looked for."),
            _("sudo chmod o-rwx {path}").format(path=path),
        )


def doctor_again() -> str:
    """Return what is to be done if this user may not see what is to be judged."""
    return _("Run the doctor again with: sudo schoolfilter doctor")


def history(facts: Facts) -> Iterator[Finding]:
    """Judge the history of the policy."""
    if facts.history_fault:
        # What to do is part of the text; the command is what confirms that it was done.
        yield Finding("history", Health.PROBLEM, facts.history_fault, "schoolfilter audit verify")


def disk(facts: Facts) -> Iterator[Finding]:
    """Judge the room on the disk."""
    if facts.disk is None:
        return
    free = mebibytes(facts.disk.free)
    if facts.disk.free < FULL_BYTES:
        yield Finding(
            "disk",
            Health.PROBLEM,
            _("The disk is full: answers go on, but the query log is not written, and nothing can be changed."),
            _("Free some space, or keep the log for fewer days ([log] retention_days)."),
        )
    elif facts.disk.free < DISK_BYTES or facts.disk.free < DISK_SHARE * facts.disk.total:
        yield Finding(
            "disk",
            Health.PROBLEM,
            _("The disk is nearly full: {free} free. Once it is full, answers go on, but the log ends.").format(
                free=free
            ),
            _("Free some space, or keep the log for fewer days ([log] retention_days)."),
        )
    else:
        yield Finding("disk", Health.OK, _("The disk has room: {free} free.").format(free=free))


def memory(facts: Facts) -> Iterator[Finding]:
    """Judge the memory that is left."""
    if facts.memory is None:
        return
    available = mebibytes(facts.memory.available)
    if facts.memory.available < MEMORY_BYTES:
        yield Finding(
            "memory",
            Health.WARNING,
            _("Memory is short: {available} left.").format(available=available),
            _("Close other programs, or lower [cache] megabytes and [server] workers."),
        )
    else:
        yield Finding("memory", Health.OK, _("Memory is enough: {available} left.").format(available=available))


def clock(facts: Facts) -> Iterator[Finding]:
    """Judge the time, on which all evidence rests."""
    set_it = _("Set the clock, best by time servers: sudo timedatectl set-ntp true")
    wrong = _wrong_clock(facts.clock)
    if wrong:
        yield Finding("clock", Health.PROBLEM, wrong, set_it)
    elif facts.clock.synchronised is False:
        yield Finding(
            "clock",
            Health.WARNING,
            _("No time server sets this machine's clock: the times in the log will drift from the school's bell."),
            set_it,
        )
    else:
        shown = f"{facts.clock.now:%Y-%m-%d %H:%M %z}"
        zone = facts.settings.school.time_zone
        yield Finding("clock", Health.OK, _("The clock says {time} ({zone}).").format(time=shown, zone=zone))


def _wrong_clock(found: Clock) -> str:
    if found.now < RELEASED:
        return _("The clock says {now}, which is before this software was made.").format(now=f"{found.now:%Y-%m-%d}")
    for moment, what in (
        (found.newest_log_line, _("the newest line of the query log")),
        (found.newest_policy_change, _("the last change of the policy")),
    ):
        if moment is not None and moment > found.now + CLOCK_TOLERANCE:
            return _("The clock says {now}, but {what} is of {moment}: it was wrong then or is now.").format(
                now=f"{found.now:%Y-%m-%d %H:%M}", what=what, moment=f"{moment:%Y-%m-%d %H:%M}"
            )
    return ""


def python(facts: Facts) -> Iterator[Finding]:
    """Judge the interpreter."""
    found = ".".join(map(str, facts.python))
    if facts.python < OLDEST_PYTHON:
        needed = ".".join(map(str, OLDEST_PYTHON))
        yield Finding(
            "python",
            Health.PROBLEM,
            _("Python {found} is too old: {needed} or newer is needed.").format(found=found, needed=needed),
            _("Install a newer Python and set up schoolfilter again."),
        )
    else:
        yield Finding("python", Health.OK, _("Python is {found}.").format(found=found))
