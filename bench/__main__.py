"""`python -m bench [NAME ...] [--quick | --full] [--users N]`, with USHER_BIN naming the program. README.md says what a line means."""

import argparse
import os
import sys
from pathlib import Path

from .cluster import SETTINGS
from .figures import ALIASES, BENCHMARKS
from .options import Options

USERS_QUICK = 10_000
USERS_FULL = 1_000_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join([*BENCHMARKS, *ALIASES])} (all)")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help=f"five pairs, short loads, {USERS_QUICK} users (as is)")
    size.add_argument("--full", action="store_true", help=f"nine pairs, long loads, {USERS_FULL} users")
    parser.add_argument("--users", type=lambda word: int(word.replace("_", "")), help="how many users there are")
    given = parser.parse_args()
    names = [ALIASES.get(name, name) for name in given.names] or list(BENCHMARKS)
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    users = given.users or (USERS_FULL if given.full else USERS_QUICK)
    if users < 1000:
        parser.error("at least 1,000 users")
    options = Options(binary=Path(os.environ["USHER_BIN"]).resolve(), users=users, quick=not given.full)
    print(f"{users} users; PostgreSQL: {', '.join(f'{name}={value}' for name, value in SETTINGS.items() if value)}", flush=True)
    for name in names:
        what, run = BENCHMARKS[name]
        print(f"\n{name}: {what}", flush=True)
        run(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
