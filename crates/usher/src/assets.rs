//! What pages load: styles, scripts and images within the binary. Their URLs hold a hash of the content, so that whoever has one may
//! keep it for ever. `usher static export` puts them where a web server serves them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};

use anyhow::Context;
use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Bytes;
use axum::extract;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_embed::RustEmbed;

use crate::languages;

#[derive(RustEmbed)]
#[folder = "assets"]
#[include = "*.css"]
#[include = "*.js"]
#[include = "*.svg"]
struct Files;

/// By name, such as `docs/docs.css`.
static ASSETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    let asset = |name: Cow<'static, str>| {
        let file = Files::get(&name).expect("an embedded file that is listed is there");
        (name.to_string(), Asset::new(&name, file.data))
    };
    Files::iter().map(asset).collect()
});

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Of the URL for another content, which a page of another release names while releases change.
const CHANGING: &str = "no-cache";

struct Asset {
    /// Below `/assets/`, such as `docs/docs.0123456789abcdef.css`.
    path: String,
    hash: String,
    media_type: &'static str,
    content: Bytes,
    /// With gzip, once somebody has asked for it so.
    compressed: OnceLock<Option<Bytes>>,
}

impl Asset {
    fn new(name: &str, content: Cow<'static, [u8]>) -> Self {
        let bytes = digest(&SHA256, &content).as_ref().first_chunk().copied().expect("a SHA-256 digest has 32 bytes");
        let hash = format!("{:016x}", u64::from_be_bytes(bytes));
        let (stem, extension) = name.rsplit_once('.').expect("only files with an extension are embedded");
        let media_type = match extension {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            _ => "image/svg+xml",
        };
        let content = match content {
            Cow::Borrowed(content) => Bytes::from_static(content),
            Cow::Owned(content) => Bytes::from(content),
        };
        Self { path: format!("{stem}.{hash}.{extension}"), hash, media_type, content, compressed: OnceLock::new() }
    }

    /// None where it can't be compressed.
    fn compressed(&self) -> Option<Bytes> {
        self.compressed.get_or_init(|| gzip(&self.content).ok().map(Bytes::from)).clone()
    }
}

/// The URLs by name, for templates.
pub fn urls() -> BTreeMap<&'static str, String> {
    ASSETS.iter().map(|(name, asset)| (name.as_str(), format!("/assets/{}", asset.path))).collect()
}

/// Answers a request for `/assets/{path}`, compressed where that is accepted. Pages are not: they hold what is said in private, and what
/// somebody else can have written into them (BREACH).
pub async fn show(extract::Path(path): extract::Path<String>, asked: HeaderMap) -> Response {
    let Some(asset) = ASSETS.get(&without_hash(&path)) else { return StatusCode::NOT_FOUND.into_response() };
    let lasts = HeaderValue::from_static(if asset.path == path { IMMUTABLE } else { CHANGING });
    let compressed = if accepts_gzip(&asked) { asset.compressed() } else { None };
    // Another representation has another tag (RFC 9110, section 8.8.3.3).
    let etag = if compressed.is_some() { format!("\"{}-gzip\"", asset.hash) } else { format!("\"{}\"", asset.hash) };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    headers.insert(header::CACHE_CONTROL, lasts);
    headers.insert(header::ETAG, HeaderValue::try_from(etag).expect("hexadecimal digits are visible ASCII"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if compressed.is_some() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    (headers, compressed.unwrap_or_else(|| asset.content.clone())).into_response()
}

/// Whether `Accept-Encoding` names gzip (RFC 9110, section 12.5.3); `q=0` is a refusal.
fn accepts_gzip(asked: &HeaderMap) -> bool {
    let values = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| {
        let (coding, parameter) = item.split_once(';').unwrap_or((item, "q=1"));
        coding.trim().eq_ignore_ascii_case("gzip") && languages::weight(parameter).is_some_and(|weight| weight > 0)
    })
}

/// `style.0123456789abcdef.css` is `style.css`, whatever its content was.
fn without_hash(path: &str) -> String {
    let mut parts: Vec<&str> = path.split('.').collect();
    if let [.., hash, _] = parts[..]
        && parts.len() > 2
        && hash.len() == 16
        && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        parts.remove(parts.len() - 2);
    }
    parts.join(".")
}

/// Writes every file below `folder`/assets, beside it a `.gz` and a `.br` of it, and returns what was written. Files of other releases
/// stay: their pages may still be open.
///
/// # Errors
///
/// When a file can't be written.
pub fn export(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for asset in ASSETS.values() {
        let path = folder.join("assets").join(&asset.path);
        make_folders(folder, &path)?;
        let beside = |extension: &str| path.with_added_extension(extension);
        for (path, content) in [
            (path.clone(), asset.content.to_vec()),
            (beside("gz"), gzip(&asset.content)?),
            (beside("br"), brotli(&asset.content)?),
        ] {
            replace(&path, &content).with_context(|| format!("writing {}", path.display()))?;
            written.push(path);
        }
    }
    Ok(written)
}

/// Those between `folder` and the file, open to everybody: the web server is another user.
fn make_folders(folder: &Path, path: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let between: Vec<&Path> = path.ancestors().skip(1).take_while(|parent| *parent != folder).collect();
    for made in between.into_iter().rev() {
        std::fs::create_dir_all(made).with_context(|| format!("making {}", made.display()))?;
        std::fs::set_permissions(made, Permissions::from_mode(0o755)).with_context(|| format!("opening {}", made.display()))?;
    }
    Ok(())
}

