//! A user's wish to move a role: fulfilled once, or ended at once with the reason.

use super::{is_exclusive, is_movable, may_take, moves};
use crate::departures;
use crate::draft::Draft;
use crate::identity::pod_name;
use crate::journal::MoveCause;
use crate::scene::Scene;
use crate::status::{EndedRequest, RoleStatus};
use crate::waiting::WaitingFor;
use crate::world::Switchover;

enum Verdict {
    Begin,
    Queue,
    End {
        result: &'static str,
        message: String,
    },
}

pub(super) fn advance(scene: &Scene<'_>, draft: &mut Draft) {
    drop_strangers(scene, draft);
    let Some(wish) = &scene.world.app.switchover else {
        return;
    };
    let is_taken_up = draft.status.roles.iter().any(|role| {
        let ended = role.last_request.as_ref().map(|ended| &ended.id);
        let moving = role
            .moving
            .as_ref()
            .and_then(|moving| moving.request.as_ref());
        [ended, moving].contains(&Some(&wish.id))
    });
    if is_taken_up {
        return;
    }
    if scene.hooks.ready().is_none() {
        // Without any plugin there are no roles, and `judge` says so.
        if !matches!(scene.world.plugin, crate::world::Plugin::None) {
            draft.wait(scene.hooks.unavailable());
            return;
        }
    }
    let role = draft
        .status
        .roles
        .iter()
        .find(|role| role.name == wish.role)
        .cloned()
        .unwrap_or_else(|| RoleStatus::unclaimed(&wish.role));
    match judge(scene, wish, &role) {
        Verdict::Queue => draft.wait(WaitingFor::SwitchoverQueued {
            role: wish.role.clone(),
        }),
        Verdict::Begin => moves::begin(
            &role,
            MoveCause::Planned,
            wish.target,
            Some(wish.id.clone()),
            draft,
        ),
        Verdict::End { result, message } => {
            let ended = EndedRequest {
                id: wish.id.clone(),
                result: result.to_owned(),
                message,
            };
            tell(&wish.role, ended, draft);
        }
    }
}

fn judge(scene: &Scene<'_>, wish: &Switchover, role: &RoleStatus) -> Verdict {
    let refused = |message: String| Verdict::End {
        result: "Refused",
        message,
    };
    let app = &scene.world.app.name;
    let name = &wish.role;
    let Some(plugin) = scene.hooks.ready() else {
        return refused("the app has no plugin, so it has no roles".to_owned());
    };
    if plugin.roles.iter().all(|known| known.name != *name) {
        let known: Vec<_> = plugin.roles.iter().map(|role| role.name.as_str()).collect();
        return refused(format!(
            "plugin {} knows no role {name}; it has: {}",
            plugin.name,
            known.join(", ")
        ));
    }
    if !is_exclusive(scene, name) || !is_movable(scene, name) {
        return refused(format!("plugin {} cannot move role {name}", plugin.name));
    }
    if role.moving.is_some() {
        return Verdict::Queue;
    }
    let Some(holder) = &role.holder else {
        return refused(format!(
            "nobody holds role {name}, so it cannot be handed over"
        ));
    };
    if scene.holding(holder).is_none() {
        return refused(format!(
            "the pod that holds role {name} is gone, so it cannot hand it over"
        ));
    }
    match wish.target {
        Some(target) if target == holder.ordinal => Verdict::End {
            result: "AlreadyThere",
            message: format!("{} holds role {name} already", pod_name(app, target)),
        },
        Some(target) if !scene.goal.ordinals.contains(target) => {
            refused(format!("{app} has no member {target}"))
        }
        Some(target) => match scene.members.get(target) {
            Some(member) if departures::is_about_to_leave(scene, member) => {
                refused(format!("{} is about to be replaced", member.pod.name))
            }
            Some(member) if member.is_available() => Verdict::Begin,
            _ => refused(format!("{} is not available", pod_name(app, target))),
        },
        None => {
            let has_other = scene
                .wanted()
                .any(|member| member.ordinal != holder.ordinal && may_take(scene, member));
            if has_other {
                Verdict::Begin
            } else {
                refused(format!("no other member is available to take role {name}"))
            }
        }
    }
}

/// Sets how the wish ended, on a record made for it where the role has none.
fn tell(role: &str, ended: EndedRequest, draft: &mut Draft) {
    let roles = &mut draft.status.roles;
    if let Some(known) = roles.iter_mut().find(|known| known.name == role) {
        known.last_request = Some(ended);
    } else {
        roles.push(RoleStatus {
            last_request: Some(ended),
            ..RoleStatus::unclaimed(role)
        });
    }
    draft.is_urgent = true;
}

/// A wish for a role that does not exist leaves no trace when it is gone.
fn drop_strangers(scene: &Scene<'_>, draft: &mut Draft) {
    let Some(plugin) = scene.hooks.ready() else {
        return;
    };
    let wish = scene.world.app.switchover.as_ref().map(|wish| &wish.id);
    draft.status.roles.retain(|role| {
        let is_known = plugin.roles.iter().any(|known| known.name == role.name);
        let is_answer = role
            .last_request
            .as_ref()
            .is_some_and(|ended| Some(&ended.id) == wish);
        role.epoch > 0 || is_known || is_answer
    });
}
