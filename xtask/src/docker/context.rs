//! What the image is built from: the files of the checkout that `.dockerignore` lets through, and the crates beside them, fetched
//! by the cargo of this machine. So nothing is fetched within the build, wherever this machine's cargo has its crates from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::workspace::{self, cargo};

const FILES: &str = ".cargo .dockerignore Cargo.lock Cargo.toml LICENSE-APACHE LICENSE-MIT crates migrations";

/// What tells cargo that the crates are in `.cargo/vendor`.
const VENDORED: &str = "
[source.crates-io]
replace-with = \"vendored\"

[source.vendored]
directory = \".cargo/vendor\"
";

/// Returns the folder.
pub fn write(root: &Path, kept: &Path) -> Result<PathBuf, String> {
    let folder = kept.join("context");
    let vendor = kept.join("vendor");
    fetch(root, &vendor)?;
    // The crates are many: they are moved, not copied.
    let script = "set -eu
rm -rf \"$1\" && mkdir -p \"$1/xtask\" && cd \"$0\"
cp -Rp $2 \"$1/\"
cp -p xtask/Cargo.toml \"$1/xtask/\"
cp -Rl \"$3\" \"$1/.cargo/vendor\"";
    workspace::run(Command::new("sh").args(["-c", script]).arg(root).arg(&folder).arg(FILES).arg(&vendor))?;
    let config = folder.join(".cargo/config.toml");
    let what = |error: std::io::Error| format!("{}: {error}", config.display());
    let text = fs::read_to_string(&config).map_err(what)? + VENDORED;
    fs::write(&config, text).map_err(what)?;
    Ok(folder)
}

/// Puts the crates of `Cargo.lock` into the folder, unless they are there.
fn fetch(root: &Path, vendor: &Path) -> Result<(), String> {
    let lock = root.join("Cargo.lock");
    let text = fs::read_to_string(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
    let stamp = workspace::fingerprint(&[&text]);
    let stamp_file = vendor.with_extension("stamp");
    if vendor.is_dir() && fs::read_to_string(&stamp_file).is_ok_and(|found| found == stamp) {
        return Ok(());
    }
    println!("Fetching the crates for the build.");
    workspace::run(
        cargo(&["vendor", "--quiet", "--locked", "--versioned-dirs"]).arg(vendor).stdout(Stdio::null()).stderr(Stdio::inherit()),
    )?;
    fs::write(&stamp_file, stamp).map_err(|error| format!("{}: {error}", stamp_file.display()))
}
