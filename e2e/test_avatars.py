"""Pictures of people: sent by the API and by the page, kept in a folder or a bucket, and shown beside names."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from moto.server import ThreadedMotoServer
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from harness.client import problem
from harness.faces import Faces
from harness.mailbox import Mailbox
from harness.people import Person, Site
from harness.server import Usher, free_port
from harness.waiting import until

PNG = {"Content-Type": "image/png"}


def picture(colour: str, kind: str = "PNG", size: tuple[int, int] = (640, 480), exif: bytes = b"") -> bytes:
    file = io.BytesIO()
    image = Image.new("RGB", size, colour)
    image.save(file, kind, **({"exif": exif} if exif else {}))
    return file.getvalue()


def colour_of(content: bytes) -> tuple[int, int, int]:
    """What is in its middle."""
    with Image.open(io.BytesIO(content)) as image:
        return image.convert("RGB").getpixel((image.width // 2, image.height // 2))


def is_near(found: tuple[int, int, int], wanted: tuple[int, int, int]) -> bool:
    return all(abs(one - other) < 16 for one, other in zip(found, wanted, strict=True))


def site_of(usher: Usher, mailbox: Mailbox) -> Site:
    site = Site(usher.public_url, mailbox)
    site.set_up(usher.setup_token())
    return site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "faces"


@pytest.fixture
def own_site(new_server: Callable[..., Usher], mailbox: Mailbox, folder: Path) -> Site:
    return site_of(new_server(USHER_AVATARS=folder.as_uri()), mailbox)


@pytest.fixture
def faces(page: Page, own_site: Site) -> Iterator[Faces]:
    faces = Faces(page, own_site.public_url)
    yield faces
    faces.end()


def sign_in(faces: Faces, person: Person) -> None:
    faces.sign_in(person.email, person.password)
    faces.at("/account")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_drawn_anew(own_site: Site, folder: Path, kind: str) -> None:
    someone = own_site.person()
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    sent = picture("navy", kind, exif=exif.tobytes())
    assert b"taken at home" in sent
    headers = {"Content-Type": f"image/{kind.lower()}"}
    me = someone.api.put("/v1/me/avatar", content=sent, headers=headers, expect=200).json()
    for url, side in ((me["avatar_url"], 512), (me["avatar_url"].replace("-512.", "-128."), 128)):
        shown = own_site.anonymous.get(url, expect=200)
        with Image.open(io.BytesIO(shown.content)) as image:
            assert image.size == ((480, 480) if side == 512 else (128, 128))
            assert not image.getexif()
        assert is_near(colour_of(shown.content), (0, 0, 128))
        assert b"taken at home" not in shown.content
        assert shown.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert shown.headers["x-content-type-options"] == "nosniff"
    assert len(list(folder.iterdir())) == 2


def test_of_what_moves_the_first_picture_is_taken(own_site: Site) -> None:
    file = io.BytesIO()
    frames = [Image.new("RGB", (300, 300), colour) for colour in ("red", "blue")]
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], duration=100, lossless=True)
    someone = own_site.person()
    headers = {"Content-Type": "image/webp"}
    me = someone.api.put("/v1/me/avatar", content=file.getvalue(), headers=headers, expect=200).json()
    assert is_near(colour_of(own_site.anonymous.get(me["avatar_url"], expect=200).content), (255, 0, 0))


def test_what_is_no_picture_is_refused(own_site: Site, folder: Path) -> None:
    someone = own_site.person()
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
    put = someone.api.put
    problem(put("/v1/me/avatar", content=svg, headers=PNG), 422, "invalid_image")
    problem(put("/v1/me/avatar", content=svg, headers={"Content-Type": "image/svg+xml"}), 415, "unsupported_media_type")
    problem(put("/v1/me/avatar", content=picture("red", "JPEG"), headers=PNG), 422, "invalid_image")
    problem(put("/v1/me/avatar", content=picture("red", "GIF"), headers=PNG), 422, "invalid_image")
    problem(put("/v1/me/avatar", content=picture("red")[:-40], headers=PNG), 422, "invalid_image")
    problem(put("/v1/me/avatar", content=picture("red", size=(6000, 5000)), headers=PNG), 422, "image_too_large")
    assert not folder.exists() or not list(folder.iterdir())
    assert someone.api.get("/v1/me").json()["avatar_url"].startswith("/avatars/identicon/")


@pytest.fixture
def bucket() -> Iterator[str]:
    """Where a bucket named `faces` answers."""
    server = ThreadedMotoServer("127.0.0.1", free_port())
    server.start()
    host, port = server.get_host_and_port()
    httpx.put(f"http://{host}:{port}/faces").raise_for_status()
    yield f"http://{host}:{port}"
    server.stop()


def test_pictures_are_kept_in_a_bucket(new_server: Callable[..., Usher], mailbox: Mailbox, bucket: str) -> None:
    usher = new_server(
        USHER_AVATARS="s3://faces/of/people",
        USHER_AVATARS_S3_ENDPOINT=bucket,
        USHER_AVATARS_S3_KEY_ID="tests",
        USHER_AVATARS_S3_SECRET="kettle-zebra-lamp-93",
    )
    site = site_of(usher, mailbox)
    someone = site.person()

    def keys() -> list[str]:
        listed = httpx.get(f"{bucket}/faces?list-type=2").raise_for_status().text
        return [part.split("<")[0] for part in listed.split("<Key>")[1:]]

    first = someone.api.put("/v1/me/avatar", content=picture("green"), headers=PNG, expect=200).json()["avatar_url"]
    assert sorted(keys()) == sorted(
        f"of/people/{first.removeprefix('/avatars/').replace('-512.', f'-{side}.')}" for side in (512, 128)
    )
    assert is_near(colour_of(site.anonymous.get(first, expect=200).content), (0, 128, 0))
    second = someone.api.put("/v1/me/avatar", content=picture("red"), headers=PNG, expect=200).json()["avatar_url"]
    name = first.removeprefix("/avatars/").partition("-")[0]
    until("the files of the first picture are gone", lambda: not any(name in key for key in keys()))
    site.anonymous.get(second, expect=200)
    someone.api.delete("/v1/me/avatar", expect=204)
    until("those of the second one are gone, too", lambda: not keys())


def test_a_storage_that_is_away_is_said_to_be(new_server: Callable[..., Usher], mailbox: Mailbox) -> None:
    usher = new_server(
        USHER_AVATARS="s3://faces",
        USHER_AVATARS_S3_ENDPOINT=f"http://127.0.0.1:{free_port()}",
        USHER_AVATARS_S3_KEY_ID="tests",
        USHER_AVATARS_S3_SECRET="kettle-zebra-lamp-93",
    )
    someone = site_of(usher, mailbox).person()
    answer = someone.api.put("/v1/me/avatar", content=picture("red"), headers=PNG, timeout=60, may_be_unavailable=True)
    problem(answer, 503, "storage_unavailable")
    assert someone.api.get("/v1/me").json()["avatar_url"].startswith("/avatars/identicon/")


def choose(faces: Faces, content: bytes, name: str = "me.png", kind: str = "image/png") -> None:
    faces.page.locator("input[type=file]").set_input_files({"name": name, "mimeType": kind, "buffer": content})
    faces.press("Upload")


def test_a_picture_is_sent_by_the_page_and_shown_beside_the_name(faces: Faces, own_site: Site) -> None:
    someone = own_site.person(display_name="Ada Baker")
    sign_in(faces, someone)
    faces.page.get_by_role("link", name="Change your picture").click()
    faces.heading("Your picture")
    faces.is_sound()
    choose(faces, picture("teal"))
    expect(faces.page.get_by_role("status")).to_contain_text("This is your picture now.")
    url = someone.api.get("/v1/me").json()["avatar_url"]
    expect(faces.page.locator(".bar-person img")).to_have_attribute("src", url.replace("-512.", "-128."))
    expect(faces.page.get_by_role("img", name="Your picture")).to_have_attribute("src", url)
    assert faces.page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    faces.is_sound()
    faces.page.get_by_role("button", name="Remove your picture").click()
    expect(faces.page.get_by_role("status")).to_contain_text("The pattern stands for you again.")


@pytest.mark.parametrize("script", [True, False])
def test_what_is_wrong_is_said_at_the_field(browser: Browser, own_site: Site, script: bool) -> None:
    someone = own_site.person()
    with browser.new_context(java_script_enabled=script) as context:
        faces = Faces(context.new_page(), own_site.public_url)
        sign_in(faces, someone)
        for content, said in (
            (b"<svg onload=alert(1)>", "no PNG, JPEG or WebP picture"),
            (picture("red", size=(6000, 5000)), "too many pixels"),
            (b"\x89PNG\r\n\x1a\n" + b"a" * (6 * 1024 * 1024), "larger than 5 MB"),
        ):
            faces.open("/account/avatar")
            choose(faces, content)
            expect(faces.page.locator("#picture-error")).to_contain_text(said)
        choose(faces, picture("red"))
        expect(faces.page.get_by_role("status")).to_contain_text("This is your picture now.")
        faces.end()


@pytest.mark.parametrize("script", [True, False])
def test_staff_set_the_picture_of_somebody(browser: Browser, own_site: Site, script: bool) -> None:
    staff, someone = own_site.person("manager"), own_site.person(display_name="Ada Baker")
    with browser.new_context(java_script_enabled=script) as context:
        faces = Faces(context.new_page(), own_site.public_url)
        sign_in(faces, staff)
        faces.open(f"/admin/users/{someone.id}")
        faces.page.get_by_role("link", name="Set a picture …").click()
        faces.heading("Set a picture")
        if script:
            faces.is_sound()
        choose(faces, b"<svg onload=alert(1)>")
        expect(faces.page.locator("#picture-error")).to_contain_text("no PNG, JPEG or WebP picture")
        faces.page.locator("main [name=reason]").fill("for the badge")
        choose(faces, picture("teal"))
        faces.at(f"/admin/users/{someone.id}")
        url = someone.api.get("/v1/me", expect=200).json()["avatar_url"]
        expect(faces.page.locator("main img.face")).to_have_attribute("src", url.replace("-512.", "-128."))
        faces.end()
    (event,) = own_site.admin.api.get("/v1/audit-events?action=user.avatar_set", expect=200).json()["items"]
    assert (event["actor_id"], event["target_id"], event["reason"]) == (staff.id, someone.id, "for the badge")


@pytest.mark.needs_process
def test_without_a_setting_pictures_are_kept_beside_the_private_database(site: Site, server: Usher) -> None:
    someone = site.person()
    someone.api.put("/v1/me/avatar", content=picture("red"), headers=PNG, expect=200)
    url = someone.api.get("/v1/me", expect=200).json()["avatar_url"]
    assert site.anonymous.get(url, expect=200).headers["content-type"].startswith("image/")
    assert any((server.data_dir / "avatars").rglob("*"))
