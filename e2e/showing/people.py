"""Who is there: an administrator, a person with some history, and two thousand others."""

from harness import database, seeding
from harness.mailbox import Mailbox
from harness.people import Newcomer, Person, Site
from harness.server import Usher
from harness.waiting import until

OTHERS = 2000
_TEXT = {"type": "string", "maxLength": 100, "searchable": True}
SCHEMA = {
    "type": "object",
    "properties": {
        "department": _TEXT,
        "city": _TEXT,
        "level": {"type": "integer", "searchable": True},
        "start_date": {"type": "string", "format": "date", "searchable": True},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 50}, "searchable": True},
    },
    "required": [],
    "additionalProperties": False,
}
# The seed ends before anybody looks: some of its users come in the last 30 days, and who is there comes back, at weekends fewer.
_MONTH = """
with days as (
    select day, i, 2 + i * 7 % 5 + case when extract(isodow from day) < 6 then 4 else 0 end as sign_ups
    from generate_series(0, 29) as i
    cross join lateral (select (now() at time zone 'UTC')::date - 29 + i as day) as d
),
places as (
    select day, sum(sign_ups) over (order by day desc) as last, sign_ups
    from days
),
seeded as (
    select u.id, row_number() over (order by u.created_at desc) as n, u.status
    from users u
    where not exists (select from password_credentials c where c.user_id = u.id)
),
joined as (
    select s.id, s.n, s.status, p.day, (p.day::timestamp at time zone 'UTC') + s.n * interval '1 second' as at
    from seeded s
    left join places p on s.n > p.last - p.sign_ups and s.n <= p.last
),
moved as (
    update users u
    set created_at = j.at, updated_at = j.at, last_sign_in_at = null
    from joined j
    where j.id = u.id and j.day is not null
),
active as (
    insert into activity_days (day, user_id)
    select d.day, j.id
    from joined j
    join days d on d.day >= coalesce(j.day, d.day)
    where j.status = 'active'
        and (j.n * 37 + d.i * 29) % 100 < case when extract(isodow from d.day) < 6 then 14 + d.i % 5 else 6 end
    returning day, user_id
)
insert into last_active_days (user_id, day)
select user_id, max(day)
from active
group by user_id
"""


class Cast:
    def __init__(self, server: Usher, mailbox: Mailbox) -> None:
        self._site = Site(server.base_url, mailbox, server.public_url)
        self._site.set_up(server.setup_token())
        seeding.seed(database.place(server.data_dir), OTHERS)
        database.sql(server.data_dir, _MONTH)
        grace = self._person("grace@example.org", "Grace Hopper", "admin")
        ada = self._person("ada@example.org", "Ada Lovelace")
        for password in (ada.password, "not the password of ada", ada.password):
            self._site.login(ada.email, password)
        self.people = {"grace": grace, "ada": ada}
        # What addresses of pages name.
        self.ways = {name: person.id for name, person in self.people.items()}
        self._work()
        self._begin()

    def _work(self) -> None:
        """What Grace does on an ordinary day, so that there is something to see."""
        grace, ada = self.people["grace"].api, self.people["ada"].id
        grace.put(f"/v1/users/{ada}/roles/manager", json={}, headers={"X-Reason": "Looks after the sales team"}, expect=200)
        profile = {"given_name": "Ada", "family_name": "Lovelace", "time_zone": "Europe/London"}
        grace.patch(f"/v1/users/{ada}", json=profile, headers={"X-Reason": "She asked by telephone"}, expect=200)
        grace.put("/v1/attribute-schema", json=SCHEMA, expect=(200, 202))
        until("the attributes have indexes", lambda: grace.get("/v1/attribute-schema").json()["pending"] is None)
        found = grace.get('/v1/users?filter=attributes.city eq "Lima" and status eq "active"&limit=3', expect=200).json()
        for user in found["items"]:
            reason = {"X-Reason": "Left the company"}
            grace.post(f"/v1/users/{user['id']}/suspend", json={}, headers=reason, expect=200)

    def _begin(self) -> None:
        """What waits for her to go on with: a run in bulk, a file of users, a new team and those who are invited into it."""
        grace, ada = self.people["grace"].api, self.people["ada"]
        body = {"action": "suspend", "filter": 'attributes.city eq "Lima" and status eq "active"', "reason": "The office is closed"}
        self.ways["bulk"] = grace.post("/v1/bulk", json=body, expect=201).json()["id"]
        file = f"email,display_name,bio\n{ada.email},Ada King,Countess of Lovelace\nmary@example.org,Mary Somerville,\nnobody,,\n"
        query = {"mode": "upsert", "source": "society.csv"}
        headers = {"Content-Type": "text/csv", "X-Reason": "The list of the society"}
        made = grace.post("/v1/imports", params=query, content=file.encode(), headers=headers, expect=201).json()["id"]
        until("the file is judged", lambda: grace.get(f"/v1/imports/{made}").json()["state"] == "ready")
        self.ways["import"] = made
        team = {"name": "Sales", "description": "Who looks after customers"}
        self.ways["group"] = group = grace.post("/v1/groups", json=team, expect=201).json()["id"]
        grace.put(f"/v1/groups/{group}/roles", json={"roles": ["manager"]}, expect=200)
        grace.put(f"/v1/groups/{group}/members/{ada.id}", json={}, expect=200)
        for name in ("Mary Anning", "Caroline Herschel", "Sophie Germain"):
            email = f"{name.split()[0].lower()}@example.com"
            grace.post("/v1/invitations", json={"email": email, "display_name": name}, expect=201)

    def _person(self, email: str, name: str, *roles: str) -> Person:
        newcomer = self._site.register(Newcomer(email=email), display_name=name)
        self._site.verify(self._site.mailbox.wait_for(email).token, newcomer.password)
        person = self._site.enter(email, newcomer.password)
        if roles:
            self._site.grant(person, *roles)
        return person
