//! Steps in words.

use jiff::Timestamp;
use serde_json::Value;

use super::Forecasted;
use crate::hooks::POST_READY;
use crate::identity::{ordinal_of, pod_name};
use crate::journal::Act;
use crate::plan::{Question, Step, WhyDelete, WhyPatch};
use crate::world::{Plugin, World};

pub(super) struct Narrator {
    app: String,
    /// Members when the forecast began: where a scale starts from.
    members: usize,
    pub(super) told: Vec<Forecasted>,
}

impl Narrator {
    pub(super) fn of(world: &World) -> Narrator {
        let app = world.app.name.clone();
        let members = world
            .pods
            .iter()
            .filter(|pod| ordinal_of(&app, &pod.name).is_some())
            .count();
        Narrator {
            app,
            members,
            told: Vec::new(),
        }
    }

    pub(super) fn is_member(&self, pod: &str) -> bool {
        ordinal_of(&self.app, pod).is_some()
    }

    fn tell(&mut self, action: &str, subject: String, text: String) {
        self.told.push(Forecasted {
            action: action.to_owned(),
            subject,
            text,
        });
    }

    pub(super) fn step(&mut self, world: &World, step: &Step) {
        match step {
            Step::CreateRevision { name, .. } => {
                self.about("create-revision", "create", "revision", name)
            }
            Step::RenumberRevision { name, .. } => self.tell(
                "renumber-revision",
                format!("revision {name}"),
                format!("make revision {name} the newest again"),
            ),
            Step::CompareTemplates { revision, .. } => self.tell(
                "compare-templates",
                format!("revision {revision}"),
                format!(
                    "ask the API server whether the template means what revision {revision} says"
                ),
            ),
            Step::DeleteRevision { name, .. } => {
                self.about("delete-revision", "delete old", "revision", name);
            }
            Step::AdoptRevision { name, .. } => {
                self.about("adopt-revision", "adopt", "revision", name)
            }
            Step::AdoptPod { name, .. } => self.about("adopt-pod", "adopt", "pod", name),
            Step::ReleasePod { name, .. } => self.about("release-pod", "release", "pod", name),
            Step::CreatePod {
                ordinal,
                claims,
                revision,
                ..
            } => {
                self.claims(claims);
                let pod = pod_name(&self.app, *ordinal);
                self.tell(
                    "create-pod",
                    format!("pod {pod}"),
                    format!("create pod {pod} (revision {revision})"),
                );
            }
            Step::CreateClaims { claims, .. } => self.claims(claims),
            Step::OwnClaim { name, .. } => {
                self.about("own-claim", "change the owners of", "claim", name);
            }
            Step::GrowClaim { name, storage, .. } => self.tell(
                "grow-claim",
                format!("claim {name}"),
                format!("let claim {name} grow to {storage}"),
            ),
            Step::DeletePod { name, why, .. } => {
                let why = match why {
                    WhyDelete::Condemned => "scale-in",
                    WhyDelete::Outdated => "update",
                    WhyDelete::Terminal => "it ended",
                    WhyDelete::Requested => "the plugin asks for it",
                    WhyDelete::Evicted => "its node is drained",
                    WhyDelete::Teardown => "teardown",
                };
                self.tell(
                    "delete-pod",
                    format!("pod {name}"),
                    format!("delete pod {name} ({why})"),
                );
            }
            Step::PatchPod { name, why, .. } => match why {
                WhyPatch::Identity => self.about("patch-pod", "repair the labels of", "pod", name),
                WhyPatch::MemberConfig => {
                    self.about("patch-pod", "hand new member-config to", "pod", name);
                }
                // Notes of the host to itself, and to Services.
                WhyPatch::PostReady | WhyPatch::Roles | WhyPatch::Eviction => {}
            },
            Step::Decide {
                question: Question::Validate,
            } => self.tell(
                "validate",
                "spec".to_owned(),
                "ask the plugin whether it accepts the spec".to_owned(),
            ),
            Step::DeleteClaim { name, .. } => self.about("delete-claim", "delete", "claim", name),
            // Notes of the host to itself.
            Step::SetGate { .. }
            | Step::CreateBudget { .. }
            | Step::DeleteBudget { .. }
            | Step::HoldApp
            | Step::ReleaseApp { .. }
            | Step::Interrupt { .. }
            | Step::Decide { .. } => {}
            Step::Call {
                act, cancelling, ..
            } => self.call(world, act, *cancelling),
        }
    }

