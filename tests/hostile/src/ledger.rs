//! Settings `"ledger"`: every act hook keeps a book outside of the sandbox, so that a test can see which effect was applied under which id.
//!
//! A purpose takes two calls: the first starts `ledger <hook> <subject> <id> begin` in a living member and asks to be called again, the second `… apply`
//! and is done. The first member claims the role `primary`, and `move-role` gives it to the target or to the lowest other member that is ready.

use crate::bindings::stateward::plugin::types::{
    App, Call, Fault, Member, Outcome, Progress, Standing,
};
use crate::bindings::stateward::plugin::{exec, requests, view};

const ROLE: &str = "primary";

pub(crate) fn is_meant(app: &App) -> bool {
    app.settings.contains("ledger")
}

/// One call of a hook that is about this member, or about the whole app.
pub(crate) fn keep(
    call: &Call,
    hook: &str,
    subject: &str,
    member: Option<&Member>,
) -> Result<Outcome, Fault> {
    let stage = match (&call.checkpoint, call.cancelling) {
        (_, true) => "undo",
        (None, _) => "begin",
        (Some(_), _) => "apply",
    };
    let Some(pod) = scribe(member) else {
        // Before the first member exists there is nobody to write it down.
        return Ok(Outcome::Done);
    };
    let argv = ["ledger", hook, subject, &call.id, stage];
    let command = exec::Command {
        container: None,
        argv: argv.map(str::to_owned).to_vec(),
        stdin: Vec::new(),
        extra: Vec::new(),
    };
    let output = exec::run(&pod, &command, 5_000)
        .map_err(|failure| Fault::Retry(format!("the ledger was not kept: {failure:?}")))?;
    if output.code != 0 {
        return Err(Fault::Retry(format!("the ledger said {}", output.code)));
    }
    match stage {
        "begin" => Ok(Outcome::InProgress(Progress {
            checkpoint: vec![1],
            percent: None,
            message: "begun".to_owned(),
            again_after_ms: 1_000,
            extra: Vec::new(),
        })),
        _ => Ok(Outcome::Done),
    }
}

/// The first member to be ready is the primary.
pub(crate) fn claim_first(app: &App, member: &Member, outcome: &Outcome) -> Result<(), Fault> {
    let is_free = app.claims.iter().all(|claim| claim.role != ROLE);
    if member.ordinal != app.start || !is_free || !matches!(outcome, Outcome::Done) {
        return Ok(());
    }
    claim(member.pod.as_deref(), 0)
}

/// The role goes to the target, else to the lowest other member that is ready.
pub(crate) fn hand_over(
    from: u32,
    epoch: u64,
    target: Option<u32>,
    outcome: &Outcome,
) -> Result<(), Fault> {
    if !matches!(outcome, Outcome::Done) {
        return Ok(());
    }
    let members = view::range(0, 256);
    let heir = members.iter().find(|member| {
        let is_wanted = target.is_none_or(|target| member.ordinal == target);
        is_wanted && member.ordinal != from && matches!(member.standing, Standing::Ready)
    });
    match heir {
        Some(heir) => claim(heir.pod.as_deref(), epoch),
        None => Err(Fault::Retry("nobody can take the role".to_owned())),
    }
}

fn claim(pod: Option<&str>, after_epoch: u64) -> Result<(), Fault> {
    requests::claim_role(ROLE, pod.unwrap_or_default(), after_epoch)
        .map_err(|failure| Fault::Retry(format!("the role was not claimed: {failure:?}")))
}

/// In whose pod the book is kept: the member's own, else the first that runs.
fn scribe(member: Option<&Member>) -> Option<String> {
    let can_write =
        |member: &&Member| matches!(member.standing, Standing::Ready | Standing::Unready);
    if let Some(own) = member.filter(can_write) {
        return own.pod.clone();
    }
    let members = view::range(0, 256);
    members.iter().find(can_write)?.pod.clone()
}
