//! A browser, as far as pages need one: it keeps cookies, and sends a form with the token that the page had.

use std::collections::BTreeMap;
use std::fmt::Write;

use http::{Method, header};
use url::form_urlencoded;

use super::{Answer, Client, PASSWORD};

/// Opens pages and sends their forms.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    pub cookies: BTreeMap<String, String>,
    /// Of the page that was opened last.
    pub form_token: String,
}

impl Browser {
    pub fn new(client: Client) -> Self {
        Self { client, cookies: BTreeMap::new(), form_token: String::new() }
    }

    /// Opens a page.
    pub async fn open(&mut self, path: &str) -> Answer {
        self.ask(Method::GET, path, Vec::new()).await
    }

    /// Sends the form of the page that was opened last.
    pub async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.form_token.clone();
        self.submit_with(path, &token, fields).await
    }

    /// Sends a form with another token than the page had.
    pub async fn submit_with(&mut self, path: &str, token: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("form_token", token).extend_pairs(fields);
        self.ask(Method::POST, path, form.finish().into_bytes()).await
    }

    /// Sends a file with the token of the page that was opened last.
    pub async fn upload(&mut self, path: &str, file: &[u8]) -> Answer {
        self.upload_with(path, &[], ("picture", "me.png"), file).await
    }

    /// The same after these fields. A file without a name is none.
    pub async fn upload_with(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        (name, file_name): (&str, &str),
        file: &[u8],
    ) -> Answer {
        let token = self.form_token.clone();
        let mut head = String::new();
        for (name, value) in [("form_token", token.as_str())].iter().chain(fields) {
            let _ = write!(head, "--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        }
        let _ = write!(
            head,
            "--edge\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        let body = [head.as_bytes(), file, b"\r\n--edge--\r\n"].concat();
        self.ask_with(Method::POST, path, "multipart/form-data; boundary=edge", body).await
    }

    /// Signs somebody in, who comes to their account then.
    pub async fn sign_in(&mut self, identifier: &str) -> Answer {
        self.open("/sign-in").await.expect(200);
        self.submit("/sign-in", &[("identifier", identifier), ("password", PASSWORD)]).await
    }

    async fn ask(&mut self, method: Method, path: &str, body: Vec<u8>) -> Answer {
        self.ask_with(method, path, "application/x-www-form-urlencoded", body).await
    }

    async fn ask_with(&mut self, method: Method, path: &str, kind: &str, body: Vec<u8>) -> Answer {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("accept", "text/html"), ("content-type", kind)];
        if !cookies.is_empty() {
            headers.push(("cookie", &cookies));
        }
        let answer = self.client.send_raw(method, path, &headers, body).await;
        for set in answer.headers.get_all(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            if set.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        if let Some(token) = answer.text.split("name=\"form_token\" value=\"").nth(1) {
            token.split('"').next().unwrap().clone_into(&mut self.form_token);
        }
        answer
    }
}
