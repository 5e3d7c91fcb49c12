//! A claim template of a StatefulApp may ask for more storage than before: the claims that exist grow, each by itself and never to less than they have. What
//! else changes in a template counts for claims that are made from then on.

use serde_json::Value;

use crate::draft::Draft;
use crate::plan::Step;
use crate::revisions::nano;
use crate::scene::{Member, Scene};
use crate::waiting::WaitingFor;
use crate::world::{Claim, Face};

pub(crate) fn grow(scene: &Scene<'_>, draft: &mut Draft) {
    if scene.world.app.face != Face::StatefulApp {
        return;
    }
    let concerned = |member: &&Member<'_>| scene.claims.concerns(member);
    for member in scene.wanted().filter(concerned) {
        for (row, claim) in scene.claims.of_ordinal(member.ordinal) {
            // The API lets only bound claims grow.
            if claim.deletion.is_some() || !claim.is_bound {
                continue;
            }
            if let Some(storage) = larger(row.storage, claim) {
                draft.steps.push(Step::GrowClaim {
                    name: claim.name.clone(),
                    uid: claim.uid.clone(),
                    storage: storage.to_owned(),
                });
            } else {
                tell(claim, draft);
            }
        }
    }
}

/// The storage that a template asks for.
pub(super) fn storage(template: &Value) -> Option<&str> {
    let spec = template.get("spec")?.get("resources")?;
    spec.get("requests")?.get("storage")?.as_str()
}

/// What the template asks for, when it is more than the claim does.
fn larger<'t>(wanted: Option<&'t str>, claim: &Claim) -> Option<&'t str> {
    let wanted = wanted?;
    // Mostly the same words; numbers are read where they differ.
    if claim.requested.as_deref() == Some(wanted) {
        return None;
    }
    let requested = claim.requested.as_deref().and_then(nano)?;
    (nano(wanted)? > requested).then_some(wanted)
}

/// The storage that it has and the more that it requests, while it waits for that.
pub(crate) fn growing(claim: &Claim) -> Option<(&str, &str)> {
    let (capacity, requested) = (claim.capacity.as_deref()?, claim.requested.as_deref()?);
    let is_less = capacity != requested && nano(capacity) < nano(requested);
    is_less.then_some((capacity, requested))
}

fn tell(claim: &Claim, draft: &mut Draft) {
    if let Some((capacity, requested)) = growing(claim) {
        draft.wait(WaitingFor::ClaimGrowing {
            claim: claim.name.clone(),
            capacity: capacity.to_owned(),
            requested: requested.to_owned(),
            standing: claim.growth.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{claim, now, pod, world};
    use crate::world::World;
    use serde_json::json;

    fn given(template: &str, requested: &str, capacity: &str) -> World {
        let mut world = world(1);
        world.app.spec.claim_templates = vec![json!({
            "metadata": {"name": "data"},
            "spec": {"resources": {"requests": {"storage": template}}},
        })];
        let revision = world.revisions[0].name.clone();
        world.pods = vec![pod(&world.app, 0, &revision)];
        let claim = Claim {
            requested: Some(requested.to_owned()),
            capacity: Some(capacity.to_owned()),
            ..claim("data-web-0")
        };
        world.claims = vec![claim.into()];
        world
    }

    fn grown(world: &World) -> Vec<String> {
        let plan = crate::plan(world, now());
        plan.steps
            .iter()
            .filter_map(|step| match step {
                Step::GrowClaim { name, storage, .. } => Some(format!("{name} {storage}")),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn given_a_larger_template_then_the_claim_grows() {
        assert_eq!(grown(&given("2Gi", "1Gi", "1Gi")), ["data-web-0 2Gi"]);
    }

    #[test]
    fn given_the_same_or_less_then_the_claim_stays() {
        assert!(grown(&given("1024Mi", "1Gi", "1Gi")).is_empty());
        assert!(grown(&given("500Mi", "1Gi", "1Gi")).is_empty());
    }

    #[test]
    fn given_a_statefulset_then_no_claim_grows() {
        let mut world = given("2Gi", "1Gi", "1Gi");
        world.app.face = Face::StatefulSet;
        assert!(grown(&world).is_empty());
    }

    #[test]
    fn given_a_claim_that_is_not_bound_then_it_is_left_until_it_is() {
        let mut world = given("2Gi", "1Gi", "1Gi");
        world.claims[0].is_bound = false;
        assert!(grown(&world).is_empty());
    }

    #[test]
    fn given_a_growth_under_way_then_its_standing_is_told() {
        let mut world = given("2Gi", "2Gi", "1Gi");
        world.claims[0].growth = Some("FileSystemResizePending".to_owned());
        let plan = crate::plan(&world, now());
        let wait = &plan.status.waiting[0];
        assert_eq!(
            (wait.reason.as_str(), wait.subject.as_str()),
            ("ClaimGrowing", "claim data-web-0")
        );
        assert!(
            wait.message.contains("FileSystemResizePending"),
            "{}",
            wait.message
        );
    }
}
