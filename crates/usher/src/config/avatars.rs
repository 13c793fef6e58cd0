//! Where pictures of people are kept.

use std::path::PathBuf;

use url::Url;

use super::Hidden;
use super::public_url::is_loopback;
use super::reader::{Parsed, Reader, quoted};

const NAME: &str = "USHER_AVATARS";
const ENDPOINT: &str = "USHER_AVATARS_S3_ENDPOINT";
const REGION: &str = "USHER_AVATARS_S3_REGION";
const KEY_ID: &str = "USHER_AVATARS_S3_KEY_ID";
const SECRET: &str = "USHER_AVATARS_S3_SECRET";

/// A storage for files.
#[derive(Clone, Debug)]
pub enum AvatarStorage {
    /// Absolute.
    Folder(PathBuf),
    S3(S3),
}

/// A bucket of a service that speaks the protocol of Amazon S3.
#[derive(Clone, Debug)]
pub struct S3 {
    pub bucket: String,
    /// What the names of all files begin with, without slashes around it; may be empty.
    pub prefix: String,
    /// `None`: Amazon's own.
    pub endpoint: Option<Url>,
    pub region: String,
    pub key_id: String,
    pub secret: Hidden<String>,
}

/// What the URL says.
enum Place {
    Folder(PathBuf),
    Bucket { bucket: String, prefix: String },
}

/// `or_else` is the folder where nothing is said.
pub(super) fn read(reader: &mut Reader<'_>, or_else: Option<PathBuf>) -> Option<AvatarStorage> {
    let place = reader.optional(NAME, place);
    let endpoint = reader.optional(ENDPOINT, endpoint);
    let region = reader.value(REGION, |text| Ok(text.to_owned()));
    let key_id = reader.optional(KEY_ID, |text| Ok(text.to_owned()));
    let secret = reader.optional(SECRET, |text| Ok(Hidden::new(text.to_owned())));
    if endpoint.as_ref().is_some_and(|url| url.scheme() == "http" && !url.host_str().is_some_and(is_loopback)) {
        reader.warn(ENDPOINT, "is plain http for other machines: pictures can be read and changed on the way; use https");
    }
    if !reader.is_given(NAME) && reader.is_given(SECRET) {
        reader.problem(SECRET, "has no meaning without USHER_AVATARS; set that too, or remove it");
    }
    if !reader.is_given(NAME) {
        return or_else.map(AvatarStorage::Folder);
    }
    let (bucket, prefix) = match place? {
        Place::Folder(path) => {
            for name in [ENDPOINT, REGION, KEY_ID, SECRET] {
                if reader.is_given(name) {
                    reader.warn(name, "has no effect unless USHER_AVATARS begins with s3://; remove it");
                }
            }
            return Some(AvatarStorage::Folder(path));
        }
        Place::Bucket { bucket, prefix } => (bucket, prefix),
    };
    for name in [KEY_ID, SECRET] {
        if !reader.is_given(name) {
            reader.problem(name, "is not set, but USHER_AVATARS begins with s3://; give the access key of the bucket");
        }
    }
    Some(AvatarStorage::S3(S3 { bucket, prefix, endpoint, region, key_id: key_id?, secret: secret? }))
}

fn place(text: &str) -> Parsed<Place> {
    const MEND: &str = "write file:///path/of/a/folder or s3://bucket/prefix";
    let url = Url::parse(text).map_err(|_| format!("is {}, which is no URL; {MEND}", quoted(text)))?;
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.port().is_some() {
        return Err(format!("has more than a place in it; {MEND}"));
    }
    match (url.scheme(), url.host_str()) {
        ("file", None) => {
            let path = url.to_file_path().map_err(|()| format!("names no folder of this machine; {MEND}"))?;
            Ok(Place::Folder(path))
        }
        ("s3", Some(bucket)) => Ok(Place::Bucket { bucket: bucket.to_owned(), prefix: url.path().trim_matches('/').to_owned() }),
        _ => Err(format!("is {}; {MEND}", quoted(text))),
    }
}

fn endpoint(text: &str) -> Parsed<Url> {
    const MEND: &str = "write where the service answers, such as https://s3.example.org";
    let url = Url::parse(text).map_err(|_| format!("is {}, which is no URL; {MEND}", quoted(text)))?;
    if !["http", "https"].contains(&url.scheme()) || !url.username().is_empty() || url.path() != "/" || url.query().is_some() {
        return Err(format!("is no plain origin; {MEND}"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::super::{AvatarStorage, Config, Source};

    fn read(pairs: &[(&str, &str)]) -> Result<Option<AvatarStorage>, String> {
        let pairs = pairs.iter().copied().chain([("USHER_DATA_DIR", "/tmp")]);
        let config = Config::from_source(&Source::from_pairs(pairs)).map_err(|errors| errors.to_string())?;
        Ok(config.0.avatars)
    }

    #[test]
    fn a_folder_or_a_bucket_is_named_by_a_url() {
        let key = ("USHER_SECRET_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
        assert!(read(&[("USHER_DATABASE_URL", "postgres://localhost/usher"), key]).unwrap().is_none());
        assert!(matches!(read(&[]).unwrap(), Some(AvatarStorage::Folder(path)) if path.to_str() == Some("/tmp/avatars")));
        let folder = read(&[("USHER_AVATARS", "file:///var/lib/usher/avatars")]).unwrap();
        assert!(matches!(folder, Some(AvatarStorage::Folder(path)) if path.to_str() == Some("/var/lib/usher/avatars")));
        let keys = [("USHER_AVATARS_S3_KEY_ID", "id"), ("USHER_AVATARS_S3_SECRET", "a long key of the bucket")];
        let Some(AvatarStorage::S3(s3)) = read(&[&[("USHER_AVATARS", "s3://faces/usher/")][..], &keys].concat()).unwrap() else {
            panic!("it is a bucket")
        };
        assert_eq!((s3.bucket.as_str(), s3.prefix.as_str(), s3.region.as_str()), ("faces", "usher", "us-east-1"));
    }

    #[test]
    fn what_is_wrong_with_it_is_said() {
        let said = |pairs: &[(&str, &str)]| read(pairs).unwrap_err();
        assert!(said(&[("USHER_AVATARS", "s3://faces")]).contains("USHER_AVATARS_S3_SECRET"));
        for wrong in ["/var/lib/usher", "http://example.org", "file://elsewhere/path", "s3://", "s3://user@faces"] {
            assert!(said(&[("USHER_AVATARS", wrong)]).contains("file:///path"), "{wrong}");
        }
        assert!(said(&[("USHER_AVATARS_S3_ENDPOINT", "https://s3.example.org/path")]).contains("no plain origin"));
    }
}
