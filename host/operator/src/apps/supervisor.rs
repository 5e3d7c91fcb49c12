//! Starts an actor for every app, and tells actors what concerns them.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::actor::Actor;
use super::messages::Message;
use crate::errors::OperatorError;
use crate::host::Host;
use crate::plugins::Heard;
use crate::watch::{AppKey, Meta, News};

struct Running {
    uid: String,
    mailbox: UnboundedSender<Message>,
    gone: CancellationToken,
}

/// Runs until `stop`; then waits for the actors to wind down.
pub(crate) async fn supervise(
    host: Arc<Host>,
    mut news: UnboundedReceiver<News>,
    plugins: UnboundedSender<Heard>,
    stop: CancellationToken,
) -> Result<(), OperatorError> {
    let mut running: HashMap<AppKey, Running> = HashMap::new();
    let mut actors = JoinSet::new();
    let mut is_synced = false;
    let mut end = Ok(());
    loop {
        let item = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            item = news.recv() => item,
            Some(_) = actors.join_next(), if !actors.is_empty() => continue,
        };
        if let Some((key, message)) = item.as_ref().and_then(for_an_app) {
            if is_synced {
                tell(&host, key, message, &mut running, &mut actors, &stop);
            }
            continue;
        }
        match item {
            None => break,
            Some(News::Synced) => {
                is_synced = true;
                host.metrics.ready();
                tracing::info!("the watches have listed everything");
                for key in host.index.app_keys() {
                    let changed = Message::Changed;
                    tell(&host, &key, changed, &mut running, &mut actors, &stop);
                }
            }
            Some(News::App(_) | News::Stirring(_) | News::StatusWritten(_)) => {}
            Some(News::Plugin(plugin)) => {
                host.plugins.announce(plugin.name());
                // The manager ends with us.
                let _ = plugins.send(Heard::Changed(plugin));
            }
            Some(News::PluginTraps(trapping)) => {
                let _ = plugins.send(Heard::Trapping(trapping));
            }
            Some(News::GrantCounted { plugin, grant }) => {
                let _ = plugins.send(Heard::Counted { plugin, grant });
            }
            Some(News::PluginGone(name)) => {
                let _ = plugins.send(Heard::Gone(name));
            }
            Some(News::Rival { evidence }) => {
                end = Err(OperatorError::ForeignController { evidence });
                stop.cancel();
                break;
            }
        }
    }
    for (_, actor) in running.drain() {
        drop(actor.mailbox);
    }
    while actors.join_next().await.is_some() {}
    end
}

/// What an app is told of it.
fn for_an_app(news: &News) -> Option<(&AppKey, Message)> {
    match news {
        News::App(key) => Some((key, Message::Changed)),
        News::Stirring(key) => Some((key, Message::Stirring)),
        News::StatusWritten(key) => Some((key, Message::StatusWritten)),
        _ => None,
    }
}

fn tell(
    host: &Arc<Host>,
    key: &AppKey,
    what: Message,
    running: &mut HashMap<AppKey, Running>,
    actors: &mut JoinSet<()>,
    stop: &CancellationToken,
) {
    let app = host.index.app(key);
    if let Some(actor) = running.get(key) {
        if app.as_ref().is_some_and(|app| app.uid() == actor.uid) {
            // An actor that ended is replaced by the next change.
            if actor.mailbox.send(what).is_ok() {
                return;
            }
        }
        actor.gone.cancel();
        running.remove(key);
    }
    if let Some(app) = app {
        let (mailbox, inbox) = unbounded_channel();
        let gone = CancellationToken::new();
        let uid = app.uid().to_owned();
        let actor = Actor::new(host.clone(), key.clone(), uid.clone(), mailbox.clone());
        actors.spawn(actor.run(inbox, gone.clone(), stop.clone()));
        let entry = Running { uid, mailbox, gone };
        running.insert(key.clone(), entry);
    }
    host.metrics.apps(running.len());
}
