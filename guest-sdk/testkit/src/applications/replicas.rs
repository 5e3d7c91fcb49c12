//! One primary that takes writes, and replicas that follow it.

use std::collections::BTreeMap;

use crate::application::{Application, Pod};

/// A database with one primary. Servers boot read-only and follow nobody.
///
/// | words | answer |
/// |---|---|
/// | `role` | `primary`, `replica` or `alone` |
/// | `position` | how many writes it has |
/// | `lag` | how many writes it lacks; fails when it follows nobody |
/// | `follow <pod>` | it follows the server of this pod and takes no writes; the pod is given by its name |
/// | `promote` | it takes writes, and follows nobody |
/// | `demote` | it takes no writes any more |
/// | `write` | one write; fails where writes are not taken |
#[derive(Debug, Clone, Default)]
pub struct Replicas {
    servers: BTreeMap<u32, Server>,
}

/// One server of [`Replicas`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Server {
    /// Whether it takes writes.
    pub takes_writes: bool,
    /// The ordinal that it follows.
    pub follows: Option<u32>,
    /// Its writes, each by the ordinal of the server that took it.
    pub writes: Vec<u32>,
    /// So many writes it is behind the server that it follows.
    pub lag: usize,
    is_up: bool,
}

impl Replicas {
    /// No server yet.
    pub fn new() -> Replicas {
        Replicas::default()
    }

    /// The server of this ordinal, if it ever ran.
    pub fn server(&self, ordinal: u32) -> Option<&Server> {
        self.servers.get(&ordinal)
    }

    /// From now on this server stays so many writes behind the one that it follows.
    pub fn hold_back(&mut self, ordinal: u32, writes: usize) {
        if let Some(server) = self.servers.get_mut(&ordinal) {
            server.lag = writes;
        }
        self.replicate();
    }

    /// The ordinals that take writes.
    pub fn primaries(&self) -> Vec<u32> {
        self.servers
            .iter()
            .filter(|(_, server)| server.is_up && server.takes_writes)
            .map(|(ordinal, _)| *ordinal)
            .collect()
    }

    /// A client writes to whoever takes writes; whether one did.
    pub fn write(&mut self) -> bool {
        let primary = self.primaries().first().copied();
        let Some(server) = primary.and_then(|ordinal| self.servers.get_mut(&ordinal)) else {
            return false;
        };
        server.writes.extend(primary);
        self.replicate();
        true
    }

    fn replicate(&mut self) {
        // A replica of a replica takes one round more.
        for _ in 0..self.servers.len() {
            let before = self.servers.clone();
            for server in self.servers.values_mut().filter(|server| server.is_up) {
                let theirs = server.follows.and_then(|ordinal| before.get(&ordinal));
                let Some(theirs) = theirs.filter(|theirs| theirs.is_up) else {
                    continue;
                };
                let reached = theirs.writes.len().saturating_sub(server.lag);
                if reached > server.writes.len() && theirs.writes.starts_with(&server.writes) {
                    server.writes = theirs.writes.iter().take(reached).copied().collect();
                }
            }
        }
    }

    fn lag(&self, server: &Server) -> Result<String, String> {
        let theirs = server
            .follows
            .and_then(|ordinal| self.servers.get(&ordinal))
            .ok_or("it follows nobody")?;
        if !theirs.writes.starts_with(&server.writes) {
            return Err("it has diverged".to_owned());
        }
        let lag = theirs.writes.len().saturating_sub(server.writes.len());
        Ok(lag.to_string())
    }
}

impl Application for Replicas {
    fn ask(&mut self, pod: &Pod, words: &[&str]) -> Result<String, String> {
        self.replicate();
        let known = self.servers.get(&pod.ordinal).cloned().unwrap_or_default();
        let mut server = known.clone();
        let answer = match words {
            ["role"] => match (known.takes_writes, known.follows) {
                (true, _) => "primary".to_owned(),
                (false, Some(_)) => "replica".to_owned(),
                (false, None) => "alone".to_owned(),
            },
            ["position"] => known.writes.len().to_string(),
            ["lag"] => self.lag(&known)?,
            ["follow", name] => {
                let (_, ordinal) = name.rsplit_once('-').unwrap_or_default();
                let ordinal: u32 = ordinal.parse().map_err(|_| format!("no pod is {name}"))?;
                if ordinal == pod.ordinal {
                    return Err("it cannot follow itself".to_owned());
                }
                server.follows = Some(ordinal);
                server.takes_writes = false;
                "follows".to_owned()
            }
            ["promote"] => {
                server.takes_writes = true;
                server.follows = None;
                "primary".to_owned()
            }
            ["demote"] => {
                server.takes_writes = false;
                "demoted".to_owned()
            }
            ["write"] if known.takes_writes => {
                server.writes.push(pod.ordinal);
                "written".to_owned()
            }
            ["write"] => return Err("it is read-only".to_owned()),
            _ => return Err(format!("unknown words: {}", words.join(" "))),
        };
        self.servers.insert(pod.ordinal, server);
        self.replicate();
        Ok(answer)
    }

    fn boot(&mut self, pod: &Pod) {
        let server = self.servers.entry(pod.ordinal).or_default();
        server.is_up = true;
        server.takes_writes = false;
        server.follows = None;
    }

    fn stop(&mut self, pod: &Pod) {
        if let Some(server) = self.servers.get_mut(&pod.ordinal) {
            server.is_up = false;
        }
    }

    fn discard(&mut self, ordinal: u32, _volume: &str) {
        self.servers.remove(&ordinal);
    }

    fn summary(&self, running: &[u32]) -> String {
        let primaries = self.primaries();
        let servers = running.iter().filter_map(|ordinal| {
            let server = self.servers.get(ordinal)?;
            let place = match server.follows {
                _ if server.takes_writes => "takes writes",
                Some(followed) if primaries.contains(&followed) => "follows the primary",
                Some(_) => "follows another",
                None => "is alone",
            };
            Some(place)
        });
        let mut counted: BTreeMap<&str, u32> = BTreeMap::new();
        for place in servers {
            *counted.entry(place).or_default() += 1;
        }
        let counted = counted
            .iter()
            .map(|(place, count)| format!("{count} {place}"));
        counted.collect::<Vec<_>>().join(", ")
    }
}
