//! `cargo xtask docker-test`: builds the image with `deploy/Dockerfile`, starts `deploy/compose.yaml`, and runs the end-to-end tests
//! against it, all as an operator has it. Base images that can't be had are made of Debian's packages. With `--platform` it builds
//! the image for another machine, and starts what is in it in an emulator.
//!
//! Where no Docker engine answers, one is started for the test in namespaces of its own: with it goes all that it made, however
//! the test ends. Its images stay under `target/docker-test`, so that a second run builds only what has changed.

mod bases;
mod context;
mod engine;
mod image;
mod platform;
mod stack;

use std::path::Path;
use std::process::ExitCode;

use crate::docker::bases::Bases;
use crate::docker::engine::Engine;
use crate::docker::platform::Platform;
use crate::docker::stack::Stack;
use crate::sweep::Folder;
use crate::{Outcome, tools, workspace};

/// The image that is built for the test.
const BUILT: &str = "localhost/usher:docker-test";

#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    /// The profile in which cargo builds usher within the image.
    profile: String,
    /// An image to test instead of building one.
    image: Option<String>,
    /// Another machine than this one to build for, as Docker names it.
    platform: Option<Platform>,
    /// What pytest shall select, if not everything.
    filter: Option<String>,
}

impl Options {
    pub fn parse(words: &[&str]) -> Option<Self> {
        let mut options = Self { profile: "release".to_owned(), image: None, platform: None, filter: None };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--profile" => (*words.next()?).clone_into(&mut options.profile),
                "--image" => options.image = Some((*words.next()?).to_owned()),
                "--platform" => options.platform = Some(Platform::parse(words.next()?)?),
                filter if !filter.starts_with('-') && options.filter.is_none() => options.filter = Some(filter.to_owned()),
                _ => return None,
            }
        }
        Some(options)
    }
}

pub fn run(options: &Options) -> Outcome {
    let root = workspace::root();
    let kept = workspace::target_directory()?.join("docker-test");
    std::fs::create_dir_all(&kept).map_err(|error| format!("{}: {error}", kept.display()))?;
    let pytest = tools::pytest(&root.join("e2e/requirements.txt"), &root.join("target/venv"))?;
    let name = format!("usher-docker-{}", workspace::fingerprint(&[&root.to_string_lossy()]));
    let folder = Folder::create(std::env::temp_dir().join(name))?;
    let result = with_engine(&root, &kept, folder.path(), &pytest, options);
    let removed = folder.remove();
    Engine::forget();
    let told = result?;
    removed?;
    println!("\n{}", told.join("\n"));
    Ok(ExitCode::SUCCESS)
}

/// Returns what was measured.
fn with_engine(root: &Path, kept: &Path, folder: &Path, pytest: &Path, options: &Options) -> Result<Vec<String>, String> {
    let engine = Engine::find_or_start(kept, folder)?;
    let bases = Bases::find_or_make(&engine, kept, options.platform)?;
    if let Some(platform) = options.platform {
        let context = context::write(root, kept)?;
        let built = image::build(&engine, &context, &bases, &options.profile, &platform.tag(BUILT), Some(platform))?;
        return Ok(vec![built, platform::check(&engine, &platform.tag(BUILT), platform, folder)?]);
    }
    let image = options.image.as_deref().unwrap_or(BUILT);
    let mut told = Vec::new();
    if options.image.is_none() {
        let context = context::write(root, kept)?;
        told.push(image::build(&engine, &context, &bases, &options.profile, image, None)?);
    }
    told.push(image::check(&engine, image)?);
    let stack = Stack::new(&engine, &bases, image, root, folder)?;
    let tested = stack.up().and_then(|started| {
        told.push(started);
        // Both are done, so that one run shows all that is to mend.
        match (test(&engine, &stack, root, pytest, options), stack.check()) {
            (Ok(()), Ok(checked)) => {
                told.extend(checked);
                Ok(())
            }
            (Err(sentence), Ok(_)) | (Ok(()), Err(sentence)) => Err(sentence),
            (Err(one), Err(other)) => Err(format!("{one}\n{other}")),
        }
    });
    if tested.is_err() {
        stack.show_logs();
    }
    let removed = stack.remove();
    tested?;
    removed?;
    Ok(told)
}

fn test(engine: &Engine, stack: &Stack<'_>, root: &Path, pytest: &Path, options: &Options) -> Result<(), String> {
    let mut command = engine.beside(pytest);
    command.args(["e2e", "-q"]).current_dir(root);
    if let Some(filter) = &options.filter {
        command.args(["-k", filter]);
    }
    // What the image is made of changes nothing in how a page looks.
    workspace::without_settings(&mut command).env("PYTHONUNBUFFERED", "1").envs(crate::test::SHORTENED);
    for (name, value) in stack.for_tests()? {
        command.env(name, value);
    }
    println!("$ {}", workspace::shown(&command));
    workspace::run(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parsed() {
        let options = Options::parse(&["--profile", "dev", "sign_in"]).unwrap();
        assert_eq!(
            options,
            Options { profile: "dev".to_owned(), image: None, platform: None, filter: Some("sign_in".to_owned()) }
        );
        assert_eq!(Options::parse(&["--image", "usher:1"]).unwrap().image.unwrap(), "usher:1");
        assert_eq!(Options::parse(&[]).unwrap().profile, "release");
        assert_eq!(Options::parse(&["--platform", "linux/arm64"]).unwrap().platform, Some(Platform::Arm64));
        assert_eq!(Options::parse(&["--platform", "linux/riscv64"]), None);
        assert_eq!(Options::parse(&["--profile"]), None);
        assert_eq!(Options::parse(&["--fast"]), None);
        assert_eq!(Options::parse(&["one", "two"]), None);
    }
}