    fn about(&mut self, action: &str, verb: &str, kind: &str, name: &str) {
        self.tell(
            action,
            format!("{kind} {name}"),
            format!("{verb} {kind} {name}"),
        );
    }

    fn claims(&mut self, claims: &[Value]) {
        for claim in claims {
            if let Some(name) = claim.pointer("/metadata/name").and_then(Value::as_str) {
                self.about("create-claim", "create", "claim", name);
            }
        }
    }

    fn call(&mut self, world: &World, act: &Act, cancelling: bool) {
        let hook = act.hook();
        let (subject, text) = match act {
            Act::PreScale { ordinal, .. } => {
                let pod = pod_name(&self.app, *ordinal);
                let (from, to) = (self.members, world.app.spec.replicas);
                (
                    "scale".to_owned(),
                    format!("call pre-scale before {pod} (scale {from} → {to})"),
                )
            }
            Act::PostReady { ordinal, .. } => {
                let pod = pod_name(&self.app, *ordinal);
                (format!("pod {pod}"), format!("call post-ready for {pod}"))
            }
            Act::PreDelete { ordinal, cause, .. } => {
                let pod = pod_name(&self.app, *ordinal);
                (
                    format!("pod {pod}"),
                    format!("call pre-delete for {pod} ({cause})"),
                )
            }
            Act::PostDelete { ordinal, .. } => {
                let pod = pod_name(&self.app, *ordinal);
                (
                    format!("pod {pod}"),
                    format!("call post-delete for the former {pod}"),
                )
            }
            Act::Task { name, .. } => (format!("task {name}"), format!("run task {name}")),
            Act::MoveRole {
                role,
                cause,
                target,
                ..
            } => {
                let holder = world
                    .recorded
                    .roles
                    .iter()
                    .find(|known| known.name == *role)
                    .and_then(|known| known.holder.as_ref())
                    .map_or_else(
                        || "its holder".to_owned(),
                        |holder| pod_name(&self.app, holder.ordinal),
                    );
                let way = match target {
                    Some(target) => {
                        format!("from {holder} to {}", pod_name(&self.app, *target))
                    }
                    None => format!("away from {holder}"),
                };
                (
                    format!("role {role}"),
                    format!("move role {role} {way} ({cause})"),
                )
            }
        };
        let text = if cancelling {
            format!("undo: {text}")
        } else {
            text
        };
        self.tell(hook, subject, text);
    }

    pub(super) fn wait_for_end(&mut self, kind: &str, name: &str) {
        self.tell(
            "wait",
            format!("{kind} {name}"),
            format!("wait until {kind} {name} is gone"),
        );
    }

    pub(super) fn wait_for_start(&mut self, world: &World, pod: &str) {
        let has_more_to_come = world.app.spec.min_ready_seconds > 0
            || matches!(&world.plugin, Plugin::Ready(plugin) if plugin.hooks.contains(POST_READY));
        let state = if has_more_to_come {
            "ready"
        } else {
            "available"
        };
        self.tell(
            "wait",
            format!("pod {pod}"),
            format!("wait until pod {pod} is {state}"),
        );
    }

    pub(super) fn pause(&mut self, from: Timestamp, to: Timestamp) {
        let seconds = to.as_second().saturating_sub(from.as_second());
        self.tell("wait", "time".to_owned(), format!("wait {seconds} s"));
    }
}
