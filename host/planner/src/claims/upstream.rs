//! Upstream's TestPodClaimIsStale, row by row: which claims hold up a pod. Members have two claims, and whoever is scaled in loses them.

use serde_json::json;

use crate::plan::Step;
use crate::spec::RetentionPolicy;
use crate::testing::{claim, now, pod, world};
use crate::world::{Claim, OwnerReference, World};

/// `.` it does not exist, `c` nobody owns it, `s` a former pod does, `p` the present pod does, if there is one.
fn given(claims: &str, is_there: bool) -> World {
    let mut world = world(1);
    world.app.spec.retention.when_scaled = RetentionPolicy::Delete;
    let revision = world.revisions[0].name.clone();
    if is_there {
        world.pods = vec![pod(&world.app, 0, &revision)];
    }
    for (number, letter) in claims.chars().enumerate() {
        let name = format!("claim-{number}");
        let template = json!({"metadata": {"name": &name}, "spec": {}});
        world.app.spec.claim_templates.push(template);
        let owner = |uid: &str| OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            name: "web-0".to_owned(),
            uid: uid.to_owned(),
            controller: false,
        };
        let owners = match letter {
            '.' => continue,
            's' => vec![owner("stale")],
            'p' => vec![owner("uid-0")],
            _ => Vec::new(),
        };
        let claim = Claim {
            owners,
            ..claim(&format!("{name}-web-0"))
        };
        world.claims.push(claim.into());
    }
    world
}

#[test]
fn a_claim_that_a_former_pod_owns_holds_up_the_next_one() {
    for (claims, is_stale) in [
        ("..", false),
        ("", false),
        (".c", false),
        ("sc", true),
        ("s.", true),
        // The reference names a pod, and there is none.
        ("p", true),
    ] {
        let plan = crate::plan(&given(claims, false), now());
        let is_made = |step: &Step| matches!(step, Step::CreatePod { .. });
        assert_eq!(plan.steps.iter().any(is_made), !is_stale, "{claims:?}");
        let mut waiting = plan.status.waiting.iter();
        assert_eq!(
            waiting.any(|wait| wait.reason == "ClaimStale"),
            is_stale,
            "{claims:?}"
        );
    }
}

/// Upstream asks it of a pod that is there, too, and does nothing with the answer: what it means is that the claim is left to garbage collection.
#[test]
fn a_claim_of_the_present_pod_is_settled_and_that_of_a_former_one_is_left() {
    for (claims, settled) in [("pp", 2), ("ps", 1)] {
        let plan = crate::plan(&given(claims, true), now());
        let is_owning = |step: &&Step| matches!(step, Step::OwnClaim { .. });
        assert_eq!(
            plan.steps.iter().filter(is_owning).count(),
            settled,
            "{claims:?}"
        );
    }
}

/// Upstream's TestStatefulPodControlRetentionPolicyUpdateMissingClaims.
#[test]
fn a_claim_that_is_missing_has_no_owner_to_settle() {
    for (claims, settled) in [("..", 0), (".c", 1), ("cc", 2)] {
        let mut world = given(claims, true);
        world.app.spec.retention.when_deleted = RetentionPolicy::Delete;
        let steps = crate::plan(&world, now()).steps;
        let is_owning = |step: &&Step| matches!(step, Step::OwnClaim { .. });
        assert_eq!(steps.iter().filter(is_owning).count(), settled, "{claims}");
        assert_eq!(steps.len(), settled, "{steps:#?}");
    }
}
