"""What `doctor` knows of a machine and a server before it judges: plain values, no rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from cli.settings_doubts import Doubt
from cli.status import State
from cli.vicinity import Vicinity
from settings.model import Settings


@dataclass(frozen=True, slots=True)
class StateFolder:
    """The folder that holds all state, as this user sees it."""

    path: Path
    exists: bool
    writable: bool
    mine: bool = True
    """It belongs to this user, or this user is root."""
    owner: str = ""
    strangers: tuple[str, ...] = ()
    """Files inside that belong to somebody else than the folder."""
    open_to_all: bool = False
    """Every user of the machine can read the query log."""


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system that holds the state, in bytes."""

    total: int
    free: int


@dataclass(frozen=True, slots=True)
class Memory:
    """The machine's memory, in bytes."""

    total: int
    available: int


@dataclass(frozen=True, slots=True)
class Clock:
    """The machine's time, and moments it must be later than."""

    now: datetime
    newest_log_line: datetime | None
    newest_policy_change: datetime | None
    synchronised: bool | None
    """None if nobody on this machine can tell."""


class BindError(StrEnum):
    """Why an address could not be opened."""

    NONE = ""
    TAKEN = "taken"
    NOT_PERMITTED = "not permitted"
    NOT_HERE = "not here"
    """No interface of this machine has the address."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Holder:
    """A socket that stands where we want to listen, and the program behind it."""

    protocol: str
    address: str
    port: int
    pid: int | None = None
    program: str = ""
    """Empty if this user may not know."""
    ours: bool = False
    """It is a schoolfilter, whatever the system calls it."""


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of [server] listen, tried."""

    text: str
    port: int
    loopback: bool
    error: BindError = BindError.NONE
    detail: str = ""
    holders: tuple[Holder, ...] = ()


class Outcome(StrEnum):
    """What came of asking an upstream."""

    ANSWER = "answer"
    ERROR_CODE = "error code"
    """It answered, but with SERVFAIL, REFUSED or the like."""
    TIMEOUT = "timeout"
    CLOSED = "closed"
    """The machine is there, nobody listens on the port."""
    UNREACHABLE = "unreachable"
    CERTIFICATE = "certificate"
    """TLS came about, but not with the name expected, or not in this year."""
    GARBAGE = "garbage"
    """Something answered that was no answer to the question."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One upstream, asked."""

    address: str
    outcome: Outcome
    detail: str = ""
    milliseconds: float = 0.0
    invents: bool = False
    """It gave an address for a name that cannot exist."""


@dataclass(frozen=True, slots=True)
class ListState:
    """One subscribed list, as it was last read."""

    id: str
    names: int
    refreshed: datetime | None
    error: str = ""
    held: int = 0
    """Rules that wait for a person's word."""
    refused: bool = False
    """A new text was refused when it was to be published; the one before it is in force."""
    packaged: bool = False
    """It comes with the program."""
    take: str = ""
    """The command that takes a text which was refused or rolled back; empty if there is none."""


@dataclass(frozen=True, slots=True)
class Clients:
    """Who asked how often, from the newest lines of the query log."""

    queries: Mapping[str, int] = field(default_factory=dict)
    """By address; 0 for one that asked lately, but in none of these lines."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything `doctor` judges."""

    settings: Settings
    state: State
    folder: StateFolder
    disk: Disk | None
    memory: Memory | None
    clock: Clock
    places: tuple[Place, ...]
    low_ports_allowed: bool
    """This user may listen on ports below 1024."""
    probes: tuple[Probe, ...]
    lists: tuple[ListState, ...]
    lists_error: str
    """Why the lists or the index in force cannot be read; empty if they can."""
    clients: Clients
    vicinity: Vicinity
    own: frozenset[str]
    """Those of the clients' addresses that are this machine's."""
    reached_at: str
    """The address under which devices reach this machine; empty if it cannot be told."""
    python: tuple[int, int, int]
    history_fault: str = ""
    """What is wrong with the history of the policy; empty if nothing is, or nobody can tell."""
    doubts: tuple[Doubt, ...] = ()
    """Settings that cannot do what they are there for."""
