//! Where things are in the checkout, and how its programs are started.

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use crate::json::Value;

/// The checkout. Cargo tells it at run time, so that a moved checkout keeps working.
pub fn root() -> PathBuf {
    let crate_directory =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    crate_directory.parent().map_or_else(|| crate_directory.clone(), Path::to_path_buf)
}

/// The cargo that runs us, started in the checkout.
pub fn cargo(arguments: &[&str]) -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Where cargo puts what it builds, whatever the settings that moved it.
pub fn target_directory() -> Result<PathBuf, String> {
    let metadata = output(&mut cargo(&["metadata", "--format-version", "1", "--no-deps"]))?;
    Value::parse(&metadata)?
        .pointer("/target_directory")
        .and_then(Value::text)
        .map(PathBuf::from)
        .ok_or_else(|| "cargo metadata names no target directory".to_owned())
}

/// Builds usher in the given profile and returns the path of the binary.
pub fn build_usher(profile: Profile) -> Result<PathBuf, String> {
    let (flags, folder): (&[&str], &str) = match profile {
        Profile::Release => (&["build", "--release", "--bin", "usher"], "release"),
        Profile::Debug => (&["build", "--bin", "usher"], "debug"),
        Profile::Counts => (&["build", "--profile", "counts", "--bin", "usher"], "counts"),
    };
    run(&mut cargo(flags))?;
    Ok(target_directory()?.join(folder).join("usher"))
}

/// Builds a program of the workspace that is no part of usher, and returns its path.
pub fn build_release(package: &str) -> Result<PathBuf, String> {
    run(&mut cargo(&["build", "--release", "--package", package]))?;
    Ok(target_directory()?.join("release").join(package))
}

/// Builds the usher that can hold planted faults, puts it beside the other one, and returns its path. Cargo keeps what it
/// compiles of both apart, so that neither makes the other stale; only the name of the binary is the same.
pub fn build_faulty_usher() -> Result<PathBuf, String> {
    run(&mut cargo(&["build", "--bin", "usher", "--features", "usher/planted-faults"]))?;
    let folder = target_directory()?.join("debug");
    let copy = folder.join("usher-with-planted-faults");
    // A copy over a program that still runs is refused; another file under the name is not.
    let _was_there = fs::remove_file(&copy);
    fs::copy(folder.join("usher"), &copy).map_err(|error| format!("{}: {error}", copy.display()))?;
    Ok(copy)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    Release,
    Debug,
    /// What `cargo xtask counts` counts.
    Counts,
}

/// Takes usher's settings out of the command's environment, except where the database's programs are:
/// a test or a tour must not reach the database or the mail server of whoever runs it.
pub fn without_settings(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("USHER_") && name != "USHER_PG_BIN" {
            command.env_remove(name);
        }
    }
    command
}

/// Runs to the end; anything but success is an error that names the command.
pub fn run(command: &mut Command) -> Result<(), String> {
    let status = status(command)?;
    if status.success() { Ok(()) } else { Err(format!("`{}` ended with {status}", shown(command))) }
}

pub fn status(command: &mut Command) -> Result<ExitStatus, String> {
    command.status().map_err(|error| format!("`{}` did not start: {error}", shown(command)))
}

/// What the command wrote to standard output; anything but success is an error with what it
/// wrote to standard error.
pub fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("`{}` did not start: {error}", shown(command)))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let status = output.status;
    Err(format!("`{}` ended with {status}: {}", shown(command), complaint.trim()))
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut words = vec![program.to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy().into_owned()));
    words.join(" ")
}

/// A short name for some text; the same text has the same name.
pub fn fingerprint(parts: &[&str]) -> String {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_without_the_folder_of_its_program() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["test", "--workspace"]);
        assert_eq!(shown(&command), "cargo test --workspace");
    }

    #[test]
    fn fingerprints_tell_texts_apart() {
        assert_eq!(fingerprint(&["a", "b"]), fingerprint(&["a", "b"]));
        assert_ne!(fingerprint(&["a", "b"]), fingerprint(&["ab", ""]));
    }

    #[test]
    fn a_failed_command_is_named() {
        let error = run(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        assert!(error.contains("sh -c exit 3"), "{error}");
        assert!(error.contains('3'), "{error}");
    }
}
