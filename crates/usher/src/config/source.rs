//! Where the variables come from: the process environment, `.env`, and the files that `NAME_FILE` points to.
//!
//! [`Source::environment`] is the only reader of the process environment in the house.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use super::Hidden;
use super::report::Problem;
use super::setting;

/// What usher's own names begin with.
const PREFIX: &str = "USHER_";
/// Names of others that usher reads, for the default of the data directory.
const FOREIGN: [&str; 2] = ["HOME", "XDG_DATA_HOME"];
/// The most that is read from a file, so that a wrong path can't fill the memory.
const FILE_BYTES_MAX: usize = 64 * 1024;

/// Where the value of a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Environment,
    DotEnv,
    /// Named by `NAME_FILE`.
    File(PathBuf),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => formatter.write_str("environment"),
            Self::DotEnv => formatter.write_str(".env"),
            Self::File(path) => write!(formatter, "file {}", path.display()),
            Self::Default => formatter.write_str("default"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Variable {
    /// `None` when the environment holds something other than UTF-8.
    pub(super) value: Option<Hidden<String>>,
    pub(super) origin: Origin,
}

/// The variables by name, each with its origin. A `Source` is not checked yet.
#[derive(Clone, Debug, Default)]
pub struct Source {
    variables: BTreeMap<String, Variable>,
    problems: Vec<Problem>,
    superuser: bool,
}

impl Source {
    /// The variables of this process that concern usher, and whether it runs as root.
    #[must_use]
    pub fn environment() -> Self {
        let mut source = Self { superuser: rustix::process::geteuid().is_root(), ..Self::default() };
        for (name, value) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with(PREFIX) || FOREIGN.contains(&name.as_ref()) {
                let value = value.into_string().ok().map(Hidden::new);
                source.variables.insert(name.into_owned(), Variable { value, origin: Origin::Environment });
            }
        }
        source
    }

    /// An environment made of `pairs` alone, of a process that is not root; for tests.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Self {
        let variables = pairs
            .into_iter()
            .map(|(name, value)| {
                let value = Some(Hidden::new(value.into()));
                (name.into(), Variable { value, origin: Origin::Environment })
            })
            .collect();
        Self { variables, ..Self::default() }
    }

    /// Adds the `USHER_` variables of a `.env` file, if it is there. A setting that the environment gives, be it by
    /// `NAME` or by `NAME_FILE`, is not touched.
    #[must_use]
    pub fn with_dotenv(mut self, path: &Path) -> Self {
        match read_limited(path) {
            Ok(text) => self.with_dotenv_text(&text),
            Err(ReadProblem::Missing) => self,
            Err(problem) => {
                self.problems.push(Problem::new(".env", format!("{problem}; mend the file or remove it")));
                self
            }
        }
    }

    pub(crate) fn with_dotenv_text(mut self, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let given: Vec<String> = self.variables.keys().map(|name| setting::without_file(name).to_owned()).collect();
        let mut last = "the beginning".to_owned();
        for item in dotenvy::from_read_iter(text.as_bytes()) {
            // The error holds the line, and the line may hold a secret: only the place is told.
            let Ok((name, value)) = item else {
                self.problems.push(Problem::new(
                    ".env",
                    format!("a line after {last} is not NAME=value; put values with spaces, # or $ in single quotes"),
                ));
                break;
            };
            let value = Hidden::new(value);
            last.clone_from(&name);
            if !name.starts_with(PREFIX) || given.iter().any(|known| known == setting::without_file(&name)) {
                continue;
            }
            let variable = Variable { value: Some(value), origin: Origin::DotEnv };
            if self.variables.insert(name.clone(), variable).is_some() {
                self.problems.push(Problem::new(name, "is given twice in .env; remove one of the lines".to_owned()));
            }
        }
        self
    }

    #[cfg(test)]
    pub(super) fn with_superuser(mut self) -> Self {
        self.superuser = true;
        self
    }

    pub(super) fn get(&self, name: &str) -> Option<&Variable> {
        self.variables.get(name)
    }

    /// All of usher's own names, known or not.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str).filter(|name| name.starts_with(PREFIX))
    }

    /// What already went wrong while reading.
    pub(super) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Where the data directory is when nobody says: the system's place for root, the person's place (XDG Base
    /// Directory Specification, which has relative paths ignored) for others, `None` without a home.
    pub(super) fn default_data_dir(&self) -> Option<PathBuf> {
        if self.superuser {
            return Some(PathBuf::from("/var/lib/usher"));
        }
        let absolute = |name| {
            let value = self.get(name)?.value.as_ref()?;
            Some(PathBuf::from(value.expose())).filter(|path| path.is_absolute())
        };
        let data_home = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
        data_home.map(|path| path.join("usher"))
    }
}

/// Why a file could not be read. Its text never says what is in the file.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadProblem {
    #[error("the file does not exist")]
    Missing,
    #[error("the file can't be read ({0})")]
    Unreadable(std::io::ErrorKind),
    #[error("the file is larger than {FILE_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the file is not UTF-8")]
    NotUtf8,
}

/// Reads a small UTF-8 file.
pub(super) fn read_limited(path: &Path) -> Result<Zeroizing<String>, ReadProblem> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => ReadProblem::Missing,
        kind => ReadProblem::Unreadable(kind),
    };
    // Room for the whole file from the start: a growing buffer would leave copies of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_BYTES_MAX + 1));
    let limit = u64::try_from(FILE_BYTES_MAX + 1).expect("the limit is small");
    File::open(path).map_err(failed)?.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(ReadProblem::TooLarge);
    }
    let text = str::from_utf8(&bytes).map_err(|_| ReadProblem::NotUtf8)?;
    Ok(Zeroizing::new(text.to_owned()))
}
