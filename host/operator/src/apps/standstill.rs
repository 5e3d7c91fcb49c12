//! Apps that nothing can be planned for yet: their plugin is being loaded, or their spec cannot be read.

use std::time::Duration;

use stateward_planner::Step;
use stateward_planner::plan::WhyRelease;
use stateward_planner::world::Hold;
use tokio::time::Instant;

use super::actor::{Actor, Next};
use super::committing::Written;
use super::overlay;
use super::steps::{self, Place};
use crate::events::Note;
use crate::watch::AppObject;
use crate::worlds::hold;

/// A plugin that takes longer to load is worth telling.
const LOADING: Duration = Duration::from_secs(2);

impl Actor {
    /// Loading takes a moment, or, the first time, as long as compiling takes: then the app says what it waits for.
    pub(super) async fn waits_for_its_plugin(&mut self, app: &AppObject, plugin: &str) -> Next {
        if let Some(next) = self.let_go_unplanned(app).await {
            return next;
        }
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
        if let Some(next) = self.let_go_unplanned(app).await {
            return next;
        }
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

    /// An app that is deleted in a way that leaves no time for a teardown: no plan is needed to let it go. None: it is another one.
    async fn let_go_unplanned(&mut self, app: &AppObject) -> Option<Next> {
        app.metadata.deletion_timestamp.as_ref()?;
        let Hold::Void { why } = hold(&self.host.index, app) else {
            return None;
        };
        let why = WhyRelease::Void { message: why };
        let step = Step::ReleaseApp { why };
        let (title, kind) = (steps::title(&step), steps::kind(&step));
        if self.attempts.may_run(&title, Instant::now()) {
            let place = Place {
                api: self.host.api.clone(),
                app: self.key.clone(),
                uid: self.uid.clone(),
            };
            let outcome = place.carry_out(step).await;
            self.take(&title, kind, outcome);
        }
        Some(Next::At(self.attempts.next()))
    }
}
