"""`cargo xtask bench dependencies --binary PATH`: what each direct dependency costs, into `docs/dependencies.md`.

The binary is a release build that has its names: `CARGO_PROFILE_RELEASE_STRIP=none cargo build --release`."""

import argparse
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from .cluster import ROOT
from .figures.footprint import dependencies

_PAGE = ROOT / "docs/dependencies.md"
_BEGIN, _END = "<!-- Written by `cargo xtask bench dependencies`, as the numbers of the tables are. -->", "<!-- The end of what is written. -->"
_ROW = re.compile(r"^(\| `([^`]+)` \| .+ \|)[^|]*\|[^|]*\|$", re.MULTILINE)
_TREE = ["cargo", "tree", "--locked", "--package=usher", "--edges=normal", "--target=x86_64-unknown-linux-gnu", "--prefix=depth"]
# The first that a function names: axum for `<axum::Router as core::clone::Clone>::clone` and `<F as axum::handler::Handler<T>>::call`.
_CRATE = re.compile(r"(\w+)::")
_STANDARD = {"std", "core", "alloc"}
# Whatever is not Rust.
_C = "aws_lc_sys"
_LARGEST = 12


class Package(NamedTuple):
    name: str
    version: str
    # As it begins the names of its functions.
    crate: str


def run(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="bench dependencies", description=__doc__)
    parser.add_argument("--binary", type=Path, required=True, help="a release build of usher that is not stripped")
    code, tree = _code(parser.parse_args(words).binary), _tree()
    whole, direct = _reached(tree), dependencies()
    ours = {package.crate for package in whole if _is_ours(package)}
    named = set(ours)

    def size(crates: Iterable[str]) -> str:
        return f"{sum(code[crate] for crate in crates) / 1e6:.2f}"

    def costs(row: re.Match[str]) -> str:
        stays = _reached(tree, without=row[2])
        gone = whole - stays
        crates = {package.crate for package in gone} - {package.crate for package in stays}
        crates |= {package.crate for package in whole if package.name == row[2]}
        named.update(crates)
        return f"{row[1]} {len(gone)} | {size(crates)} |"

    before, found, rest = _ROW.sub(costs, _PAGE.read_text()).partition(_BEGIN)
    _, ended, after = rest.partition(_END)
    assert found and ended, f"{_PAGE} has no place for the sum"
    others = {package.crate for package in whole} - named
    largest = sorted(others, key=lambda crate: code[crate], reverse=True)[:_LARGEST]
    told = (
        f"{len(direct)} direct dependencies, {sum(not _is_ours(package) for package in whole)} packages with all that they bring. "
        f"Of {size(code)} MB of machine code {size(ours)} are usher's own and {size(_STANDARD)} the standard library's. {size(others)} are in packages "
        f"that usher does not name and several of these bring; the largest are {', '.join(f'`{crate}` ({size([crate])})' for crate in largest)}."
    )
    _PAGE.write_text(f"{before}{_BEGIN}\n\n{told}\n\n{_END}{after}")
    print(told)


def _is_ours(package: Package) -> bool:
    return package.name.split("-")[0] == "usher"


def _code(binary: Path) -> Counter[str]:
    """Bytes of machine code by crate."""
    listed = subprocess.run(["nm", "--print-size", "--demangle", binary], capture_output=True, text=True, check=True).stdout
    found: Counter[str] = Counter()
    for line in listed.splitlines():
        match line.split(maxsplit=3):
            case [_, size, "t" | "T" | "w" | "W", name]:
                crate = _CRATE.search(name)
                found[crate[1] if crate else _C] += int(size, 16)
    assert found["usher"], f"{binary} has no names: {__doc__}"
    return found


def _tree() -> dict[Package, set[Package]]:
    """What is built for x86-64 Linux, and what runs in the compiler for it."""
    listed = subprocess.run([*_TREE, "--format= {lib} {p}"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    tree, above = defaultdict(set), []
    for line in listed.splitlines():
        depth, crate, name, version, *_ = line.split()
        del above[int(depth) :]
        package = Package(name, version, crate)
        if above:
            tree[above[-1]].add(package)
        above.append(package)
    return tree


def _reached(tree: dict[Package, set[Package]], without: str = "") -> set[Package]:
    """What usher's crates bring, if none of them named this one."""
    found, waiting = set(), [package for package in tree if package.name == "usher"]
    while waiting:
        package = waiting.pop()
        if package not in found:
            found.add(package)
            waiting.extend(needed for needed in tree.get(package, ()) if not (_is_ours(package) and needed.name == without))
    return found
