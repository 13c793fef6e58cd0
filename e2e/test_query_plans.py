"""Whether PostgreSQL finds users by indexes, for each kind of question that docs/api.md has: among 100,000 users, as the server asks
it, once with the plan that is made for the values and once with the generic plan that a prepared statement may get."""

import json
import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from harness.client import Session
from harness.mailbox import Mailbox
from harness.people import Site
from harness.postgres import Postgres
from harness.seeding import SCHEMA, seed, seed_belongings
from harness.server import Stage

USERS = 100_000
# So many blocks of 8 KiB are about what the users take on the disk: whoever reads more has looked at everybody.
READ_THROUGH = 6500

pytestmark = pytest.mark.long


@dataclass
class Plan:
    """What a statement has done: the indexes it used, the tables it read from end to end, the blocks it touched."""

    text: str
    indexes: set[str] = field(default_factory=set)
    read_through: set[str] = field(default_factory=set)
    blocks: int = 0

    @property
    def reads_a_page(self) -> bool:
        """The users of the page have been found, and are read."""
        return bool(re.match(r"\s*select\s+u\.id, u\.username", self.text))

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Plan":
        plan = cls(told["Query Text"], blocks=told["Plan"]["Shared Hit Blocks"] + told["Plan"]["Shared Read Blocks"])
        plan._walk(told["Plan"])
        return plan

    def _walk(self, node: dict[str, Any]) -> None:
        if "Index Name" in node:
            self.indexes.add(node["Index Name"])
        # What was planned and never begun has read nothing.
        if node["Node Type"] == "Seq Scan" and node.get("Actual Loops", 1) > 0:
            self.read_through.add(node["Relation Name"])
        for child in node.get("Plans", []):
            self._walk(child)


class Watched:
    """A server whose PostgreSQL writes down each plan."""

    def __init__(self, postgres: Postgres, site: Site) -> None:
        self._log = postgres.folder / "log"
        self.site = site
        self.mode = ""

    def plans(self, **query: str) -> list[Plan]:
        """The plans of the statements on users that a list takes."""
        begin = self._log.stat().st_size
        self.api.get("/v1/users", params=query, expect=200)
        with self._log.open() as log:
            log.seek(begin)
            text = log.read()
        told = [json.loads(found) for found in re.findall(r"plan:\n(.*?^\t?\}$)", text, re.M | re.S)]
        # What was only explained has touched nothing.
        done = [one for one in told if "Shared Hit Blocks" in one["Plan"]]
        return [Plan.of(one) for one in done if re.search(r"\bfrom users u\b", one["Query Text"])]

    @property
    def api(self) -> Session:
        return self.site.admin.api


@pytest.fixture(scope="module", params=["auto", "force_generic_plan"])
def watched(request: pytest.FixtureRequest, seeded: Callable[[str], Watched]) -> Watched:
    return seeded(request.param)


@pytest.fixture(scope="module")
def seeded(stage: Stage, mailbox: Mailbox) -> Iterator[Callable[[str], Watched]]:
    postgres = Postgres(stage.new_folder())
    usher = stage.usher(
        USHER_DATABASE_URL=postgres.url,
        USHER_SECRET_KEY=b64encode(secrets.token_bytes(32)).decode(),
        USHER_MIGRATE="true",
    )
    try:
        # It migrates, and makes the roles.
        usher.start()
        place = ["-h", "127.0.0.1", "-p", str(postgres.port), "-U", "usher", "usher"]
        seed(place, USERS)
        seed_belongings(place)
        settings = {
            "session_preload_libraries": "auto_explain",
            "auto_explain.log_min_duration": "0",
            "auto_explain.log_format": "json",
            "auto_explain.log_analyze": "on",
            "auto_explain.log_buffers": "on",
            "auto_explain.log_timing": "off",
        }
        with postgres.connect() as connection:
            for name, value in settings.items():
                connection.execute(f"alter role usher set {name} = '{value}'")
        site = Site(usher.base_url, mailbox)
        watched = Watched(postgres, site)
        site.set_up(usher.cli("setup-token").stdout.strip())
        site.admin.api.put("/v1/attribute-schema", json=SCHEMA, expect=202)
        usher.cli("attributes", "tend")
        with postgres.connect() as connection:
            connection.execute("analyze users")

        def under(mode: str) -> Watched:
            usher.stop()
            with postgres.connect() as connection:
                connection.execute(f"alter role usher set plan_cache_mode = '{mode}'")
            usher.start()
            watched.mode = mode
            return watched

        yield under
    finally:
        usher.remove()
        postgres.remove()


@dataclass(frozen=True)
class Question:
    """What is asked, an index that must lead there, and so many blocks that finding the page may take: by the plan for these
    values, and by the generic one. What PostgreSQL expects to be many is met on a walk; up to 10,000 are found and counted
    before the page is cut."""

    query: dict[str, str]
    index: str
    blocks: int
    blocks_generic: int

    @classmethod
    def by_filter(
        cls, text: str, index: str, blocks: int, blocks_generic: int | None = None, **query: str
    ) -> "Question":
        return cls({"filter": text} | query, index, blocks, blocks_generic or blocks)


