"""The served document holds: requests made from it, and requests against it, get the answers it declares.

Schemathesis makes them, for every operation and by everybody. `cargo xtask schemathesis --max-examples N` asks more of each.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any
from unittest import SkipTest

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from harness.canary import unique
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.programs import keys_of, program, service_account
from harness.server import NO_LIMITS, Stage

pytestmark = pytest.mark.long

# A JSON value is a line of it.
schemathesis.serializer.alias("application/x-ndjson", "application/json")

# Beside the examples of the document and the bounds of its schemas, which are asked in any case.
MAX_EXAMPLES = int(os.environ.get("E2E_MAX_EXAMPLES", "5"))
# Whoever may do little gets little: of what is asked as an administrator, others ask one in so many. The long form asks all.
ONE_IN = {"anonymous": 5, "user": 4, "manager": 3, "service account": 2} if "E2E_MAX_EXAMPLES" not in os.environ else {}
# Where the whole suite has to end soon, all of them ask one in so many of that.
SPARE = int(os.environ.get("E2E_SPARE", "1"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


class Caller:
    """Somebody who signs in again when the requests have ended their session, and is somebody new when they have ended them."""

    def __init__(self, site: Site, role: str) -> None:
        self._site = site
        self._role = role
        self._person: Person | None = None
        self._token: str | None = None

    def headers(self) -> dict[str, str]:
        if self._role == "anonymous":
            return {}
        if self._token is None:
            self._token = self._key() if self._role == "service account" else self._sign_in()
        return {"Authorization": f"Bearer {self._token}"}

    def heed(self, response: schemathesis.Response) -> None:
        """What this answer means for the next request."""
        if response.status_code == 401 or response.request.path_url.startswith("/v1/logout"):
            self._token = None

    def _key(self) -> str:
        """Of a program that may do everything."""
        admin = self._site.admin.api
        held = admin.get("/v1/whoami", expect=200).json()["permissions"]
        return program(admin, keys=keys_of(service_account(admin, *held))).secret

    def _sign_in(self) -> str:
        if self._person:
            answer = self._site.login(self._person.email, self._person.password)
            if answer.status_code == 200:
                return answer.json()["access_token"]
        # Not the first administrator: that one must be there to make others.
        self._person = self._site.person(*([] if self._role == "user" else [self._role]))
        return self._person.api.tokens["access_token"]


@pytest.fixture(scope="module")
def playground(stage: Stage, mailbox: Mailbox) -> Iterator[Site]:
    """A server of its own: what the requests do to it is nobody's business."""
    usher = stage.usher(**NO_LIMITS)
    try:
        usher.start()
        site = Site(usher.base_url, mailbox)
        site.set_up(usher.setup_token())
        yield site
        assert usher.stop() == 0
        broken = [entry for entry in usher.log_entries() if entry["level"] == "ERROR"]
        assert not broken, f"{len(broken)} errors were logged, such as {broken[0]}"
    finally:
        usher.remove()


def cases(schema: Any, operation: Any) -> Iterator[schemathesis.Case]:
    """The bounds of everything that the document says of the operation, kept and overstepped; and some more by chance."""
    yield from schema.iter_coverage_cases(
        operation, generation_modes=list(schemathesis.GenerationMode), generation_config=schema.config.generation
    )
    for mode in schemathesis.GenerationMode:
        # There may be nothing wrong to send to an operation that takes nothing.
        with suppress(Unsatisfiable, SkipTest):
            yield from made_by_chance(operation.as_strategy(generation_mode=mode))


def made_by_chance(strategy: Any) -> list[schemathesis.Case]:
    """The same in every run."""
    made: list[schemathesis.Case] = []

    @settings(
        max_examples=MAX_EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=strategy)
    def make(case: schemathesis.Case) -> None:
        made.append(case)

    make()
    return made


def with_what_is_there(case: schemathesis.Case, site: Site) -> None:
    """Instead of ids that nothing has. What the requests have done to it by then is theirs to meet."""
    if case.path_parameters and case.operation.path.startswith("/v1/users/{id}"):
        case.path_parameters["id"] = site.create()["id"]
    if case.path_parameters and case.operation.path.startswith("/v1/service-accounts/{id}"):
        account = service_account(site.admin.api)
        case.path_parameters["id"] = account["id"]
        if "key_id" in case.path_parameters:
            case.path_parameters["key_id"] = program(site.admin.api, keys=keys_of(account)).id
    if case.path_parameters and case.operation.path.startswith("/v1/roles/{name}"):
        body = {"name": unique("role"), "description": "", "permissions": []}
        case.path_parameters["name"] = site.admin.api.post("/v1/roles", json=body, expect=201).json()["name"]


def violations(schema: Any, site: Site, caller: Caller, one_in: int = 1) -> dict[str, str]:
    """What the answers break of the document, each kind of it once, with a request that shows it."""
    found: dict[str, str] = {}
    statuses: Counter[str] = Counter()
    with requests.Session() as http:
        http.trust_env = False
        for result in schema.get_all_operations():
            operation = result.ok()
            for case in islice(cases(schema, operation), 0, None, one_in):
                if statuses.total() % 4 and case.headers:
                    # A precondition that is made up is never met: most go without.
                    case.headers.pop("If-Match", None)
                if statuses.total() % 3 == 0:
                    with_what_is_there(case, site)
                response = case.call(headers=caller.headers(), session=http)
                caller.heed(response)
                statuses[f"{operation.label} {response.status_code}"] += 1
                try:
                    case.validate_response(response, checks=CHECKS)
                except FailureGroup as group:
                    for failure in group.exceptions:
                        name = f"{operation.label} {response.status_code}: {failure.title}"
                        found.setdefault(name, f"{name}\n{failure}\n{case.as_curl_command()}")
    print(f"{statuses.total()} requests: {dict(sorted(statuses.items()))}")
    return found


@pytest.mark.parametrize("role", ["anonymous", "user", "manager", "admin", "service account"])
def test_answers_are_as_documented(playground: Site, role: str) -> None:
    schema = schemathesis.openapi.from_url(f"{playground.base_url}/openapi.json")
    schema.config.generation.update(with_security_parameters=False)
    found = violations(schema, playground, Caller(playground, role), ONE_IN.get(role, 1) * SPARE)
    assert not found, f"{len(found)} violations\n\n" + "\n\n".join(found.values())


def test_a_document_that_is_wrong_is_found_out(playground: Site) -> None:
    document = playground.anonymous.get("/openapi.json", expect=200).json()
    paths = {path: document["paths"][path] for path in ("/v1/roles", "/v1/me")}
    del paths["/v1/me"]["patch"]["responses"]["422"]
    page = paths["/v1/roles"]["get"]["responses"]["200"]["content"].pop("application/json")
    paths["/v1/roles"]["get"]["responses"]["200"]["content"]["text/plain"] = page
    paths["/v1/me"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] = {
        "type": "object",
        "required": ["nonsense"],
    }
    schema = schemathesis.openapi.from_dict({**document, "paths": paths})
    schema.config.update(base_url=playground.base_url)
    schema.config.generation.update(with_security_parameters=False)
    found = violations(schema, playground, Caller(playground, "admin"))
    assert {name.partition(":")[0] for name in found} == {"GET /v1/me 200", "PATCH /v1/me 422", "GET /v1/roles 200"}
