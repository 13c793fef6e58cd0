//! Some things have one home: the clock, the environment, randomness, SQL, HTTP and routes.

use crate::tidy::Fault;
use crate::tidy::ranks;
use crate::tidy::source::Source;

/// What may be named in one module only, and the sentence for everybody else.
const HOMES: [(&[&str], &str, &str); 3] = [
    (&["SystemTime::now", "Instant::now", "Timestamp::now"], "clock", "only clock.rs reads the time: ask the clock"),
    (&["env::var", "env::vars", "env::var_os", "env::vars_os"], "config", "only config reads the environment"),
    (&["aws_lc_rs::rand", "getrandom", "rand::"], "secret", "only secret.rs draws random numbers"),
];

/// The modules where routes are made.
const ROUTERS: [&str; 3] = ["http", "html", "router"];

pub fn check(source: &Source) -> Vec<Fault> {
    let Some(home) = ranks::home(&source.path) else {
        return Vec::new();
    };
    let module = home.first().copied().unwrap_or_default();
    let file = source.path.rsplit('/').next().unwrap_or_default();
    let mut faults = one_home(source, module);
    if !ROUTERS.contains(&module) && file != "pages.rs" {
        let sentence = "routes are made by http/, pages.rs and router.rs: `.route(` hides them from the docs";
        faults.extend(source.lines_with(".route(").into_iter().map(|line| Fault::new(&source.path, line, sentence)));
    }
    match file {
        "store.rs" => faults.extend(unknown(source, &["axum"], "store.rs knows no")),
        "mod.rs" if ranks::is_feature(module) => {
            faults.extend(unknown(source, &["axum", "http"], "mod.rs knows no"));
        }
        "api.rs" | "pages.rs" | "console.rs" => faults.extend(sql(source, file)),
        _ => {}
    }
    faults
}

fn one_home(source: &Source, module: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (needles, home, sentence) in HOMES {
        if module == home {
            continue;
        }
        let mut lines: Vec<usize> = needles.iter().flat_map(|needle| source.lines_with(needle)).collect();
        // `aws_lc_rs::rand::` is two needles on one line, and one fault.
        lines.sort_unstable();
        lines.dedup();
        faults.extend(lines.into_iter().map(|line| Fault::new(&source.path, line, sentence)));
    }
    faults
}

fn unknown(source: &Source, words: &[&str], sentence: &str) -> Vec<Fault> {
    words
        .iter()
        .flat_map(|word| {
            source.lines_with(word).into_iter().map(move |line| Fault::new(&source.path, line, format!("{sentence} {word}")))
        })
        .collect()
}

fn sql(source: &Source, file: &str) -> Vec<Fault> {
    source
        .literals
        .iter()
        .filter(|literal| is_sql(&literal.text))
        .map(|literal| {
            let sentence = format!("{file} holds no SQL: it belongs in store.rs");
            Fault::new(&source.path, literal.line, sentence)
        })
        .collect()
}

/// Whether the text is a statement, and not a sentence such as "Update a user".
fn is_sql(text: &str) -> bool {
    let start = text.trim_start();
    let keyword = start.split_whitespace().next().unwrap_or_default();
    // SQL is written in one case throughout; a sentence begins with a capital.
    if keyword.chars().any(char::is_lowercase) && keyword.chars().any(char::is_uppercase) {
        return false;
    }
    let words: Vec<String> = start.split_whitespace().map(str::to_lowercase).collect();
    let has = |word: &str| words.iter().any(|found| found == word);
    match words.first().map(String::as_str) {
        Some("select") => true,
        Some("insert") => has("into"),
        Some("update") => has("set"),
        Some("delete") => has("from"),
        Some("with") => has("as") && ["select", "insert", "update", "delete"].into_iter().any(has) || start.contains("(select"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::USHER;

    fn lines(path: &str, code: &str) -> Vec<usize> {
        let source = Source::read(&format!("{USHER}{path}"), code);
        check(&source).iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn the_clock_the_environment_and_randomness_have_one_home() {
        let code = "x(Timestamp::now());\nstd::env::var(\"A\");\naws_lc_rs::rand::fill(y);";
        assert_eq!(lines("users/mod.rs", code), [1, 2, 3]);
        assert_eq!(lines("clock.rs", code), [2, 3]);
        assert_eq!(lines("config/reader.rs", code), [1, 3]);
        assert_eq!(lines("secret.rs", code), [1, 2]);
        assert!(lines("users/mod.rs", "operand::x; // Instant::now").is_empty());
        assert!(lines("users/mod.rs", "#[cfg(test)]\nfn f() { Instant::now() }").is_empty());
    }

    #[test]
    fn sql_stays_out_of_the_handlers() {
        let code = "query(\"\n  select id from users\")";
        assert_eq!(lines("users/api.rs", code), [1]);
        assert!(lines("users/store.rs", code).is_empty());
        for prose in ["Update a user", "with a token", "delete the user", "select"] {
            let found = is_sql(prose);
            assert_eq!(found, prose == "select", "{prose}");
        }
        assert!(is_sql("with gone as (delete from users returning id) select 1"));
        assert!(is_sql("UPDATE users SET x = 1"));
    }

    #[test]
    fn http_stays_out_of_the_rules() {
        let code = "use axum::Json;\nuse crate::http::Problem;";
        assert_eq!(lines("users/mod.rs", code), [1, 2]);
        assert_eq!(lines("users/store.rs", code), [1]);
        assert!(lines("http/mod.rs", code).is_empty());
        assert!(lines("users/api.rs", code).is_empty());
    }

    #[test]
    fn routes_are_made_in_one_place() {
        assert_eq!(lines("users/api.rs", "Router::new()\n.route(\"/x\", y)"), [2]);
        assert!(lines("router.rs", "x.route(\"/x\", y)").is_empty());
    }
}
