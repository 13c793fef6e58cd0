"""What bearer secrets are for, as the source says it: so that a new kind is missed where each has to be tried."""

import re
from pathlib import Path

_SOURCE = (Path(__file__).resolve().parents[2] / "crates/usher/src/secret.rs").read_text()


def _said(function: str) -> dict[str, str]:
    """What `impl Purpose` answers for each variant in this function."""
    body = re.search(rf"pub fn {function}\(self\) -> &'static str \{{\n(.*?)\n    \}}\n", _SOURCE, re.DOTALL)
    assert body, f"Purpose::{function} is not where it was"
    return dict(re.findall(r'Self::(\w+) => "(\w+)"', body[1]))


def _purposes() -> dict[str, str]:
    variants = re.search(r"pub enum Purpose \{\n(.*?)\n\}", _SOURCE, re.DOTALL)
    assert variants, "Purpose is not where it was"
    names, beginnings = _said("as_str"), _said("prefix")
    declared = set(re.findall(r"^    (\w+),$", variants[1], re.MULTILINE))
    assert declared == set(names) == set(beginnings), "a purpose has a name and a beginning"
    return {names[variant]: beginnings[variant] for variant in names}


# By their names, what the text of a secret begins with.
PURPOSES = _purposes()
