"""Judge ports and upstreams. Pure: facts in, findings out."""

from collections.abc import Iterator

from cli.diagnose_machine import doctor_again
from cli.facts import BindError, Facts, Holder, Outcome, Place, Probe
from cli.findings import Finding, Health
from translations import _

DNS_PORT = 53
LOW_PORTS = 1024
"""Below, Linux asks for a permission."""


def places(facts: Facts) -> Iterator[Finding]:
    """Judge the addresses that the server is to listen on."""
    served = facts.state.listening.listen if facts.state.listening else ()
    ours = {worker.pid for worker in facts.state.answering}
    if facts.state.listening is not None and facts.state.listening.pid is not None:
        ours.add(facts.state.listening.pid)
    for place in facts.places:
        taken_by_us = any(holder.pid in ours or (holder.ours and not served) for holder in place.holders)
        problem = None if taken_by_us else _bind_problem(place, facts)
        if problem is not None:
            yield problem
        elif place.text in served or place.port == 0 or (taken_by_us and not served):
            yield Finding("port", Health.OK, _("The server listens on {place}.").format(place=place.text))
        elif served:
            yield Finding(
                "port",
                Health.WARNING,
                _("The settings name {place}, but the running server does not listen there.").format(place=place.text),
                _("Restart the server so that it reads the settings."),
            )
        else:
            yield Finding("port", Health.OK, _("{place} is free to listen on.").format(place=place.text))
    if facts.places and all(place.loopback for place in facts.places):
        yield _only_loopback(facts)


def _only_loopback(facts: Facts) -> Finding:
    text = _("The server listens on this machine only: no other device can reach it.")
    remedy = _(
        "Fine for a try. For a school, name the machine's own address in [server] listen, as 192.0.2.53:53, "
        "or every address, as 0.0.0.0:53."
    )
    production = any(place.port == DNS_PORT for place in facts.places)
    return Finding("loopback", Health.WARNING if production else Health.OK, text, remedy)


def _bind_problem(place: Place, facts: Facts) -> Finding | None:
    match place.error:
        case BindError.NONE:
            return None
        case BindError.TAKEN:
            return _taken(place, facts)
        case BindError.NOT_HERE:
            text = _("[server] listen names {place}, but no interface of this machine has that address.")
            remedy = _("See the machine's addresses with: ip address; then correct [server] listen.")
        case BindError.NOT_PERMITTED if place.port < LOW_PORTS and not facts.low_ports_allowed:
            text = _("This user may not listen on {place}: ports below 1024 need a permission.")
            remedy = _("Start the server with its systemd unit, which has the permission, or choose a port from 1024.")
        case _:
            text = _("{place} cannot be listened on: {detail}.")
            remedy = _("Correct [server] listen.")
    return Finding("port", Health.PROBLEM, text.format(place=place.text, detail=place.detail), remedy)


def _taken(place: Place, facts: Facts) -> Finding:
    if any(holder.program.startswith("systemd-resolve") for holder in place.holders) or (
        # Without root we cannot see the program; nobody else uses this address.
        any(holder.address in {"127.0.0.53", "127.0.0.54"} for holder in place.holders)
    ):
        return Finding(
            "port",
            Health.PROBLEM,
            _("{place} is taken by systemd-resolved, the machine's own small resolver.").format(place=place.text),
            _(
                "Write these two lines to /etc/systemd/resolved.conf.d/schoolfilter.conf:\n"
                "    [Resolve]\n"
                "    DNSStubListener=no\n"
                "then: sudo ln -sf /run/systemd/resolve/resolv.conf /etc/resolv.conf\n"
                "and: sudo systemctl restart systemd-resolved"
            ),
        )
    names = ", ".join(sorted({_holder(holder) for holder in place.holders}))
    seen = any(holder.program for holder in place.holders)
    if not seen and not facts.folder.mine:
        # Perhaps it is our own server: only its user sees its sockets.
        text = _("{place} is taken; by which program, this user may not see: {names}.")
        return Finding("port", Health.WARNING, text.format(place=place.text, names=names or "?"), doctor_again())
    if not seen:
        return Finding(
            "port",
            Health.PROBLEM,
            _("{place} is taken by another program: {names}.").format(place=place.text, names=names or "?"),
            _("Find out which: sudo schoolfilter doctor. Then stop it, or choose another address or port."),
        )
    remedy = _("Stop that program, as with: sudo systemctl disable --now NAME; or choose another address or port.")
    if any(holder.ours for holder in place.holders):
        remedy = restart_or_move()
    return Finding(
        "port", Health.PROBLEM, _("{place} is taken by {names}.").format(place=place.text, names=names), remedy
    )


