"""P-01: one user by id, asked for with an access token; beside pgbench, which selects the same columns of the same users."""

import tempfile
from pathlib import Path

from .. import pgbench, template, wrk
from ..cluster import Cluster
from ..load import rates_in_turns
from ..machine import Split
from ..options import Options
from ..people import People, lines
from ..report import Report
from ..site import Site
from .lists import COLUMNS

RATIO_MIN = 0.9
CONNECTIONS = 64
CLIENTS = 16
# Who is asked for, on both sides: as many as pgbench takes scripts.
_ASKED = 100
_ROW = """
    u.id, u.username, u.status, u.locked_until, u.given_name, u.family_name, u.display_name, u.bio, u.picture_url, u.website_url,
    u.github_url, u.linkedin_url, u.locale, u.time_zone, u.professional_at, u.attributes, u.version, u.created_at, u.updated_at,
    u.last_sign_in_at, u.deleted_at"""


class Reads:
    """The load of P-01, for whoever asks it of a server."""

    def __init__(self, site: Site, people: People, folder: Path) -> None:
        self._site, self._people = site, people
        self.ids = asked(site.cluster)
        self._paths = lines(folder, [f"/v1/users/{user_id}" for user_id in self.ids])

    def burst(self, seconds: int, token: str = "", base_url: str = "") -> wrk.Load:
        token = token or self._people.access_token()
        return wrk.load(base_url or self._site.base_url, "read", CONNECTIONS, seconds, self._paths, token)


def asked(cluster: Cluster) -> list[str]:
    """Users from everywhere in the table."""
    found = "select id from (select id, row_number() over (order by id) as n, count(*) over () as total from users where status = 'active') u"
    return [str(user_id) for (user_id,) in cluster.rows(f"{found} where n %% greatest(1, total / %s) = 0 order by n limit %s", (_ASKED, _ASKED))]


def run(options: Options) -> None:
    report = Report("P-01", options.users)
    with template.running(options.binary, options.users) as site, tempfile.TemporaryDirectory() as folder:
        people = People(site, 1)
        reads = Reads(site, people, Path(folder))
        for name, columns, target in (("with addresses and roles", COLUMNS, RATIO_MIN), ("of the row alone", _ROW, None)):
            scripts = [f"select {columns} from users u where u.id = '{user_id}';" for user_id in reads.ids]
            split = Split([site.pid], site.cluster.pid)

            def ours(split: Split = split) -> float:
                with split:
                    return reads.burst(options.burst_seconds).rate

            def theirs(scripts: list[str] = scripts) -> float:
                return pgbench.rate(site.cluster, scripts, CLIENTS, options.burst_seconds)

            one, other = rates_in_turns(site.cluster, ours, theirs, options.pairs)
            report.compare(f"P-01 GET of a user / pgbench {name}", target, one, other, split, "pgbench")
    report.write()
