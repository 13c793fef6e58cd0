//! Whom a run is about: a filter, or a list of ids.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::super::Failure;
use crate::bulk::{Selection, USERS_MAX};
use crate::id::UserId;

/// A line with an id, and room for its end.
const LINE_BYTES: u64 = 40;

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Whom {
    /// Whom it is about: a filter such as 'lastSignInAt lt "2025-01-01T00:00:00Z" and roles eq "user"'
    #[arg(long)]
    filter: Option<String>,
    /// The user with this id; may be given several times
    #[arg(long = "id", value_name = "ID")]
    ids: Vec<UserId>,
    /// The users whose ids stand in this file, one a line; `-` is standard input
    #[arg(long, value_name = "FILE")]
    ids_file: Option<PathBuf>,
}

pub fn read(whom: Whom) -> Result<Selection, Failure> {
    match (whom.filter, whom.ids_file) {
        (Some(filter), _) => Ok(Selection::Filter(filter)),
        (None, Some(file)) => Ok(Selection::Ids(read_file(&file)?)),
        (None, None) => Ok(Selection::Ids(whom.ids)),
    }
}

fn read_file(file: &Path) -> Result<Vec<UserId>, Failure> {
    let is_stdin = file.as_os_str() == "-";
    let name = if is_stdin { "standard input".to_owned() } else { file.display().to_string() };
    let from: Box<dyn Read> = if is_stdin {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).with_context(|| format!("opening {name}"))?)
    };
    let most = USERS_MAX.unsigned_abs() * LINE_BYTES;
    let mut text = String::new();
    from.take(most + 1).read_to_string(&mut text).with_context(|| format!("reading {name}"))?;
    if text.len() as u64 > most {
        return Err(Failure::usage(format!(
            "{name} is larger than {most} bytes: more than {USERS_MAX} users are no set for one run"
        )));
    }
    parse(&text, &name).map_err(Failure::usage)
}

fn parse(text: &str, name: &str) -> Result<Vec<UserId>, String> {
    let lines = text.lines().zip(1..).map(|(line, number)| (line.trim(), number)).filter(|(line, _)| !line.is_empty());
    let id = |(line, number): (&str, usize)| {
        line.parse().map_err(|_| format!("line {number} of {name} is no id of a user: {}", line.escape_debug()))
    };
    let ids: Vec<UserId> = lines.map(id).collect::<Result<_, _>>()?;
    if ids.is_empty() {
        return Err(format!("there is no id in {name}"));
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stand_one_a_line() {
        let (ann, bob) = ("0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", "0193e4a1-7c1e-7b52-9d0c-4a2d5b6c7d8e");
        let read = |text: &str| parse(text, "ids.txt").map(|ids| ids.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(read(&format!("{ann}\r\n\n  {bob}")).unwrap(), [ann, bob]);
        assert_eq!(read("\n \n").unwrap_err(), "there is no id in ids.txt");
        assert_eq!(read(&format!("{ann}\n\nann")).unwrap_err(), "line 3 of ids.txt is no id of a user: ann");
    }
}
