//! Apps that nothing can be planned for yet: their plugin is being loaded, or their spec cannot be read.

use std::time::Duration;

use tokio::time::Instant;

use super::actor::{Actor, Next};
use super::committing::Written;
use super::overlay;
use crate::events::Note;
use crate::watch::AppObject;

/// A plugin that takes longer to load is worth telling.
const LOADING: Duration = Duration::from_secs(2);

impl Actor {
    /// Loading takes a moment, or, the first time, as long as compiling takes: then the app says what it waits for.
    pub(super) async fn waits_for_its_plugin(&mut self, app: &AppObject, plugin: &str) -> Next {
        let since = *self.loading_since.get_or_insert_with(Instant::now);
        if since.elapsed() < LOADING {
            return Next::At(Some(since + LOADING));
        }
        let recorded = app.recorded();
        if recorded
            .waiting
            .iter()
            .any(|entry| entry.reason == overlay::PLUGIN_LOADING)
        {
            return Next::At(None);
        }
        let mut status = recorded;
        status
            .waiting
            .push(overlay::plugin_loading(plugin, self.host.clock.now()));
        match self.write_status(app, &status).await {
            Written::Stale => Next::Again,
            _ => Next::At(None),
        }
    }

    /// Nothing is planned on a spec that cannot be read: what runs goes on running.
    pub(super) async fn stalled_by_its_spec(
        &mut self,
        app: &AppObject,
        reason: &str,
        message: &str,
    ) -> Next {
        self.say_once("spec", Some(Note::warning(reason, message.to_owned())));
        if self.key.face == stateward_planner::world::Face::StatefulSet {
            return Next::At(None);
        }
        let recorded = app.recorded();
        let mut status = recorded.clone();
        status.observed_generation = app.generation();
        status
            .conditions
            .retain(|condition| condition.type_ != "Stalled");
        overlay::set_stalled(
            &mut status,
            &recorded,
            reason,
            message,
            self.host.clock.now(),
        );
        match self.write_status(app, &status).await {
            Written::Stale => Next::Again,
            _ => Next::At(None),
        }
    }
}
