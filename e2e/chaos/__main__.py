"""`python -m chaos [--kills N] [--postgres-kills M] [--seed S]`, with USHER_BIN naming the program."""

import argparse
import os
import sys
from pathlib import Path

from harness.mailbox import Mailbox
from harness.server import Stage

from .run import Plan, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how often usher is killed (200)")
    parser.add_argument("--postgres-kills", type=int, default=50, help="how often PostgreSQL is killed (50)")
    parser.add_argument("--seed", type=int, default=1, help="another one asks and kills in another order")
    options = parser.parse_args()
    mailbox = Mailbox()
    stage = Stage(Path(os.environ["USHER_BIN"]).resolve(), mailbox.port)
    try:
        report = run(stage, mailbox, Plan(options.kills, options.postgres_kills, options.seed))
    finally:
        stage.close()
        mailbox.close()
    print(report)
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
