//! The words of each wait: who can end it, a stable reason, what it is about, and what would end it.

use std::borrow::Cow;

use super::{HookStanding, Owner, WaitingFor};
use crate::identity::pod_name;
use crate::journal::{Act, InvocationId, MoveCause};
use crate::rulings;

/// Most texts are the same for all waits of a kind.
pub(super) type Text = Cow<'static, str>;

/// One wait in words.
pub(super) struct Words {
    pub(super) owner: Owner,
    pub(super) reason: &'static str,
    pub(super) subject: String,
    pub(super) message: Text,
    pub(super) unblocks: Text,
    pub(super) invocation: Option<InvocationId>,
}

fn words(
    owner: Owner,
    reason: &'static str,
    subject: String,
    message: impl Into<Text>,
    unblocks: impl Into<Text>,
) -> Words {
    Words {
        owner,
        reason,
        subject,
        message: message.into(),
        unblocks: unblocks.into(),
        invocation: None,
    }
}

impl Words {
    fn about(self, invocation: InvocationId) -> Words {
        Words {
            invocation: Some(invocation),
            ..self
        }
    }
}

fn because(text: impl Into<Text>, hindrance: Option<&String>) -> Text {
    let text = text.into();
    match hindrance {
        Some(hindrance) => format!("{text}: {hindrance}").into(),
        None => text,
    }
}

/// Whether there are words for it.
pub(super) fn is_told(wait: &WaitingFor) -> bool {
    !matches!(wait, WaitingFor::Recording)
}

