//! What was recorded, and when a rise passes: only with a line in the changelog that tells of it.

use std::fs;
use std::process::{Command, ExitCode};

use super::site::Count;
use crate::{Outcome, workspace};

const FILE: &str = "bench/instructions.txt";
const CHANGELOG: &str = "CHANGELOG.md";
/// What moves by less is how the compiler has laid out the same work.
const CHANGE_MAX_PERCENT: u64 = 5;
const HEAD: &str =
    "# Instructions for one request, as `cargo xtask counts --record` has written them. README.md says how they are counted.";
const COMPILER: &str = "# Counted with ";

#[derive(Debug, PartialEq, Eq)]
enum Change {
    Unknown,
    Same,
    Fallen,
    Risen,
}

fn change(recorded: Option<u64>, now: u64) -> Change {
    let Some(recorded) = recorded else { return Change::Unknown };
    if now * 100 > recorded * (100 + CHANGE_MAX_PERCENT) {
        Change::Risen
    } else if now * 100 < recorded * (100 - CHANGE_MAX_PERCENT) {
        Change::Fallen
    } else {
        Change::Same
    }
}

/// Prints what was counted beside what is recorded; fails when something costs more.
pub fn compare(counted: &[Count]) -> Outcome {
    let recorded = read(FILE).unwrap_or_default();
    println!("{}", table(&recorded, counted));
    let mut faults = 0;
    for &(name, now) in counted {
        match change(find(&recorded, name), now) {
            Change::Same => {}
            Change::Fallen => println!("{name} costs less: `cargo xtask counts --record` keeps it so."),
            Change::Unknown => {
                faults += 1;
                println!("{name} is not in {FILE}: `cargo xtask counts --record` adds it.");
            }
            Change::Risen => {
                faults += 1;
                println!("{}", advice(name, now));
            }
        }
    }
    if faults == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    let (then, compiler) = (recorded.lines().find_map(|line| line.strip_prefix(COMPILER)), compiler()?);
    if then != Some(&compiler) {
        println!("The compiler is {compiler}; it was {}.", then.unwrap_or("not written down"));
    }
    Ok(ExitCode::FAILURE)
}

/// Writes down what was counted. A rise that the changelog does not tell of is refused, and a small one is not written down: many of
/// them would be a large one.
pub fn keep(counted: &[Count]) -> Outcome {
    let (recorded, changelog) = (read(FILE).unwrap_or_default(), read(CHANGELOG)?);
    println!("{}", table(&recorded, counted));
    let mut lines = vec![HEAD.to_owned(), format!("{COMPILER}{}", compiler()?)];
    for &(name, now) in counted {
        let Some(kept) = kept(find(&recorded, name), now, told(&changelog, name)) else {
            println!("{}", advice(name, now));
            return Ok(ExitCode::FAILURE);
        };
        lines.push(format!("{name:<14} {:>12}", grouped(kept)));
    }
    fs::write(workspace::root().join(FILE), lines.join("\n") + "\n").map_err(|error| format!("{FILE}: {error}"))?;
    Ok(ExitCode::SUCCESS)
}

/// What is written down; nothing where that is refused.
fn kept(recorded: Option<u64>, now: u64, told: Option<u64>) -> Option<u64> {
    match (recorded, change(recorded, now)) {
        (Some(recorded), _) if now > recorded && change(told, now) == Change::Same => Some(now),
        (Some(_), Change::Risen) => None,
        (Some(recorded), _) => Some(now.min(recorded)),
        (None, _) => Some(now),
    }
}

fn advice(name: &str, now: u64) -> String {
    let now = grouped(now);
    format!(
        "{name} costs more. Mend that, or say why under Unreleased in {CHANGELOG} with a line\n  - instructions: {name} {now}, since ...\nand run `cargo xtask counts --record`."
    )
}

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(workspace::root().join(path)).map_err(|error| format!("{path}: {error}"))
}

fn compiler() -> Result<String, String> {
    let said = workspace::output(Command::new("rustc").arg("--version").current_dir(workspace::root()))?;
    Ok(said.trim().to_owned())
}

