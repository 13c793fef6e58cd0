//! How the tour shows what it asked and what came.

use crate::http::{Answer, Request};

/// Longer texts, such as the API's description, are cut.
const SHOWN_CHARS_MAX: usize = 1200;

pub fn request(request: &Request) {
    println!("   {} {}", request.method, request.path);
    for (name, value) in &request.headers {
        println!("   {name}: {}", abridged(value, 40));
    }
    if let Some(body) = &request.body {
        println!("   {body}");
    }
}

pub fn answer(answer: &Answer) {
    println!("   -> {}", answer.status);
    if let Some(etag) = answer.header("etag") {
        println!("      ETag: {etag}");
    }
    if !answer.body.is_empty() {
        let body = abridged(answer.body.trim(), SHOWN_CHARS_MAX);
        println!("      {}", body.replace('\n', "\n      "));
    }
}

pub fn mail(id: &str, list: &str, mail: &str) {
    println!("   usher mail list --json");
    println!("   -> {}", abridged(list.trim(), SHOWN_CHARS_MAX));
    if !id.is_empty() {
        println!("   usher mail show {id}");
        println!("   -> {}", mail.trim().replace('\n', "\n      "));
    }
}

fn abridged(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(abridged("été", 3), "été");
        assert_eq!(abridged("étés", 3), "été... (6 bytes)");
    }
}
