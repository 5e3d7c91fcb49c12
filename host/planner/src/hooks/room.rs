//! Room of the journal in the status, which is to stay within 128 KiB however large the app is.
//!
//! | part of the status | bytes |
//! |---|---|
//! | waits, conditions, counters | [`SHOWN`], whatever they are |
//! | state, orders, history, decisions, tasks, roles, departures, joined pods, ordinals | as it stands; what plugins write is refused where it would not fit |
//! | the journal | what is left, but at least [`LEAST`] |
//! | failures | what is left by all others: none is needed, see `failures.rs` |
//!
//! A call may come back with the largest checkpoint, so that much is reserved before an invocation is begun. Whether what comes back has room is judged again
//! when it is to be written: it may be more than was reserved, or other parts may have grown. All of it is counted, not serialised.
//!
//! No hook is kept out by others that hold their checkpoints and refuse for ever. The first invocation of a hook is begun whatever room there is, and further
//! ones of any hook leave so much that one other hook may bring the largest checkpoint and the rest an answer without one ([`for_others`]). Should two other
//! hooks want to keep a large checkpoint at that moment, the answer of the second is refused (`StatusFull`), which is told, until one of those that hold theirs
//! ends or is decided about.

use super::{MOVE_ROLE, POST_DELETE, POST_READY, PRE_DELETE, PRE_SCALE, TASK, recording};
use crate::draft::Draft;
use crate::journal::{Act, Invocation, Phase};
use crate::scene::Scene;
use crate::status::{Failures, Order, Ordinals, Status};
use crate::world::LONGEST_ARGUMENTS;

/// Bytes of a status, at most.
pub(crate) const LARGEST_STATUS: usize = 128 * 1024;
/// For what is written anew with each status, and is bounded where it is made.
const SHOWN: usize = 12 * 1024;
/// Bytes of the largest checkpoint (2 KiB) in base64.
const LARGEST_CHECKPOINT: usize = 2732;
/// Bytes of a message in the status, in JSON. The log has the whole.
pub(super) const LONGEST_MESSAGE: usize = 128;
/// Names of fields, times and numbers of an invocation.
const FRAME: usize = 330;
/// The digest of the version that it ends on.
const DIGEST: usize = 84;
const LARGEST_ANSWER: usize = LARGEST_CHECKPOINT + LONGEST_MESSAGE + FRAME + DIGEST;
/// So much the journal may always take: a few calls go on, whatever fills the rest.
const LEAST: usize = 8 * LARGEST_ANSWER;
/// Names of an invocation whose names and arguments are short, and of a task with the longest arguments.
const NAMES: usize = 128;
const LARGEST_NAMES: usize = 2 * 256 + LONGEST_ARGUMENTS;
const ACT_HOOKS: [&str; 6] = [
    PRE_SCALE,
    POST_READY,
    PRE_DELETE,
    POST_DELETE,
    MOVE_ROLE,
    TASK,
];
/// Names of fields, times and numbers of any other entry.
const ENTRY: usize = 160;
/// Of a member whose pods keep ending.
const FAILURE: usize = 98;

/// What the journal may take up beside the other parts.
pub(crate) fn of_journal(status: &Status) -> usize {
    LARGEST_STATUS
        .saturating_sub(SHOWN)
        .saturating_sub(others(status))
        .max(LEAST)
}

/// What a further invocation of `own` leaves for the first ones of other hooks, of which `is_awaited` says which may come.
pub(super) fn for_others(own: &str, is_awaited: impl Fn(&str) -> bool) -> usize {
    let others = ACT_HOOKS
        .into_iter()
        .filter(|hook| *hook != own && is_awaited(hook));
    let small: usize = others
        .map(|hook| {
            let names = if hook == TASK { LARGEST_NAMES } else { NAMES };
            LONGEST_MESSAGE + FRAME + DIGEST + names
        })
        .sum();
    match small {
        0 => 0,
        small => small + LARGEST_CHECKPOINT,
    }
}

/// What the members whose pods keep ending may take up, beside what stands in the status and what calls may still bring.
pub(crate) fn of_failures(scene: &Scene<'_>, draft: &Draft) -> usize {
    let journal = scene.world.journal.values();
    let journal: usize = journal
        .filter(|known| !draft.forget.contains(&known.id))
        .map(|known| recording::bytes(scene, known))
        .sum();
    let journal = journal.saturating_add(for_others("", |hook| scene.hooks.has(hook)));
    LARGEST_STATUS
        .saturating_sub(SHOWN)
        .saturating_sub(others(&draft.status))
        .saturating_add(failures(&draft.status))
        .saturating_sub(journal.max(LEAST))
}

/// What this member takes up.
pub(crate) fn bytes_of_failure(known: &Failures) -> usize {
    known.pod.len() + FAILURE
}

fn failures(status: &Status) -> usize {
    status.failures.iter().map(bytes_of_failure).sum()
}

