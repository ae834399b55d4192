"""The ledger of orders: a chain, each order with the digest of the one before, and what of it can be trusted."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from policy import sshsig
from policy.order_text import InvalidOrder, order_bytes, read_order, reread_order
from policy.orders import Order, OrderKind
from translations import _

GENESIS = "0" * 64
"""What the first order holds as digest of the one before it."""
NAMESPACE = "schoolfilter-order-v1"
"""What the director's key signs orders as (`ssh-keygen -Y verify -n`); what it signed as anything else is no order."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """An order as it is kept."""

    body: str
    """Its canonical text (policy/order_text.py): what was signed."""
    digest: str
    """SHA-256 of the body, in hexadecimal digits."""
    signature: str = ""
    """As ssh-keygen writes it; empty for an order on paper."""


def seal(order: Order, signature: str = "") -> Sealed:
    """Return an order as it is kept. The signature is `sshsig.sign(key, NAMESPACE, order_bytes(order))`.

    Raises InvalidOrder.
    """
    body = order_bytes(order)
    return Sealed(body.decode(), sha256(body).hexdigest(), signature)


class Fault(StrEnum):
    """What can be wrong with a ledger."""

    FORM = "form"
    """The text is no order."""
    DIGEST = "digest"
    """Text and digest do not belong together."""
    SEQUENCE = "sequence"
    """Another order stands in its place."""
    PREVIOUS = "previous"
    """It does not follow the order before it."""
    SIGNATURE = "signature"
    """The signature is not one of this text."""
    KEY = "key"
    """Signed by a key that may not sign it."""
    PIN = "pin"
    """The settings do not name the key."""
    UNSIGNED = "unsigned"
    """No signed order follows that would confirm it."""
    MISSING = "missing"
    """The ledger does not hold an order that it is known to have held."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a ledger; `describe` puts it in words."""

    sequence: int
    """The order; 0 means the ledger as a whole."""
    fault: Fault
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What verification says of a ledger."""

    orders: tuple[Order, ...]
    """Those that hold, from the first on; what is in force rests on these and no others."""
    head: str
    """Digest of the last order that is well linked, trusted or not: the next one follows it. GENESIS if none."""
    sequence: int
    """Number of that order; 0 if none."""
    key: str
    """Text of the public key in force after `orders`; empty if none."""
    findings: tuple[Finding, ...]
    """The first link that is broken comes first, then what does not hold because of the keys, then what is missing."""
    known: frozenset[str]
    """For the next verification: which orders, with which signatures, were found good."""
    adopted: int
    """How many orders on paper a later signature confirms."""


def verify(
    sealed: Iterable[Sealed],
    *,
    pinned: str,
    signed: bool,
    known: frozenset[str] = frozenset(),
    anchor: tuple[int, str] | None = None,
) -> Ledger:
    """Return what holds of a ledger.

    First what needs no settings: text, digest, sequence, chain, and that each signature is by the key that the ledger
    itself says was in force; from the first broken link on nothing is taken. Then what of this the school trusts.

    `pinned` is the fingerprint from the settings, empty if there is none. `signed` says that the director signs with a
    key: then only those orders hold which a signature covers that the pin leads to. Handovers are part of this; a
    replacement is not, it needs a new pin. If the director signs paper, all well-linked orders hold, and a pin that
    does not fit is a finding but refuses nothing.

    `known` is what an earlier verification returned: form and signature of an order are judged once. It must come from
    this very process: whoever could write it into a file could have anything pass. `anchor` is number and digest of an
    order that the ledger is known to have held: a chain cannot show that its end was cut off.
    """
    chain = _Chain(known)
    broken = None
    for each in sealed:
        broken = chain.take(each)
        if broken is not None:
            break
    findings = [] if broken is None else [broken]
    trusted, doubt = chain.reach(pinned)
    if doubt is not None and (signed or pinned):
        findings.append(doubt)
    held = len(chain.orders)
    if signed:
        held = chain.last_signed(trusted)
        if held < trusted:
            findings.append(Finding(held + 1, Fault.UNSIGNED, str(trusted - held)))
    if anchor is not None and anchor not in enumerate(chain.digests):
        findings.append(Finding(anchor[0], Fault.MISSING, anchor[1]))
    confirmed = chain.orders[: chain.last_signed(held)]
    return Ledger(
        orders=tuple(chain.orders[:held]),
        head=chain.digests[-1],
        sequence=len(chain.orders),
        key=next((key for start, key in reversed(chain.keys) if start <= held), ""),
        findings=tuple(findings),
        known=frozenset(chain.good),
        adopted=sum(order.kind is OrderKind.PAPER for order in confirmed),
    )


class _Chain:
    """The orders taken so far, each well linked to the one before."""

    def __init__(self, known: frozenset[str]) -> None:
        self._known = known
        self.good: set[str] = set()
        self.orders: list[Order] = []
        self.digests = [GENESIS]
        self.keys: list[tuple[int, str]] = []
        """From which order on which key is in force."""
        self._roots: list[tuple[int, str]] = []
        """Where a segment of trust begins, with the fingerprint of its first key: at a KEY and at each REPLACEMENT."""

    def take(self, sealed: Sealed) -> Finding | None:
        """Take the next order, or return why it breaks the chain."""
        place = len(self.orders) + 1
        try:
            body = sealed.body.encode()
        except UnicodeEncodeError as error:  # half a surrogate pair is no text
            return Finding(place, Fault.FORM, str(error))
        if sha256(body).hexdigest() != sealed.digest:
            return Finding(place, Fault.DIGEST)
        mark = _mark(sealed)
        known = mark in self._known
        try:
            order = reread_order(sealed.body) if known else read_order(sealed.body)
        except InvalidOrder as error:
            return Finding(place, Fault.FORM, str(error))
        if order.sequence != place:
            return Finding(place, Fault.SEQUENCE, str(order.sequence))
        if order.previous != self.digests[-1]:
            return Finding(place, Fault.PREVIOUS)
        fault = None if known else self._signature_fault(order, body, sealed.signature)
        if fault is not None:
            return fault
        if order.key:
            self.keys.append((place, order.key))
        if order.kind in (OrderKind.KEY, OrderKind.REPLACEMENT):
            self._roots.append((place, sshsig.fingerprint(order.key)))
        self.orders.append(order)
        self.digests.append(sealed.digest)
        self.good.add(mark)
        return None

    def reach(self, pinned: str) -> tuple[int, Finding | None]:
        """Return how many orders the pin can vouch for, and what is wrong with it."""
        if not self.orders and not pinned:
            return 0, None  # a new school: nothing there, nothing to be trusted
        places = [at for at, (_start, root) in enumerate(self._roots) if root == pinned]
        if not places:
            return 0, Finding(0, Fault.PIN, pinned)
        # The digests lead back to the first order, which covers earlier segments; of later ones the pin says nothing.
        later = self._roots[places[-1] + 1 :]
        if not later:
            return len(self.orders), None
        start, root = later[0]
        return start - 1, Finding(start, Fault.PIN, root)

    def last_signed(self, among: int) -> int:
        """Return the number of the last signed order among the first so many; 0 if there is none."""
        return next((at for at in range(among, 0, -1) if self.orders[at - 1].kind is not OrderKind.PAPER), 0)

    def _signature_fault(self, order: Order, body: bytes, signature: str) -> Finding | None:
        if order.kind is OrderKind.PAPER:
            if not signature:
                return None
            return Finding(order.sequence, Fault.FORM, _("expected an order on paper without a signature, found one"))
        key = self._key_for(order)
        if not key:
            return Finding(order.sequence, Fault.KEY)
        if sshsig.verify(key, NAMESPACE, body, signature):
            return None
        other = sshsig.signer(signature)
        if other in ("", key):
            return Finding(order.sequence, Fault.SIGNATURE)
        return Finding(order.sequence, Fault.KEY, sshsig.fingerprint(other))

    def _key_for(self, order: Order) -> str:
        """Return the key that must have signed an order; empty if an order of its kind has no place here."""
        match order.kind:
            case OrderKind.KEY:
                return "" if self.keys else order.key
            case OrderKind.REPLACEMENT:
                # A key that was given away or lost must not come back by its own word, and pass for the pinned one.
                return order.key if self.keys and order.key not in {key for _, key in self.keys} else ""
            case _:
                return self.keys[-1][1] if self.keys else ""


def _mark(sealed: Sealed) -> str:
    """Return what stands for all that the judgement of form and signature depends on.

    The digest is one of all orders before as well, and so of the key that was in force.
    """
    return sha256(f"{sealed.digest}\n{sealed.signature}".encode(errors="replace")).hexdigest()
