"""What is measured, by name. A benchmark takes its options and adds figures to its report; P-01 and what follows will join them."""

from collections.abc import Callable

from ..options import Options
from . import bulk, growth, lists, pages, transfer

BENCHMARKS: dict[str, tuple[str, Callable[[Options], None]]] = {
    "P-09": ("list pages, q, filters and roles, beside the best hand-written SQL", lists.run),
    "P-10": ("import, dry run and export, beside COPY", transfer.run),
    "P-11": ("growth exponents of look-ups, pages and searches", growth.run),
    "P-13": ("pages as a browser asks for them, and what the first view of the sign-in weighs", pages.run),
    "bulk": ("suspending in bulk, beside one UPDATE of the same rows with its audit", bulk.run),
}
# What else they are called.
ALIASES = {"lists": "P-09", "transfer": "P-10", "growth": "P-11", "pages": "P-13"}