by_filter = Question.by_filter
IN_MAY = 'createdAt ge "2023-05-01T00:00:00Z" and createdAt lt "2023-05-03T00:00:00Z"'
QUESTIONS = {
    "userName eq": by_filter('userName eq "maria.jones77"', "users_username_(key|normal_prefix_idx)", 50),
    "userName sw": by_filter('userName sw "ingrid.sm"', "users_username_normal_prefix_idx", 50),
    "userName co": by_filter('userName co "grid.smi"', "users_search_text_idx", 200),
    "emails eq": by_filter('emails eq "maria.jones77@example.com"', "emails_address_(key|normal_prefix_idx)", 50),
    "emails sw": by_filter('emails sw "ingrid.sm"', "emails_address_normal_prefix_idx", 100),
    "emails co": by_filter('emails co "grid.smi"', "emails_address_normal_idx", 300),
    "displayName co": by_filter('displayName co "grid Smi"', "users_search_text_idx", 200),
    # The generic plan expects as many of every role.
    "roles eq, one": by_filter('roles eq "admin"', "user_roles_role_name_user_id_idx", 50, READ_THROUGH),
    "roles eq, some": by_filter('roles eq "manager"', "user_roles_role_name_user_id_idx", READ_THROUGH, 2 * READ_THROUGH, sort="created_at"),
    "roles eq, all": by_filter('roles eq "user"', "users_created_at_idx", 1000, sort="created_at"),
    "role": Question({"role": "manager"}, "user_roles_role_name_user_id_idx", READ_THROUGH, 2 * READ_THROUGH),
    "groups eq": by_filter('groups eq "Group 38"', "group_members_group_id_idx", 400),
    # Half of the users. The generic plan expects as many of every group, and finds ten thousand one by one before it walks.
    "groups eq, many": by_filter(
        'groups eq "Group 1"', "group_members_(pkey|group_id_idx)", 1000, 8 * READ_THROUGH, sort="created_at"
    ),
    "secondFactors eq": by_filter("secondFactors eq true", "users_pkey", 2000),
    "lastActiveOn lt, many": by_filter(
        'lastActiveOn lt "2025-06-01"', "last_active_days_pkey", 1000, sort="created_at"
    ),
    "status eq": by_filter('status eq "suspended"', "users_created_at_idx", 1000),
    "status": Question({"status": "suspended"}, "users_status_idx", 100, 100),
    "createdAt": by_filter(IN_MAY, "users_created_at_idx", 100),
    "created_after": Question(
        {"created_after": "2023-05-01T00:00:00Z", "created_before": "2023-05-03T00:00:00Z"},
        "users_created_at_idx",
        100,
        100,
    ),
    "a page": Question({}, "users_created_at_idx", 100, 100),
    "a page by name": Question({"sort": "username"}, "users_username_.*", 200, 200),
    "q, few": Question({"q": "grid smi"}, "users_search_text_idx", 400, 400),
    "attribute eq, few": by_filter('attributes.start_date eq "2023-05-05"', "users_attr_start_date_date_idx", 300),
    "attribute eq, many": by_filter('attributes.department eq "Sales"', "users_created_at_idx", 1000, sort="created_at"),
    "attribute ge and lt": by_filter(
        'attributes.start_date ge "2023-05-05" and attributes.start_date lt "2023-05-09"',
        "users_attr_start_date_date_idx",
        1000,
        READ_THROUGH,
    ),
    "two attributes": by_filter(
        'attributes.city eq "Berlin" and attributes.start_date eq "2023-05-05"', "users_attr_start_date_date_idx", 300
    ),
    "a list that holds": by_filter('attributes.tags eq "alumni"', "users_created_at_idx", 5000, sort="created_at"),
    "q, many": Question({"q": "mar"}, "users_created_at_idx", 2000, 2000),
}


@pytest.mark.parametrize("kind", QUESTIONS)
def test_a_list_is_found_by_an_index(watched: Watched, kind: str) -> None:
    question = QUESTIONS[kind]
    plans = [plan for plan in watched.plans(**question.query) if not plan.reads_a_page]
    assert plans, "PostgreSQL has written down no plan"
    told = "\n".join(map(str, plans))
    most = question.blocks if watched.mode == "auto" else question.blocks_generic
    assert any(re.fullmatch(question.index, used) for plan in plans for used in plan.indexes), told
    assert sum(plan.blocks for plan in plans) <= most, told
    if most < READ_THROUGH:
        assert not any(plan.read_through & {"users", "emails"} for plan in plans), told


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "username", "-username"])
def test_a_page_far_behind_is_found_as_soon_as_the_first(watched: Watched, sort: str) -> None:
    cursor = {}
    for _ in range(20):
        page = watched.api.get(
            "/v1/users", params={"sort": sort, "limit": "200", "fields": "id"} | cursor, expect=200
        ).json()
        cursor = {"cursor": page["next"]}
    plans = watched.plans(sort=sort, limit="50", **cursor)
    (finds,) = [plan for plan in plans if not plan.reads_a_page]
    (reads,) = [plan for plan in plans if plan.reads_a_page]
    assert finds.blocks <= 200 and not finds.read_through, finds
    # Of each user the row, the addresses, the roles with their permissions, the groups.
    # The table of roles is a block.
    assert reads.blocks <= 51 * 30 and not reads.read_through - {"roles"}, reads