fn find(recorded: &str, name: &str) -> Option<u64> {
    recorded.lines().find_map(|line| number(line.strip_prefix(name)?.strip_prefix(' ')?))
}

/// The count up to which the changelog tells that a scenario has risen, since the last release.
fn told(changelog: &str, name: &str) -> Option<u64> {
    let (_, since) = changelog.split_once("## [Unreleased]")?;
    let since = since.split_once("\n## ").map_or(since, |(since, _)| since);
    let mut lines = since.lines().filter_map(|line| line.trim_start().strip_prefix("- instructions: "));
    lines.find_map(|line| number(line.strip_prefix(name)?.strip_prefix(' ')?))
}

/// `1,234,567` at the beginning of a text.
fn number(text: &str) -> Option<u64> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != ',').unwrap_or(text.len());
    text[..end].replace(',', "").parse().ok()
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn table(recorded: &str, counted: &[Count]) -> String {
    let mut lines = vec![format!("{:<14} {:>12} {:>12} {:>8}", "instructions", "recorded", "now", "change")];
    for &(name, now) in counted {
        let recorded = find(recorded, name);
        let moved = recorded.map_or_else(String::new, |recorded| percent(recorded, now));
        lines.push(format!(
            "{name:<14} {:>12} {:>12} {moved:>8}",
            recorded.map_or_else(|| "-".to_owned(), grouped),
            grouped(now)
        ));
    }
    lines.join("\n")
}

#[expect(clippy::cast_precision_loss, reason = "a share of two counts is shown with one digit")]
fn percent(recorded: u64, now: u64) -> String {
    format!("{:+.1} %", (now as f64 / recorded as f64 - 1.0) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &str = "# Counted with rustc 1.95.0\nsign-in           4,000,000\nsign-in-page      1,000,000\n";
    const CHANGELOG: &str = "# Changelog\n\n## [Unreleased]\n\n- instructions: sign-in 5,000,000, since it is noted twice.\n\n## [0.1.0]\n\n- instructions: problem 9\n";

    #[test]
    fn what_was_recorded_is_found_by_its_whole_name() {
        assert_eq!(find(RECORDED, "sign-in"), Some(4_000_000));
        assert_eq!(find(RECORDED, "sign-in-page"), Some(1_000_000));
        assert_eq!(find(RECORDED, "sign"), None);
    }

    #[test]
    fn a_change_is_more_than_a_twentieth() {
        assert_eq!(change(Some(1_000), 1_050), Change::Same);
        assert_eq!(change(Some(1_000), 1_051), Change::Risen);
        assert_eq!(change(Some(1_000), 950), Change::Same);
        assert_eq!(change(Some(1_000), 949), Change::Fallen);
        assert_eq!(change(None, 1), Change::Unknown);
    }

    #[test]
    fn only_what_is_told_since_the_last_release_lets_a_rise_pass() {
        assert_eq!(told(CHANGELOG, "sign-in"), Some(5_000_000));
        assert_eq!(told(CHANGELOG, "problem"), None);
        assert_eq!(told(CHANGELOG, "sign"), None);
        assert_eq!(kept(Some(4_000_000), 5_100_000, Some(5_000_000)), Some(5_100_000));
        assert_eq!(kept(Some(4_000_000), 5_100_000, None), None);
        assert_eq!(kept(Some(4_000_000), 6_000_000, Some(5_000_000)), None);
    }

    #[test]
    fn small_rises_do_not_add_up_and_falls_are_kept() {
        assert_eq!(kept(Some(1_000), 1_040, None), Some(1_000));
        assert_eq!(kept(Some(1_000), 990, None), Some(990));
        assert_eq!(kept(None, 990, None), Some(990));
    }

    #[test]
    fn numbers_are_written_in_groups_and_read_again() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
            assert_eq!(super::number(&format!("  {text}, since")), Some(number));
        }
    }

    #[test]
    fn a_scenario_is_one_line() {
        let lines = table(RECORDED, &[("sign-in", 4_100_000), ("problem", 7)]);
        assert!(lines.contains("sign-in           4,000,000    4,100,000   +2.5 %"), "{lines}");
        assert!(lines.contains("problem                   -            7"), "{lines}");
    }
}
