"""Write a query log for tests, as a worker would."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from resolver.querylog import HEADER_LINE


def write_log(
    state: Path, asked: dict[str, int], *, group: str = "pupils", outcome: str = "allow\tdefault\t\t"
) -> None:
    """Let the names be asked for so many times an hour ago; `outcome` is action, reason, category and list."""
    begun = datetime.now(UTC) - timedelta(hours=1)
    folder = state / "querylog"
    folder.mkdir(exist_ok=True)
    path = folder / f"{begun:%Y%m%dT%H%M%S}-w0-{len(list(folder.iterdir())) + 1:04d}.tsv"
    moment = begun.isoformat(timespec="milliseconds")
    lines = [
        f"{moment}\t10.0.0.5\t\t\t{group}\t{name}\tA\t{outcome}\tNOERROR\tcache\t0.1\n".encode() * count
        for name, count in asked.items()
    ]
    path.write_bytes(HEADER_LINE + b"".join(lines))
