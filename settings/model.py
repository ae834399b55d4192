"""Every setting, with its default and its meaning. The field names are the keys of the file (DESIGN section 7)."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class BlockAnswer(StrEnum):
    """What a blocked name is answered with."""

    PAGE = "page"
    """The address of the block page (`blocking.page_address`)."""
    NULL = "null"
    """0.0.0.0 and ::"""
    NXDOMAIN = "nxdomain"


class Durability(StrEnum):
    """When the query log reaches the disk itself; it reaches the kernel before each answer in any case."""

    SECOND = "second"
    BATCH = "batch"
    NONE = "none"


class LogDetail(StrEnum):
    """Which queries the log keeps."""

    FULL = "full"
    BLOCKED = "blocked"


class ApprovalMode(StrEnum):
    """How the director approves the list."""

    SIGNATURE = "signature"
    PAPER = "paper"


@dataclass(frozen=True, slots=True)
class School:
    """Who we serve."""

    name: str = ""
    country: str = "kz"
    """`kz` or `kg`."""
    language: str = "ru"
    """`kk`, `ky`, `ru` or `en`."""
    time_zone: str = "Asia/Almaty"
    contact: str = ""
    """A mailto:, tel: or https: address that blocked answers name (structured DNS errors, field `c`)."""
    protected: tuple[str, ...] = ()
    """Names that no list can block: the school's own site and others like it (R2)."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where we listen and whom we serve."""

    listen: tuple[str, ...] = ("127.0.0.1:5353",)
    """`ADDRESS:PORT`, IPv6 as `[ADDRESS]:PORT`; UDP and TCP on each. `0.0.0.0` and `[::]` mean every address."""
    workers: int = 1
    allowed_networks: tuple[str, ...] = (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
    refuse_silently: bool = False
    """Clients outside allowed_networks get silence instead of REFUSED."""
    rate_limit: int = 5000
    """Queries a second that one client may ask while others are being served too; 0 means no limit."""
    tcp_connections: int = 512
    tcp_connections_per_client: int = 64
    tcp_idle_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """Whom we ask."""

    servers: tuple[str, ...] = ()
    """`udp://ADDRESS[:PORT]`, `tcp://…`, `tls://ADDRESS[:PORT]#NAME`, `https://NAME/dns-query#ADDRESS`.

    Empty means: the machine's own resolvers, then public DoT servers.
    """
    zones: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Servers for chosen zones, as `"school.local" = ["udp://192.168.1.1"]`."""
    private_zones: tuple[str, ...] = ()
    """Zones whose answers may hold private addresses (rebinding protection is off for them)."""
    tls_ca_file: str = ""
    """A PEM file of authorities trusted beside the system's, for a DoT or DoH server of one's own."""


@dataclass(frozen=True, slots=True)
class Cache:
    """How much of what upstreams said is kept."""

    entries: int = 50_000
    megabytes: int = 24
    """For each worker; the ready-made replies of each group may take as much again."""
    stale_hours: int = 24
    """How long after its end an answer may still be given while upstreams fail (RFC 8767); 0 means never."""


@dataclass(frozen=True, slots=True)
class Blocking:
    """How a blocked name is answered."""

    answer: BlockAnswer = BlockAnswer.NULL
    ttl: int = 10
    """Seconds."""
    page_address: str = ""
    """IPv4 and IPv6 address of the block page, comma-separated; needed when answer = "page"."""


@dataclass(frozen=True, slots=True)
class Log:
    """The query log."""

    durability: Durability = Durability.SECOND
    retention_days: int = 90
    detail: LogDetail = LogDetail.FULL
    segment_megabytes: int = 64
    segment_days: int = 14
    """How long a segment stays as text when the archive holds it: the lists are weighed by what was asked lately."""
    anonymise_days: int = 0
    """After so many days the archive no longer says who asked; 0 means never."""
    archive_megabytes: int = 128
    """How much memory archiving and searching may take."""


@dataclass(frozen=True, slots=True)
class Incidents:
    """When blocked queries become an incident (`schoolfilter journal rules` tells it in words)."""

    off: tuple[str, ...] = ()
    """Rules that are switched off."""
    attempt_visits: int = 3
    """So many visits to closed sites of one category make an attempt, if they are varied or persistent."""
    attempt_sites: int = 3
    """So many different harmful or unlawful sites count as varied."""
    unrelated_sites: int = 4
    """So many different sites unrelated to education are an attempt."""
    window_minutes: int = 15
    """Within so many minutes."""
    merge_minutes: int = 45
    """What follows within so many minutes belongs to the same incident."""
    beacon_visits: int = 6
    """So many regular queries for a malicious site are a device's, not a person's."""
    at_risk: tuple[str, ...] = ("self-harm", "gambling")
    """Categories after which a pupil may need help."""
    unwatched_groups: tuple[str, ...] = ("teachers", "staff", "servers")
    """Groups that are no pupils: of them only malicious sites are an incident."""


@dataclass(frozen=True, slots=True)
class Notices:
    """How people are told of incidents. Whom: `schoolfilter journal contacts`."""

    smtp_server: str = ""
    """`smtp://HOST[:PORT]` (STARTTLS if offered), `smtps://HOST[:PORT]`; empty: no mail is sent."""
    smtp_user: str = ""
    smtp_password_file: str = ""
    """A file that holds the password and that only the service can read."""
    mail_from: str = ""
    telegram_token_file: str = ""
    """A file that holds the bot's token; empty: nothing is sent by Telegram."""
    telegram_server: str = "https://api.telegram.org"
    webhook: str = ""
    """`https://…` that gets each notice as JSON; empty: none."""


@dataclass(frozen=True, slots=True)
class ListSettings:
    """How the lists are kept current."""

    refresh_hours: int = 24
    """How often lists are fetched anew; 0 means only when somebody says so."""
    quiet: str = "07:00-01:00"
    """`HH:MM-HH:MM` in the school's time zone: lessons, in which nothing is refreshed; empty means at any hour.

    The default also spares the working hours in France: UT1, whose lists most schools use, asks for that.
    """
    proxy: str = ""
    """`http://[USER:PASSWORD@]HOST:PORT` by which lists are fetched; empty means directly."""
    must_open: tuple[str, ...] = ()
    """Names that no new version of the lists may close, beside those that lessons and devices need."""
    must_block: tuple[str, ...] = ()
    """Names that every new version of the lists must still hold."""
    broad_percent: int = 5
    """A rule that covers more than this share of the names asked for most is held for a person to decide."""
    top_names: int = 1000
    """How many of the names asked for most are looked at for that."""
    bad_lines_percent: int = 20
    """A text with more bad lines than this is refused whole."""
    keep: int = 2
    """Compiled generations that are kept: the one in force, and those before it that `lists rollback` returns to."""


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """How it is known which device an address is."""

    trusted_routers: tuple[str, ...] = ()
    """Addresses of routers whose queries say who first asked (resolver/origin.py)."""
    lease_files: tuple[str, ...] = ()
    """Files in which a DHCP server on this machine keeps its leases (resolver/leases.py)."""
    neighbours: bool = True
    """Whether the kernel is asked which MAC an address has (resolver/neighbours.py)."""


@dataclass(frozen=True, slots=True)
class Approval:
    """What makes an allow entry valid."""

    mode: ApprovalMode = ApprovalMode.PAPER
    director_key: str = ""
    """`SHA256:…`: the fingerprint of the director's public key, which no order counts without if mode is `signature`.

    Empty: that of the file director.pub, which is written when the key is made. Here nobody changes it but root.
    """


@dataclass(frozen=True, slots=True)
class Web:
    """The console."""

    listen: str = "127.0.0.1:8053"


@dataclass(frozen=True, slots=True)
class Paths:
    """Where state is kept."""

    state: Path = Path("var")

    @property
    def policy_db(self) -> Path:
        """Groups, entries and their documents."""
        return self.state / "policy.db"

    @property
    def director_key(self) -> Path:
        """The director's private key, encrypted with the director's passphrase."""
        return self.state / "director.key"

    @property
    def director_public(self) -> Path:
        """The director's public key, by which orders are verified."""
        return self.state / "director.pub"

    @property
    def lists(self) -> Path:
        """Sources, downloaded texts and index generations."""
        return self.state / "lists"

    @property
    def query_log(self) -> Path:
        """Segments of the query log."""
        return self.state / "querylog"

    @property
    def journal_db(self) -> Path:
        """The chain of evidence."""
        return self.state / "journal.db"

    @property
    def heads(self) -> Path:
        """The signed heads of the chain once more, outside journal.db."""
        return self.state / "heads.txt"

    @property
    def device_key(self) -> Path:
        """The private key by which this machine signs evidence."""
        return self.state / "device.key"

    @property
    def archive(self) -> Path:
        """The query log of days that are over, as Parquet files."""
        return self.state / "archive"

    @property
    def papers(self) -> Path:
        """Papers that were drawn up."""
        return self.state / "papers"

    @property
    def run(self) -> Path:
        """Control sockets and status of running workers."""
        return self.state / "run"


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole file."""

    school: School = School()
    server: Server = Server()
    upstream: UpstreamSettings = field(default_factory=UpstreamSettings)
    cache: Cache = Cache()
    blocking: Blocking = Blocking()
    log: Log = Log()
    incidents: Incidents = Incidents()
    notices: Notices = Notices()
    lists: ListSettings = ListSettings()
    devices: DeviceSettings = DeviceSettings()
    approval: Approval = Approval()
    web: Web = Web()
    paths: Paths = Paths()
