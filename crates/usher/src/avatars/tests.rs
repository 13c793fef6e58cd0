//! Pictures through the front door, and what becomes of files that are none.

use std::io::Cursor;
use std::path::Path;

use http::Method;
use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageEncoder, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use jiff::SignedDuration;

use super::images::{self, Format};
use crate::pictures::{LARGE, SMALL};
use crate::testing::{Answer, Client, TestApp};

/// Left half red, right half blue, and green above and below what the crop leaves.
fn portrait() -> RgbImage {
    RgbImage::from_fn(600, 800, |x, y| match (x, y) {
        (_, 0..100 | 700..) => Rgb([0, 255, 0]),
        (0..300, _) => Rgb([255, 0, 0]),
        _ => Rgb([0, 0, 255]),
    })
}

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image.into().write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// A JPEG whose EXIF says that it is to be turned by a right angle, and where it was taken.
fn with_exif() -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &count.to_be_bytes(), &value].concat()
    };
    let exif = [
        &b"MM\0*\0\0\0\x08\0\x02"[..],
        &entry(0x0112, 3, 1, [0, 6, 0, 0]),
        &entry(0x010e, 2, 12, [0, 0, 0, 38]),
        &[0; 4],
        b"48.2N 16.4E\0",
    ]
    .concat();
    let mut file = Vec::new();
    let mut encoder = JpegEncoder::new(&mut file);
    encoder.set_exif_metadata(exif).unwrap();
    let image = portrait();
    encoder.write_image(&image, image.width(), image.height(), image::ExtendedColorType::Rgb8).unwrap();
    file
}

fn decoded(bytes: &[u8]) -> RgbaImage {
    image::load_from_memory(bytes).unwrap().to_rgba8()
}

fn is_near(pixel: Rgba<u8>, wanted: [u8; 3]) -> bool {
    pixel.0.iter().zip(wanted).all(|(is, wanted)| is.abs_diff(wanted) < 24)
}

fn refused(bytes: &[u8], format: Format) -> Option<&'static str> {
    images::draw(bytes, format).unwrap_err().code()
}

#[test]
fn the_square_in_the_middle_is_kept_in_both_sizes_whatever_the_format() {
    for (format, encoding) in
        [(Format::Png, ImageFormat::Png), (Format::Jpeg, ImageFormat::Jpeg), (Format::Webp, ImageFormat::WebP)]
    {
        let files = images::draw(&encoded(portrait(), encoding), format).unwrap();
        assert_eq!(files.extension, "jpg");
        for ((side, bytes), wanted) in files.sizes.iter().zip([LARGE, SMALL]) {
            let image = decoded(bytes);
            assert_eq!((*side, image.dimensions()), (wanted, (wanted, wanted)), "{format:?}");
            assert!(is_near(*image.get_pixel(wanted / 4, 2), [255, 0, 0]), "{format:?}: nothing green is left");
            assert!(is_near(*image.get_pixel(wanted * 3 / 4, wanted - 3), [0, 0, 255]), "{format:?}");
        }
    }
}

#[test]
fn what_has_gaps_keeps_them() {
    let image = RgbaImage::from_fn(200, 200, |x, _| Rgba([9, 9, 9, if x < 100 { 0 } else { 255 }]));
    let files = images::draw(&encoded(image, ImageFormat::Png), Format::Png).unwrap();
    assert_eq!(files.extension, "png");
    let small = decoded(&files.sizes[1].1);
    assert_eq!((small.get_pixel(5, 60).0[3], small.get_pixel(120, 60).0[3]), (0, 255));
    assert_eq!(decoded(&files.sizes[0].1).dimensions(), (200, 200), "it is not blown up");
}