def restart_or_move() -> str:
    """Return what is to be done if a schoolfilter holds the port, this one or another."""
    return _(
        "Is there room on the disk (df -h)? Then restart it: sudo systemctl restart schoolfilter. "
        "If it is another installation: stop it, or choose another port in [server] listen."
    )


def _holder(holder: Holder) -> str:
    where = f"[{holder.address}]" if ":" in holder.address else holder.address
    socket = f"{holder.protocol} {where}:{holder.port}"
    return f"{holder.program} (pid {holder.pid}, {socket})" if holder.program else socket


def upstreams(facts: Facts) -> Iterator[Finding]:
    """Judge the servers that we ask."""
    ours = {place.text for place in facts.places if place.port}
    for probe in facts.probes:
        where = probe.address.partition("://")[2]
        if ours & {where, f"{where}:{DNS_PORT}"}:
            yield Finding(
                "upstream",
                Health.PROBLEM,
                _("The upstream {address} is this server itself: it would ask itself for ever.").format(
                    address=probe.address
                ),
                _("Name another server in [upstream] servers."),
            )
        else:
            yield _upstream(probe)
    if all(probe.outcome is not Outcome.ANSWER for probe in facts.probes):
        yield Finding(
            "upstream",
            Health.PROBLEM,
            _("No upstream answers: blocked names are still blocked, but nothing else opens."),
            _("See whether this machine has internet at all, then correct [upstream] servers."),
        )


def _upstream(probe: Probe) -> Finding:
    """Judge one; a warning, because the others may do its work."""
    text, remedy = _verdict(probe)
    fine = probe.outcome is Outcome.ANSWER and not probe.invents
    words = text.format(address=probe.address, ms=f"{probe.milliseconds:.0f}", detail=probe.detail)
    return Finding("upstream", Health.OK if fine else Health.WARNING, words, remedy)


def _verdict(probe: Probe) -> tuple[str, str]:
    firewall = _("Check the address in [upstream] servers, the cable, and the provider's or the school's firewall.")
    match probe.outcome:
        case Outcome.ANSWER if probe.invents:
            return (
                _("{address} gives an address for a name that cannot exist: somebody on the way rewrites answers."),
                _("Use an upstream by tls:// or https://, which nobody on the way can rewrite."),
            )
        case Outcome.ANSWER:
            return _("{address} answers in {ms} ms."), ""
        case Outcome.ERROR_CODE:
            return (
                _("{address} answers {detail}: it is there but does not serve us."),
                _("Ask whoever runs that server to let this machine in, or name another in [upstream] servers."),
            )
        case Outcome.TIMEOUT:
            return _("{address} does not answer."), firewall
        case Outcome.CLOSED:
            return (
                _("{address}: the machine is there, but no DNS server answers on that port."),
                _("Correct the address or the port in [upstream] servers."),
            )
        case Outcome.UNREACHABLE:
            return _("{address} cannot be reached: {detail}."), firewall
        case Outcome.CERTIFICATE:
            return (
                _("{address}: the server cannot prove who it is: {detail}."),
                _("Check the name behind # in [upstream] servers, and this machine's clock."),
            )
        case Outcome.GARBAGE:
            return (
                _("{address} answers with something else than DNS: {detail}."),
                _("That is no DNS server: correct [upstream] servers."),
            )
