"""pgbench: what PostgreSQL does of the same statements when nothing stands before it. The limit that figures are held against."""

import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.database import program

from .cluster import Cluster

# pgbench takes no more.
SCRIPTS_MAX = 128


def rate(cluster: Cluster, scripts: Sequence[str], clients: int, seconds: int = 0, *, transactions: int = 0) -> float:
    """Transactions a second, prepared, over the Unix socket: for so long, or so many for each client. Of several scripts each turn takes
    one by chance."""
    assert len(scripts) <= SCRIPTS_MAX
    with tempfile.TemporaryDirectory(prefix="usher-pgbench-") as folder:
        words = []
        for number, script in enumerate(scripts):
            path = Path(folder) / f"{number}.sql"
            path.write_text(script)
            words += ["-f", str(path)]
        lasts = ["-t", str(transactions)] if transactions else ["-T", str(seconds)]
        command = [program("pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "1", *lasts, *words, *cluster.place]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 600, check=False)
    assert ended.returncode == 0, f"pgbench ended with {ended.returncode}: {ended.stderr[-2000:]}"
    found = re.search(r"^tps = ([0-9.]+) ", ended.stdout, re.M)
    assert found, ended.stdout
    return float(found[1])
