//! Whose turn is it? In the order that the plugin gives where it has `update-order`; otherwise: As many outdated members as the budget lets go, highest ordinal first, holders of an exclusive role when nobody else is left
//! (items 96, 103 to 106).

use std::cmp::Reverse;

use crate::draft::Draft;
use crate::hooks::UPDATE_ORDER;
use crate::plan::Question;
use crate::roles;
use crate::scene::{Member, Scene};
use crate::spec::PodManagement;
use crate::world::UpdateOrder;

/// In which order members are updated.
enum Order<'w> {
    /// The plugin was asked and has not answered.
    Asked,
    /// From the highest ordinal to the lowest, holders of an exclusive role last.
    Usual,
    Given(&'w [u32]),
}

pub(super) fn next<'a, 'w>(scene: &'a Scene<'w>, draft: &mut Draft) -> Vec<&'a Member<'w>> {
    let replicas = scene.goal.ordinals.replicas;
    // Missing and terminating ones count, and those below the partition too.
    let unavailable = replicas.saturating_sub(scene.available());
    let budget = scene.world.app.spec.update.budget(replicas);
    let spare = usize::try_from(budget.saturating_sub(unavailable)).unwrap_or(usize::MAX);

    let mut outdated: Vec<_> = scene
        .wanted()
        .filter(|member| scene.is_outdated(member))
        .collect();
    let order = match order(scene, outdated.is_empty(), draft) {
        Order::Asked => return Vec::new(),
        Order::Usual => None,
        Order::Given(order) => Some(order),
    };
    outdated.sort_by_key(|member| match order {
        Some(order) => (place(order, member.ordinal), Reverse(0)),
        None => (0, Reverse(member.ordinal)),
    });
    let (broken, serving): (Vec<_>, Vec<_>) = outdated
        .into_iter()
        .partition(|member| !member.is_available());
    let (holders, others): (Vec<_>, Vec<_>) = serving
        .into_iter()
        .partition(|member| order.is_none() && roles::holds_exclusive(scene, &member.pod.uid));
    let in_turn = if others.is_empty() && broken.is_empty() {
        holders
    } else {
        others
    };

    let mut next = Vec::new();
    if scene.world.app.spec.pod_management == PodManagement::Parallel {
        // They serve nobody, so they cost no budget.
        next.extend(broken.into_iter().filter(|member| member.is_alive()));
    }
    next.extend(in_turn.into_iter().take(spare));
    next
}

/// Asks for each plan of an unfinished rollout; the answer is kept while what it was asked on stands.
fn order<'w>(scene: &Scene<'w>, is_finished: bool, draft: &mut Draft) -> Order<'w> {
    if is_finished || !scene.hooks.may_call(UPDATE_ORDER) {
        return Order::Usual;
    }
    match &scene.world.answers.update_order {
        None => {
            draft.ask(Question::UpdateOrder);
            Order::Asked
        }
        Some(UpdateOrder::Ordinals { ordinals }) if is_permutation(scene, ordinals) => {
            Order::Given(ordinals)
        }
        Some(UpdateOrder::Ordinals { .. } | UpdateOrder::Unusable) => Order::Usual,
    }
}

fn is_permutation(scene: &Scene<'_>, ordinals: &[u32]) -> bool {
    let mut sorted = ordinals.to_vec();
    sorted.sort_unstable();
    sorted.into_iter().eq(scene.goal.ordinals.iter())
}

fn place(order: &[u32], ordinal: u32) -> usize {
    let place = order.iter().position(|other| *other == ordinal);
    place.unwrap_or(usize::MAX)
}
