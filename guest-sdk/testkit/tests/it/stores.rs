//! Members that keep something on their volumes, for plugins that empty and replace them.

use std::collections::{BTreeMap, BTreeSet};

use stateward_sdk::prelude::*;
use stateward_testkit::{Application, Pod};

/// What a member has on its volume.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) enum Volume {
    /// Nothing yet.
    #[default]
    Empty,
    /// What clients wrote.
    Original,
    /// What it copied from the others.
    Copied,
}

/// Stores in pods.
///
/// | words | answer |
/// |---|---|
/// | `state` | `EMPTY` or `FULL` |
/// | `copy` | it copies from the others; fails when it has something |
/// | `flush` | it may go |
/// | `resume` | it stays after all |
/// | `flushed` | `yes` or `no` |
#[derive(Default)]
pub(crate) struct Stores {
    pub(crate) volumes: BTreeMap<u32, Volume>,
    /// Members that may go; their pods know.
    pub(crate) flushed: BTreeSet<u32>,
    /// So often pods were replaced after they were flushed.
    pub(crate) prepared: BTreeMap<u32, u32>,
}

impl Stores {
    pub(crate) fn volume(&self, ordinal: u32) -> Volume {
        self.volumes.get(&ordinal).cloned().unwrap_or_default()
    }

    /// Clients write to all.
    pub(crate) fn write(&mut self) {
        for volume in self.volumes.values_mut() {
            *volume = Volume::Original;
        }
    }
}

impl Application for Stores {
    fn ask(&mut self, pod: &Pod, words: &[&str]) -> Result<String, String> {
        let volume = self.volumes.entry(pod.ordinal).or_default();
        Ok(match words {
            ["state"] if *volume == Volume::Empty => "EMPTY",
            ["state"] => "FULL",
            ["copy"] if *volume == Volume::Empty => {
                *volume = Volume::Copied;
                "FULL"
            }
            ["copy"] => return Err("it has something already".to_owned()),
            ["flush"] => {
                self.flushed.insert(pod.ordinal);
                "flushed"
            }
            ["resume"] => {
                self.flushed.remove(&pod.ordinal);
                "resumed"
            }
            ["flushed"] if self.flushed.contains(&pod.ordinal) => "yes",
            ["flushed"] => "no",
            _ => return Err(format!("unknown: {}", words.join(" "))),
        }
        .to_owned())
    }

    fn boot(&mut self, pod: &Pod) {
        self.volumes.entry(pod.ordinal).or_default();
    }

    fn stop(&mut self, pod: &Pod) {
        if self.flushed.remove(&pod.ordinal) {
            *self.prepared.entry(pod.ordinal).or_default() += 1;
        }
    }

    fn discard(&mut self, ordinal: u32, volume: &str) {
        assert_eq!(volume, "data");
        self.volumes.remove(&ordinal);
    }

    fn summary(&self, running: &[u32]) -> String {
        let told = running.iter().map(|ordinal| {
            let (volume, flushed) = (self.volume(*ordinal), self.flushed.contains(ordinal));
            format!("{ordinal} is {volume:?}, flushed: {flushed}")
        });
        told.collect::<Vec<_>>().join("; ")
    }
}

/// Asks a member over TCP.
pub(crate) fn ask(reach: &dyn Reach, member: &Member, words: &str) -> Result<String, Failure> {
    let pod = member.pod.as_deref().ok_or(Failure::Replaced)?;
    let mut admin = reach.connect_one(pod, "admin", secs(2))?;
    admin.write(format!("{words}\n").as_bytes(), secs(2))?;
    let answer = admin.read(64, secs(2))?;
    Ok(String::from_utf8_lossy(&answer).trim().to_owned())
}

/// A member that is empty copies from the others.
pub(crate) fn join(joining: &Joining, host: &dyn Host) -> Step {
    if ask(host, joining, "state")? == "EMPTY" {
        ask(host, joining, "copy")?;
        return again("copying").after(secs(1));
    }
    done()
}

/// A member is flushed before its pod goes, and serves again when it stays after all.
pub(crate) fn leave(leaving: &Leaving, host: &dyn Host) -> Step {
    let words = match leaving.call.cancelling {
        true => "resume",
        false => "flush",
    };
    ask(host, leaving, words)?;
    done()
}
