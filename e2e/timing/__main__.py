"""`python -m timing [--pairs N] [ENDPOINT ...]`, with USHER_BIN naming the program.

A server that holds a planted leak is named by USHER_FAULTY_BIN, if there is one; it must be found.
"""

import argparse
import os
import sys
from pathlib import Path

from harness.mailbox import Mailbox
from harness.server import Stage

from .measure import ENDPOINTS, measure
from .run import quiet


def main() -> int:
    parser = argparse.ArgumentParser(prog="timing", description=__doc__)
    parser.add_argument("--pairs", type=int, default=4000, help="how often each endpoint is asked (4000)")
    parser.add_argument("endpoints", nargs="*", help=f"of {', '.join(ENDPOINTS)} (all)")
    options = parser.parse_args()
    unknown = set(options.endpoints) - set(ENDPOINTS)
    if unknown:
        parser.error(f"no such endpoint: {', '.join(sorted(unknown))}")
    mailbox = Mailbox()
    honest = True
    try:
        with quiet(Stage(Path(os.environ["USHER_BIN"]).resolve(), mailbox.port), mailbox) as (url, people):
            for name in options.endpoints or ENDPOINTS:
                verdict = measure(url, people, ENDPOINTS[name], options.pairs)
                print(f"{name:<10} {verdict}", flush=True)
                honest = honest and not verdict.leaks
        found = True
        faulty = os.environ.get("USHER_FAULTY_BIN")
        if faulty:
            stage = Stage(Path(faulty).resolve(), mailbox.port)
            with quiet(stage, mailbox, USHER_PLANTED_FAULT="timing") as (url, people):
                verdict = measure(url, people, ENDPOINTS["login"], options.pairs)
                print(f"planted    {verdict}")
                found = verdict.leaks
    finally:
        mailbox.close()
    if not found:
        print("The planted leak of 2 ms was not found: this measurement proves nothing.")
    return 0 if honest and found else 1


if __name__ == "__main__":
    sys.exit(main())
