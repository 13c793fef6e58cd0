//! `usher mail`.

use clap::Subcommand;

use super::{Outcome, boot, output};
use crate::config::Config;
use crate::id::MailId;
use crate::mails::{self, Body, Mail};

#[derive(Subcommand)]
pub enum Command {
    /// List the newest mails
    List {
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1000))]
        limit: i64,
    },
    /// Show a mail that has not been sent, with its links
    Show {
        /// Its id, from `usher mail list`
        id: MailId,
        /// The HTML part instead of the text
        #[arg(long)]
        html: bool,
    },
    /// Put mails that are held or were given up back into the queue
    Retry {
        /// Only this one
        id: Option<MailId>,
    },
}

pub async fn run(config: Config, command: &Command, json: bool) -> Outcome {
    let running = boot::ready(config).await?;
    let mut tx = running.app.begin(&boot::operator(None)).await?;
    match command {
        Command::List { limit } => list(&mails::list(&mut tx, *limit).await?, json)?,
        Command::Show { id, html } => {
            let found = mails::show(&running.app, &mut tx, *id).await?;
            let (mail, body) = found.ok_or_else(|| anyhow::anyhow!("there is no mail {id}: see `usher mail list`"))?;
            show(&mail, body.as_ref(), *html, json)?;
        }
        Command::Retry { id } => {
            let count = mails::retry(&running.app, &mut tx, *id).await?;
            if json {
                output::json(&serde_json::json!({ "queued": count }))?;
            } else {
                output::say(format!("{count} put back into the queue."));
            }
        }
    }
    tx.commit().await?;
    running.stop().await;
    Ok(())
}

fn list(mails: &[Mail], json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(&mails);
    }
    let row = |mail: &Mail| {
        vec![
            mail.id.to_string(),
            output::time(mail.created_at),
            mail.status.clone(),
            mail.recipient.clone(),
            mail.subject.clone(),
            mail.last_error.clone().unwrap_or_default(),
        ]
    };
    output::table(
        &["id", "created", "status", "to", "subject", "last error"],
        mails.iter().map(row).collect(),
        "There are no mails.",
    );
    Ok(())
}

fn show(mail: &Mail, body: Option<&Body>, html: bool, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(&serde_json::json!({ "mail": mail, "body": body }));
    }
    output::say(format!("To:      {}", mail.recipient));
    output::say(format!("Subject: {}", mail.subject));
    output::say(format!("Status:  {}, {} attempts", mail.status, mail.attempts));
    output::say(format!("Created: {}", output::time(mail.created_at)));
    if let Some(error) = &mail.last_error {
        output::say(format!("Error:   {error}"));
    }
    output::say("");
    match body {
        Some(body) if html => output::say(body.html.trim_end()),
        Some(body) => output::say(body.text.trim_end()),
        None => output::say(format!("(sent {}; the text is not kept)", output::time_or(mail.sent_at, "before"))),
    }
    Ok(())
}
