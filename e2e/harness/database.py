"""PostgreSQL's own programs at the private database of a server: for what no API shows, or allows."""

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

_USUAL_PLACES = ("/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt", "/usr/local/opt")


def program(name: str) -> str:
    """Where a program of PostgreSQL is."""
    given = os.environ.get("USHER_PG_BIN")
    if given and (Path(given) / name).is_file():
        return str(Path(given) / name)
    places = (Path(place) for place in _USUAL_PLACES)
    usual = [path for place in places if place.is_dir() for path in sorted(place.glob(f"*/bin/{name}"), reverse=True)]
    found = str(usual[0]) if usual else shutil.which(name)
    assert found, f"{name} is not on this machine: install PostgreSQL's client programs"
    return found


def _place(data_dir: Path) -> tuple[str, str]:
    lines = (data_dir / "postgres" / "postmaster.pid").read_text().split("\n")
    return lines[3], lines[4]


def place(data_dir: Path) -> list[str]:
    """The words that lead PostgreSQL's programs to the database."""
    port, socket_dir = _place(data_dir)
    return ["-h", socket_dir, "-p", port, "-U", "usher", "usher"]


def _run(data_dir: Path, name: str, *arguments: str) -> str:
    port, socket_dir = _place(data_dir)
    command = [program(name), "-h", socket_dir, "-p", port, "-U", "usher", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, f"{name} ended with {ended.returncode}: {ended.stderr[-2000:]}"
    return ended.stdout


def sql(data_dir: Path, statement: str) -> list[str]:
    """Runs a statement; each row as text."""
    quiet = ("-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1")
    return _run(data_dir, "psql", *quiet, "-c", statement, "usher").splitlines()


def dump(data_dir: Path, database: str = "usher") -> str:
    """All that the database holds, as pg_dump writes it."""
    return _run(data_dir, "pg_dump", database)


def create(data_dir: Path, name: str, password: str) -> str:
    """Makes one more database beside the private one, and returns the URL that leads there."""
    sql(data_dir, f"create database {name}")
    port, socket_dir = _place(data_dir)
    return f"postgres://usher:{password}@{quote(socket_dir, safe='')}:{port}/{name}?sslmode=disable"
