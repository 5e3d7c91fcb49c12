//! What people do with a StatefulSet on the first day: five walkthroughs, each with what its user must see.

mod canary;
mod config;
mod own_data;
mod post;
mod scale;

use anyhow::{Context, Result};

use crate::bed::Bed;
use crate::history::History;
use crate::narrator::Narrator;
use crate::user::{Face, User};

/// A walkthrough in progress: who does it, and the record of what happened to the pods.
pub struct Walk {
    pub user: User,
    pub history: History,
}

/// Number, title and the namespace that it uses.
pub const ALL: [(u32, &str, &str); 5] = [
    (1, "each pod keeps its own data", "lbs-test"),
    (2, "what one member was told, only it knows", "kubia"),
    (3, "stable names, and scaling in order", "web"),
    (4, "static volumes, and a canary", "canary"),
    (
        5,
        "configuration, and a class named by annotation",
        "config",
    ),
];

/// Runs one walkthrough in the given face.
pub async fn run(number: u32, bed: &Bed, face: Face, narrator: Narrator) -> Result<()> {
    let (_, title, namespace) = ALL
        .iter()
        .find(|(n, ..)| *n == number)
        .context("there are five walkthroughs")?;
    narrator.chapter(&format!("Walkthrough {number}: {title}"));
    let user = User::new(bed, namespace, face, narrator).await?;
    walk(number, user)
        .await
        .with_context(|| format!("walkthrough {number} as {}", face.resource()))
}

/// The same for a user who is there already.
pub async fn walk(number: u32, user: User) -> Result<()> {
    let history = History::watch(&user.client, &user.namespace);
    let walk = Walk { user, history };
    match number {
        1 => own_data::walk(&walk).await?,
        2 => post::walk(&walk).await?,
        3 => scale::walk(&walk).await?,
        4 => canary::walk(&walk).await?,
        _ => config::walk(&walk).await?,
    }
    walk.history.expect_at_most_one()
}
