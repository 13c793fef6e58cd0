"""The system's Chromium, since this project downloads no browser."""

import os
import shutil

_NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
_ON_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
ARGUMENTS = (
    "--no-sandbox --headless=new --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


def program() -> str:
    found = [path for path in (shutil.which(name) for name in _NAMES) if path]
    return os.environ.get("E2E_CHROMIUM") or (found[0] if found else _ON_MAC)
