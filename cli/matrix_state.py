"""The whole policy of a moment as the commands `policy show` and `policy diff` need it, the director's list with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from approval.ledger_book import loader_of
from cli.errors import Failure
from cli.policy_file import opened
from policy.groups import Group
from policy.ledger import GENESIS, Finding
from policy.matrix import Fact, Key, listed_facts
from policy.orders import Order
from settings.model import Settings
from storage.audit import Change
from storage.policy_db import PolicyDb
from storage.policy_history import in_force
from storage.policy_load import Loaded
from translations import _


@dataclass(frozen=True, slots=True)
class PolicyThen:
    """What was in force at a moment."""

    moment: datetime
    now: bool
    groups: tuple[Group, ...]
    default_group: str
    facts: Mapping[Key, Fact]
    orders: tuple[Order, ...]
    """Those of the ledger that count and had been entered by then."""
    head: str
    """Digest of the last of them."""

    _held: Mapping[str, Mapping[str, dict[Key, Fact]]] = field(init=False, compare=False, repr=False)
    """The facts by topic and holder, sorted."""

    def __post_init__(self) -> None:
        """Sort once what is asked for by holder."""
        held: dict[str, dict[str, dict[Key, Fact]]] = {}
        for key in sorted(self.facts):
            held.setdefault(key.topic, {}).setdefault(key.holder, {})[key] = self.facts[key]
        object.__setattr__(self, "_held", held)

    def of(self, topic: str, holder: str | None = None) -> dict[Key, Fact]:
        """Return the facts of a topic, or what of them is about one holder."""
        held = self._held.get(topic, {})
        if holder is not None:
            return held.get(holder, {})
        return {key: fact for facts in held.values() for key, fact in facts.items()}

    def ids(self, topic: str) -> list[str]:
        """Return the holders of a topic, such as all rooms."""
        return list(self._held.get(topic, ()))


@dataclass(frozen=True, slots=True)
class History:
    """What was read."""

    policies: Sequence[PolicyThen]
    changes: Sequence[Change]
    """Those between the first and the last of them; none if there is only one."""
    findings: Sequence[Finding]
    """What is wrong with the ledger of orders."""


async def read_history(settings: Settings, zone: tzinfo, *moments: datetime | None) -> History:
    """Return the policy at moments of the past, earliest first; None means now.

    Raises Failure for a moment before the policy began, StorageError.
    """
    async with await opened(settings) as policy:
        loaded = await loader_of(policy, settings).load(())
        policies = [await _policy_then(policy, loaded, moment, zone) for moment in moments]
        changes = await policy.changes(since=moments[0], until=moments[-1]) if len(moments) > 1 else []
        later = [change for change in changes if change.at > policies[0].moment]
        return History(policies, later, loaded.ledger.findings)


async def _policy_then(policy: PolicyDb, loaded: Loaded, moment: datetime | None, zone: tzinfo) -> PolicyThen:
    then = moment or datetime.now(UTC)
    groups, default, facts = await in_force(policy, moment)
    if not groups:
        first = (await policy.changes())[0].at.astimezone(zone)
        message = _("expected a day on which there was a policy: it begins on {day}")
        raise Failure(message.format(day=first.date().isoformat()))
    orders = tuple(order for order in loaded.ledger.orders if moment is None or order.entered_at <= moment)
    head = loaded.sealed[orders[-1].sequence - 1].digest if orders else GENESIS
    everything = {**facts, **listed_facts(orders, then.astimezone(zone).date())}
    return PolicyThen(then, moment is None, tuple(groups), default, everything, orders, head)
