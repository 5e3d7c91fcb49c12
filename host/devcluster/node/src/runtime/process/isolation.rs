//! How far containers are kept apart from the machine: by what the kernel lets this user do.

use std::path::Path;
use std::process::Stdio;

use serde::{Deserialize, Serialize};
use tokio::process::Command;

/// What stands between a container and the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Isolation {
    /// A root view, processes and names of its own. Needs root.
    Private,
    /// Nothing: containers are plain processes of this user. They still end with their pod.
    Shared,
}

/// The word of `__container` for each.
const PRIVATE: &str = "private";
const SHARED: &str = "shared";

impl Isolation {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Private => PRIVATE,
            Self::Shared => SHARED,
        }
    }

    pub(super) fn of_word(word: &str) -> Self {
        match word {
            SHARED => Self::Shared,
            _ => Self::Private,
        }
    }

    /// What this machine and this user allow, found out by trying: `helper` starts this very binary, `folder` is one
    /// of the node's own.
    pub async fn of_this_machine(helper: &[String], folder: &Path) -> Self {
        let Some((program, prefix)) = helper.split_first() else {
            return Self::Shared;
        };
        let tried = Command::new(program)
            .args(prefix)
            .arg("__try")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .await;
        match tried {
            Ok(status) if status.success() => Self::Private,
            _ => Self::Shared,
        }
    }

    /// What pods do without, one sentence each.
    pub fn reductions(self) -> Vec<String> {
        match self {
            Self::Private => Vec::new(),
            Self::Shared => [
                "no private root: pods see and write the files of this machine, as this user",
                "no mounts: a container's own words (command, args, variables, probes) that name a mount path are given the volume's folder instead",
                "no hostname of its own: a pod finds its name in $HOSTNAME",
            ]
            .map(str::to_owned)
            .into_iter()
            .chain(ports())
            .collect(),
        }
    }
}

fn ports() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    let first: u16 = text.ok()?.trim().parse().ok()?;
    (first > 1 && !nix::unistd::geteuid().is_root())
        .then(|| format!("no ports below {first}: containers must listen on higher ones"))
}
