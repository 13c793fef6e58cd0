//! The generated secret key of the zero-config default: `secret-key` in the data directory, and `secret-key.previous` while it
//! is being changed. At every moment a file holds each key that something may be sealed under.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::config::SecretKey;
use crate::secret::random_bytes;

const PRESENT: &str = "secret-key";
const PREVIOUS: &str = "secret-key.previous";

/// The secret key, made once and readable by its owner only, and the one before, if there is one.
pub fn load(data_dir: &Path) -> anyhow::Result<(SecretKey, Option<SecretKey>)> {
    let (present, previous) = (data_dir.join(PRESENT), data_dir.join(PREVIOUS));
    if !present.exists() {
        write_private(&present, &generate()?).with_context(|| told(&present))?;
    }
    // The present one first: if it is replaced meanwhile, what was read is the previous one, and nothing is missing.
    let key = read(&present)?;
    let previous = if previous.exists() { Some(read(&previous)?) } else { None };
    Ok((key, previous))
}

/// Whether the key has been made.
pub fn is_there(data_dir: &Path) -> bool {
    data_dir.join(PRESENT).exists()
}

/// Puts a new secret key in the place of the present one, which becomes the previous one. A crash in the middle leaves the present
/// key in force, and it can be tried again.
pub fn replace(data_dir: &Path) -> anyhow::Result<()> {
    let (present, previous) = (data_dir.join(PRESENT), data_dir.join(PREVIOUS));
    let folder = File::open(data_dir).with_context(|| format!("opening {}", data_dir.display()))?;
    folder.try_lock().context("the secret key is being changed by another command")?;
    let key = read(&present).context("there is no generated secret key to replace")?;
    if previous.exists() && read(&previous)?.as_bytes() != key.as_bytes() {
        bail!("{} is still there: finish that change with `usher keys reseal`, then remove the file", previous.display());
    }
    write_private(&previous, &line(&key))?;
    folder.sync_all()?;
    let unfinished = write_unfinished(&present, &generate()?)?;
    std::fs::rename(&unfinished, &present).with_context(|| told(&present))?;
    folder.sync_all()?;
    Ok(())
}

/// Writes a file that only its owner may read. It is complete or not there: a crash in the middle leaves another name behind.
/// Of several processes that start together the first one's file stays.
pub fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let unfinished = write_unfinished(path, text)?;
    let linked = std::fs::hard_link(&unfinished, path);
    std::fs::remove_file(&unfinished)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

fn write_unfinished(path: &Path, text: &str) -> anyhow::Result<PathBuf> {
    let unfinished = path.with_extension(format!("{}.part", crate::id::new_uuid(Clock::system().now())));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(unfinished)
}

fn generate() -> anyhow::Result<Zeroizing<String>> {
    let key = SecretKey::from_bytes(random_bytes::<32>().to_vec()).map_err(anyhow::Error::msg)?;
    Ok(line(&key))
}

fn line(key: &SecretKey) -> Zeroizing<String> {
    Zeroizing::new(format!("{}\n", key.to_base64().as_str()))
}

fn read(path: &Path) -> anyhow::Result<SecretKey> {
    let text = Zeroizing::new(std::fs::read_to_string(path).with_context(|| told(path))?);
    SecretKey::parse(text.trim_end()).map_err(|problem| anyhow::anyhow!("{}: {problem}", told(path)))
}

fn told(path: &Path) -> String {
    format!("the secret key {}", path.display())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A directory that is gone when the test ends.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("usher-secret-key-{}", crate::id::new_uuid(Clock::system().now())));
            std::fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn names(&self) -> Vec<String> {
            let mut names: Vec<_> =
                std::fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).ok();
        }
    }

    fn bytes(key: &SecretKey) -> Vec<u8> {
        key.as_bytes().to_vec()
    }

    #[test]
    fn the_key_is_made_once_and_for_its_owner_alone() {
        let folder = Folder::new();
        let (first, none) = load(&folder.0).unwrap();
        assert!(none.is_none());
        assert_eq!(bytes(&load(&folder.0).unwrap().0), bytes(&first));
        let mode = std::fs::metadata(folder.0.join(PRESENT)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(folder.names(), [PRESENT]);
    }

    #[test]
    fn a_new_key_keeps_the_one_before_until_that_is_removed() {
        let folder = Folder::new();
        let (old, _) = load(&folder.0).unwrap();
        replace(&folder.0).unwrap();
        let (new, previous) = load(&folder.0).unwrap();
        assert_ne!(bytes(&new), bytes(&old));
        assert_eq!(bytes(&previous.unwrap()), bytes(&old));
        let mode = std::fs::metadata(folder.0.join(PREVIOUS)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // A second change would lose the first key.
        let refused = replace(&folder.0).unwrap_err().to_string();
        assert!(refused.contains("usher keys reseal"), "{refused}");
        assert_eq!(bytes(&load(&folder.0).unwrap().0), bytes(&new));
        std::fs::remove_file(folder.0.join(PREVIOUS)).unwrap();
        replace(&folder.0).unwrap();
        assert_eq!(bytes(&load(&folder.0).unwrap().1.unwrap()), bytes(&new));
        assert_eq!(folder.names(), [PRESENT, PREVIOUS]);
    }

    #[test]
    fn a_change_that_a_crash_cut_short_is_made_by_the_next_try() {
        let folder = Folder::new();
        let (old, _) = load(&folder.0).unwrap();
        // The first half: the present key is the previous one too.
        std::fs::copy(folder.0.join(PRESENT), folder.0.join(PREVIOUS)).unwrap();
        assert_eq!(bytes(&load(&folder.0).unwrap().0), bytes(&old));
        replace(&folder.0).unwrap();
        let (new, previous) = load(&folder.0).unwrap();
        assert_ne!(bytes(&new), bytes(&old));
        assert_eq!(bytes(&previous.unwrap()), bytes(&old));
    }

    #[test]
    fn there_must_be_a_key_to_replace() {
        let folder = Folder::new();
        assert!(replace(&folder.0).is_err());
        assert!(folder.names().is_empty());
        std::fs::write(folder.0.join(PRESENT), "changeme\n").unwrap();
        assert!(replace(&folder.0).is_err());
        assert_eq!(folder.names(), [PRESENT]);
    }

    #[test]
    fn of_many_changes_at_the_same_time_one_is_made() {
        let folder = Folder::new();
        let (old, _) = load(&folder.0).unwrap();
        let made = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| replace(&folder.0).is_ok())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).filter(|made| *made).count()
        });
        assert_eq!(made, 1);
        assert_eq!(bytes(&load(&folder.0).unwrap().1.unwrap()), bytes(&old));
    }
}
