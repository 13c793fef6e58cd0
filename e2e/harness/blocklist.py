"""The list of passwords that usher ships, asked as usher asks it (`crates/usher/src/password_filter/format.rs`).

It takes one password in 65,536 for listed that is not, by design: among the thousands that a run makes, one now and then.
"""

import hashlib
import struct
from functools import cache
from pathlib import Path

_FILE = Path(__file__).resolve().parents[2] / "crates/usher/src/password/blocklist.filter"
_TABLE_AT = 12
_ROW = struct.Struct("<QIII32x")
_SHARDS = 256
_HEADER_BYTES = _TABLE_AT + _SHARDS * _ROW.size + 32
_U64 = (1 << 64) - 1


@cache
def _read() -> tuple[bytes, list[tuple[int, int, int, int]]]:
    """The file, and for each shard its seed, the length of a segment, their count and where its fingerprints begin."""
    content = _FILE.read_bytes()
    shards, at = [], _HEADER_BYTES
    for seed, length, segments, _ in _ROW.iter_unpack(content[_TABLE_AT : _HEADER_BYTES - 32]):
        shards.append((seed, length, segments, at))
        at += 2 * (segments + 2) * length
    return content, shards


def lists(password: str) -> bool:
    """Whether usher takes a password in lower case ASCII for one that others know."""
    content, shards = _read()
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    seed, length, segments, begin = shards[digest[0]]
    mixed = (int.from_bytes(digest[1:9], "big") + seed) & _U64
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        mixed = ((mixed ^ mixed >> 33) * factor) & _U64
    mixed ^= mixed >> 33
    first = (mixed * segments * length) >> 64
    second = (first + length) ^ (mixed >> 18 & length - 1)
    third = (first + 2 * length) ^ (mixed & length - 1)
    found = (mixed ^ mixed >> 32) & 0xFFFF
    for position in (first, second, third):
        found ^= int.from_bytes(content[begin + 2 * position : begin + 2 * position + 2], "little")
    return found == 0
