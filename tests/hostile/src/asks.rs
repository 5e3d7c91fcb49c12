//! Deeds that ask the host to do away with members and their data.

use crate::bindings::stateward::plugin::requests;
use crate::bindings::stateward::plugin::types::Failure;

const WHY: &str = "out of spite";

/// `delete-pod`, `discard` or `quarantine`, so many times; what the first answered, and the last.
pub(crate) fn of(deed: &str, ordinal: u32, pod: &str, times: u32) -> String {
    let ask = |_| match deed {
        "delete-pod" => requests::delete_pod(pod, WHY),
        "discard" => requests::discard_volumes(ordinal, &["claim-uid".to_owned()], WHY),
        _ => requests::quarantine(ordinal, WHY),
    };
    let answers: Vec<Result<(), Failure>> = (0..times.max(1)).map(ask).collect();
    format!("{:?} … {:?}", answers.first(), answers.last())
}
