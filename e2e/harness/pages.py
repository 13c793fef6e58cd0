"""The pages that docs/pages.md lists, and a page's address as one of many."""

import re
from pathlib import Path
from urllib.parse import urlsplit

DOCUMENT = Path(__file__).parent.parent.parent / "docs/pages.md"
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


def general(path: str) -> str:
    """A page's address without what it is about."""
    place = _ID.sub("{id}", urlsplit(path).path)
    place = re.sub("/mails/texts/[^/]+/[^/]+", "/mails/texts/{name}/{language}", place)
    place = re.sub("/attributes/[^/]+/edit", "/attributes/{name}/edit", place)
    return re.sub("/(roles|permissions)/(?!new|grant)[^/]+", r"/\1/{name}", place)


def documented() -> dict[str, re.Pattern[str]]:
    """Each page of the tables, as it is written there, and what fits its addresses. Also pages that a row names by `.../` after
    another one, by "`/new` below it", and by the acts that stand beside `{act}`."""
    found = {}
    for first, second in re.findall("^[|] (`/[a-z].*?) [|] (.*?) [|]", DOCUMENT.read_text(), re.M):
        before = ""
        for page in re.findall("`((?:/|[.]{3}/)[^` ]+)`", first):
            before = page if page.startswith("/") else before
            name, places = (page, [page]) if page == before else (f"{before} {page}", _continued(before, page))
            acts = re.findall("`([a-z-]+)`", second) if "{act}" in page else ["{act}"]
            for act in acts:
                found[name.replace("{act}", act)] = _shape([place.replace("{act}", act) for place in places])
        for below in re.findall("`(/[a-z]+)` below it", second):
            found[before + below] = _shape([before + below])
    assert len(found) > 100, f"{DOCUMENT} has tables no more that can be read"
    return found


def not_among(seen: set[str]) -> list[str]:
    """Pages of the tables that are none of these addresses, which are general ones."""
    pages = documented()
    return [page for page, shape in pages.items() if not any(map(shape.fullmatch, seen - set(pages) | {page} & seen))]


def _continued(before: str, page: str) -> list[str]:
    """What `.../` may stand for: as much of the page before as makes an address of two parts or more."""
    parts = before.split("/")
    return ["/".join(parts[:end]) + page.removeprefix("...") for end in range(3, len(parts) + 1)]


def _shape(places: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(place)) for place in places))
