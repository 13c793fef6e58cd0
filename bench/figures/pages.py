"""P-13: pages as a browser asks for them: the server's time at a fixed rate, and what the first views of the sign-in and of the users weigh."""

import http.client
import json
import re
import secrets
from statistics import median
from urllib.parse import urlencode, urlsplit

import httpx

from .. import template
from ..load import Connection, at_rate, timed
from ..machine import Split
from ..options import Options
from ..report import Figure, Report
from ..site import Site
from ..statistics import quantile

P99_MAX_MS = 20
FIRST_VIEW_MAX_KB = 60
# At most so many requests a second, and so much of what one connection could do.
_RATE_MAX = 20.0
_LOAD = 0.3
_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
# Whatever else a page, its styles and its scripts name.
_NAMED = re.compile(r"/assets/[A-Za-z0-9._/-]+")
# What Chromium says it takes.
_ENCODINGS = "gzip, deflate, br, zstd"


def sign_in(site: Site) -> str:
    """A new administrator in the console; the cookie of the session."""
    name, password = f"bench-{secrets.token_hex(4)}", secrets.token_urlsafe(24)
    address = f"{name}@bench.example.com"
    site.usher.cli("user", "create", "--email", address, "--role", "admin", "--password-stdin", given=password)
    with httpx.Client(base_url=site.base_url, follow_redirects=True, trust_env=False) as browser:
        typed = {"identifier": address, "return_to": ""}
        page = browser.get("/sign-in")
        for more in ({}, {"password": password}):
            token = _TOKEN.search(page.text)
            assert token, page.text[:500]
            page = browser.post("/sign-in", data={**typed, **more, "form_token": token[1]})
        assert page.url.path == "/account", f"nobody is signed in: {page.url}"
        return f"usher={browser.cookies['usher']}"


def places(site: Site) -> dict[str, str]:
    """The pages by what they are called."""
    ((user, username),) = site.cluster.rows("select id, username from users where status = 'active' order by created_at desc offset 500 limit 1")
    ((middle,),) = site.cluster.rows("select percentile_disc(0.5) within group (order by created_at) from users")
    before = middle.isoformat().replace("+00:00", "Z")
    deep = json.loads(Connection(site.base_url, site.key).get("/v1/users", limit="25", created_before=before))["next"]
    asked = {
        "first page": {},
        "halfway": {"cursor": deep},
        f"q {username}": {"q": username},
        "q maria": {"q": "maria"},
        "filter": {"filter": 'attributes.city eq "Berlin" and attributes.start_date eq "2023-05-05"'},
    }
    return {
        "/sign-in": "/sign-in",
        "/account": "/account",
        "/admin": "/admin",
        **{f"/admin/users, {name}": f"/admin/users?{urlencode(query)}" for name, query in asked.items()},
        "/admin/users/{id}": f"/admin/users/{user}",
        "/admin/changes": "/admin/changes",
        "/admin/audit": "/admin/audit",
        "/admin/bulk": "/admin/bulk",
    }


def run(options: Options) -> None:
    report = Report("P-13", options.users)
    with template.running(options.binary, options.users) as site:
        cookie = sign_in(site)
        for name, path in places(site).items():
            measure(report, options, site, cookie if path != "/sign-in" else "", name, path)
        weigh(report, site, "/sign-in")
        weigh(report, site, "/admin/users", cookie)
    report.write()


def measure(report: Report, options: Options, site: Site, cookie: str, name: str, path: str) -> None:
    def browser() -> Connection:
        return Connection(site.base_url, Cookie=cookie) if cookie else Connection(site.base_url)

    alone = browser()
    once = [timed(lambda: alone.get(path)) for _ in range(options.each + 1)][1:]
    alone.close()
    rate = min(_RATE_MAX, _LOAD / median(once))
    split = Split([site.pid], site.cluster.pid)
    with split:
        latencies = at_rate(browser, lambda connection: connection.get(path), rate, options.samples(rate))
    report.add(
        Figure(
            f"P-13 {name}, p99",
            quantile(latencies, 0.99) * 1e3,
            " ms",
            P99_MAX_MS,
            n=len(latencies),
            strangers=split.strangers,
            note=f"at {rate:.1f}/s; p50 {median(latencies) * 1e3:.1f} ms; {split}",
            raw={"path": path, "p50_seconds": median(latencies), "cpu_seconds": split.seconds},
            strict=True,
        )
    )


def weigh(report: Report, site: Site, first: str, cookie: str = "") -> None:
    """Heads and bodies as they are sent, of the page and of all that it names, whether or not a browser would need it at once. Styles and
    scripts come compressed, from usher as from Nginx, and pages as they are."""
    waiting, direct = [first], dict[str, int]()
    while waiting:
        path = waiting.pop()
        if path not in direct:
            direct[path], text = sent(site, path, cookie)
            waiting += _NAMED.findall(text)
    note = ", ".join(f"{path.rpartition('/')[2]} {weight / 1e3:.1f}" for path, weight in direct.items())
    whole = sum(direct.values()) / 1e3
    report.add(Figure(f"P-13 first view of {first}", whole, " kB", FIRST_VIEW_MAX_KB, n=len(direct), note=note, raw=direct, strict=True))


def sent(site: Site, path: str, cookie: str) -> tuple[int, str]:
    """How many bytes an answer has over HTTP/1.1, and what it says."""
    connection = http.client.HTTPConnection(urlsplit(site.base_url).netloc, timeout=30)
    given = {"Cookie": cookie} if cookie else {}
    connection.request("GET", path, headers={"Accept-Encoding": _ENCODINGS} | given)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, f"{path} -> {answer.status}"
    head = len(f"HTTP/1.1 {answer.status} {answer.reason}\r\n\r\n") + sum(len(f"{name}: {value}\r\n") for name, value in answer.getheaders())
    connection.close()
    plain = httpx.get(f"{site.base_url}{path}", headers={"Accept-Encoding": "identity"} | given, trust_env=False)
    return head + len(body), plain.text
