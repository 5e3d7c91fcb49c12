//! What depends on who is faster, the controller or somebody else, and is therefore not drawn to compare two controllers.
//!
//! | deed | kept out | because |
//! |---|---|---|
//! | restart | always | it is no deed of its own there: whole scenarios are drawn with it, and only their ends compared |
//! | hasty lines | always | nobody can say how far the last edit has come; written ones are played, and their ends compared |
//! | quota | with Parallel | upstream's batches end with the first pod that is refused (item 86), and who gets the last place is chance |
//! | relabel | with Parallel | the name that stays taken ends upstream's batches, too (item 86) |
//! | fail, succeed, ready, unready, delete claim, delete set | while the node is lost | it befalls the pods at one moment with all else when the node is back; a pod without a node does not protect its claim, and nothing tells upstream that the claim went (item 1) |

use crate::scenario::{Deed, Line};

/// Whether this, after these lines, would be a race.
pub(super) fn with(lines: &[Line], deed: &Deed) -> bool {
    let deeds = || lines.iter().map(|line| &line.deed);
    let is_parallel = deeds().any(|deed| matches!(deed, Deed::Set(set) if set.is_parallel));
    let last_of_node = deeds()
        .rev()
        .find(|deed| matches!(deed, Deed::LoseNode | Deed::NodeBack));
    let is_lost = last_of_node == Some(&Deed::LoseNode);
    match deed {
        Deed::Restart => true,
        Deed::Quota(_) | Deed::RelabelPod(_) => is_parallel,
        Deed::Fail(_)
        | Deed::Succeed(_)
        | Deed::Ready(_)
        | Deed::Unready(_)
        | Deed::DeleteClaim(_)
        | Deed::DeleteSet(_) => is_lost,
        _ => false,
    }
}
