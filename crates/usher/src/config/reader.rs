//! Takes the settings from the source one by one and collects the problems, so that all are reported together.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::hidden::{MASK, sample_problem};
use super::report::{ConfigErrors, Entry, Problem, Report};
use super::setting::{self, Fallback, Setting, Syntax};
use super::settings::settings;
use super::source::{Origin, Source, read_limited};
use super::suggest;
use super::{Hidden, SecretKey};
use crate::faults;

/// Reads a text or says, in a sentence that goes on from the variable's name, what is wrong and how to mend it.
pub(super) type Parsed<T> = Result<T, String>;

pub(super) struct Reader<'a> {
    source: &'a Source,
    entries: Vec<Entry>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        let mut problems = source.problems().to_vec();
        problems.extend(source.names().filter_map(unknown_name));
        Self { source, entries: Vec::new(), problems, warnings: Vec::new() }
    }

    /// The settings in force, or everything that was wrong.
    pub(super) fn finish(mut self) -> Result<Report, ConfigErrors> {
        if !self.problems.is_empty() {
            return Err(ConfigErrors { problems: self.problems });
        }
        self.entries.sort_by_key(|entry| settings().position(|setting| setting.name == entry.name));
        Ok(Report { entries: self.entries, warnings: self.warnings })
    }

    pub(super) fn source(&self) -> &Source {
        self.source
    }

    pub(super) fn problem(&mut self, name: &'static str, message: impl Into<String>) {
        self.problems.push(Problem::new(setting::get(name).name, message.into()));
    }

    pub(super) fn warn(&mut self, name: &'static str, message: impl Into<String>) {
        self.warnings.push(Problem::new(setting::get(name).name, message.into()));
    }

    /// Whether somebody meant to set it, well or not.
    pub(super) fn is_given(&self, name: &'static str) -> bool {
        let setting = setting::get(name);
        let by_file = setting.secret && self.source.get(&setting.file_name()).is_some();
        by_file || self.source.get(setting.name).is_some()
    }

    /// Has the report show what is in force, when that is not what was given.
    pub(super) fn show(&mut self, name: &'static str, value: &impl ToString) {
        let setting = setting::get(name);
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.name == setting.name && !setting.secret) {
            entry.value = Some(value.to_string());
        }
    }

    /// A setting whose default is a value in the table. After a problem it is that default, which nobody gets to see.
    pub(super) fn value<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Parsed<T>) -> T {
        self.optional(name, &parse).unwrap_or_else(|| {
            let default = setting::get(name).default.value().expect("a test reads every setting without its value");
            parse(default).expect("a test parses every default of the table")
        })
    }

    /// A setting whose default depends, or is no value. `None` also after a problem.
    pub(super) fn optional<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Parsed<T>) -> Option<T> {
        let setting = setting::get(name);
        let given = self.given(setting);
        let shown = match (&given, setting.default) {
            (Some(_), _) if setting.secret => Some(MASK.to_owned()),
            (Some((text, _)), _) => Some(text.expose().clone()),
            (None, Fallback::Value(default)) => Some(default.to_owned()),
            (None, Fallback::Told(_)) => None,
        };
        let origin = given.as_ref().map_or(Origin::Default, |(_, origin)| origin.clone());
        let (name, section) = (setting.name, setting.section.title());
        self.entries.push(Entry { name, section, value: shown, origin: origin.clone() });
        let (text, _) = given?;
        match checked(setting, text.expose()).and_then(|()| parse(text.expose())) {
            Ok(value) => Some(value),
            Err(message) => {
                self.problems.push(match origin {
                    Origin::File(path) => {
                        let message = format!("the content of {} {message}", path.display());
                        Problem::new(setting.file_name(), message)
                    }
                    _ => Problem::new(name, message),
                });
                None
            }
        }
    }

    pub(super) fn seconds(&mut self, name: &'static str) -> Duration {
        Duration::from_secs(u64::from(self.value(name, |text| number(name, text))))
    }

    pub(super) fn days(&mut self, name: &'static str) -> Duration {
        Duration::from_hours(24 * u64::from(self.value(name, |text| number(name, text))))
    }

    pub(super) fn size(&mut self, name: &'static str) -> usize {
        to_size(self.value(name, |text| number(name, text)))
    }

    pub(super) fn optional_size(&mut self, name: &'static str) -> Option<usize> {
        self.optional(name, |text| number(name, text)).map(to_size)
    }

    pub(super) fn choice<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> T {
        self.value(name, |text| choice(words, text))
    }

    /// The text of a setting and where it is from, or `None` after a problem or when it is not there.
    fn given(&mut self, setting: &Setting) -> Option<(Hidden<String>, Origin)> {
        let file_name = setting.file_name();
        let file = self.source.get(&file_name).filter(|_| setting.secret);
        match (self.source.get(setting.name), file) {
            (None, None) => None,
            (Some(_), Some(_)) => {
                self.problem(setting.name, format!("is given beside {file_name}; keep one of the two"));
                None
            }
            (Some(variable), None) => {
                if variable.value.is_none() {
                    self.problem(setting.name, "is not UTF-8; set it anew");
                }
                Some((variable.value.clone()?, variable.origin.clone()))
            }
            (None, Some(variable)) => {
                let path = variable.value.as_ref().map(|value| PathBuf::from(value.expose()));
                match path.ok_or_else(|| "is not UTF-8; set it anew".to_owned()).and_then(secret_from_file) {
                    Ok(found) => Some(found),
                    Err(message) => {
                        self.problems.push(Problem::new(file_name, message));
                        None
                    }
                }
            }
        }
    }
}

