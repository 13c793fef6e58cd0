"""`python -m showing FOLDER`, with USHER_BIN naming the program: writes the pictures there, and prints a line for each page."""

import argparse
import os
import sys
from pathlib import Path

from harness.mailbox import Mailbox
from harness.server import Stage

from .pages import PAGES
from .people import Cast
from .visit import Visitors

# Columns find their width while the rows of a long table come; nobody sees so little.
SHIFT_MAX = 0.005


def main() -> int:
    parser = argparse.ArgumentParser(prog="showing", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    mailbox = Mailbox()
    stage = Stage(Path(os.environ["USHER_BIN"]).resolve(), mailbox.port)
    server = stage.usher()
    # Passkeys belong to a name.
    server.settings["USHER_PUBLIC_URL"] = f"http://localhost:{server.port}"
    heavy = False
    try:
        server.start()
        cast = Cast(server, mailbox)
        with Visitors(server.public_url, cast) as visitors:
            times = f"{'server ms':>9} {'FCP ms':>7} {'LCP ms':>7} {'TBT ms':>7}"
            print(f"{'page':<16} {'bytes':>8} {'requests':>8} {times} {'shift':>6}")
            for page in PAGES:
                seen = visitors.see(page, options.folder)
                heavy |= seen.bytes > page.bytes_max or seen.shift >= SHIFT_MAX
                times = f"{seen.server:>9.1f} {seen.first:>7.0f} {seen.largest:>7.0f} {seen.blocked:>7.0f}"
                print(f"{page.name:<16} {seen.bytes:>8} {seen.requests:>8} {times} {seen.shift:>6.3f}", flush=True)
    finally:
        server.stop()
        server.remove()
        stage.close()
        mailbox.close()
    if heavy:
        print("too much: a page is heavier than it may be, or moves while it loads")
    return 1 if heavy else 0


if __name__ == "__main__":
    sys.exit(main())
