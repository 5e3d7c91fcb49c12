//! The list as it stands in the status: each wait once, bounded, with the time since when it lasts.

use std::collections::HashSet;

use jiff::Timestamp;

use super::text::{self, Text, Words};
use super::{Owner, Waiting, WaitingFor};

/// Entries of a list, at most; a status must stay small with 1 000 members.
const MOST: usize = 32;
/// Bytes of the list, about, at most.
const MOST_BYTES: usize = 7 * 1024;
/// Bytes of an entry besides its texts.
const FRAME: usize = 140;
/// Characters of a message, at most. Plugins and Kubernetes write parts of it.
const LONGEST: usize = 512;

/// `unnamed`: so many more wait, beside more of the same than the list has room for.
pub(crate) fn rendered(
    app: &str,
    waits: &[WaitingFor],
    unnamed: usize,
    recorded: &[Waiting],
    now: Timestamp,
) -> Vec<Waiting> {
    let (mut list, beside) = each_once(app, waits);
    let fitting = fitting(&list);
    if list.len() > fitting {
        let kept = fitting.saturating_sub(1);
        let more = list.len() - kept + beside + unnamed;
        list.truncate(kept);
        list.push(Words {
            owner: Owner::Kubernetes,
            reason: "More",
            subject: "more".to_owned(),
            message: format!("{more} more like these").into(),
            unblocks: "those above end".into(),
            invocation: None,
        });
    }
    list.into_iter()
        .map(|words| entry(words, recorded, now))
        .collect()
}

/// The first of those that are about the same, and how many there are beside more than there is room for.
fn each_once(app: &str, waits: &[WaitingFor]) -> (Vec<Words>, usize) {
    let mut known = HashSet::new();
    let mut told = HashSet::new();
    let (mut list, mut beside) = (Vec::new(), 0);
    for wait in waits.iter().filter(|wait| known.insert(*wait)) {
        if list.len() > MOST {
            beside += usize::from(text::is_told(wait));
        } else if let Some(words) = text::of(app, wait)
            && told.insert((words.owner, words.reason, words.subject.clone()))
        {
            list.push(words);
        }
    }
    (list, beside)
}

/// How many entries the status has room for.
fn fitting(list: &[Words]) -> usize {
    let mut bytes = 0_usize;
    let has_room = |words: &&Words| {
        let invocation = words.invocation.as_ref().map_or(0, |id| id.0.len());
        let message = words.message.len().min(LONGEST * 4);
        let texts = words.subject.len() + message + words.unblocks.len() + invocation;
        bytes = bytes.saturating_add(texts + FRAME);
        bytes <= MOST_BYTES
    };
    list.iter().take_while(has_room).count().clamp(1, MOST)
}

fn entry(words: Words, recorded: &[Waiting], now: Timestamp) -> Waiting {
    let since = recorded
        .iter()
        .find(|known| {
            known.owner == words.owner
                && known.reason == words.reason
                && known.subject == words.subject
        })
        .map_or(now, |known| known.since);
    Waiting {
        owner: words.owner,
        reason: words.reason.to_owned(),
        subject: words.subject,
        message: shortened(words.message),
        unblocks: words.unblocks.into_owned(),
        invocation: words.invocation,
        since,
    }
}

fn shortened(text: Text) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.into_owned(),
        Some((end, _)) => text
            .get(..end)
            .map_or_else(String::new, |head| format!("{head}…")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starting(pod: &str) -> WaitingFor {
        WaitingFor::PodStarting {
            pod: pod.to_owned(),
            hindrance: Some("x".repeat(2000)),
        }
    }

    #[test]
    fn the_same_wait_is_told_once_and_keeps_its_start() {
        let early = Timestamp::from_second(100).unwrap();
        let late = Timestamp::from_second(200).unwrap();
        let before = rendered("web", &[starting("web-1")], 0, &[], early);
        let after = rendered(
            "web",
            &[starting("web-1"), starting("web-1"), starting("web-2")],
            0,
            &before,
            late,
        );
        let told: Vec<_> = after
            .iter()
            .map(|wait| (wait.subject.as_str(), wait.since))
            .collect();
        assert_eq!(told, [("pod web-1", early), ("pod web-2", late)]);
    }

    #[test]
    fn a_thousand_waits_stay_small() {
        let waits: Vec<_> = (0..1000).map(|n| starting(&format!("web-{n}"))).collect();
        let list = rendered("web", &waits, 200, &[], Timestamp::UNIX_EPOCH);
        assert!(list.len() < MOST);
        let last = &list[list.len() - 1].message;
        assert_eq!(*last, format!("{} more like these", 1201 - list.len()));
        assert!(
            list.iter()
                .all(|wait| wait.message.chars().count() <= LONGEST + 1)
        );
    }
}
