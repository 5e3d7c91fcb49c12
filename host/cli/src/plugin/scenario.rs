//! Scenario files: what happens to an app, and how its members answer, for tests of a component in any language.
//!
//! ```yaml
//! members:                       # how a member answers, over exec, HTTP and lines over TCP
//!   starts: NORMAL
//!   answers:
//!   - {ask: state, says: "{state}"}
//!   - {ask: leave, when: NORMAL, becomes: LEAVING, then: LEFT, after: 12}
//! steps:
//! - scale: 3
//! - update
//! - scale: 2
//! - expect: {0: NORMAL, 1: NORMAL}
//! ```

mod members;
mod steps;

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use serde::Deserialize;
use stateward_testkit::{Cluster, Kind, Report, Scenario};

use super::component::Component;
use crate::failure::Failure;
pub(crate) use members::Members;
use steps::Step;

/// A scenario as its author writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct File {
    members: members::Script,
    /// `spec.plugin.settings`.
    #[serde(default)]
    pub(crate) settings: Option<serde_json::Value>,
    /// Settings that `validate`, or the schema, must not let pass: for `plugin check`.
    #[serde(default)]
    pub(crate) refuses: Vec<serde_json::Value>,
    /// Values of secret slots.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, String>,
    /// Values of config slots.
    #[serde(default)]
    config: BTreeMap<String, String>,
    steps: Vec<Step>,
}

impl File {
    pub(crate) fn read(path: &Path) -> Result<File, Failure> {
        let text = std::fs::read_to_string(path).map_err(|source| Failure::Read {
            path: path.to_owned(),
            source,
        })?;
        super::from_yaml(&text).map_err(|error| {
            let path = path.display();
            Failure::Wrong(format!(
                "{path} is no scenario: {error}; docs/authors.md says what stands in one"
            ))
        })
    }

    /// The same with other settings.
    pub(crate) fn with(&self, settings: serde_json::Value) -> File {
        File {
            settings: Some(settings),
            ..self.clone()
        }
    }

    /// Runs it once, and, when faults are wanted, once for each fault at each point.
    pub(crate) fn run(&self, name: &str, plugin: &Rc<Component>, faults: bool) -> Report {
        let (made, plugin) = (self.clone(), Rc::clone(plugin));
        let mut scenario = Scenario::new(name, move || {
            let members = Members::of(&made.members, plugin.watch());
            let app = Cluster::served_by(plugin.clone(), members);
            // The runtime holds the component to its grants; what the host reads on its behalf is not its own reading.
            app.edit_grants(|grants| grants.slots.extend(made.secrets.keys().cloned()));
            if let Some(settings) = &made.settings {
                app.settings(settings);
            }
            for (slot, value) in &made.secrets {
                app.set_secret(slot, value.as_bytes());
            }
            for (slot, value) in &made.config {
                app.set_config(slot, value.as_bytes());
            }
            app
        });
        for step in &self.steps {
            scenario = step.clone().add(scenario);
        }
        let kinds: &[Kind] = if faults { &Kind::ALL } else { &[] };
        scenario.faults(kinds).explore()
    }
}
