"""Who asks: each client's view, the head of its log lines, and how much it may ask."""

import ipaddress
from collections.abc import Callable, Iterable

from policy.networks import IPNetwork, parse_address
from policy.snapshot import Place
from resolver.cache import Finished, ViewState

UNLIMITED = 1 << 62
BURST_SECONDS = 2
"""A client may save up this many seconds of its rate: a page load is a burst, not a flood."""
LOOK_SECONDS = 0.5
"""How often, at most, it is looked at who is asking at all."""
MAX_IN_FLIGHT = 1_000
"""Questions of one client on their way upstream at once, so that others always find room among 4096."""
MAX_CLIENTS = 20_000
"""Clients remembered; more than a school has, and a bound when source addresses are forged."""

_BEHIND, _NAMELESS = b"behind", b"router"
"""Begin the keys of clients for whom a router asks: with an address of their own, or with the router's."""

Standing = tuple[Place, ViewState]
"""Where a client stands, and what whoever stands there gets."""


def no_mac(_address: str) -> str:
    """Know of no device's MAC."""
    return ""


def _never(_key: bytes) -> None:
    """Find nothing: for clients that are not served."""


class Client:
    """An address that asks. Its budget is a token bucket that is only looked at when it is empty."""

    __slots__ = (
        "address", "allowed", "budget", "era", "front", "granted", "in_flight", "inserts", "lookup", "mac", "marked",
        "octets", "payer", "place", "prefix", "refilled", "refused", "reported", "state",
    )  # fmt: skip

    def __init__(
        self, octets: bytes, address: str, standing: Standing, *, allowed: bool, budget: int, now: float,
        mac: str = "", front: bool = False, payer: "Client | None" = None,
    ) -> None:  # fmt: skip
        self.octets = octets
        self.address = address
        self.mac = mac
        self.front = front
        """A router that says who asks: nothing is answered to itself by its octets, and each line names who asked."""
        self.payer = payer
        """The router that names it without an address, and whose budget it shares: MACs cost nothing to make up."""
        self.allowed = allowed
        self.budget = self.granted = self.marked = budget
        self.refilled = now
        self.refused = 0
        self.reported = 0.0
        self.in_flight = 0
        self.inserts = 0
        """Entries it put into the current generation of its view's cache."""
        self.era = -1
        self.lookup: Callable[[bytes], Finished | None] = _never
        self.prefix = b""
        self.assign(standing)

    def assign(self, standing: Standing) -> None:
        """Put the client into a place and its view."""
        self.place, self.state = standing
        if self.front:
            return
        self.lookup = self.state.finished.young.get if self.allowed else _never
        group, room, device = self.place
        self.prefix = f"{self.address}\t{device}\t{room}\t{group}\t".encode()

    @property
    def queries(self) -> int:
        """How many queries it has asked."""
        return self.granted - self.budget


