//! The table, the parser and the documentation agree.

use std::collections::BTreeSet;

use super::super::{Fallback, Section, Syntax, markdown, settings};
use super::{KEY, load};

#[test]
fn every_setting_is_read_and_reported_in_the_order_of_the_table() {
    let listed: Vec<&str> = settings().map(|setting| setting.name).collect();
    let zero_config = load(&[]).unwrap().1;
    let own_database = load(&[("USHER_DATABASE_URL", "postgres://u@localhost/u"), ("USHER_SECRET_KEY", KEY)]).unwrap().1;
    for report in [zero_config, own_database] {
        let read: Vec<&str> = report.entries.iter().map(|entry| entry.name).collect();
        assert_eq!(read, listed);
    }
}

#[test]
fn names_are_unique_and_tell_their_unit() {
    let names: BTreeSet<&str> = settings().map(|setting| setting.name).collect();
    assert_eq!(names.len(), settings().count());
    for setting in settings() {
        assert!(setting.name.starts_with("USHER_") && !setting.name.ends_with("_FILE"), "{}", setting.name);
        let seconds = matches!(setting.syntax, Syntax::Seconds(_));
        assert_eq!(seconds, setting.name.ends_with("_SECONDS"), "{}", setting.name);
        let days = matches!(setting.syntax, Syntax::Days(_));
        assert_eq!(days, setting.name.ends_with("_DAYS"), "{}", setting.name);
        let mebibytes = matches!(setting.syntax, Syntax::Mebibytes(_));
        assert_eq!(mebibytes, setting.name.ends_with("_MIB"), "{}", setting.name);
        assert!(setting.description.ends_with('.'), "{} is told in whole sentences", setting.name);
    }
}

#[test]
fn sections_stand_together_and_in_order() {
    let mut sections: Vec<Section> = settings().map(|setting| setting.section).collect();
    sections.dedup();
    assert_eq!(sections, Section::ALL);
}

#[test]
fn no_secret_has_a_fallback() {
    for setting in settings().filter(|setting| setting.secret) {
        assert!(matches!(setting.default, Fallback::Told(_)), "{}", setting.name);
    }
}

#[test]
fn what_the_table_tells_is_what_the_parser_takes() {
    for setting in settings() {
        let told: Vec<String> = match &setting.syntax {
            Syntax::Words(words) => words.iter().map(ToString::to_string).collect(),
            Syntax::Boolean => vec!["true".to_owned(), "false".to_owned()],
            Syntax::Count(range) | Syntax::Seconds(range) | Syntax::Days(range) | Syntax::Mebibytes(range) => {
                vec![range.start().to_string(), range.end().to_string()]
            }
            Syntax::Text(_) => Vec::new(),
        };
        let default = setting.default.value().map(str::to_owned);
        for value in told.into_iter().chain(default) {
            assert!(load(&[(setting.name, &value)]).is_ok(), "{}={value}", setting.name);
        }
    }
}

#[test]
fn page_has_a_row_for_every_setting() {
    let page = markdown();
    for setting in settings() {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}`", setting.name)));
        let row = row.unwrap_or_else(|| panic!("{} is missing", setting.name));
        assert!(row.contains(setting.description));
        assert_eq!(row.replace("\\|", "").matches('|').count(), 5, "{row}");
        assert_eq!(row.contains(&setting.file_name()), setting.secret, "{row}");
    }
    for section in Section::ALL {
        assert!(page.contains(&format!("\n## {}\n", section.title())));
    }
    assert!(page.contains("NAME_FILE") && page.contains(".env") && !page.contains(KEY));
}
