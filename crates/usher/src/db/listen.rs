//! LISTEN/NOTIFY: one connection per process hears what other processes have changed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio_postgres::AsyncMessage;

use super::lanes::Connector;
use super::{Db, DbResult};

/// Channels that processes listen to.
pub const CHANNELS: [&str; 4] = ["usher_attributes", "usher_branding", "usher_jobs", "usher_keys"];

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Notification {
        channel: String,
    },
    /// The connection was made (again): anything may have been missed meanwhile.
    Connected,
}

/// Hears notifications; clones hear the same.
#[derive(Clone)]
pub struct Listener {
    sender: broadcast::Sender<Heard>,
}

impl Listener {
    /// Listens until the process ends, reconnecting as often as it takes.
    pub fn start(db: &Db) -> Self {
        let (sender, _) = broadcast::channel(64);
        let connector = Arc::clone(db.connector());
        let listener = Self { sender: sender.clone() };
        tokio::spawn(async move {
            loop {
                if let Err(error) = hear(&connector, &sender).await {
                    tracing::debug!(%error, "listening for notifications will be tried again");
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        });
        listener
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Heard> {
        self.sender.subscribe()
    }
}

async fn hear(connector: &Connector, sender: &broadcast::Sender<Heard>) -> DbResult<()> {
    let (client, mut connection) = connector.connect_raw().await?;
    let mut messages = std::pin::pin!(futures_util::stream::poll_fn(move |context| connection.poll_message(context)));
    let listen = format!("listen {}", CHANNELS.join("; listen "));
    let mut listening = std::pin::pin!(client.batch_execute(&listen));
    let mut ready = false;
    loop {
        tokio::select! {
            answer = &mut listening, if !ready => {
                answer?;
                ready = true;
                // Nobody may be listening yet; that is no fault.
                let _ = sender.send(Heard::Connected);
            }
            message = futures_util::StreamExt::next(&mut messages) => match message {
                Some(Ok(AsyncMessage::Notification(note))) => {
                    let _ = sender.send(Heard::Notification { channel: note.channel().to_owned() });
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            },
        }
    }
}
