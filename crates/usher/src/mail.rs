//! Outgoing mail as such: a message, and what carries it. The queue in front of it is the `mails` feature.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use lettre::message::{Mailbox, MultiPart, header};
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
                let mail = lettre::Message::builder()
                    .from(from.clone())
                    .to(message.to.parse().context("the recipient is not an address")?)
                    .subject(&message.subject)
                    .message_id(Some(format!("<{}@{}>", message.id, from.email.domain())))
                    .header(header::MIME_VERSION_1_0)
                    .multipart(MultiPart::alternative_plain_html(message.text.clone(), message.html.clone()))
                    .context("building the message")?;
                transport.send(mail).await.context("the SMTP server did not take the mail")?;
                Ok(())
            }
        }
    }
}