/// None for what is over in a moment.
pub(super) fn of(app: &str, wait: &WaitingFor) -> Option<Words> {
    use Owner::{Clock, Kubernetes, Plugin, User};
    use WaitingFor as W;
    Some(match wait {
        W::Recording => return None,
        W::PodStarting { pod, hindrance } => words(
            Kubernetes,
            "PodStarting",
            format!("pod {pod}"),
            because("its containers do not all run yet", hindrance.as_ref()),
            match hindrance {
                Some(_) => "the hindrance that Kubernetes names is removed",
                None => "the pod is scheduled and its containers start",
            },
        ),
        W::PodNotReady { pod, hindrance } => words(
            Kubernetes,
            "PodNotReady",
            format!("pod {pod}"),
            because(
                "its containers run, but it is not Ready",
                hindrance.as_ref(),
            ),
            "its readiness probes succeed",
        ),
        W::PodReadyLongEnough { pod, seconds } => words(
            Clock,
            "MinReadySeconds",
            format!("pod {pod}"),
            format!("it is Ready, and must stay so for {seconds} s"),
            "time passes",
        ),
        W::PodTerminating { pod } => words(
            Kubernetes,
            "PodTerminating",
            format!("pod {pod}"),
            "it is being deleted and not gone yet",
            "its containers stop; when its node is lost, it must be fenced or the pod deleted by force",
        ),
        W::ClaimTerminating { claim, pod } => words(
            Kubernetes,
            "ClaimTerminating",
            format!("claim {claim}"),
            format!("it is being deleted, so pod {pod} cannot be created on it"),
            "the claim is gone; then a new one is created",
        ),
        W::ClaimStale { claim, pod } => words(
            Kubernetes,
            "ClaimStale",
            format!("claim {claim}"),
            format!("it belongs to the former pod {pod} and is about to be deleted with it"),
            "garbage collection deletes the claim; then a new one is created",
        ),
        W::ClaimControlled { claim, by } => words(
            User,
            "ConflictingController",
            format!("claim {claim}"),
            format!("{by} controls it, so the retention policy does not apply to it"),
            "its other controller lets go of it, or the policy retains claims",
        ),
        W::ClaimGrowing {
            claim,
            capacity,
            requested,
            standing,
        } => words(
            Kubernetes,
            "ClaimGrowing",
            format!("claim {claim}"),
            because(
                format!("it has {capacity} of {requested}"),
                standing.as_ref(),
            ),
            "the volume grows; a file system that waits for its node grows when the pod is started again",
        ),
        W::PodKeepsEnding { pod, count, until } => words(
            Clock,
            "PodKeepsEnding",
            format!("pod {pod}"),
            match count {
                Some(count) => format!(
                    "{count} pods of this name ended one after another; the next one is created after {until}"
                ),
                None => format!(
                    "it ended, as those of many members did; the next one is created after {until}"
                ),
            },
            "time passes; a pod that runs needs the cause removed",
        ),
        W::NameTaken { pod } => words(
            User,
            "PodNameTaken",
            format!("pod {pod}"),
            "a pod of this name exists whose labels the selector does not match",
            "that pod is deleted, or gets its labels back",
        ),
        W::Hook { act, standing } => hook(app, act, standing),
        W::MemberConfig { pod, problem } => words(
            Plugin,
            match problem {
                None => "MemberConfigPending",
                Some(_) => "MemberConfigFails",
            },
            format!("pod {pod}"),
            match problem {
                None => "member-config was not answered yet".to_owned(),
                Some((reason, message)) => format!("member-config fails ({reason}): {message}"),
            },
            "member-config answers; it is asked again",
        ),
        W::Validation => words(
            Plugin,
            "ValidationPending",
            "spec".to_owned(),
            "the plugin did not judge the present spec yet",
            "validate answers",
        ),
        W::ValidationRefused { message } => words(
            User,
            "SpecRefused",
            "spec".to_owned(),
            format!("the plugin refuses the present spec, nothing is changed toward it: {message}"),
            "the spec is changed as the plugin says",
        ),
        W::ValidationFailed { reason, message } => words(
            Plugin,
            "ValidationFails",
            "spec".to_owned(),
            format!(
                "validate fails ({reason}), nothing is changed toward the present spec: {message}"
            ),
            "validate answers; it is asked again",
        ),
        W::PluginUnavailable {
            name,
            reason,
            message,
        } => words(
            User,
            "PluginUnavailable",
            format!("plugin {name}"),
            format!("{reason}: {message}"),
            "the plugin is installed, granted what it needs and loads",
        ),
        W::UnfinishedScale { target } => words(
            Plugin,
            "ScaleSuspended",
            format!("scale to {target}"),
            "the scale that was under way goes on when the plugin accepts the spec",
            "the plugin is available and accepts the spec",
        ),
        W::NoCandidate { role, pod } => words(
            Kubernetes,
            "NoCandidate",
            format!("role {role}"),
            format!("pod {pod} holds it, and no other member that stays is available to take it"),
            "another member becomes available",
        ),
        W::RoleUnheld { role } => words(
            Plugin,
            "RoleUnheld",
            format!("role {role}"),
            "its holder's pod is gone and nobody has claimed the role since",
            "a member claims the role after it is ready",
        ),
        W::SwitchoverQueued { role } => words(
            Plugin,
            "SwitchoverQueued",
            format!("role {role}"),
            "the switchover that was asked for waits for another move of the role",
            "that move ends",
        ),
        W::Departure { ordinal, id } => words(
            Plugin,
            "OrdinalInUse",
            format!("pod {}", pod_name(app, *ordinal)),
            "the plugin tidies up after the member that had this ordinal",
            format!("{id} is done"),
        )
        .about(id.clone()),
        W::Quarantined { ordinal, why } => words(
            User,
            "Quarantined",
            format!("pod {}", pod_name(app, *ordinal)),
            format!("the plugin keeps this member from being started: {why}"),
            format!(
                "somebody releases it: stateward invocation skip {app} quarantine/{ordinal} --reason …"
            ),
        )
        .about(InvocationId(rulings::quarantine(*ordinal))),
        W::Discarding { ordinal, why } => words(
            Kubernetes,
            "DiscardingVolumes",
            format!("pod {}", pod_name(app, *ordinal)),
            format!("its claims are being deleted, as the plugin asked: {why}"),
            "the claims are gone; then new ones are created",
        ),
        W::Aborted { act } => words(
            User,
            "Aborted",
            subject(app, act),
            format!("{} was aborted", purpose(app, act)),
            "the spec is changed",
        )
        .about(act.id()),
        W::RoleStays { role, pod } => words(
            User,
            "Aborted",
            format!("role {role}"),
            format!("pod {pod} holds it, and moving it away was aborted"),
            "the spec is changed",
        ),
        W::Drain { pod, node } => words(
            Kubernetes,
            "DrainQueued",
            format!("pod {pod}"),
            format!("node {node} is drained, and members leave it one at a time"),
            "all other members are available",
        ),
        W::Eviction { pod, until } => words(
            Clock,
            "EvictionAwaited",
            format!("pod {pod}"),
            "it is prepared, and whoever drains its node may evict it",
            format!("it is evicted, or deleted at {until}"),
        ),
        W::Partition {
            partition,
            pods,
            revision,
        } => words(
            User,
            "Partition",
            "rollout".to_owned(),
            format!(
                "partition {partition} keeps {} at revision {revision}",
                listed(pods)
            ),
            "the partition is lowered",
        ),
        W::Paused { pods } => words(
            User,
            "Paused",
            "rollout".to_owned(),
            format!("spec.paused keeps {} at an older revision", listed(pods)),
            "spec.paused is taken back",
        ),
        W::OnDelete { pods, revision } => words(
            User,
            "OnDelete",
            "rollout".to_owned(),
            format!(
                "updateStrategy is OnDelete, and not at revision {revision} yet: {}",
                listed(pods)
            ),
            "these pods are deleted",
        ),
    })
}

