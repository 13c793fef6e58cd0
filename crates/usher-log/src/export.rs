//! The lines of an exported log, one JSON object each: a header, the entries in order, and the checkpoint that signs them. There is
//! one spelling of every line, so a changed byte is found wherever it is.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::base64_text;
use crate::entry::{Details, Entry, Event, SALT_LEN};
use crate::tree::{Edge, Hash};

const FORMAT: &str = "usher-audit-1";

/// Where an export begins: after so many leaves, whose tree has this edge.
pub type Header = Edge;

/// A line of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    Header(Header),
    Entry(Box<Entry>),
    /// The text of a signed checkpoint.
    Checkpoint(String),
}

/// A line that usher has not written so, or would not.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    #[error("it is not as usher writes it")]
    Malformed,
    #[error("the details of event {0} are no JSON: `usher audit verify` says whether they were changed")]
    Details(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderLine<'a> {
    log: Cow<'a, str>,
    after: u64,
    #[serde(with = "base64_text::list")]
    edge: Vec<Hash>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryLine<'a> {
    leaf_index: u64,
    #[serde(with = "base64_text")]
    leaf_hash: Hash,
    event: Cow<'a, Event>,
    details: Option<DetailsMember>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DetailsMember {
    #[serde(with = "base64_text")]
    salt: [u8; SALT_LEN],
    content: Box<RawValue>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckpointLine<'a> {
    checkpoint: Cow<'a, str>,
}

impl Line {
    /// Reads a line, without its end.
    pub fn parse(text: &str) -> Result<Self, LineError> {
        let line = Self::read(text).map_err(|_| LineError::Malformed)?.ok_or(LineError::Malformed)?;
        if line.to_text()? == text { Ok(line) } else { Err(LineError::Malformed) }
    }

    fn read(text: &str) -> serde_json::Result<Option<Self>> {
        Ok(if text.starts_with("{\"leaf_index\"") {
            let line: EntryLine<'_> = serde_json::from_str(text)?;
            let details = line.details.map(|details| Details { salt: details.salt, content: details.content.get().to_owned() });
            let event = line.event.into_owned();
            Some(Self::Entry(Box::new(Entry { leaf_index: line.leaf_index, leaf_hash: line.leaf_hash, event, details })))
        } else if text.starts_with("{\"checkpoint\"") {
            let line: CheckpointLine<'_> = serde_json::from_str(text)?;
            Some(Self::Checkpoint(line.checkpoint.into_owned()))
        } else {
            let line: HeaderLine<'_> = serde_json::from_str(text)?;
            if line.log == FORMAT { Edge::new(line.after, line.edge).map(Self::Header) } else { None }
        })
    }

    /// The line, without its end.
    pub fn to_text(&self) -> Result<String, LineError> {
        let text = match self {
            Self::Header(edge) => {
                serde_json::to_string(&HeaderLine { log: FORMAT.into(), after: edge.size(), edge: edge.hashes().to_vec() })
            }
            Self::Entry(entry) => {
                let details = entry.details.as_ref().map(|details| details_member(details, &entry.event)).transpose()?;
                let event = Cow::Borrowed(&entry.event);
                serde_json::to_string(&EntryLine { leaf_index: entry.leaf_index, leaf_hash: entry.leaf_hash, event, details })
            }
            Self::Checkpoint(note) => serde_json::to_string(&CheckpointLine { checkpoint: note.into() }),
        };
        text.map_err(|_| LineError::Malformed)
    }
}

/// The content goes into the line as it is; it must be one JSON value and nothing around it, or a reader would see other bytes.
fn details_member(details: &Details, event: &Event) -> Result<DetailsMember, LineError> {
    let content = RawValue::from_string(details.content.clone()).ok();
    let content = content.filter(|content| content.get() == details.content && !content.get().contains('\n'));
    let content = content.ok_or_else(|| LineError::Details(event.id.clone()))?;
    Ok(DetailsMember { salt: details.salt, content })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::verify::tests::entry;

    #[test]
    fn r261_lines_have_one_spelling() {
        let mut edge = Edge::default();
        for at in 0..5 {
            edge.push([at; 32]);
        }
        let mut erased = entry(4);
        erased.details = None;
        let lines = [
            Line::Header(Edge::default()),
            Line::Header(edge),
            Line::Entry(Box::new(entry(3))),
            Line::Entry(Box::new(erased)),
            Line::Checkpoint("a\nb".to_owned()),
        ];
        for line in lines {
            let text = line.to_text().unwrap();
            assert!(!text.contains('\n'), "{text}");
            assert_eq!(Line::parse(&text).unwrap(), line);
            for other in [format!(" {text}"), format!("{text} "), text.replacen(':', ": ", 1), text.replacen('{', "{\"x\":1,", 1)]
            {
                assert!(Line::parse(&other).is_err(), "{other}");
            }
        }
    }

    #[test]
    fn details_that_are_no_json_are_not_exported() {
        for content in ["", "{", "{} ", "{}{}", "{\n}"] {
            let mut entry = entry(3);
            entry.details.as_mut().unwrap().content = content.to_owned();
            assert!(matches!(Line::Entry(Box::new(entry)).to_text(), Err(LineError::Details(_))), "{content:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_upsets_the_parser(text in any::<String>(), at in any::<prop::sample::Index>()) {
            let _ = Line::parse(&text);
            let good = Line::Entry(Box::new(entry(3))).to_text().unwrap();
            let at = at.index(good.len());
            let _ = Line::parse(&format!("{}{text}{}", &good[..at], &good[at..]));
        }
    }
}
