//! Who owns a claim, and so what garbage collection deletes it with (items 58 to 62, 65, 68). No claim is ever deleted here.
//!
//! | whenDeleted | whenScaled | member wanted | member leaves |
//! |-------------|------------|---------------|---------------|
//! | Retain      | Retain     | nobody        | nobody        |
//! | Delete      | Retain     | the app       | the app       |
//! | Retain      | Delete     | nobody        | its pod       |
//! | Delete      | Delete     | the app       | its pod       |

use std::cell::OnceCell;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::draft::Draft;
use crate::identity::owner_reference;
use crate::plan::Step;
use crate::scene::{Member, Mode, Scene};
use crate::spec::RetentionPolicy::{Delete, Retain};
use crate::spec::{PodManagement, UpdateStrategy};
use crate::waiting::WaitingFor;
use crate::world::{App, Claim, Face, OwnerReference, Pod};

/// What is to be done about the owners of one claim.
#[derive(Clone, Debug, PartialEq)]
enum Ownership {
    Right,
    /// A reference of ours to another incarnation: garbage collection decides (item 62).
    Stale,
    Change {
        owner: Option<Value>,
        disowned: BTreeSet<String>,
    },
}

/// Brings the owners of all claims of present members in order. While claims of one that is to leave are not, nobody leaves.
pub(crate) fn retain(scene: &Scene<'_>, draft: &mut Draft) {
    let app = &scene.world.app;
    let may_leave = OnceCell::new();
    let concerned = |member: &&Member<'_>| scene.claims.concerns(member);
    for member in scene.members.values().filter(concerned) {
        let is_wanted = member.is_wanted;
        let is_due = match is_wanted {
            true => is_kept(app, member),
            false => *may_leave.get_or_init(|| may_leave_now(scene)),
        };
        if !member.is_adopted || !is_due {
            continue;
        }
        settle(scene, member.ordinal, Some(member.pod), is_wanted, draft);
    }
}

/// Brings the owners of claims in order that are there before their pod, which is about to be made: whoever refuses the pod (a quota, say) has no say in what
/// becomes of its claims. As upstream does, which settles them after it tried.
pub(crate) fn retain_of_missing(scene: &Scene<'_>, ordinal: u32, draft: &mut Draft) {
    if scene.goal.mode == Mode::Full && scene.claims.rows().are_restless(ordinal) {
        settle(scene, ordinal, None, true, draft);
    }
}

/// Whether those out of range may leave, as far as their turn goes. Before, their claims are not given to them: whoever takes the scale back has lost nothing, even
/// when such a pod was deleted by somebody else in the meantime. Recreate lets all go at once.
fn may_leave_now(scene: &Scene<'_>) -> bool {
    let spec = &scene.world.app.spec;
    spec.pod_management == PodManagement::Parallel
        || spec.update == UpdateStrategy::Recreate
        || scene.is_filled()
}

/// Whether a member in range keeps its claims. Upstream also looks at one that is being deleted where it does not wait for its end (Parallel): claims that a
/// scale-in had given to the pod go back before garbage collection takes them. A plugin may have let the member go for good, so a StatefulApp does not.
fn is_kept(app: &App, member: &Member<'_>) -> bool {
    let is_passed_by =
        app.face == Face::StatefulSet && app.spec.pod_management == PodManagement::Parallel;
    member.is_alive() || (member.is_terminating() && is_passed_by)
}

/// The claims of one ordinal.
fn settle(scene: &Scene<'_>, ordinal: u32, pod: Option<&Pod>, is_wanted: bool, draft: &mut Draft) {
    let app = &scene.world.app;
    for (_, claim) in scene.claims.of_ordinal(ordinal) {
        tell_foreign(app, claim, pod, draft);
        if let Ownership::Change { owner, disowned } = ownership(app, pod, claim, is_wanted) {
            draft.holds_condemned |= !is_wanted;
            draft.steps.push(Step::OwnClaim {
                name: claim.name.clone(),
                uid: claim.uid.clone(),
                owner,
                disowned,
            });
        }
    }
}

