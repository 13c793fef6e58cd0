//! How the service is called and how it looks, as far as settings say it.

use super::super::setting::{Fallback, Section, Setting, Syntax};

pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "USHER_BRAND_NAME",
        section: Section::Branding,
        syntax: Syntax::Text("a line of at most 60 characters"),
        default: Fallback::Value("usher"),
        secret: false,
        description: "How the service is called, in pages and mails. It holds as long as the console (`/admin/branding`) says nothing else, \
            and so do the next two.",
    },
    Setting {
        name: "USHER_BRAND_COLOR",
        section: Section::Branding,
        syntax: Syntax::Text("a colour such as `#0b5f66`"),
        default: Fallback::Value("#0b5f66"),
        secret: false,
        description: "The colour of buttons and links. What is written in it and on it must reach a contrast of 4.5:1.",
    },
    Setting {
        name: "USHER_BRAND_COLOR_DARK",
        section: Section::Branding,
        syntax: Syntax::Text("a colour such as `#7fcdcf`"),
        default: Fallback::Value("#7fcdcf"),
        secret: false,
        description: "The same for people who like it dark.",
    },
];
