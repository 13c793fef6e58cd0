"""What is written down about who did what (R-260, R-262)."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.canary import PASSWORD_MARK, new_address, new_password, unique
from harness.client import Session, faults, problem
from harness.people import Person, Site
from harness.server import Stage
from harness.waiting import until


def events(site: Site, **query: str) -> list[dict[str, Any]]:
    return site.admin.api.get("/v1/audit-events", params=query, expect=200).json()["items"]


def test_r260_a_change_says_who_what_when_and_where_from(site: Site) -> None:
    created = site.create(display_name="Before")
    answer = site.admin.api.patch(f"/v1/users/{created['id']}", json={"display_name": "After"}, expect=200)
    event = events(site, target_id=created["id"])[0]
    assert event["actor_kind"] == "user"
    assert event["actor_id"] == site.admin.id
    assert event["target_kind"] == "user" and event["target_id"] == created["id"]
    assert event["outcome"] == "success"
    assert event["request_id"] == answer.headers["x-request-id"]
    assert event["address"]
    assert event["occurred_at"].endswith("Z")
    assert event["changes"]["display_name"] == {"before": "Before", "after": "After"}


def test_r260_the_life_of_a_user_is_written_down(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    path, admin = f"/v1/users/{someone.id}", site.admin.api
    admin.post(f"{path}/suspend", expect=200)
    admin.post(f"{path}/reactivate", expect=200)
    mails = len(site.mailbox.to(someone.email))
    admin.put(f"{path}/professional", json={"professional": True}, expect=200)
    site.mailbox.wait_for(someone.email, after=mails)
    admin.put(f"{path}/roles", json={"roles": ["user", "manager"]}, expect=200)
    site.login(someone.email, new_password())
    site.anonymous.post(
        "/v1/password/reset", json={"token": site.forgot(someone.email).token, "password": new_password()}, expect=200
    )
    admin.delete(path, expect=204)
    admin.post(f"{path}/restore", expect=200)
    written = events(site, target_id=someone.id, limit="200")
    assert len(written) >= 9, [event["action"] for event in written]
    assert any(event["outcome"] == "failure" for event in written), "the failed sign-in"
    assert [event["occurred_at"] for event in written] == sorted(
        (event["occurred_at"] for event in written), reverse=True
    )


def test_r260_a_reason_is_kept(site: Site, person: Callable[..., Person]) -> None:
    reason = unique("reason")
    path = f"/v1/users/{person().id}"
    site.admin.api.post(f"{path}/suspend", json={"reason": reason}, expect=200)
    assert any(reason in str(event) for event in events(site, target_id=path.rsplit("/", 1)[1]))


def test_r262_no_secret_is_written_down(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    token = site.forgot(someone.email).token
    site.anonymous.post("/v1/password/reset", json={"token": token, "password": new_password()}, expect=200)
    text = str(events(site, target_id=someone.id, limit="200")) + str(events(site, actor_id=someone.id, limit="200"))
    for secret in (PASSWORD_MARK, token, someone.api.refresh_token, someone.api.tokens["access_token"], "argon2"):
        assert secret not in text


def test_events_can_be_filtered_and_paged(site: Site, person: Callable[..., Person]) -> None:
    someone = person()
    for number in range(5):
        someone.api.patch("/v1/me", json={"bio": f"{number}"}, expect=200)
    mine = events(site, actor_id=someone.id, limit="200")
    assert mine and all(event["actor_id"] == someone.id for event in mine)
    action = mine[0]["action"]
    assert all(event["action"] == action for event in events(site, actor_id=someone.id, action=action))

    middle = mine[2]["occurred_at"]
    later = events(site, actor_id=someone.id, limit="200", occurred_after=middle)
    earlier = events(site, actor_id=someone.id, limit="200", occurred_before=middle)
    assert later and earlier and later + earlier == mine

    query: dict[str, str] = {"actor_id": someone.id, "limit": "2"}
    paged: list[str] = []
    while True:
        page = site.admin.api.get("/v1/audit-events", params=query, expect=200).json()
        paged += [event["id"] for event in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert paged == [event["id"] for event in mine]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("actor_id", "nonsense"),
        ("limit", "0"),
        ("limit", "201"),
        ("cursor", "nonsense"),
        ("actor", "x"),
        ("occurred_after", "yesterday"),
        ("occurred_before", "2026-01-01"),
    ],
)
def test_a_bad_query_names_the_parameter(admin: Session, name: str, value: str) -> None:
    for path in ("/v1/audit-events", "/v1/changes"):
        answer = admin.get(path, params={name: value})
        problem(answer, 422, "invalid_query")
        assert name in faults(answer, "parameter")


def test_nobody_changes_what_is_written(admin: Session) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        problem(admin.request(method, "/v1/audit-events"), 405, "method_not_allowed")


def test_r261_the_log_verifies_offline_and_a_changed_byte_is_found(stage: Stage, tmp_path: Path) -> None:
    heads = tmp_path / "heads"
    heads.touch(mode=0o666)
    usher = stage.usher(USHER_AUDIT_CHECKPOINTS=str(heads))
    try:
        usher.start()
        until("a checkpoint is there", lambda: heads.stat().st_size > 0)
        usher.cli("user", "create", "--email", new_address())
        before = heads.stat().st_size
        until("the sealer has gone on", lambda: heads.stat().st_size > before)
        key = usher.cli("audit", "key").stdout.strip()
        export = tmp_path / "audit.ndjson"
        usher.cli("audit", "export", "--output", str(export))
        assert json.loads(usher.cli("audit", "verify", "--checkpoint", str(heads), "--json").stdout)["events"] > 3
    finally:
        usher.remove()
    lines = export.read_text().splitlines(keepends=True)
    offline = ["audit", "verify", "--file", str(export), "--public-key", key, "--checkpoint", str(heads)]

    def verify() -> subprocess.CompletedProcess[str]:
        # No database and no configuration: one that can't be used does not matter.
        environment = {"USHER_LISTEN": "nonsense"}
        return subprocess.run(
            [usher.binary, *offline], env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    good = verify()
    assert good.returncode == 0 and "The log is good" in good.stdout, good.stderr
    swapped = [*lines[:2], lines[3], lines[2], *lines[4:]]
    for changed, told in [
        ([line.replace('"user.created"', '"user.creatfd"') for line in lines], "was changed: event"),
        ([line.replace('"changes":', '"changfs":') for line in lines], "leaf 0 was changed: the details of event"),
        ([*lines[:2], *lines[3:]], "leaf 1 is not where it belongs"),
        (swapped, "leaf 1 is not where it belongs"),
        (lines[:-1], "the end is missing"),
        (lines[:-2] + lines[-1:], "some are missing"),
    ]:
        export.write_text("".join(changed))
        found = verify()
        assert found.returncode == 1 and told in found.stderr and found.stderr.count("\n") == 1, found.stderr
