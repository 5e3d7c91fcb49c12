//! Plugins as they load.

use stateward_operator::crd::{Plugin, PluginState, PluginStatus};

use super::{Facts, Said, Subject, bad, good, plain};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plugins(PluginStatus);

impl Facts for Plugins {
    type Object = Plugin;

    fn subject(plugin: &Plugin) -> Subject {
        Subject::of("plugin", plugin)
    }

    fn of(plugin: &Plugin) -> Plugins {
        Plugins(plugin.status.clone().unwrap_or_default())
    }

    fn changes(&self, before: Option<&Plugins>) -> Vec<Said> {
        let now = &self.0;
        let before = before.map(|before| &before.0);
        let is_told = before.is_some_and(|before| {
            (before.state, &before.digest, &before.message)
                == (now.state, &now.digest, &now.message)
        });
        match now.state {
            _ if is_told => Vec::new(),
            None => vec![plain("is created")],
            Some(PluginState::Ready) => vec![good(format!(
                "is ready: {} {}, hooks {}",
                now.name,
                now.version,
                now.hooks.join(", ")
            ))],
            Some(PluginState::Refused | PluginState::NeedsConsent) => {
                vec![bad(format!("is not used: {} {}", now.reason, now.message))]
            }
        }
    }
}
