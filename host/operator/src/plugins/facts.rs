//! What plans know of a plugin: from the component itself, or from what an operator wrote into the status of its Plugin object.

use stateward_planner::world::{Plugin, ReadyPlugin, Role, Task};
use stateward_runtime::Hook;

use crate::crd::{PluginState, PluginStatus};

/// Of a component, under the name of its Plugin object.
pub fn facts(name: &str, plugin: &stateward_runtime::Plugin) -> ReadyPlugin {
    let manifest = plugin.manifest();
    // Settings that the schema refuses are a spec that is refused, whether the plugin looks at it itself or not.
    let schema = plugin.has_settings_schema().then_some(Hook::Validate);
    let hooks = plugin.hooks().iter().copied().chain(schema);
    ReadyPlugin {
        name: name.to_owned(),
        digest: plugin.digest().to_string(),
        hooks: hooks.map(|hook| hook.name().to_owned()).collect(),
        roles: (manifest.roles.iter())
            .map(|role| Role {
                name: role.name.clone(),
                exclusive: role.exclusive,
                movable: role.movable,
                grace_seconds: role.grace_seconds,
            })
            .collect(),
        post_ready_overlaps: manifest.lanes.post_ready_overlaps,
        pre_scale_overlaps: manifest.lanes.pre_scale_overlaps,
        failover_interrupts: manifest.lanes.failover_interrupts,
        tasks: (manifest.tasks.iter())
            .map(|task| Task {
                name: task.name.clone(),
                after_scale: task.after_scale,
            })
            .collect(),
    }
}

/// Of the plugin of a Plugin object, as its status tells.
pub fn told(name: &str, status: PluginStatus) -> Plugin {
    match status.state {
        Some(PluginState::Ready) => Plugin::Ready(ReadyPlugin {
            name: name.to_owned(),
            hooks: status.hooks_with_schema(),
            digest: status.digest,
            roles: (status.roles.into_iter())
                .map(|role| Role {
                    name: role.name,
                    exclusive: role.exclusive,
                    movable: role.movable,
                    grace_seconds: role.grace_seconds,
                })
                .collect(),
            post_ready_overlaps: status.post_ready_overlaps,
            pre_scale_overlaps: status.pre_scale_overlaps,
            failover_interrupts: false,
            tasks: (status.tasks.into_iter())
                .map(|task| Task {
                    name: task.name,
                    after_scale: task.after_scale,
                })
                .collect(),
        }),
        Some(_) => Plugin::Unavailable {
            name: name.to_owned(),
            reason: status.reason,
            message: status.message,
        },
        None => Plugin::Unavailable {
            name: name.to_owned(),
            reason: "PluginLoading".to_owned(),
            message: format!("no operator has looked at plugin {name} yet"),
        },
    }
}

/// What is told of a plugin that does not exist.
pub fn not_found(name: &str) -> String {
    format!(
        "there is no Plugin {name}: apply one, or correct spec.plugin.name (kubectl get plugins lists them)"
    )
}
