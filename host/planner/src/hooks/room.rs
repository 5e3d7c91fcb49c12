//! Room of the journal in the status, which is to stay within 128 KiB however large the app is.
//!
//! | part of the status | bytes |
//! |---|---|
//! | waits, conditions, counters | [`SHOWN`], whatever they are |
//! | state, orders, history, decisions, tasks, roles, departures, failures, joined pods, ordinals | as it stands |
//! | the journal | what is left, but at least [`LEAST`] |
//!
//! A call may come back with the largest checkpoint, so that much is reserved before an invocation is begun. Whether what comes back has room is judged again
//! when it is to be written: it may be more than was reserved, or other parts may have grown. All of it is counted, not serialised.

use crate::journal::{Act, Invocation, Phase};
use crate::status::{Order, Ordinals, Status};

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
/// Members that join, many at once, leave so much for another: who is to leave must not wait for them.
pub(super) const FOR_OTHERS: usize = LARGEST_ANSWER + 128;
/// Names of fields, times and numbers of any other entry.
const ENTRY: usize = 160;

/// What the journal may take up beside the other parts.
pub(crate) fn of_journal(status: &Status) -> usize {
    LARGEST_STATUS
        .saturating_sub(SHOWN)
        .saturating_sub(others(status))
        .max(LEAST)
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
    journal <= of_journal(after) && other <= LARGEST_STATUS.saturating_sub(SHOWN)
        || journal.saturating_add(other) <= self::journal(before).saturating_add(others(before))
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
    let failures = (status.failures.iter()).map(|ended| ended.pod.len() + 88);
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
        .chain(departures)
        .chain(failures);
    parts.sum::<usize>() + ordinals + status.joined.bytes()
}

/// Bytes of this text in JSON.
fn written(text: &str) -> usize {
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
