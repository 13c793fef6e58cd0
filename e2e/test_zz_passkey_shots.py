from pathlib import Path
from playwright.sync_api import Browser
from harness.faces import Faces
from test_passkeys import Authenticator, add, house  # noqa

OUT = Path("/tmp/passkey_shots")

def test_shots(browser: Browser, house, mailbox) -> None:
    OUT.mkdir(exist_ok=True)
    someone = house.person()
    for width, scheme in ((390, "light"), (1440, "light"), (1440, "dark")):
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
        page = context.new_page()
        page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false;")
        faces = Faces(page, house.public_url)
        device = Authenticator(page)
        shot = lambda name: page.screenshot(path=OUT / f"{name}-{width}-{scheme}.png", full_page=True)
        faces.open("/sign-in"); page.wait_for_timeout(400); shot("sign-in")
        someone = house.person()
        faces.sign_in(someone.email, someone.password)
        faces.open("/account/second-factors"); shot("none")
        faces.open("/account/passkeys/new"); shot("new")
        add(faces, "Phone"); faces.heading("Your recovery codes"); shot("codes")
        device.replace(); add(faces, "A blue key with quite a long name that somebody gave it"); page.wait_for_timeout(300); shot("two")
        page.get_by_role("link", name="Rename or remove the passkey Phone").click(); faces.heading("Your passkey"); shot("one")
        faces.open("/reauthenticate/passkey"); shot("again")
        faces.press("Sign out")
        device.verifies(False); faces.press("Sign in with a passkey"); page.wait_for_timeout(500); shot("refused")
        faces.sign_in(someone.email, someone.password); faces.heading("Use your passkey"); shot("second")
        context.close()