fn hook(app: &str, act: &Act, standing: &HookStanding) -> Words {
    let what = purpose(app, act);
    let (owner, reason, message, unblocks) = match standing {
        HookStanding::Asked => (
            Owner::Plugin,
            "HookRunning",
            format!("{what}: the plugin was asked"),
            "the plugin answers".to_owned(),
        ),
        HookStanding::Queued { behind } => (
            Owner::Plugin,
            "HookQueued",
            format!("{what}: waits for {behind}"),
            format!("{behind} ends"),
        ),
        HookStanding::InProgress { percent, message } => (
            Owner::Plugin,
            "HookInProgress",
            match percent {
                Some(percent) => format!("{what}: {percent} %, {message}"),
                None => format!("{what}: {message}"),
            },
            "the plugin says that it is done".to_owned(),
        ),
        HookStanding::Refused { reason } => (
            Owner::Plugin,
            "PluginRefuses",
            format!("{what}: {reason}"),
            "what the plugin names changes; it is asked again".to_owned(),
        ),
        HookStanding::Failing {
            reason, message, ..
        } => (
            Owner::Plugin,
            "PluginFails",
            format!("{what} ({reason}): {message}"),
            "the cause is removed; it is tried again".to_owned(),
        ),
        HookStanding::Fatal { message } => (
            Owner::User,
            "PluginFatal",
            format!("{what}: {message}"),
            "the spec or the plugin is changed".to_owned(),
        ),
        HookStanding::DidNotMove => (
            Owner::Plugin,
            "PluginDidNotMove",
            format!("{what}: the plugin said done, but nobody else claimed the role"),
            "the plugin claims the role for another member; it is asked again".to_owned(),
        ),
    };
    words(owner, reason, subject(app, act), message, unblocks).about(act.id())
}

fn subject(app: &str, act: &Act) -> String {
    match act {
        Act::PreScale { .. } => "scale".to_owned(),
        Act::PostReady { ordinal, .. } | Act::PreDelete { ordinal, .. } => {
            format!("pod {}", pod_name(app, *ordinal))
        }
        Act::MoveRole { role, .. } => format!("role {role}"),
        Act::PostDelete { ordinal, .. } => format!("member {ordinal}"),
        Act::Task { name, .. } => format!("task {name}"),
    }
}

/// What the hook is called for: `pre-scale before web-3`.
fn purpose(app: &str, act: &Act) -> String {
    match act {
        Act::PreScale { ordinal, .. } => {
            format!("pre-scale before {}", pod_name(app, *ordinal))
        }
        Act::PostReady { .. } => "post-ready".to_owned(),
        Act::PreDelete { cause, .. } => format!("pre-delete ({cause})"),
        Act::PostDelete { .. } => "post-delete".to_owned(),
        Act::Task {
            name,
            run,
            member: Some(member),
            ..
        } => format!("run {run} of task {name} for {}", pod_name(app, *member)),
        Act::Task { name, run, .. } => format!("run {run} of task {name}"),
        Act::MoveRole {
            cause: MoveCause::Planned,
            target: Some(target),
            ..
        } => format!("move-role to {} (planned)", pod_name(app, *target)),
        Act::MoveRole { cause, .. } => format!("move-role ({cause})"),
    }
}

/// `web-0, web-1, web-2, web-3, web-4 and 2 more`.
fn listed(pods: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<_> = pods.iter().take(SHOWN).map(String::as_str).collect();
    match pods.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
