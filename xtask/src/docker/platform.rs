//! The image for another machine than this one. It can't be started here: the program in it is, by an emulator.

use std::path::Path;
use std::process::Command;

use crate::docker::engine::Engine;
use crate::docker::image;
use crate::{tools, workspace};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    Arm64,
}

impl Platform {
    pub fn parse(name: &str) -> Option<Self> {
        (name == Self::Arm64.name()).then_some(Self::Arm64)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "linux/arm64",
        }
    }

    /// What rustc compiles for.
    pub fn triple(self) -> &'static str {
        match self {
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }

    /// Debian's packages that a build for it needs besides.
    pub fn packages(self) -> &'static str {
        match self {
            Self::Arm64 => ",gcc-aarch64-linux-gnu,libc6-dev-arm64-cross",
        }
    }

    fn emulator(self) -> &'static str {
        match self {
            Self::Arm64 => "qemu-aarch64-static",
        }
    }

    pub fn tag(self, image: &str) -> String {
        match self {
            Self::Arm64 => format!("{image}-arm64"),
        }
    }
}

/// Returns what was measured.
pub fn check(engine: &Engine, image: &str, platform: Platform, folder: &Path) -> Result<String, String> {
    let size = image::check_contents(engine, image)?;
    let machine = engine.ask(&["image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", image])?;
    if machine != platform.name() {
        return Err(format!("the image is for {machine} and should be for {}", platform.name()));
    }
    let container = engine.ask(&["create", image])?;
    let program = folder.join("usher");
    let copied = engine.ask(&["cp", &format!("{container}:/usher"), &program.to_string_lossy()]);
    engine.ask(&["rm", &container])?;
    copied?;
    tools::emulator(platform.emulator())?;
    let version = workspace::output(Command::new(platform.emulator()).arg(&program).arg("--version"))?;
    if !version.starts_with("usher ") {
        return Err(format!("`usher --version` says {version:?}"));
    }
    Ok(format!("{size}, for {machine}; its program says `{}` in the emulator", version.trim()))
}
