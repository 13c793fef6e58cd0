//! Who runs PostgreSQL. It refuses to run as root, so a root usher hands it to an unprivileged user;
//! an ordinary usher runs it as itself.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

use tokio::process::Command;

use super::error::StartError;

/// An unprivileged user of this system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// The user that must run PostgreSQL for the cluster in `directory`, which may not exist yet.
    /// `None` means usher's own user.
    ///
    /// A cluster stays with its owner: PostgreSQL would refuse it to anybody else.
    pub fn for_cluster(directory: &Path) -> Result<Option<Self>, StartError> {
        let owner = fs::metadata(directory).ok().map(|metadata| metadata.uid());
        let own_uid = rustix::process::geteuid().as_raw();
        if own_uid != 0 {
            return match owner {
                Some(owner) if owner != own_uid => Err(wrong_owner(directory, owner, own_uid)),
                _ => Ok(None),
            };
        }
        let usual = || Self::by_name("postgres").or_else(|| Self::by_name("nobody"));
        let account = match owner {
            Some(uid) if uid != 0 => Self::by_uid(uid),
            _ => usual().ok_or(StartError::NoAccount)?,
        };
        if owner == Some(0) {
            return Err(StartError::OwnedByRoot { directory: directory.to_owned(), wanted: account.name });
        }
        if account.name == "nobody" {
            tracing::warn!(
                "the private PostgreSQL runs as nobody, so every other program of nobody can read it; \
                 make a user postgres to keep it apart"
            );
        }
        Ok(Some(account))
    }

    /// Makes `command` run as this user, with its group and no other.
    pub fn apply(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Gives `path` to this user. Never follows a symbolic link, since root's `chown` of a planted one would give
    /// away any file.
    pub fn own(&self, path: &Path) -> io::Result<()> {
        std::os::unix::fs::lchown(path, Some(self.uid), Some(self.gid))
    }

    /// Checks that this user may enter `directory` and everything above it.
    pub fn check_reach(&self, directory: &Path) -> Result<(), StartError> {
        for ancestor in directory.ancestors() {
            let metadata = fs::metadata(ancestor).map_err(StartError::io(format!("look at {}", ancestor.display())))?;
            let may_enter = if metadata.uid() == self.uid {
                0o100
            } else if metadata.gid() == self.gid {
                0o010
            } else {
                0o001
            };
            if metadata.mode() & may_enter == 0 {
                return Err(StartError::NotTraversable { directory: ancestor.to_owned(), account: self.name.clone() });
            }
        }
        Ok(())
    }

    fn by_name(name: &str) -> Option<Self> {
        passwd().into_iter().find(|account| account.name == name)
    }

    /// A user that only a directory service knows has no entry in /etc/passwd; its number will do.
    fn by_uid(uid: u32) -> Self {
        passwd().into_iter().find(|account| account.uid == uid).unwrap_or_else(|| Self { name: uid.to_string(), uid, gid: uid })
    }
}

/// The entries of /etc/passwd; a line that is not one is passed over.
fn passwd() -> Vec<Account> {
    let text = fs::read("/etc/passwd").unwrap_or_default();
    String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?.to_owned();
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            Some(Account { name, uid, gid })
        })
        .collect()
}

fn wrong_owner(directory: &Path, owner: u32, wanted: u32) -> StartError {
    StartError::WrongOwner {
        directory: directory.to_owned(),
        owner: Account::by_uid(owner).name,
        wanted: Account::by_uid(wanted).name,
    }
}