class Clients:
    """All clients by the octets of their address."""

    def __init__(
        self,
        allowed: tuple[str, ...],
        rate: int,
        standing: Callable[[str, str], Standing],
        *,
        routers: Iterable[str] = (),
        mac_of: Callable[[str], str] = no_mac,
    ) -> None:
        """`standing` tells from address and MAC where a client stands; `routers` say on whose behalf they ask.

        An empty address stands for one that is not known.
        """
        self._allowed: tuple[IPNetwork, ...] = tuple(ipaddress.ip_network(text) for text in allowed)
        self._rate = rate
        self._standing = standing
        self._routers = frozenset(parse_address(text).packed for text in routers)
        self._mac_of = mac_of
        self._looked = -LOOK_SECONDS
        self._active: set[Client] = set()
        """Who had asked when that was last looked at."""
        self._before: dict[bytes, Client] = {}
        self.by_octets: dict[bytes, Client] = {}
        """Read directly on the hot path."""

    def get(self, octets: bytes, now: float) -> Client:
        """Return the client of an address (4 or 16 octets), making it known if it is new."""
        client = self.by_octets.get(octets)
        if client is not None:
            return client
        self._make_room()
        client = self._again(octets)
        if client is None:
            client = self.by_octets[octets] = self._new(octets, octets, now, front=octets in self._routers)
        return client

    def behind(self, router: Client, address: str, mac: str, now: float) -> Client:
        """Return on whose behalf a router asks; the router itself, if it does not say.

        Who is known by a MAC only has the router's address in the log, and its budget, but not its place. All are kept
        beside the clients that ask by themselves, under octets that no address has.
        """
        octets = ipaddress.ip_address(address).packed if address else router.octets
        key = (_BEHIND if address else _NAMELESS) + octets + mac.encode("ascii")
        client = self.by_octets.get(key)
        if client is not None:
            return client
        self._make_room()
        client = self._again(key)
        if client is None:
            payer = None if address else router
            client = self.by_octets[key] = self._new(key, octets, now, mac=mac, payer=payer)
        return client

    def _make_room(self) -> None:
        """Forget all clients if they are too many, but not the routers: what is asked for others is on their budget."""
        if len(self.by_octets) >= MAX_CLIENTS:
            routers = [client for client in self.by_octets.values() if client.front]
            self.by_octets.clear()
            self.by_octets.update((client.octets, client) for client in routers)

    def _again(self, key: bytes) -> Client | None:
        """Return a client that was known before the last change, in the place it has now."""
        client = self._before.pop(key, None)
        if client is not None:
            client.assign(self._stand(client.address, client.mac, client.payer))
            self.by_octets[key] = client
        return client

    def _new(
        self, key: bytes, octets: bytes, now: float, *, mac: str = "", front: bool = False, payer: Client | None = None
    ) -> Client:
        address = ipaddress.ip_address(octets)
        allowed = any(address.version == n.version and address in n for n in self._allowed)
        budget = self._rate * BURST_SECONDS if self._rate else UNLIMITED
        text = str(address)
        standing = self._stand(text, mac, payer)
        return Client(key, text, standing, allowed=allowed, budget=budget, now=now, mac=mac, front=front, payer=payer)

    def _stand(self, address: str, mac: str, payer: Client | None) -> Standing:
        if mac and payer is not None:
            return self._standing("", mac)  # the address is the router's: it tells nothing of who is behind it
        return self._standing(address, mac or self._mac_of(address))

    def current(self, client: Client) -> Client:
        """Return the same client in the view it has now: the policy may have changed while its question was away."""
        known = self.by_octets.get(client.octets)
        if known is None:
            client.assign(self._stand(client.address, client.mac, client.payer))
            self._before.pop(client.octets, None)
            known = self.by_octets[client.octets] = client
        return known

    def policy_changed(self) -> None:
        """Let every client find its view anew at its next query; what it used up stays used up."""
        if len(self._before) > MAX_CLIENTS:
            self._before = {}
        self._before |= self.by_octets
        self.by_octets = {}

    def learn_anew(self, addresses: Iterable[str]) -> None:
        """Let these clients find their place anew at their next query: another device has the address now."""
        for address in addresses:
            octets = ipaddress.ip_address(address).packed
            # If a router says the MAC of a client, that is its MAC, whatever the neighbour table says.
            for key in (octets, _BEHIND + octets, _NAMELESS + octets):
                client = self.by_octets.pop(key, None)
                if client is not None:
                    self._before[key] = client

    def over_rate(self, client: Client, now: float) -> bool:
        """Refill an empty budget; whether the client has to wait.

        A client that nobody else suffers from is never over its rate.
        """
        burst = self._rate * BURST_SECONDS
        grant = min(int((now - client.refilled) * self._rate), burst)
        if grant > 0:
            # The fraction of a query that is left over counts next time.
            client.refilled = now if grant == burst else client.refilled + grant / self._rate
            client.budget += grant
            client.granted += grant
        if client.budget >= 0:
            return False
        if not self._others_ask(client, now):
            client.granted += burst - client.budget
            client.budget = burst
            return False
        client.refused += 1
        client.granted -= client.budget  # no debt: whoever slows down is served at once
        client.budget = 0
        return True

    def _others_ask(self, client: Client, now: float) -> bool:
        """Whether anyone else has been asking lately."""
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self._active = {other for other in self.by_octets.values() if other.budget != other.marked}
            for other in self._active:
                other.marked = other.budget
        return any(other is not client for other in self._active)

    def refused(self) -> list[Client]:
        """Return the clients that were refused for their rate."""
        return [client for client in self.by_octets.values() if client.refused]
