"""Everything that `doctor` looks at, in the order in which it is shown. Pure: facts in, findings out."""

from collections.abc import Callable, Iterator

from cli.diagnose_journal import journal, notices
from cli.diagnose_machine import clock, disk, folder, history, memory, python
from cli.diagnose_network import places, upstreams
from cli.diagnose_server import clients, lists, server, traffic
from cli.diagnose_settings import settings
from cli.facts import Facts
from cli.findings import Finding, Health

CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    server,
    settings,
    places,
    upstreams,
    lists,
    clients,
    traffic,
    journal,
    notices,
    folder,
    history,
    disk,
    clock,
    memory,
    python,
)

_WORST_FIRST = (Health.PROBLEM, Health.WARNING, Health.OK)


def diagnose(facts: Facts) -> list[Finding]:
    """Return all findings, the worst first."""
    found = [finding for check in CHECKS for finding in check(facts)]
    return sorted(found, key=lambda finding: _WORST_FIRST.index(finding.health))
