"""What is measured, by name. A benchmark takes its options and adds figures to its report."""

from collections.abc import Callable

from ..options import Options
from . import (
    bulk,
    creation,
    footprint,
    growth,
    lists,
    mail,
    overload,
    pages,
    peers,
    plans,
    processes,
    reads,
    sign_ins,
    tokens,
    transfer,
)

BENCHMARKS: dict[str, tuple[str, Callable[[Options], None]]] = {
    "P-01": ("a user by id with an access token, beside pgbench", reads.run),
    "P-02": ("the same, beside other servers", peers.reads),
    "P-03": ("sign-ins with a password, beside bare hashes", sign_ins.run),
    "P-04": ("the same, beside other servers", peers.sign_ins),
    "P-05": ("refresh tokens exchanged and sign-ins after their hash, beside pgbench's inserts", tokens.run),
    "P-06": ("p99 of reads while sign-ins keep all cores busy", overload.latency),
    "P-07": ("memory: idle, while users are read, after sign-ins", footprint.memories),
    "P-08": ("the time from start to the first answer", footprint.starts),
    "P-09": ("list pages, q, filters and roles, beside the best hand-written SQL", lists.run),
    "P-10": ("import, dry run and export, beside COPY", transfer.run),
    "P-11": ("growth exponents of look-ups, pages, searches, sign-ins and writes", growth.run),
    "P-12": ("users created, beside pgbench's inserts of the bare row", creation.run),
    "P-13": ("pages as a browser asks for them, and what first views weigh", pages.run),
    "P-14": ("sizes: the binary, what it is made of, an image", footprint.sizes),
    "P-15": ("two processes behind Nginx, beside one", processes.run),
    "P-16": ("mails that wait, composed and sent, beside pgbench of their claims", mail.run),
    "overload": ("sign-ins at twice and ten times what can be done", overload.run),
    "bulk": ("suspending in bulk, beside one UPDATE of the same rows with its audit", bulk.run),
    "plans": ("how PostgreSQL finds the users of each kind of list", plans.run),
}
# What else they are called.
ALIASES = {"lists": "P-09", "transfer": "P-10", "growth": "P-11", "pages": "P-13"}
