"""`python -m bench [NAME ...] [--quick | --full] [--users N] --binary PATH --driver PATH`. README.md says what a line means."""

import argparse
import signal
import sys
import time
import traceback
from pathlib import Path

from . import charts, dependencies
from .cluster import SETTINGS
from .figures import ALIASES, BENCHMARKS
from .machine import CORES, autogroup, without_autogroup
from .options import Options

USERS_QUICK = 10_000
USERS_FULL = 1_000_000
_LEFT_OUT = "Left to --full: 1,000,000 users, a minute of each overload, and nine pairs of ten seconds."


def main() -> int:
    if sys.argv[1:] == ["charts"]:
        charts.run()
        return 0
    if sys.argv[1:2] == ["dependencies"]:
        dependencies.run(sys.argv[2:])
        return 0
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join([*BENCHMARKS, *ALIASES])} (all); or charts or dependencies, alone")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help=f"five pairs, short loads, {USERS_QUICK} users (as is)")
    size.add_argument("--full", action="store_true", help=f"nine pairs, long loads, {USERS_FULL} users; the charts too")
    parser.add_argument("--users", type=lambda word: int(word.replace("_", "")), help="how many users there are")
    parser.add_argument("--binary", type=Path, required=True, help="the usher to measure")
    parser.add_argument("--driver", type=Path, required=True, help="the program usher-bench")
    parser.add_argument("--peers-python", type=Path, required=True, help="the Python of requirements-peers.txt")
    parser.add_argument("--peer", type=Path, action="append", default=[], help="a file that tells of one more server beside usher")
    parser.add_argument("--image", help="a container image whose size P-14 tells")
    given = parser.parse_args()
    names = [ALIASES.get(name, name) for name in given.names] or list(BENCHMARKS)
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    users = given.users or (USERS_FULL if given.full else USERS_QUICK)
    if users < 1000:
        parser.error("at least 1,000 users")
    # Not resolved: an environment's Python is a link, and knows itself by its place.
    programs = (given.binary.resolve(), given.driver.resolve(), given.peers_python.absolute())
    options = Options(*programs, users, quick=not given.full, peers=tuple(given.peer), image=given.image)
    # Whoever ends it finds no servers left.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    whole, failed = time.monotonic(), []
    with without_autogroup():
        settings = ", ".join(f"{name}={value}" for name, value in SETTINGS.items() if value)
        print(f"{users} users; {CORES} cores; autogroup={autogroup():d}; PostgreSQL: {settings}", flush=True)
        for name in names:
            what, run = BENCHMARKS[name]
            print(f"\n{name}: {what}", flush=True)
            began = time.monotonic()
            try:
                run(options)
            except Exception:  # noqa: BLE001, what follows does not depend on it
                traceback.print_exc()
                failed.append(name)
            print(f"({time.monotonic() - began:.0f} s)", flush=True)
    if given.full or not given.names:
        charts.run()
    print(f"\nAll in {(time.monotonic() - whole) / 60:.1f} minutes." + (f" {_LEFT_OUT}" if options.quick else ""))
    if failed:
        print(f"Failed, see above: {', '.join(failed)}.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