/// Reads a file that holds one secret, without the line's end that editors and `echo` add.
fn secret_from_file(path: PathBuf) -> Parsed<(Hidden<String>, Origin)> {
    if path == Path::new("") {
        return Err("is empty; give the path of a file that holds the secret".to_owned());
    }
    let text = read_limited(&path).map_err(|problem| {
        // Whoever mistakes NAME_FILE for NAME gives the secret itself, which the message must not repeat.
        let text = path.to_string_lossy();
        let is_path = path.is_absolute() && SecretKey::parse(&text).is_err();
        let named = if is_path { &*text } else { "a relative path" };
        format!("names {named}: {problem}; give the path of a small text file that usher may read")
    })?;
    let text = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    Ok((Hidden::new(text.to_owned()), Origin::File(path)))
}

/// What holds for every value, whatever it means.
fn checked(setting: &Setting, text: &str) -> Parsed<()> {
    if setting.secret {
        if let Some(problem) = sample_problem(text) {
            return Err(problem.to_owned());
        }
        if matches!(setting.syntax, Syntax::Text(sample) if sample == text) {
            return Err("is the sample of the documentation; give a secret of your own".to_owned());
        }
    }
    if text.is_empty() {
        return Err("is empty; give a value or remove the variable".to_owned());
    }
    if text.trim() != text {
        return Err("begins or ends with white space; remove that".to_owned());
    }
    Ok(())
}

/// Refuses what begins with `USHER_` and is no setting (nor the `_FILE` of a secret).
fn unknown_name(name: &str) -> Option<Problem> {
    let known = |name: &str| setting::find(name).is_some();
    if known(name) || setting::without_file(name) != name || faults::knows(name) {
        return None;
    }
    if let Some(plain) = name.strip_suffix("_FILE").filter(|plain| known(plain)) {
        let message = format!("is not read, since only secrets come from files; set {plain} itself");
        return Some(Problem::new(name, message));
    }
    let files: Vec<String> = settings().filter(|setting| setting.secret).map(Setting::file_name).collect();
    let candidates = settings().map(|setting| setting.name).chain(files.iter().map(String::as_str));
    let message = match suggest::nearest(name, candidates) {
        Some(nearest) => format!("is not a setting of usher; did you mean {nearest}? Correct the name or remove it"),
        None => "is not a setting of usher; remove it, or see `usher config docs` for the settings".to_owned(),
    };
    Some(Problem::new(name, message))
}

/// A whole number in the range that the table tells.
pub(super) fn number(name: &'static str, text: &str) -> Parsed<u32> {
    let (range, unit) = setting::get(name).syntax.range().expect("a test reads every setting");
    let wanted = || format!("give a whole {unit} from {} to {}", range.start(), range.end());
    let digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
    let value = text.parse().ok().filter(|value| digits_only && range.contains(value));
    value.ok_or_else(|| format!("is {}; {}", quoted(text), wanted()))
}

pub(super) fn to_size(value: u32) -> usize {
    usize::try_from(value).expect("usher runs on machines of at least 32 bits")
}

/// One of a few words.
pub(super) fn choice<T: Copy>(words: &[(&str, T)], text: &str) -> Parsed<T> {
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("is {}; write {}", quoted(text), setting::alternatives(&words))
    })
}

/// A value as an error shows it: on one line and not too long. Never for a secret.
pub(super) fn quoted(text: &str) -> String {
    const CHARACTERS_MAX: usize = 80;
    let mut shown: String = text.chars().take(CHARACTERS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}