/// Only a member that is wanted can have no pod.
fn ownership(app: &App, pod: Option<&Pod>, claim: &Claim, is_wanted: bool) -> Ownership {
    let retention = app.spec.retention;
    let by_pod = retention.when_scaled == Delete && !is_wanted;
    let by_app = retention.when_deleted == Delete && !by_pod;
    let is_app = |owner: &&OwnerReference| owner.uid == app.uid;
    let is_pod = |owner: &&OwnerReference| pod.is_some_and(|pod| owner.uid == pod.uid);
    if claim.owners.iter().any(|owner| is_stale(app, pod, owner)) {
        return Ownership::Stale;
    }
    let may_own = foreign_controller(app, claim, pod).is_none();
    let has = |is_it: &dyn Fn(&&OwnerReference) -> bool, wanted: bool| {
        let found = claim.owners.iter().find(|owner| is_it(owner));
        match found {
            // One that does not control is written anew (item 60).
            Some(owner) => wanted && may_own && owner.controller,
            None => !(wanted && may_own),
        }
    };
    if has(&is_app, by_app) && has(&is_pod, by_pod) {
        return Ownership::Right;
    }
    let owner = match may_own {
        true if by_app => Some(owner_reference(app)),
        true if by_pod => pod.map(pod_reference),
        _ => None,
    };
    Ownership::Change {
        owner,
        disowned: claim
            .owners
            .iter()
            .filter(|owner| is_app(owner) || is_pod(owner))
            .map(|owner| owner.uid.clone())
            .collect(),
    }
}

/// Whether its owners are right as long as its member is wanted, whatever pod that has.
pub(super) fn is_kept_right(app: &App, claim: &Claim) -> bool {
    match (app.spec.retention.when_deleted, claim.owners.as_slice()) {
        (Retain, []) => true,
        (Delete, [owner]) => owner.controller && owner.uid == app.uid && owner.kind != "Pod",
        _ => false,
    }
}

/// Names the app or the pod, and means another one of that name.
fn is_stale(app: &App, pod: Option<&Pod>, owner: &OwnerReference) -> bool {
    let is_of_app = owner.name == app.name && owner.uid != app.uid && owner.kind == app.face.kind();
    let is_of_pod = |pod: &Pod| owner.name == pod.name && owner.uid != pod.uid;
    is_of_app || owner.kind == "Pod" && pod.is_some_and(is_of_pod)
}

/// Another controller has the claim, and it is asked for (item 61).
fn foreign_controller<'c>(
    app: &App,
    claim: &'c Claim,
    pod: Option<&Pod>,
) -> Option<&'c OwnerReference> {
    if app.spec.retention.when_deleted == Retain && app.spec.retention.when_scaled == Retain {
        return None;
    }
    let is_ours = |owner: &OwnerReference| {
        owner.uid == app.uid || pod.is_some_and(|pod| owner.uid == pod.uid)
    };
    (claim.owners.iter()).find(|owner| owner.controller && !is_ours(owner))
}

fn tell_foreign(app: &App, claim: &Claim, pod: Option<&Pod>, draft: &mut Draft) {
    if let Some(owner) = foreign_controller(app, claim, pod)
        && !is_stale(app, pod, owner)
    {
        draft.wait(WaitingFor::ClaimControlled {
            claim: claim.name.clone(),
            by: format!("{} {}", owner.kind, owner.name),
        });
    }
}

fn pod_reference(pod: &Pod) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "name": pod.name,
        "uid": pod.uid,
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

