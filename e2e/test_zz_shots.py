import os
import pytest
from harness.faces import Faces

PAGES = os.environ.get("SHOT_PAGES", "/admin /admin/analytics").split()
LOOKS = [(1440, "light"), (390, "light"), (1440, "dark")]

def test_shots(browser, site):
    admin = site.person("admin", display_name="Grace Hopper")
    for i in range(6):
        site.create(display_name=f"Crowd {i}")
    site.admin.api.post("/v1/roles", json={"name": "support", "description": "Answers the phone.", "permissions": ["users:read", "signins:read"]}, expect=201)
    group = site.admin.api.post("/v1/groups", json={"name": "Berlin", "description": "The office in Berlin"}, expect=201).json()
    site.admin.api.put(f"/v1/groups/{group['id']}/members/{admin.id}", json={}, expect=200)
    site.admin.api.put(f"/v1/groups/{group['id']}/roles", json={"roles": ["support"]}, expect=200)
    sa = site.admin.api.post("/v1/service-accounts", json={"name": "billing", "permissions": ["users:read"]}, expect=201).json()
    pages = [p.replace("GROUP", group["id"]).replace("SA", sa["id"]) for p in PAGES]
    for width, scheme in LOOKS:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, locale=os.environ.get("SHOT_LOCALE", "en-US"))
        faces = Faces(context.new_page(), site.public_url)
        faces.open("/sign-in")
        faces.field("identifier").fill(admin.email)
        faces.page.locator("form[action='/sign-in'] button").click()
        faces.field("password").fill(admin.password)
        faces.page.locator("form[action='/sign-in'] button").click()
        faces.page.wait_for_url("**/account")
        for n, path in enumerate(pages):
            faces.open(path)
            name = path.strip("/").replace("/", "_").replace("?", "_")[:60]
            faces.page.screenshot(path=f"/tmp/h3/shots/{os.environ.get('SHOT_LOCALE','en')[:2]}-{name}-{width}-{scheme}.png", full_page=True)
            try:
                faces.is_sound()
            except AssertionError as e:
                print("UNSOUND", path, width, scheme, str(e)[:300])
        context.close()
