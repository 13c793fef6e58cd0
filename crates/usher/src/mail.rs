//! Outgoing mail as such: a message, and what carries it. The queue in front of it is the `mails` feature.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use crate::config::{SmtpTls, SmtpUrl};

/// Of one exchange with the server; the job that sends has a limit of its own.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A mail to one recipient, in two renderings.
#[derive(Clone, Debug)]
pub struct Message {
    /// Identifies the mail across repeated deliveries (RFC 5322 `Message-ID`).
    pub id: String,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// A PNG that comes with the mail; the HTML names it `cid:` and [`PICTURE`]. So it is seen where pictures from elsewhere are not loaded.
    pub picture: Option<Vec<u8>>,
}

/// What the picture of a mail is called in it (RFC 2392).
pub const PICTURE: &str = "picture@usher";

/// An address as those may read it who may not read whose it is: `a…@example.org`.
pub fn masked(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or_default();
    let first: String = local.chars().take(1).collect();
    format!("{first}…@{domain}")
}

impl Message {
    fn build(&self, from: &Mailbox) -> anyhow::Result<lettre::Message> {
        let html = SinglePart::html(self.html.clone());
        let both = MultiPart::alternative().singlepart(SinglePart::plain(self.text.clone()));
        let body = match &self.picture {
            None => both.singlepart(html),
            Some(png) => {
                let picture = Attachment::new_inline_with_name(PICTURE.to_owned(), "picture.png".to_owned());
                let picture = picture.body(png.clone(), header::ContentType::parse("image/png")?);
                both.multipart(MultiPart::related().singlepart(html).singlepart(picture))
            }
        };
        lettre::Message::builder()
            .from(from.clone())
            .to(self.to.parse().context("the recipient is not an address")?)
            .subject(&self.subject)
            .message_id(Some(format!("<{}@{}>", self.id, from.email.domain())))
            .header(header::MIME_VERSION_1_0)
            .multipart(body)
            .context("building the message")
    }
}

/// What carries mail.
#[derive(Clone)]
pub enum Mailer {
    Smtp {
        transport: AsyncSmtpTransport<Tokio1Executor>,
        from: Mailbox,
    },
    /// There is no SMTP server: mails stay in the queue, to be read with `usher mail show`.
    Held,
    /// Keeps what was sent, for tests.
    Memory(Arc<Mutex<Vec<Message>>>),
}

impl Mailer {
    pub fn smtp(url: &SmtpUrl, from: Mailbox) -> anyhow::Result<Self> {
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(url.host.as_str())
            .port(url.port)
            .timeout(Some(TIMEOUT))
            .tls(match url.tls {
                SmtpTls::Implicit => Tls::Wrapper(TlsParameters::new(url.host.clone())?),
                SmtpTls::Required => Tls::Required(TlsParameters::new(url.host.clone())?),
                SmtpTls::Opportunistic => Tls::Opportunistic(TlsParameters::new(url.host.clone())?),
                SmtpTls::None => Tls::None,
            });
        if let Some(credentials) = &url.credentials {
            builder = builder
                .credentials(Credentials::new(credentials.username.expose().clone(), credentials.password.expose().clone()));
        }
        Ok(Self::Smtp { transport: builder.build(), from })
    }

    pub fn memory() -> Self {
        Self::Memory(Arc::default())
    }

    /// Whether mails stay in the queue.
    pub fn holds(&self) -> bool {
        matches!(self, Self::Held)
    }

    /// Hands a mail over. An error means that it may be tried again.
    pub async fn send(&self, message: &Message) -> anyhow::Result<()> {
        match self {
            Self::Held => anyhow::bail!("there is no SMTP server: set USHER_SMTP_URL"),
            Self::Memory(sent) => {
                sent.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
                Ok(())
            }
            Self::Smtp { transport, from } => {
                transport.send(message.build(from)?).await.context("the SMTP server did not take the mail")?;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(picture: Option<Vec<u8>>) -> String {
        let message = Message {
            id: "1".to_owned(),
            to: "ann@example.org".to_owned(),
            subject: "Hello".to_owned(),
            text: "Plain".to_owned(),
            html: format!("<img src=\"cid:{PICTURE}\">"),
            picture,
        };
        String::from_utf8(message.build(&"usher@example.org".parse().unwrap()).unwrap().formatted()).unwrap()
    }

    #[test]
    fn a_picture_belongs_to_the_html_and_the_plain_text_stands_before_both() {
        let mail = written(Some(b"\x89PNG".to_vec()));
        let places = ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"];
        let found: Vec<usize> = places.iter().map(|kind| mail.find(&format!("Content-Type: {kind}")).unwrap()).collect();
        assert!(found.is_sorted(), "{mail}");
        assert!(mail.contains("Content-ID: <picture@usher>") && mail.contains("Content-Disposition: inline"), "{mail}");
        assert!(mail.contains("iVBORw=="), "{mail}");
        let without = written(None);
        assert!(!without.contains("related") && !without.contains("image/png"), "{without}");
    }

    #[test]
    fn of_an_address_its_first_letter_and_its_domain_are_left() {
        assert_eq!(masked("ann.smith@example.org"), "a…@example.org");
        assert_eq!(masked("\"a@b\"@example.org"), "\"…@example.org");
        assert_eq!(masked("none"), "…@");
    }
}
