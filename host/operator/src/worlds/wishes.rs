//! What users ask for through annotations.

use stateward_planner::Status;
use stateward_planner::world::Switchover;

use crate::annotations::SWITCHOVER;
use crate::watch::AppObject;

/// A switchover that was asked for and has not ended; or why the wish cannot be read.
pub(super) fn switchover(app: &AppObject, recorded: &Status) -> Result<Option<Switchover>, String> {
    let annotations = app.metadata.annotations.as_ref();
    let Some(text) = annotations.and_then(|annotations| annotations.get(SWITCHOVER)) else {
        return Ok(None);
    };
    let wish: Switchover = serde_json::from_str(text).map_err(|error| {
        format!("the annotation {SWITCHOVER} cannot be read: {error}; use stateward switchover")
    })?;
    let ended = recorded
        .roles
        .iter()
        .filter_map(|role| role.last_request.as_ref())
        .any(|request| request.id == wish.id);
    Ok((!ended).then_some(wish))
}
