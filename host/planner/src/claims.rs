//! The claims of a member: made before its pod, kept after it, used as they are (items 45 to 57).

mod bodies;
mod growth;
mod retention;
mod rows;

pub(crate) use growth::{grow, growing};
pub(crate) use retention::{retain, retain_of_missing};

use std::cell::OnceCell;

use serde_json::Value;

use crate::draft::Draft;
use crate::identity::{claim_name, pod_name};
use crate::plan::Step;
use crate::scene::{Member, Scene};
use crate::shared::Shared;
use crate::waiting::WaitingFor;
use crate::world::{App, Claim, PodPhase, World};
use rows::{Row, Rows};

/// What the claims of an ordinal allow.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Claims {
    /// Its pod may be there; claims that are missing are to be made first.
    Usable,
    /// No pod may be made that would use them.
    Wait(WaitingFor),
}

/// The claims of the app by template and ordinal; put there only when somebody looks, which many plans do not.
pub(crate) struct Shelf<'w> {
    app: &'w App,
    claims: &'w [Shared<Claim>],
    rows: OnceCell<Rows<'w>>,
}

impl<'w> Shelf<'w> {
    pub(crate) fn of(world: &'w World) -> Shelf<'w> {
        Shelf {
            app: &world.app,
            claims: &world.claims,
            rows: OnceCell::new(),
        }
    }

    fn rows(&self) -> &Rows<'w> {
        self.rows.get_or_init(|| Rows::of(self.app, self.claims))
    }

    /// Claims of this ordinal that exist, each with its template.
    fn of_ordinal(&self, ordinal: u32) -> impl Iterator<Item = (&Row<'w>, &'w Claim)> {
        (self.rows().all.iter()).filter_map(move |row| Some((row, *row.claims.get(ordinal)?)))
    }

    /// Whether anything may have to be done about claims of this member.
    fn concerns(&self, member: &Member<'_>) -> bool {
        !member.is_at_rest || self.rows().are_restless(member.ordinal)
    }

    /// Claims of this ordinal before its pod is made.
    pub(crate) fn for_creation(&self, ordinal: u32) -> Claims {
        let pod = pod_name(&self.app.name, ordinal);
        for (_, claim) in self.of_ordinal(ordinal) {
            let name = claim.name.clone();
            if claim.deletion.is_some() {
                // Upstream item 51.
                return Claims::Wait(WaitingFor::ClaimTerminating { claim: name, pod });
            }
            if is_held_by_a_former_pod(claim, &pod) {
                return Claims::Wait(WaitingFor::ClaimStale { claim: name, pod });
            }
        }
        Claims::Usable
    }

    /// Claims of this ordinal that do not exist, ready to be made.
    pub(crate) fn missing(&self, ordinal: u32) -> Vec<Value> {
        let missing = (self.rows().all.iter()).filter(|row| !row.claims.contains(ordinal));
        missing
            .map(|row| {
                let name = claim_name(row.name, &self.app.name, ordinal);
                bodies::claim_body(self.app, &name, row.template)
            })
            .collect()
    }
}

/// A claim that vanished while its pod is pending is made again (item 52). Under a running pod nothing is touched (item 53).
pub(crate) fn mend(scene: &Scene<'_>, draft: &mut Draft) {
    for member in scene.restless().filter(|member| member.is_wanted) {
        if member.pod.phase == PodPhase::Pending && member.is_alive() && member.is_adopted {
            let claims = scene.claims.missing(member.ordinal);
            if !claims.is_empty() {
                draft.steps.push(Step::CreateClaims {
                    ordinal: member.ordinal,
                    claims,
                });
            }
        }
    }
}

/// The last incarnation of the pod owns the claim: garbage collection is about to delete it (item 63). The claim is watched, so the wait ends by itself.
fn is_held_by_a_former_pod(claim: &Claim, pod: &str) -> bool {
    claim
        .owners
        .iter()
        .any(|owner| owner.kind == "Pod" && owner.name == pod)
}

#[cfg(test)]
mod upstream;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{claim, world};
    use crate::world::OwnerReference;
    use serde_json::json;

    fn with_data(claims: Vec<Claim>) -> World {
        let mut world = world(2);
        world.app.spec.claim_templates = ["data", "log"]
            .map(|name| json!({"metadata": {"name": name}, "spec": {}}))
            .to_vec();
        world.claims = claims.into_iter().map(Shared::from).collect();
        world
    }

    #[test]
    fn given_one_of_two_claims_then_only_the_other_is_made() {
        let world = with_data(vec![claim("data-web-1")]);
        let shelf = Shelf::of(&world);
        assert_eq!(shelf.for_creation(1), Claims::Usable);
        let missing = shelf.missing(1);
        let names: Vec<_> = missing
            .iter()
            .filter_map(|body| body.pointer("/metadata/name")?.as_str())
            .collect();
        assert_eq!(names, ["log-web-1"]);
    }

    #[test]
    fn given_a_claim_in_deletion_then_no_pod_is_made_on_it() {
        let mut old = claim("data-web-1");
        old.deletion = Some(jiff::Timestamp::UNIX_EPOCH);
        let world = with_data(vec![old]);
        assert_eq!(
            Shelf::of(&world).for_creation(1),
            Claims::Wait(WaitingFor::ClaimTerminating {
                claim: "data-web-1".to_owned(),
                pod: "web-1".to_owned()
            })
        );
    }

    /// Upstream item 63, after a quick scale in and out.
    #[test]
    fn given_a_claim_that_the_former_pod_owns_then_its_end_is_awaited() {
        let mut old = claim("data-web-1");
        old.owners.push(OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            name: "web-1".to_owned(),
            uid: "gone".to_owned(),
            controller: true,
        });
        let world = with_data(vec![old]);
        assert!(matches!(
            Shelf::of(&world).for_creation(1),
            Claims::Wait(WaitingFor::ClaimStale { .. })
        ));
    }
}
