"""Rules on inactivity: from the command line and over HTTP, by hand and in the night; whoever stayed away is warned and then suspended."""

from collections.abc import Callable
from typing import Any

import pytest

from harness import database
from harness.client import Client, problem
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.server import Usher
from harness.waiting import until

RULES = "/v1/inactivity-rules"
EXEMPT = 'roles eq "admin"'


@pytest.fixture
def usher(new_server: Callable[..., Usher]) -> Usher:
    """A server where nobody else does anything."""
    return new_server()


@pytest.fixture
def own_site(usher: Usher, mailbox: Mailbox) -> Site:
    site = Site(usher.base_url, mailbox)
    site.set_up(usher.setup_token())
    return site


def age(usher: Usher, person: Person, days: int) -> None:
    """As if so many days had passed for this one."""
    who = f"where {{}} = '{person.id}'"
    for statement in (
        f"update users set created_at = created_at - interval '{days} days', "
        f"last_sign_in_at = last_sign_in_at - interval '{days} days' {who.format('id')}",
        f"update last_active_days set day = day - {days} {who.format('user_id')}",
    ):
        database.sql(usher.data_dir, statement)


def night(usher: Usher) -> None:
    """The turn of the next day comes now."""
    database.sql(usher.data_dir, "update inactivity_rules set last_run_on = last_run_on - 1")
    database.sql(usher.data_dir, "update jobs set run_at = now() where unique_key = 'apply_inactivity_rules'")


def state(site: Site, person: Person) -> str:
    return site.read(person.id)["status"]


def ended(api: Client, run: str) -> dict[str, Any]:
    def finished() -> dict[str, Any] | None:
        told = api.get(f"/v1/bulk/{run}", expect=200).json()
        return told if told["state"] == "finished" else None

    return until("the run has ended", finished)


@pytest.mark.needs_mail
def test_whoever_stays_away_is_warned_by_hand_and_suspended_in_the_night(
    usher: Usher, own_site: Site, mailbox: Mailbox
) -> None:
    admin = own_site.admin.api
    gone, here = own_site.person(), own_site.person()
    age(usher, gone, 100)

    # The command line makes a rule; the dry run shows what it would do and does nothing.
    usher.cli("inactivity", "set", "Quiet", code=2)
    made = usher.json("inactivity", "set", "Quiet", "--action", "warn", "--after-days", "30", "--exempt", f" ({EXEMPT}) ")
    assert (made["exempt"], made["enabled"]) == (EXEMPT, False)
    assert "usher inactivity preview 'Quiet'" in usher.cli("inactivity", "set", "Quiet", "--after-days", "31").stdout
    shown = usher.json("inactivity", "preview", "quiet")
    assert (shown["total"], shown["counts"]["to_do"]) == (1, 1)
    assert "nothing was done" in usher.cli("inactivity", "preview", "Quiet").stdout
    assert mailbox.to(gone.email)[-1].subject != "Your account at usher is not used"
    assert "Quiet" in usher.cli("inactivity", "list").stdout
    usher.cli("inactivity", "preview", "Nothing", code=1)
    usher.cli("inactivity", "run", "Quiet", code=2)

    # Over HTTP another suspends.
    body = {"name": "Away", "action": "suspend", "after_days": 60, "exempt": EXEMPT}
    rule = admin.post(RULES, json=body, expect=201)
    path = f"{RULES}/{rule.json()['id']}"
    problem(admin.post(RULES, json=body | {"filter": "x"}), 422, "invalid_body")
    problem(admin.post(RULES, json=body), 409, "rule_name_taken")
    admin.patch(path, json={"enabled": True}, headers={"If-Match": rule.headers["ETag"]}, expect=200)

    mails = len(mailbox.to(gone.email))
    told = usher.json("inactivity", "run", "Quiet", "--yes", "--reason", "spring")
    assert (told["state"], told["counts"]["done"], told["reason"]) == ("finished", 1, "spring")
    warning = mailbox.wait_for(gone.email, after=mails)
    assert warning.subject == "Your account at usher is not used"
    assert "It will be suspended on" in warning.text
    assert usher.json("inactivity", "run", "Quiet", "--yes")["total"] == 0

    # Its night.
    previewed = admin.post(f"{path}/preview", expect=201).json()
    assert [item["user_id"] for item in previewed["sample"]] == [gone.id]
    night(usher)
    until("the rule has begun a run", lambda: admin.get(path, expect=200).json()["last_run_id"])
    run = admin.get(path, expect=200).json()["last_run_id"]
    told = ended(admin, run)
    assert (told["actor_kind"], told["counts"]["done"], told["reason"]) == ("system", 1, 'Inactivity rule "Away"')
    assert (state(own_site, gone), state(own_site, here)) == ("suspended", "active")

    # It is a change like any other: undone, and the next night leaves it so.
    assert admin.post(f"/v1/changes/{run}/undo", expect=200).json()["undone"] == 1
    assert state(own_site, gone) == "active"
    last = admin.get(path, expect=200).json()["last_run_on"]
    night(usher)
    until("the next night is over", lambda: admin.get(path, expect=200).json()["last_run_on"] >= last)
    assert admin.get(path, expect=200).json()["last_run_id"] == run
    assert state(own_site, gone) == "active"
    assert usher.cli("inactivity", "remove", "Away").stdout.strip() == "The rule Away is gone."
    problem(admin.get(path), 404, "not_found")


def test_who_may_see_and_write_rules(own_site: Site) -> None:
    body = {"name": "Away", "action": "suspend", "after_days": 60}
    problem(own_site.anonymous.get(RULES), 401, "unauthorized")
    manager = own_site.person("manager").api
    problem(manager.get(RULES), 403, "forbidden")
    problem(manager.post(RULES, json=body), 403, "forbidden")