#[test]
fn a_picture_is_turned_as_its_camera_says_and_forgets_the_camera() {
    let sent = with_exif();
    assert!(sent.windows(5).any(|bytes| bytes == b"48.2N"));
    let files = images::draw(&sent, Format::Jpeg).unwrap();
    let large = decoded(&files.sizes[0].1);
    assert!(is_near(*large.get_pixel(256, 20), [255, 0, 0]), "what was left is above");
    assert!(is_near(*large.get_pixel(256, 490), [0, 0, 255]));
    assert_eq!(Orientation::from_exif(6), Some(Orientation::Rotate90));
    for (_, bytes) in &files.sizes {
        for left in [&b"Exif"[..], b"48.2N", b"ICC_PROFILE", b"http://ns.adobe.com"] {
            assert!(!bytes.windows(left.len()).any(|found| found == left));
        }
    }
}

#[test]
fn a_second_file_behind_the_picture_is_not_kept() {
    let script = b"PK\x03\x04<script>alert(1)</script><?php system('id'); ?>";
    for (format, encoding) in [(Format::Png, ImageFormat::Png), (Format::Jpeg, ImageFormat::Jpeg)] {
        let sent = [&encoded(portrait(), encoding)[..], script].concat();
        for (_, bytes) in images::draw(&sent, format).unwrap().sizes {
            assert!(!bytes.windows(8).any(|found| found == b"<script>"));
        }
    }
}

/// A PNG that says it has this size, and has nothing of it.
fn claiming(width: u32, height: u32) -> Vec<u8> {
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        let mut sum = flate2::Crc::new();
        sum.update(kind);
        sum.update(data);
        [&u32::try_from(data.len()).unwrap().to_be_bytes()[..], kind, data, &sum.sum().to_be_bytes()].concat()
    };
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &head), chunk(b"IDAT", &[]), chunk(b"IEND", &[])].concat()
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    for (width, height) in [(100_000, 100_000), (16_384, 16_384), (5_001, 5_001), (16_385, 16)] {
        assert_eq!(refused(&claiming(width, height), Format::Png), Some("image_too_large"), "{width} x {height}");
    }
    assert_eq!(refused(&claiming(15, 400), Format::Png), Some("image_too_small"));
    assert_eq!(refused(&claiming(400, 400), Format::Png), Some("invalid_image"), "there is nothing in it");
}

#[test]
fn what_is_damaged_is_refused_and_breaks_nothing() {
    for (format, encoding) in
        [(Format::Png, ImageFormat::Png), (Format::Jpeg, ImageFormat::Jpeg), (Format::Webp, ImageFormat::WebP)]
    {
        let whole = encoded(portrait(), encoding);
        for length in [0, 1, 8, 12, 20, whole.len() / 10] {
            // A JPEG that ends early may be shown in part, as browsers do; it never fails otherwise.
            if let Err(error) = images::draw(&whole[..length], format) {
                assert_eq!(error.code(), Some("invalid_image"), "{format:?}, {length} bytes");
            }
        }
    }
    for other in [&b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"[..], b"GIF89a", b"%PDF-1.7", b"", b"BM"] {
        assert_eq!(Format::of(other), None);
    }
}

struct Kept {
    app: TestApp,
    folder: tempfile::TempDir,
}

impl Kept {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("file://{}/faces", folder.path().display());
        Self { app: TestApp::with(&[("USHER_AVATARS", &url)]).await, folder }
    }

    fn files(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("faces")).map_or(0, Iterator::count)
    }

    fn has(&self, url: &str) -> bool {
        self.folder.path().join("faces").join(Path::new(url).file_name().unwrap()).exists()
    }
}

async fn put(client: &Client, path: &str, kind: &str, bytes: Vec<u8>) -> Answer {
    client.send_raw(Method::PUT, path, &[("content-type", kind)], bytes).await
}

async fn picture_of(client: &Client) -> String {
    client.get("/v1/me").await.expect(200).str("avatar_url")
}

