//! The images that the Dockerfile and compose.yaml begin with: those that are named in the environment, else the official ones,
//! else stand-ins made of Debian's packages and of the Rust toolchain of this machine.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::docker::engine::Engine;
use crate::docker::platform::Platform;
use crate::{tools, workspace};

/// One root file system serves for all three.
const PACKAGES: &str = "ca-certificates,curl,gcc,libc6-dev,nginx-light,postgresql";

const POSTGRES_DOCKERFILE: &str = include_str!("bases/postgres.Dockerfile");
const POSTGRES_ENTRY: &str = include_str!("bases/postgres-entry.sh");

#[derive(Debug)]
pub struct Bases {
    pub rust: String,
    pub postgres: String,
    pub nginx: String,
    /// Whether one of them was made here, so that what is measured is not quite what others have.
    pub stand_ins: bool,
}

impl Bases {
    pub fn find_or_make(engine: &Engine, kept: &Path, platform: Option<Platform>) -> Result<Self, String> {
        let official = [
            named("RUST_IMAGE", "rust:1-slim-bookworm"),
            named("POSTGRES_IMAGE", "postgres:17"),
            named("NGINX_IMAGE", "nginx:stable"),
        ];
        if official.iter().all(|image| is_there(engine, image)) {
            let [rust, postgres, nginx] = official;
            return Ok(Self { rust, postgres, nginx, stand_ins: false });
        }
        println!("The official base images can't be had: making stand-ins of Debian's packages.");
        let debian = debian(engine, kept, platform)?;
        let postgres = postgres(engine, kept, &debian)?;
        Ok(Self { rust: debian.clone(), postgres, nginx: debian, stand_ins: true })
    }
}

fn named(variable: &str, default: &str) -> String {
    env::var(variable).unwrap_or_else(|_| default.to_owned())
}

fn is_there(engine: &Engine, image: &str) -> bool {
    engine.ask(&["image", "inspect", image]).is_ok() || (engine.is_online() && engine.ask(&["pull", "--quiet", image]).is_ok())
}

/// Debian with these packages and the toolchain. Its name says what is in it, so it is made again when that changes.
fn debian(engine: &Engine, kept: &Path, platform: Option<Platform>) -> Result<String, String> {
    let packages = format!("{PACKAGES}{}", platform.map_or("", Platform::packages));
    let (codename, mirror) = source()?;
    let rustc = workspace::output(Command::new("rustc").args(["--version", "--verbose"]))?;
    let image = format!("usher-test/debian:{}", workspace::fingerprint(&[&codename, &packages, &rustc]));
    if engine.ask(&["image", "inspect", &image]).is_ok() {
        return Ok(image);
    }
    tools::debootstrap()?;
    if let Some(platform) = platform {
        // The standard library for it goes along with the toolchain.
        workspace::run(Command::new("rustup").args(["target", "add", platform.triple()]))?;
    }
    let folder = kept.join("debian");
    remove(&folder)?;
    let variant = ["--variant=minbase", &format!("--include={packages}")].map(str::to_owned);
    workspace::run(Command::new("debootstrap").args(variant).arg(&codename).arg(&folder).arg(&mirror).stdout(Stdio::null()))?;
    add_toolchain(&folder)?;
    import(engine, &folder, &image)?;
    remove(&folder)?;
    Ok(image)
}

/// From where apt has Debian's (or Ubuntu's) main packages.
fn source() -> Result<(String, String), String> {
    let format = "$(COMPONENT) $(CODENAME) $(REPO_URI)";
    let told = workspace::output(Command::new("apt-get").args(["indextargets", "--format", format, "Created-By: Packages"]));
    let told = told.map_err(|error| format!("the base images can't be pulled, and can be made only where apt is: {error}"))?;
    main_source(&told).ok_or_else(|| "apt knows no main archive of which a base image could be made".to_owned())
}

/// The first release that is no pocket of another, such as `bookworm-updates`.
fn main_source(targets: &str) -> Option<(String, String)> {
    targets.lines().find_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
        ["main", codename, uri] if !codename.contains(['-', '/']) => Some((codename.to_owned(), uri.to_owned())),
        _ => None,
    })
}

/// cargo, rustc and the standard library, without the documentation and the other tools.
fn add_toolchain(folder: &Path) -> Result<(), String> {
    let sysroot = workspace::output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let target = folder.join("usr/local");
    let script = "cp -a \"$0/bin/cargo\" \"$0/bin/rustc\" \"$1/bin/\" && cp -a \"$0/lib/.\" \"$1/lib/\"";
    workspace::run(Command::new("sh").args(["-c", script, sysroot.trim()]).arg(target))
}

fn import(engine: &Engine, folder: &Path, image: &str) -> Result<(), String> {
    let what = |error: std::io::Error| format!("importing {image}: {error}");
    let mut tar = Command::new("tar");
    tar.args(["--create", "--exclude=./var/cache/apt/archives/*.deb", "--exclude=./var/lib/apt/lists/*_Packages", "--directory"]);
    let mut tar = tar.arg(folder).arg(".").stdout(Stdio::piped()).spawn().map_err(what)?;
    let archive = tar.stdout.take().ok_or("tar has no output")?;
    let path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let imported = engine.docker().args(["import", "--change", path, "-", image]).stdin(archive).stdout(Stdio::null()).status();
    let packed = tar.wait().map_err(what)?;
    if packed.success() && imported.map_err(what)?.success() { Ok(()) } else { Err(format!("importing {image} failed")) }
}

fn postgres(engine: &Engine, kept: &Path, base: &str) -> Result<String, String> {
    let image = "usher-test/postgres:latest";
    let folder = kept.join("postgres");
    let what = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(what)?;
    fs::write(folder.join("Dockerfile"), POSTGRES_DOCKERFILE).map_err(what)?;
    let entry = folder.join("postgres-entry.sh");
    fs::write(&entry, POSTGRES_ENTRY).map_err(what)?;
    workspace::run(Command::new("chmod").arg("755").arg(&entry))?;
    let base = format!("BASE={base}");
    workspace::run(
        engine.docker().args(["build", "--quiet", "--build-arg", &base, "--tag", image]).arg(&folder).stdout(Stdio::null()),
    )?;
    Ok(image.to_owned())
}

fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {error}", folder.display())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_archive_is_found() {
        let targets = "main bookworm-updates http://a/debian\ncontrib bookworm http://b/debian\nmain bookworm http://c/debian/\n";
        assert_eq!(main_source(targets), Some(("bookworm".to_owned(), "http://c/debian/".to_owned())));
        assert_eq!(main_source("main bookworm-security http://a/debian"), None);
    }
}
