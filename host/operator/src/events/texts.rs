//! Upstream's words for what happens to pods and claims (items 144 and 145).

use std::fmt::Display;

use crate::api::ApiError;
use crate::events::Note;
use crate::watch::AppKey;

/// `verb` is `create`, `delete` or `update`.
pub(crate) fn pod_note<E: Display>(
    app: &AppKey,
    verb: &str,
    pod: &str,
    result: Result<(), &E>,
) -> Note {
    let verb = title(verb);
    let said = format!("{verb} Pod {pod} in {} {}", app.kind(), app.name);
    match result {
        Ok(()) => Note::normal(&format!("Successful{verb}"), format!("{said} successful")),
        Err(error) => Note::warning(
            &format!("Failed{verb}"),
            format!("{said} failed error: {error}"),
        ),
    }
}

pub(crate) fn claim_note(
    app: &AppKey,
    verb: &str,
    claim: &str,
    pod: &str,
    result: Result<(), &ApiError>,
) -> Note {
    let verb = title(verb);
    let set = format!("in {} {}", app.kind(), app.name);
    match result {
        Ok(()) => Note::normal(
            &format!("Successful{verb}"),
            format!("{verb} Claim {claim} Pod {pod} {set} success"),
        ),
        Err(error) => Note::warning(
            &format!("Failed{verb}"),
            format!("{verb} Claim {claim} for Pod {pod} {set} failed error: {error}"),
        ),
    }
}

fn title(verb: &str) -> String {
    let mut letters = verb.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}