#[cfg(test)]
mod upstream;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::RetentionPolicy;
    use crate::testing::{app, claim, pod};

    fn owned(owners: &[(&str, &str, &str, bool)]) -> Claim {
        let mut claim = claim("data-web-0");
        claim.owners = owners
            .iter()
            .map(|(kind, name, uid, controller)| OwnerReference {
                api_version: "v1".to_owned(),
                kind: (*kind).to_owned(),
                name: (*name).to_owned(),
                uid: (*uid).to_owned(),
                controller: *controller,
            })
            .collect();
        claim
    }

    /// What becomes of the claim: `=` nothing, `?` left to garbage collection, `+Kind` and `-uid` otherwise.
    fn told(
        policy: (RetentionPolicy, RetentionPolicy),
        owners: &[(&str, &str, &str, bool)],
        is_wanted: bool,
    ) -> String {
        let mut app = app(1);
        app.spec.retention.when_deleted = policy.0;
        app.spec.retention.when_scaled = policy.1;
        let pod = pod(&app, 0, "web-a");
        match ownership(&app, Some(&pod), &owned(owners), is_wanted) {
            Ownership::Right => "=".to_owned(),
            Ownership::Stale => "?".to_owned(),
            Ownership::Change { owner, disowned } => {
                let added = owner.map_or_else(String::new, |owner| {
                    format!("+{}", owner["kind"].as_str().unwrap())
                });
                let gone: String = disowned.iter().map(|uid| format!("-{uid}")).collect();
                format!("{added}{gone}")
            }
        }
    }

    const APP: (&str, &str, &str, bool) = ("StatefulApp", "web", "app-uid", true);
    const POD: (&str, &str, &str, bool) = ("Pod", "web-0", "uid-0", true);

    /// Upstream's IsClaimOwnerUpToDate and UpdateClaimOwnerRefForSetAndPod (items 59 and 60).
    #[test]
    fn the_table_of_owners_holds() {
        let none: &[(&str, &str, &str, bool)] = &[];
        for (policy, owners, wanted, leaving) in [
            ((Retain, Retain), none, "=", "="),
            ((Retain, Retain), &[APP][..], "-app-uid", "-app-uid"),
            ((Retain, Retain), &[POD][..], "-uid-0", "-uid-0"),
            ((Delete, Retain), none, "+StatefulApp", "+StatefulApp"),
            ((Delete, Retain), &[APP][..], "=", "="),
            (
                (Delete, Retain),
                &[POD][..],
                "+StatefulApp-uid-0",
                "+StatefulApp-uid-0",
            ),
            ((Retain, Delete), none, "=", "+Pod"),
            ((Retain, Delete), &[APP][..], "-app-uid", "+Pod-app-uid"),
            ((Retain, Delete), &[POD][..], "-uid-0", "="),
            ((Delete, Delete), none, "+StatefulApp", "+Pod"),
            ((Delete, Delete), &[APP][..], "=", "+Pod-app-uid"),
            ((Delete, Delete), &[POD][..], "+StatefulApp-uid-0", "="),
            (
                (Delete, Delete),
                &[APP, POD][..],
                "+StatefulApp-app-uid-uid-0",
                "+Pod-app-uid-uid-0",
            ),
        ] {
            assert_eq!(
                told(policy, owners, true),
                wanted,
                "{policy:?} {owners:?}, wanted"
            );
            assert_eq!(
                told(policy, owners, false),
                leaving,
                "{policy:?} {owners:?}, leaving"
            );
        }
        let weak = ("StatefulApp", "web", "app-uid", false);
        assert_eq!(
            told((Delete, Retain), &[weak], true),
            "+StatefulApp-app-uid"
        );
    }

    /// Upstream's HasUnexpectedController and HasNonController (item 61).
    #[test]
    fn a_claim_of_another_controller_is_left_to_it() {
        let other = ("Database", "db", "other", true);
        let plain = ("Database", "db", "other", false);
        assert_eq!(told((Delete, Delete), &[other], true), "=");
        assert_eq!(told((Delete, Delete), &[other], false), "=");
        assert_eq!(
            told(
                (Delete, Retain),
                &[other, ("StatefulApp", "web", "app-uid", false)],
                true
            ),
            "-app-uid"
        );
        assert_eq!(told((Retain, Retain), &[other], true), "=");
        assert_eq!(told((Delete, Retain), &[plain], true), "+StatefulApp");
    }

    /// Upstream's HasStaleOwnerRef (item 62).
    #[test]
    fn a_reference_to_another_incarnation_is_left_to_garbage_collection() {
        for stale in [
            ("Pod", "web-0", "before", true),
            ("StatefulApp", "web", "before", true),
        ] {
            assert_eq!(told((Delete, Delete), &[stale], true), "?");
            assert_eq!(told((Retain, Retain), &[stale], false), "?");
        }
    }
}