/// Whoever reads the file meanwhile gets the old one or the new one.
fn replace(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let parent = path.parent().context("it is in no folder")?;
    let everybody = Permissions::from_mode(0o644);
    let mut file = tempfile::Builder::new().permissions(everybody.clone()).tempfile_in(parent)?;
    file.write_all(content)?;
    // Whatever the umask has taken away.
    file.as_file().set_permissions(everybody)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn gzip(content: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}

fn brotli(content: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut compressed = Vec::new();
    // Beyond 9 it takes ten times as long for a tenth less.
    let params = brotli::enc::BrotliEncoderParams { quality: 9, ..Default::default() };
    brotli::BrotliCompress(&mut &content[..], &mut compressed, &params)?;
    Ok(compressed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_changes_with_the_content_and_leads_to_the_name() {
        let path = |content: &'static [u8]| Asset::new("docs/a.css", Cow::Borrowed(content)).path;
        assert_ne!(path(b"a"), path(b"b"));
        assert_eq!(without_hash(&path(b"a")), "docs/a.css");
        for other in ["style.css", "a.b.css", "a.0123456789abcdeg.css", "0123456789abcdef.css", ""] {
            assert_eq!(without_hash(other), other);
        }
    }

    #[test]
    fn gzip_is_accepted_where_it_is_named_and_not_refused() {
        let asked = |value: &'static str| HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]);
        for accepted in ["gzip", "GZIP", "br, gzip", "deflate,gzip;q=0.1", "gzip; q=1.0"] {
            assert!(accepts_gzip(&asked(accepted)), "{accepted}");
        }
        for refused in ["", "br", "gzip;q=0", "gzip; q=0.000", "gzip;q=much", "x-gzip", "identity"] {
            assert!(!accepts_gzip(&asked(refused)), "{refused}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn a_style_is_compressed_for_whoever_accepts_it() {
        let path = urls()["style.css"].trim_start_matches("/assets/").to_owned();
        let ask = async |asked: HeaderMap| {
            let (parts, body) = show(extract::Path(path.clone()), asked).await.into_parts();
            (parts.headers, axum::body::to_bytes(body, usize::MAX).await.unwrap())
        };
        let (plain, content) = ask(HeaderMap::new()).await;
        let asked = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, br"))]);
        let (headers, compressed) = ask(asked).await;
        assert_eq!(plain.get("content-encoding"), None);
        assert_eq!(headers["content-encoding"], "gzip");
        assert_eq!((&headers["vary"], &plain["vary"]), (&HeaderValue::from_static("accept-encoding"), &headers["vary"]));
        assert_ne!(headers["etag"], plain["etag"]);
        let mut unpacked = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&compressed[..]), &mut unpacked).unwrap();
        assert!(compressed.len() < content.len() / 2 && unpacked == content, "{} bytes", compressed.len());
    }

    /// The declarations of a style sheet, by name and value.
    fn declarations(styles: &str) -> Vec<(String, String)> {
        let outside = |(at, part): (usize, &'_ str)| match part.split_once("*/") {
            Some((_, rest)) if at > 0 => rest.to_owned(),
            _ => part.to_owned(),
        };
        let without_comments: String = styles.split("/*").enumerate().map(outside).collect();
        let pieces = without_comments.split(['{', '}', ';']).filter_map(|piece| piece.split_once(": "));
        pieces.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
    }

    /// Left and right are the wrong way round where one writes from right to left.
    fn knows_left(name: &str, value: &str) -> bool {
        let words: Vec<&str> = value.split_whitespace().collect();
        let is_side = |word: &&str| ["left", "right"].contains(word);
        let has_own_sides = words.len() == 4 && words[1] != words[3];
        let four = ["inset", "margin", "padding", "border-radius", "border-style"].contains(&name) && has_own_sides;
        let shadow = name == "box-shadow"
            && words.first() == Some(&"inset")
            && words.get(1) != Some(&"0")
            && !value.contains("--from-start");
        name.split('-').any(|part| is_side(&part)) || name != "object-position" && words.iter().any(is_side) || four || shadow
    }

    #[test]
    fn styles_say_where_a_line_begins_and_neither_left_nor_right() {
        for (name, value) in [
            ("margin-left", "1px"),
            ("right", "0"),
            ("text-align", "left"),
            ("inset", "0 auto 0 0"),
            ("border-radius", "0 1px 1px 0"),
            ("box-shadow", "inset 0.25rem 0 red"),
        ] {
            assert!(knows_left(name, value), "{name}: {value}");
        }
        for sheet in ["style.css", "console.css"] {
            let file = Files::get(sheet).unwrap();
            let found = declarations(std::str::from_utf8(&file.data).unwrap());
            assert!(found.len() > 200, "{sheet}: {}", found.len());
            let sided: Vec<_> = found.iter().filter(|(name, value)| knows_left(name, value)).collect();
            assert!(sided.is_empty(), "{sheet}: {sided:?}");
        }
    }

    #[test]
    fn an_export_holds_every_file_thrice_and_can_be_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let written = export(folder.path()).unwrap();
        assert_eq!(written.len(), ASSETS.len() * 3);
        let script = written.iter().find(|path| path.to_string_lossy().contains("swagger-ui-bundle")).unwrap();
        let plain = std::fs::metadata(script).unwrap().len();
        for extension in ["gz", "br"] {
            let small = std::fs::metadata(script.with_added_extension(extension)).unwrap().len();
            assert!(small > 0 && small < plain / 2, "{extension}: {small} of {plain}");
        }
        assert_eq!(export(folder.path()).unwrap(), written);
    }
}
