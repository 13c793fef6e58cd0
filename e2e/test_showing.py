"""The pictures of `docs/screenshots`: they can be taken anew, and no page is heavy or moves while it loads."""

import os
import subprocess
import sys
from pathlib import Path

from showing.pages import PAGES

HERE = Path(__file__).resolve().parent


def test_the_pages_are_light_and_stand_still(usher_binary: Path, tmp_path: Path) -> None:
    environment = os.environ | {"USHER_BIN": str(usher_binary)}
    command = [sys.executable, "-m", "showing", tmp_path]
    ended = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert {path.stem for path in tmp_path.glob("*.png")} == {page.name for page in PAGES}
