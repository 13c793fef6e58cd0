//! The image: built by the Dockerfile that everybody has, and looked into.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::docker::bases::Bases;
use crate::docker::engine::Engine;
use crate::docker::platform::Platform;
use crate::workspace;

/// All that is in the image. A folder ends with a slash.
const FILES: [&str; 5] =
    ["etc/ssl/certs/ca-certificates.crt", "licenses/LICENSE-APACHE", "licenses/LICENSE-MIT", "usher", "var/lib/usher/"];
/// What Docker puts into every container.
const DOCKERS: [&str; 6] = [".dockerenv", "dev/", "proc/", "sys/", "etc/", "run/"];

/// Returns what was measured.
pub fn build(
    engine: &Engine,
    context: &Path,
    bases: &Bases,
    profile: &str,
    image: &str,
    platform: Option<Platform>,
) -> Result<String, String> {
    let root = workspace::root();
    let git = |words: &[&str]| workspace::output(Command::new("git").args(words).current_dir(&root)).unwrap_or_default();
    let arguments = [
        ("RUST_IMAGE", bases.rust.clone()),
        ("BUILD_PROFILE", profile.to_owned()),
        ("VERSION", env!("CARGO_PKG_VERSION").to_owned()),
        ("REVISION", git(&["rev-parse", "HEAD"]).trim().to_owned()),
        ("CREATED", git(&["log", "-1", "--format=%cI"]).trim().to_owned()),
    ];
    let mut command = engine.docker();
    command.args(["build", "--progress=plain", "--network=none", "--tag", image, "--file"]).arg(root.join("deploy/Dockerfile"));
    if let Some(platform) = platform {
        command.args(["--platform", platform.name()]);
    }
    for (name, value) in arguments {
        command.args(["--build-arg", &format!("{name}={value}")]);
    }
    println!("$ {} {}", workspace::shown(&command), context.display());
    let started = Instant::now();
    workspace::run(command.arg(context))?;
    let seconds = started.elapsed().as_secs_f64();
    let bases = if bases.stand_ins { "with stand-ins of Debian's packages" } else { "with the official images" };
    Ok(format!("build: {seconds:.0} s, profile {profile}, {bases}; what had not changed was there already"))
}

/// What an operator relies on: who it runs as, that there is nothing else in it, and that it starts. Returns what was measured.
pub fn check(engine: &Engine, image: &str) -> Result<String, String> {
    let size = check_contents(engine, image)?;
    let hardened = ["run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"];
    let version = engine.ask(&[&hardened[..], &[image, "--version"]].concat())?;
    if !version.starts_with("usher ") {
        return Err(format!("`usher --version` says {version:?}"));
    }
    if engine.ask(&["run", "--rm", "--entrypoint", "/bin/sh", image, "-c", "true"]).is_ok() {
        return Err("the image has a shell".to_owned());
    }
    Ok(size)
}

/// What can be read off it without starting it.
pub fn check_contents(engine: &Engine, image: &str) -> Result<String, String> {
    let config = "{{.Config.User}} {{.Config.StopSignal}} {{json .Config.Entrypoint}} {{json .Config.Cmd}} {{json .Config.Healthcheck.Test}}";
    let found = engine.ask(&["image", "inspect", "--format", config, image])?;
    let wanted = r#"65532:65532 SIGTERM ["/usher"] ["serve"] ["CMD","/usher","healthcheck"]"#;
    if found != wanted {
        return Err(format!("the image is set up as\n  {found}\nand should be\n  {wanted}"));
    }
    let files = files(engine, image)?;
    let wanted: BTreeSet<String> = FILES.iter().map(|&file| file.to_owned()).collect();
    if files != wanted {
        return Err(format!("the image holds {files:?} and should hold {wanted:?}"));
    }
    let size: u64 =
        engine.ask(&["image", "inspect", "--format", "{{.Size}}", image])?.parse().map_err(|_| "an image without a size")?;
    Ok(format!("image: {}.{} MB", size / 1_000_000, size % 1_000_000 / 100_000))
}

/// The files and the empty folders of a container that was never started, less what Docker itself puts there.
fn files(engine: &Engine, image: &str) -> Result<BTreeSet<String>, String> {
    let container = engine.ask(&["create", image])?;
    let mut export = engine.docker();
    let exported = export.args(["export", &container]).stdout(std::process::Stdio::piped()).spawn();
    let listed = exported.map_err(|error| error.to_string()).and_then(|mut exporting| {
        let archive = exporting.stdout.take().ok_or("docker export has no output")?;
        let listed = workspace::output(Command::new("tar").args(["--list", "--file=-"]).stdin(archive));
        exporting.wait().map_err(|error| error.to_string())?;
        listed
    });
    engine.ask(&["rm", &container])?;
    Ok(leaves(&listed?))
}

fn leaves(listed: &str) -> BTreeSet<String> {
    let names: BTreeSet<&str> = listed.lines().collect();
    let is_leaf =
        |name: &str| !name.ends_with('/') || !names.iter().any(|other| other.len() > name.len() && other.starts_with(name));
    let is_ours = |name: &str| FILES.contains(&name) || !DOCKERS.iter().any(|dockers| name.starts_with(dockers));
    names.iter().filter(|&&name| is_leaf(name) && is_ours(name)).map(|&name| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_with_something_in_them_and_what_docker_adds_are_left_out() {
        let listed = ".dockerenv\ndev/\ndev/console\netc/\netc/hosts\nusher\nvar/\nvar/lib/\nvar/lib/usher/\nbin/\nbin/sh\n";
        let found: Vec<String> = leaves(listed).into_iter().collect();
        assert_eq!(found, ["bin/sh", "usher", "var/lib/usher/"]);
    }
}