/// What a call for this may bring into the status.
pub(crate) fn reserved(act: &Act) -> usize {
    LARGEST_ANSWER + names(act)
}

/// What this invocation takes up as it stands.
pub(crate) fn taken(known: &Invocation) -> usize {
    let checkpoint = known.checkpoint.as_ref().map_or(0, String::len);
    let digest = known.digest.as_ref().map_or(0, |_| DIGEST);
    let message = match &known.phase {
        Phase::Calling | Phase::Done => 0,
        Phase::InProgress { message, .. }
        | Phase::Refused {
            reason: message, ..
        }
        | Phase::Failing { message, .. }
        | Phase::Fatal { message, .. } => written(message),
    };
    checkpoint + digest + message.min(LONGEST_MESSAGE) + FRAME + names(&known.act)
}

/// Whether `after` may be written over `before`: what does not grow always may.
pub(crate) fn admits(before: &Status, after: &Status) -> bool {
    let (journal, other) = (journal(after), others(after));
    let (journal_before, other_before) = (self::journal(before), others(before));
    // State and orders that grow leave what the journal leaves.
    let free = match other > other_before {
        true => for_others("", |_| true),
        false => 0,
    };
    let is_within = journal.saturating_add(free) <= of_journal(after)
        && other <= LARGEST_STATUS.saturating_sub(SHOWN + LEAST);
    is_within || journal.saturating_add(other) <= journal_before.saturating_add(other_before)
}

fn journal(status: &Status) -> usize {
    status.invocations.iter().map(taken).sum()
}

/// Twice what is in the id and in fields of their own.
fn names(act: &Act) -> usize {
    match act {
        Act::PreScale { .. } => 0,
        Act::PostReady { pod, .. } | Act::PreDelete { pod, .. } | Act::PostDelete { pod, .. } => {
            2 * pod.len()
        }
        Act::MoveRole { role, .. } => 2 * role.len(),
        Act::Task {
            name, arguments, ..
        } => 2 * name.len() + written(arguments),
    }
}

fn others(status: &Status) -> usize {
    let state = (status.state.iter()).map(|(key, entry)| key.len() + entry.value.len() + 40);
    let orders = status.orders.iter().map(|order| match order {
        Order::Replace { pod, why, .. } => pod.len() + written(why) + ENTRY,
        Order::Discard { claims, why, .. } => {
            let claims: usize = claims.iter().map(|claim| claim.len() + 3).sum();
            claims + written(why) + ENTRY
        }
        Order::Quarantine { why, .. } => written(why) + ENTRY,
    });
    let history = (status.history.iter()).map(|ended| ended.invocation.0.len() + ENTRY);
    let rulings = status.rulings.iter().map(|ruling| {
        let request = ruling.request.as_ref().map_or(0, String::len);
        ruling.invocation.0.len() + written(&ruling.by) + written(&ruling.reason) + request + ENTRY
    });
    let tasks = status.tasks.iter().map(|task| {
        let running = task.running.as_ref();
        let last = task.last.as_ref();
        running.map_or(0, |run| written(&run.arguments) + ENTRY)
            + last.map_or(0, |run| written(&run.message) + ENTRY)
            + task.name.len()
            + ENTRY
    });
    let roles = status.roles.iter().map(|role| {
        let request = role.last_request.as_ref();
        request.map_or(0, |request| written(&request.message)) + role.name.len() + 3 * ENTRY
    });
    let departures = (status.departures.iter()).map(|left| left.pod.len() + 32);
    let reserved = |ordinals: usize| 11 * ordinals;
    let ordinals = status
        .accepted
        .as_ref()
        .map_or(0, |accepted| reserved(accepted.reserved.len()) + 2 * ENTRY)
        + status.scale.as_ref().map_or(0, |scale| {
            let reached = |reached: &Ordinals| reserved(reached.reserved.len());
            reserved(scale.reserved.len()) + scale.reached.as_ref().map_or(0, reached) + ENTRY
        });
    let parts = (state.chain(orders).chain(history).chain(rulings))
        .chain(tasks)
        .chain(roles)
        .chain(departures);
    parts.sum::<usize>() + failures(status) + ordinals + status.joined.bytes()
}

/// Bytes of this text in JSON.
pub(crate) fn written(text: &str) -> usize {
    let bytes = text.bytes().map(|byte| match byte {
        b'"' | b'\\' => 2,
        0..=0x1f => 6,
        _ => 1,
    });
    bytes.sum()
}

/// The longest beginning of this text that takes so many bytes in JSON.
pub(crate) fn beginning(text: &str, bytes: usize) -> &str {
    let mut room = bytes;
    let end = text.char_indices().find(|(_, letter)| {
        let takes = written(letter.encode_utf8(&mut [0; 4]));
        match room.checked_sub(takes) {
            Some(rest) => {
                room = rest;
                false
            }
            None => true,
        }
    });
    match end {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => text,
    }
}
