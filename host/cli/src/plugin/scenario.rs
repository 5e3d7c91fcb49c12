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

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use serde::Deserialize;
use stateward_testkit::{Cluster, Kind, Report, Scenario};

use super::component::Component;
use crate::failure::Failure;
pub(crate) use members::Members;

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

/// One thing that happens, or that must hold.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Step {
    /// A user wants so many members.
    Scale(u32),
    /// A user wants a new image.
    Update,
    /// A member's pod dies.
    Kill(u32),
    /// A member's container restarts.
    Restart(u32),
    /// A member answers nobody any more.
    CutOff(u32),
    /// It answers again.
    Reconnect(u32),
    /// From now on each answer of a member takes so many seconds.
    Slow { member: u32, seconds: u64 },
    /// Somebody deletes a member's pod.
    DeletePod(u32),
    /// A user deletes the app.
    Delete,
    /// A user wants a role to move.
    SwitchOver {
        role: String,
        #[serde(default)]
        target: Option<u32>,
    },
    /// The step before cannot be finished, and the app says this.
    Waits(String),
    /// Members are in these states.
    Expect(BTreeMap<u32, String>),
    /// This member holds the role.
    Holds { role: String, ordinal: u32 },
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

impl Step {
    fn add(self, scenario: Scenario<Members>) -> Scenario<Members> {
        match self {
            Step::Scale(replicas) => scenario.when(
                format!("{replicas} members are wanted"),
                move |app: &Cluster<Members>| app.scale(replicas),
            ),
            Step::Update => scenario.when("a new image is wanted", Cluster::update),
            Step::Kill(ordinal) => scenario.when(format!("member {ordinal} dies"), move |app| {
                app.kill(ordinal);
            }),
            Step::Restart(ordinal) => {
                scenario.when(format!("member {ordinal} restarts"), move |app| {
                    app.restart(ordinal);
                })
            }
            Step::CutOff(ordinal) => {
                scenario.when(format!("member {ordinal} is cut off"), move |app| {
                    app.cut_off(ordinal, true);
                })
            }
            Step::Reconnect(ordinal) => {
                scenario.when(format!("member {ordinal} answers again"), move |app| {
                    app.cut_off(ordinal, false);
                })
            }
            Step::Slow { member, seconds } => {
                let what = format!("member {member} takes {seconds} s for an answer");
                scenario.when(what, move |app| {
                    app.slow_down(member, Duration::from_secs(seconds));
                })
            }
            Step::DeletePod(ordinal) => {
                scenario.when(format!("somebody deletes pod {ordinal}"), move |app| {
                    app.delete_pod(ordinal);
                })
            }
            Step::Delete => scenario.when("the app is deleted", Cluster::delete),
            Step::SwitchOver { role, target } => {
                scenario.when(format!("{role} is to move"), move |app| {
                    app.switch_over(&role, target);
                })
            }
            Step::Waits(text) => scenario.waits(text),
            Step::Expect(states) => scenario.then("members are as expected", move |app| {
                for (ordinal, wanted) in &states {
                    let application = app.application();
                    let state = application.state(*ordinal).unwrap_or("absent");
                    hold(
                        state == wanted,
                        format!("member {ordinal} is {state}, not {wanted}"),
                    );
                }
            }),
            Step::Holds { role, ordinal } => {
                scenario.then(format!("{role} is held by member {ordinal}"), move |app| {
                    let holder = app.holder(&role);
                    let told =
                        holder.map_or("nobody".to_owned(), |holder| format!("member {holder}"));
                    hold(holder == Some(ordinal), format!("{told} holds {role}"));
                })
            }
        }
    }
}

/// An assertion, told without the noise of a panic.
fn hold(holds: bool, otherwise: String) {
    if !holds {
        std::panic::resume_unwind(Box::new(otherwise));
    }
}
