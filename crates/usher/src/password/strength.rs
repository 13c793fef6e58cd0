//! How long a password would withstand guessing, as zxcvbn estimates it. Advice only: nothing is refused for it.

use schemars::JsonSchema;
use serde::Serialize;
use zxcvbn::feedback::{Feedback, Suggestion, Warning};

/// Longest beginning of a password that is estimated.
const CHARACTERS_MAX: usize = 100;
/// zxcvbn's work grows with the square of the length, times the ways in which signs that look like letters can be read: 100
/// characters of such signs took 1.8 s of a core. This much takes about 30 ms.
const WORK_MAX: usize = 100_000;
/// For the letters that have several such signs, these.
const LOOK_ALIKES: [&str; 7] = ["4@", "({[<", "69", "1!|", "1|7", "$5", "+7"];

/// How hard a password is to guess.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Strength {
    /// 0 is guessed at once, 4 is very hard to guess.
    #[schemars(range(min = 0, max = 4))]
    pub score: u8,
    /// The decimal logarithm of the number of guesses.
    pub guesses_log10: f64,
    /// How long 10,000 guesses a second would take, in words: somebody has stolen the hashes.
    pub crack_time: String,
}

/// Estimates the strength of a password, with advice that makes it better, as the keys of its words. `about` are words that would be tried first.
pub fn estimate(password: &str, about: &[&str]) -> (Strength, Vec<&'static str>) {
    let entropy = zxcvbn::zxcvbn(beginning(password), about);
    let feedback = entropy.feedback();
    let warning = feedback.and_then(Feedback::warning).map(warned);
    let suggestions = feedback.map(Feedback::suggestions).unwrap_or_default();
    let advice = warning.into_iter().chain(suggestions.iter().copied().map(suggested)).collect();
    let strength = Strength {
        score: entropy.score().into(),
        guesses_log10: (entropy.guesses_log10() * 100.0).round() / 100.0,
        crack_time: entropy.crack_times().offline_slow_hashing_1e4_per_second().to_string(),
    };
    (strength, advice)
}

fn warned(warning: Warning) -> &'static str {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess => "advice-rows-of-keys",
        Warning::ShortKeyboardPatternsAreEasyToGuess => "advice-keyboard-patterns",
        Warning::RepeatsLikeAaaAreEasyToGuess => "advice-repeated-letters",
        Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => "advice-repeated-groups",
        Warning::ThisIsATop10Password => "advice-top-ten",
        Warning::ThisIsATop100Password => "advice-top-hundred",
        Warning::ThisIsACommonPassword => "advice-common",
        Warning::ThisIsSimilarToACommonlyUsedPassword => "advice-like-common",
        Warning::SequencesLikeAbcAreEasyToGuess => "advice-sequences-are-easy",
        Warning::RecentYearsAreEasyToGuess => "advice-years-are-easy",
        Warning::AWordByItselfIsEasyToGuess => "advice-single-word",
        Warning::DatesAreOftenEasyToGuess => "advice-dates-are-easy",
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess => "advice-single-name",
        Warning::CommonNamesAndSurnamesAreEasyToGuess => "advice-common-names",
    }
}

fn suggested(suggestion: Suggestion) -> &'static str {
    match suggestion {
        Suggestion::UseAFewWordsAvoidCommonPhrases => "advice-few-words",
        Suggestion::NoNeedForSymbolsDigitsOrUppercaseLetters => "advice-no-symbols",
        Suggestion::AddAnotherWordOrTwo => "advice-another-word",
        Suggestion::CapitalizationDoesntHelpVeryMuch => "advice-capitals",
        Suggestion::AllUppercaseIsAlmostAsEasyToGuessAsAllLowercase => "advice-all-capitals",
        Suggestion::ReversedWordsArentMuchHarderToGuess => "advice-reversed",
        Suggestion::PredictableSubstitutionsDontHelpVeryMuch => "advice-substitutions",
        Suggestion::UseALongerKeyboardPatternWithMoreTurns => "advice-longer-pattern",
        Suggestion::AvoidRepeatedWordsAndCharacters => "advice-no-repeats",
        Suggestion::AvoidSequences => "advice-no-sequences",
        Suggestion::AvoidRecentYears => "advice-no-years",
        Suggestion::AvoidYearsThatAreAssociatedWithYou => "advice-no-years-of-yours",
        Suggestion::AvoidDatesAndYearsThatAreAssociatedWithYou => "advice-no-dates-of-yours",
    }
}

/// As much of a password as can be estimated in a short time. What is said of it is true of the whole all the more.
fn beginning(password: &str) -> &str {
    let mut seen = String::new();
    for (before, (at, character)) in password.char_indices().enumerate() {
        if !seen.contains(character) {
            seen.push(character);
        }
        let ways = |signs: &&str| signs.chars().filter(|sign| seen.contains(*sign)).count().max(1);
        let work = (before + 1).pow(2) * LOOK_ALIKES.iter().map(ways).product::<usize>();
        if before == CHARACTERS_MAX || work > WORK_MAX {
            return &password[..at];
        }
    }
    password
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::languages::Language;

    #[test]
    fn r224_the_work_of_an_estimate_is_bounded() {
        let repeated = |unit: &str| unit.repeat(4096 / unit.len());
        for (password, length) in [
            ("plum kettle orbit lantern".to_owned(), 25),
            ("P@ssw0rd1! and 4 more (signs) <here>".to_owned(), 36),
            (repeated("ü"), 100),
            (repeated("plum kettle "), 100),
            (repeated("4@8({[<369&#!1/|0$5+7%2"), 20),
        ] {
            assert_eq!(beginning(&password).chars().count(), length, "{}", password.chars().take(16).collect::<String>());
        }
    }

    #[test]
    fn every_language_has_words_for_the_advice() {
        let passwords = [
            "",
            "asdfghjkl",
            "aaaaaaaaa",
            "abcabcabcabc",
            "abcdefgh",
            "1987",
            "13.5.1997",
            "smith",
            "drowssap",
            "P@ssword",
            "HORSE",
        ];
        let keys: BTreeSet<_> = passwords.iter().flat_map(|password| estimate(password, &[]).1).collect();
        assert!(keys.len() > 10, "{keys:?}");
        for (language, key) in Language::all().flat_map(|language| keys.iter().map(move |key| (language, *key))) {
            assert_ne!(language.word(key), key, "{language:?}");
        }
    }

    #[test]
    fn an_estimate_of_any_text_is_a_number() {
        for unit in ["a", "20262025", "1.1.2026", "qwertyuiop", "ü🦦e\u{301}", "$1|!+7(<{[", " ", "word "] {
            let (strength, _) = estimate(&unit.repeat(50), &["word", ""]);
            assert!(strength.guesses_log10.is_finite() && strength.score <= 4, "{unit}: {strength:?}");
        }
    }
}