#[tokio::test]
async fn a_picture_is_set_shown_replaced_and_removed() {
    let kept = Kept::new().await;
    let ann = kept.app.user("ann").await.client;
    let pattern = picture_of(&ann).await;
    assert!(pattern.starts_with("/avatars/identicon/"));
    let first = put(&ann, "/v1/me/avatar", "image/png", encoded(portrait(), ImageFormat::Png)).await.expect(200);
    let url = first.str("avatar_url");
    assert_eq!((kept.files(), picture_of(&ann).await), (2, url.clone()));
    let anybody = kept.app.client();
    for url in [url.clone(), url.replace("-512.", "-128.")] {
        let shown = anybody.get(&url).await.expect(200);
        assert_eq!(shown.headers["content-type"], "image/jpeg");
        assert_eq!(shown.headers["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(shown.headers["x-content-type-options"], "nosniff");
        assert_eq!(shown.headers["content-security-policy"], "default-src 'none'; sandbox");
    }
    let drawn = anybody.get(&pattern).await.expect(200);
    assert_eq!(drawn.headers["content-type"], "image/svg+xml");

    let second =
        put(&ann, "/v1/me/avatar", "image/png", encoded(portrait(), ImageFormat::Png)).await.expect(200).str("avatar_url");
    assert_ne!(second, url, "the same picture has another name");
    kept.app.run_jobs().await;
    assert!(!kept.has(&url) && kept.has(&second));
    anybody.get(&url).await.expect(404);

    ann.delete("/v1/me/avatar").await.expect(204);
    ann.delete("/v1/me/avatar").await.expect(204);
    kept.app.run_jobs().await;
    assert_eq!((kept.files(), picture_of(&ann).await), (0, pattern));
    assert_eq!(kept.app.count("select count(*) from avatars").await, 0);
    assert_eq!(kept.app.count("select count(*) from audit_events where action = 'user.avatar_removed'").await, 1);
    kept.app.finish().await;
}

#[tokio::test]
async fn what_is_no_picture_changes_nothing() {
    let kept = Kept::new().await;
    let ann = kept.app.user("ann").await.client;
    let png = encoded(portrait(), ImageFormat::Png);
    let path = "/v1/me/avatar";
    put(&ann, path, "image/jpeg", png.clone()).await.expect_problem(422, "invalid_image");
    put(&ann, path, "image/png", b"<svg onload=alert(1)>".to_vec()).await.expect_problem(422, "invalid_image");
    put(&ann, path, "image/svg+xml", b"<svg/>".to_vec()).await.expect_problem(415, "unsupported_media_type");
    put(&ann, path, "image/png", claiming(100_000, 100_000)).await.expect_problem(422, "image_too_large");
    put(&ann, path, "image/png", vec![0; 5 * 1024 * 1024 + 1]).await.expect_problem(413, "body_too_large");
    assert_eq!(kept.files(), 0);
    for file in ["x.jpg", "..%2F..%2Fetc%2Fpasswd", "0123456789abcdef0123456789abcdef-64.jpg", "identicon/xyz.svg"] {
        kept.app.client().get(&format!("/avatars/{file}")).await.expect(404);
    }
    kept.app.finish().await;
}

#[tokio::test]
async fn without_a_storage_the_setting_is_named_and_patterns_go_on() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await.client;
    let refused = put(&ann, "/v1/me/avatar", "image/png", encoded(portrait(), ImageFormat::Png)).await;
    let refused = refused.expect_problem(409, "avatars_not_kept");
    assert!(refused.str("detail").contains("USHER_AVATARS"));
    app.client().get(&picture_of(&ann).await).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn of_two_pictures_at_the_same_time_one_is_left_and_nothing_of_the_other() {
    let kept = Kept::new().await;
    let ann = kept.app.user("ann").await.client;
    let send = || put(&ann, "/v1/me/avatar", "image/png", encoded(portrait(), ImageFormat::Png));
    let (one, other) = tokio::join!(send(), send());
    one.expect(200);
    other.expect(200);
    kept.app.run_jobs().await;
    assert!(kept.has(&picture_of(&ann).await));
    assert_eq!((kept.files(), kept.app.count("select count(*) from avatars").await), (2, 1));
    kept.app.finish().await;
}

#[tokio::test]
async fn others_set_and_remove_it_with_the_permission_alone() {
    let kept = Kept::new().await;
    let (admin, ann, bob) = (kept.app.admin().await, kept.app.user("ann").await, kept.app.user("bob").await);
    let path = format!("/v1/users/{}/avatar", ann.id);
    let png = || encoded(portrait(), ImageFormat::Png);
    put(&bob.client, &path, "image/png", png()).await.expect(403);
    bob.client.delete(&path).await.expect(403);
    let url = put(&admin.client, &path, "image/png", png()).await.expect(200).str("avatar_url");
    assert_eq!(picture_of(&ann.client).await, url);
    admin.client.delete(&path).await.expect(204);
    let manager = kept.app.manager().await.client;
    put(&manager, &format!("/v1/users/{}/avatar", admin.id), "image/png", png())
        .await
        .expect_problem(403, "target_outranks_caller");
    kept.app.run_jobs().await;
    kept.app.advance(SignedDuration::from_hours(2));
    kept.app.run_jobs().await;
    assert_eq!(kept.files(), 0, "what the manager sent was not kept");
    kept.app.finish().await;
}

#[tokio::test]
async fn who_is_purged_takes_the_picture_along() {
    let kept = Kept::new().await;
    let (admin, ann) = (kept.app.admin().await, kept.app.user("ann").await);
    put(&ann.client, "/v1/me/avatar", "image/png", encoded(portrait(), ImageFormat::Png)).await.expect(200);
    admin.client.delete(&format!("/v1/users/{}", ann.id)).await.expect(204);
    kept.app.run_jobs().await;
    assert_eq!(kept.files(), 2, "in the recycle bin they keep it");
    kept.app.advance(SignedDuration::from_hours(24 * 31));
    kept.app.run_turn("purge_deleted_users").await;
    kept.app.advance(SignedDuration::from_hours(2));
    kept.app.run_turn("sweep_avatars").await;
    assert_eq!((kept.files(), kept.app.count("select count(*) from avatars").await), (0, 0));
    kept.app.mails().await;
    kept.app.finish().await;
}

#[tokio::test]
async fn a_page_takes_and_removes_it_and_says_at_the_field_what_is_wrong() {
    let kept = Kept::new().await;
    let ann = kept.app.user("ann").await;
    let mut browser = kept.app.browser();
    browser.sign_in(&ann.email).await.expect(303);
    let page = browser.open("/account/avatar").await.expect(200);
    assert!(page.text.contains("enctype=\"multipart/form-data\"") && !page.text.contains("Remove"));
    browser.upload("/account/avatar", &encoded(portrait(), ImageFormat::WebP)).await.expect(303);
    let page = browser.open("/account/avatar").await.expect(200);
    let url = picture_of(&ann.client).await;
    let file = url.rsplit('/').next().unwrap();
    assert!(page.text.contains("This is your picture now.") && page.text.contains(file), "{}", page.text);
    for (file, said) in [
        (&b""[..], "Choose a file."),
        (b"<svg onload=alert(1)>", "This is no PNG, JPEG or WebP picture"),
        (&claiming(100_000, 100_000), "too many pixels"),
        (&vec![0; 6 * 1024 * 1024], "larger than 5 MB"),
    ] {
        let page = browser.upload("/account/avatar", file).await.expect(422);
        assert!(page.text.contains(said) && page.text.contains("id=\"picture-error\""), "{said}: {}", page.text);
    }
    browser.form_token = "stale".to_owned();
    browser.upload("/account/avatar", &encoded(portrait(), ImageFormat::Png)).await.expect(403);
    assert_eq!(picture_of(&ann.client).await, url, "nothing of that changed it");
    browser.open("/account/avatar").await.expect(200);
    browser.submit("/account/avatar/remove", &[]).await.expect(303);
    assert!(browser.open("/account/avatar").await.expect(200).text.contains("The pattern stands for you again."));
    kept.app.run_jobs().await;
    assert_eq!(kept.files(), 0);
    kept.app.finish().await;
}
