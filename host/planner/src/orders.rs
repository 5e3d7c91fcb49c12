//! What the plugin asked for with an outcome: a pod to be replaced, a member's volumes to be discarded, a member not to be started again.
//!
//! An order stands in the status from the write that committed the outcome until it is fulfilled. A quarantine ends when a user releases the member.

use crate::deletion;
use crate::draft::Draft;
use crate::plan::{Step, WhyDelete};
use crate::rulings;
use crate::scene::{Mode, Scene};
use crate::status::{Order, Status};
use crate::waiting::WaitingFor;
use crate::world::Verb;

/// Orders that are open at a time.
pub(crate) const MOST: usize = 32;

/// Brings every order forward.
pub(crate) fn advance(scene: &Scene<'_>, draft: &mut Draft) {
    let mut orders = std::mem::take(&mut draft.status.orders);
    orders.retain(|order| is_open(scene, order));
    draft.status.orders.clone_from(&orders);
    if scene.goal.mode != Mode::Full {
        return;
    }
    for order in &orders {
        match order {
            Order::Replace { ordinal, pod, .. } => {
                let member = scene.incarnation(*ordinal, pod);
                if let Some(member) = member.filter(|member| member.is_alive()) {
                    deletion::delete(scene, member, WhyDelete::Requested, draft);
                }
            }
            Order::Discard {
                ordinal, claims, ..
            } => discard(scene, *ordinal, claims, draft),
            Order::Quarantine { .. } => {}
        }
    }
}

fn is_open(scene: &Scene<'_>, order: &Order) -> bool {
    match order {
        Order::Replace { ordinal, pod, .. } => scene.incarnation(*ordinal, pod).is_some(),
        Order::Discard { claims, .. } => scene
            .world
            .claims
            .iter()
            .any(|claim| claims.contains(&claim.uid)),
        Order::Quarantine { ordinal, .. } => !is_released(scene, *ordinal),
    }
}

/// First the pod that uses them, then the claims.
fn discard(scene: &Scene<'_>, ordinal: u32, claims: &[String], draft: &mut Draft) {
    if let Some(member) = scene.members.get(ordinal) {
        if member.is_alive() {
            deletion::delete(scene, member, WhyDelete::Requested, draft);
        }
        return;
    }
    for claim in &scene.world.claims {
        if claims.contains(&claim.uid) && claim.deletion.is_none() {
            draft.steps.push(Step::DeleteClaim {
                name: claim.name.clone(),
                uid: claim.uid.clone(),
            });
        }
    }
}

/// Whether this pod is to be replaced because the plugin asked for it.
pub(crate) fn replaces(scene: &Scene<'_>, ordinal: u32, uid: &str) -> bool {
    scene.world.recorded.orders.iter().any(|order| match order {
        Order::Replace { pod, .. } => pod == uid,
        Order::Discard { ordinal: of, .. } => *of == ordinal && is_open(scene, order),
        Order::Quarantine { .. } => false,
    })
}

/// The wait of a new pod under this ordinal, while an order stands in its way.
pub(crate) fn blocks(draft: &Draft, ordinal: u32) -> Option<WaitingFor> {
    draft.status.orders.iter().find_map(|order| match order {
        Order::Quarantine { ordinal: of, why } if *of == ordinal => Some(WaitingFor::Quarantined {
            ordinal,
            why: why.clone(),
        }),
        Order::Discard {
            ordinal: of, why, ..
        } if *of == ordinal => Some(WaitingFor::Discarding {
            ordinal,
            why: why.clone(),
        }),
        _ => None,
    })
}

pub(crate) fn is_quarantined(status: &Status, wanted: u32) -> bool {
    (status.orders.iter())
        .any(|order| matches!(order, Order::Quarantine { ordinal, .. } if *ordinal == wanted))
}

/// Orders the plugin's wish, once.
pub(crate) fn take(status: &mut Status, order: Order) {
    let is_same = |known: &Order| match (known, &order) {
        (Order::Replace { pod, .. }, Order::Replace { pod: other, .. }) => pod == other,
        (
            Order::Discard {
                ordinal, claims, ..
            },
            Order::Discard {
                ordinal: other,
                claims: others,
                ..
            },
        ) => ordinal == other && claims == others,
        (Order::Quarantine { ordinal, .. }, Order::Quarantine { ordinal: other, .. }) => {
            ordinal == other
        }
        _ => false,
    };
    if !status.orders.iter().any(is_same) {
        status.orders.push(order);
    }
}

fn is_released(scene: &Scene<'_>, ordinal: u32) -> bool {
    let Some(wish) = &scene.world.app.wishes.ruling else {
        return false;
    };
    // In the plan that takes the wish up; later there is no such order.
    let is_new = (scene.world.recorded.rulings.iter())
        .all(|ruling| ruling.request.as_ref() != Some(&wish.id));
    is_new && wish.verb == Verb::Skip && wish.invocation.0 == rulings::quarantine(ordinal)
}

#[cfg(test)]
mod tests;
