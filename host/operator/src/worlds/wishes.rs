//! What users ask for through annotations. A wish that is recorded as taken up is none any more.

use serde::de::DeserializeOwned;
use stateward_planner::Status;
use stateward_planner::status::Origin;
use stateward_planner::world::{RulingWish, Switchover, TaskWish, Wish, Wishes};

use crate::annotations::{DO, INVOCATION, SWITCHOVER};
use crate::watch::AppObject;

/// What is asked for now, and which annotation is not taken up, and why.
pub(super) struct Asked {
    pub(super) switchover: Option<Switchover>,
    pub(super) wishes: Wishes,
    pub(super) unreadable: Option<String>,
}

pub(super) fn read(app: &AppObject, recorded: &Status) -> Asked {
    let mut unreadable = None;
    let switchover: Option<Switchover> = wish(app, SWITCHOVER, "switchover", &mut unreadable);
    let task: Option<TaskWish> = wish(app, DO, "do", &mut unreadable);
    let ruling: Option<RulingWish> = wish(app, INVOCATION, "invocation", &mut unreadable);
    let has_moved = |wish: &Switchover| {
        (recorded.roles.iter())
            .filter_map(|role| role.last_request.as_ref())
            .any(|request| request.id == wish.id)
    };
    let is_taken_up = |wish: &TaskWish| {
        recorded.tasks.iter().any(|task| {
            let running = task.running.as_ref().map(|running| &running.origin);
            let ended = task.last.as_ref().and_then(|last| last.request.as_ref());
            matches!(running, Some(Origin::User { request }) if *request == wish.id)
                || ended == Some(&wish.id)
        })
    };
    let is_decided = |wish: &RulingWish| {
        (recorded.rulings.iter()).any(|ruling| ruling.request.as_ref() == Some(&wish.id))
    };
    Asked {
        switchover: switchover.filter(|wish| !has_moved(wish)),
        wishes: Wishes {
            task: task.filter(|wish| !is_taken_up(wish)),
            ruling: ruling.filter(|wish| !is_decided(wish)),
        },
        unreadable,
    }
}

fn wish<T: DeserializeOwned + Wish>(
    app: &AppObject,
    annotation: &str,
    command: &str,
    unreadable: &mut Option<String>,
) -> Option<T> {
    let text = app.metadata.annotations.as_ref()?.get(annotation)?;
    let read: Result<T, _> = serde_json::from_str(text);
    let why = match read.map(|wish| (wish.check(), wish)) {
        Ok((Ok(()), wish)) => return Some(wish),
        Ok((Err(error), _)) => {
            format!("the annotation {annotation} is not taken up: {error}")
        }
        Err(error) => {
            format!("the annotation {annotation} cannot be read: {error}; use stateward {command}")
        }
    };
    *unreadable = Some(why);
    None
}
