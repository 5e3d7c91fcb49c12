//! The language of scenarios: one line for each thing that somebody does or that befalls the cluster.
//!
//! ```text
//! # A comment. The first line makes the set `web`, with what stands behind it.
//! set replicas=3 policy=Parallel claims
//! scale 5
//! image app:2
//! fail 1
//! ```
//!
//! After each line the scenario waits until nothing moves any more; a line that ends with `&` is followed at once by the next.

use std::fmt;
use std::str::FromStr;

/// A set as a scenario makes it. What is not said is as in Kubernetes, but for one replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `replicas=3`
    pub replicas: u32,
    /// `policy=Parallel`: pods all at once.
    pub is_parallel: bool,
    /// `strategy=OnDelete`: the user replaces pods.
    pub on_delete: bool,
    /// `partition=2`
    pub partition: Option<u32>,
    /// `maxUnavailable=2`
    pub max_unavailable: Option<u32>,
    /// `minReadySeconds=2`
    pub min_ready_seconds: Option<u32>,
    /// `start=3`: the first ordinal.
    pub start: Option<u32>,
    /// `history=2`: how many old revisions are kept.
    pub history: Option<u32>,
    /// `claims`: each pod has a claim.
    pub has_claims: bool,
    /// `whenScaled=Delete`
    pub deletes_when_scaled: bool,
    /// `whenDeleted=Delete`
    pub deletes_when_deleted: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            replicas: 1,
            is_parallel: false,
            on_delete: false,
            partition: None,
            max_unavailable: None,
            min_ready_seconds: None,
            start: None,
            history: None,
            has_claims: false,
            deletes_when_scaled: false,
            deletes_when_deleted: false,
        }
    }
}

/// What somebody does, or what befalls the cluster. Numbers are ordinals where nothing else is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// `set …`: the set is made, again after it was deleted.
    Set(Settings),
    /// `scale 5`
    Scale(u32),
    /// `image app:2`: a template edit. Pods of an image that begins with `broken` never become ready.
    Image(String),
    /// `partition 1`
    Partition(u32),
    /// `strategy OnDelete` or `strategy RollingUpdate`
    Strategy { on_delete: bool },
    /// `history 1`
    History(u32),
    /// `retain scaled=Delete deleted=Retain`
    Retention { scaled: bool, deleted: bool },
    /// `delete pod 1`
    DeletePod(u32),
    /// `force-delete pod 1`
    ForceDeletePod(u32),
    /// `evict pod 1`
    EvictPod(u32),
    /// `delete claim 1`
    DeleteClaim(u32),
    /// `relabel pod 1`: it no longer fits the selector.
    RelabelPod(u32),
    /// `fail 1`: its containers end for good.
    Fail(u32),
    /// `succeed 1`
    Succeed(u32),
    /// `unready 1`: from now on, also its successors.
    Unready(u32),
    /// `ready 1`
    Ready(u32),
    /// `lose node`: nothing becomes ready, nothing ends; force-deletes still remove pods.
    LoseNode,
    /// `node back`
    NodeBack,
    /// `quota pods=3`, `quota claims=2`, `quota none`: how many the namespace may hold.
    Quota(Option<(Limited, u32)>),
    /// `refused edit replicas`: an edit that the API server does not take.
    RefusedEdit(RefusedEdit),
    /// `old revision`: what an API server with fewer defaults left behind, the template of `set` as the user wrote it. It belongs to nobody.
    OldRevision,
    /// `restart controller`
    Restart,
    /// `delete set`, `delete set orphan`, `delete set foreground`
    DeleteSet(Cascade),
}

/// What a quota counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// Pods that are not over.
    Pods,
    /// Claims.
    Claims,
}

/// What cannot be edited in this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedEdit {
    /// Fewer than none.
    Replicas,
    /// It is for ever.
    Selector,
    /// So is this.
    ServiceName,
}

/// What becomes of the pods of a deleted set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cascade {
    /// They go after it.
    Background,
    /// They go before it.
    Foreground,
    /// They stay.
    Orphan,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What is done.
    pub deed: Deed,
    /// The next line follows at once.
    pub is_hasty: bool,
}

/// A scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// The name of its file, or its seed.
    pub name: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// Why a text is no scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name}, line {line}: {text:?} is no deed; the words are listed in tests/differential/src/scenario.rs"
)]
pub struct NoScenario {
    name: String,
    line: usize,
    text: String,
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// When a line is no deed.
    pub fn parse(name: &str, text: &str) -> Result<Self, NoScenario> {
        let mut lines = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let (words, is_hasty) = match line.strip_suffix('&') {
                Some(words) => (words.trim(), true),
                None => (line, false),
            };
            let deed = words.parse().map_err(|()| NoScenario {
                name: name.to_owned(),
                line: number + 1,
                text: line.to_owned(),
            })?;
            lines.push(Line { deed, is_hasty });
        }
        Ok(Self {
            name: name.to_owned(),
            lines,
        })
    }

    /// How many lines are waited for.
    pub fn pauses(&self) -> usize {
        self.lines.iter().filter(|line| !line.is_hasty).count()
    }

    /// Whether pods are made and deleted one at a time, so that their order says something.
    pub fn has_order(&self) -> bool {
        self.lines.iter().all(|line| match &line.deed {
            Deed::Set(set) => !set.is_parallel && set.max_unavailable.is_none(),
            Deed::DeleteSet(_) => false,
            _ => true,
        })
    }
}

impl FromStr for Deed {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let number = |word: &str| word.parse::<u32>().map_err(|_not_a_number| ());
        Ok(match words.as_slice() {
            ["set", settings @ ..] => Self::Set(settings_of(settings)?),
            ["scale", count] => Self::Scale(number(count)?),
            ["image", image] => Self::Image((*image).to_owned()),
            ["partition", at] => Self::Partition(number(at)?),
            ["strategy", "OnDelete"] => Self::Strategy { on_delete: true },
            ["strategy", "RollingUpdate"] => Self::Strategy { on_delete: false },
            ["history", limit] => Self::History(number(limit)?),
            ["retain", scaled, deleted] => Self::Retention {
                scaled: deletes(scaled.strip_prefix("scaled=").ok_or(())?)?,
                deleted: deletes(deleted.strip_prefix("deleted=").ok_or(())?)?,
            },
            ["delete", "pod", ordinal] => Self::DeletePod(number(ordinal)?),
            ["force-delete", "pod", ordinal] => Self::ForceDeletePod(number(ordinal)?),
            ["evict", "pod", ordinal] => Self::EvictPod(number(ordinal)?),
            ["delete", "claim", ordinal] => Self::DeleteClaim(number(ordinal)?),
            ["relabel", "pod", ordinal] => Self::RelabelPod(number(ordinal)?),
            ["fail", ordinal] => Self::Fail(number(ordinal)?),
            ["succeed", ordinal] => Self::Succeed(number(ordinal)?),
            ["unready", ordinal] => Self::Unready(number(ordinal)?),
            ["ready", ordinal] => Self::Ready(number(ordinal)?),
            ["lose", "node"] => Self::LoseNode,
            ["node", "back"] => Self::NodeBack,
            ["quota", "none"] => Self::Quota(None),
            ["quota", limit] => {
                let (name, most) = limit.split_once('=').ok_or(())?;
                let limited = match name {
                    "pods" => Limited::Pods,
                    "claims" => Limited::Claims,
                    _ => return Err(()),
                };
                Self::Quota(Some((limited, number(most)?)))
            }
            ["refused", "edit", field] => Self::RefusedEdit(match *field {
                "replicas" => RefusedEdit::Replicas,
                "selector" => RefusedEdit::Selector,
                "serviceName" => RefusedEdit::ServiceName,
                _ => return Err(()),
            }),
            ["old", "revision"] => Self::OldRevision,
            ["restart", "controller"] => Self::Restart,
            ["delete", "set"] => Self::DeleteSet(Cascade::Background),
            ["delete", "set", "foreground"] => Self::DeleteSet(Cascade::Foreground),
            ["delete", "set", "orphan"] => Self::DeleteSet(Cascade::Orphan),
            _ => return Err(()),
        })
    }
}

fn settings_of(words: &[&str]) -> Result<Settings, ()> {
    let mut settings = Settings::default();
    for word in words {
        let number = |text: &str| text.parse::<u32>().map_err(|_not_a_number| ());
        match word.split_once('=').unwrap_or((word, "")) {
            ("replicas", value) => settings.replicas = number(value)?,
            ("policy", "Parallel") => settings.is_parallel = true,
            ("policy", "OrderedReady") => settings.is_parallel = false,
            ("strategy", "OnDelete") => settings.on_delete = true,
            ("strategy", "RollingUpdate") => settings.on_delete = false,
            ("partition", value) => settings.partition = Some(number(value)?),
            ("maxUnavailable", value) => settings.max_unavailable = Some(number(value)?),
            ("minReadySeconds", value) => settings.min_ready_seconds = Some(number(value)?),
            ("start", value) => settings.start = Some(number(value)?),
            ("history", value) => settings.history = Some(number(value)?),
            ("claims", "") => settings.has_claims = true,
            ("whenScaled", value) => settings.deletes_when_scaled = deletes(value)?,
            ("whenDeleted", value) => settings.deletes_when_deleted = deletes(value)?,
            _ => return Err(()),
        }
    }
    Ok(settings)
}

fn deletes(word: &str) -> Result<bool, ()> {
    match word {
        "Delete" => Ok(true),
        "Retain" => Ok(false),
        _ => Err(()),
    }
}

fn policy(deletes: bool) -> &'static str {
    match deletes {
        true => "Delete",
        false => "Retain",
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "set replicas={}", self.replicas)?;
        if self.is_parallel {
            out.write_str(" policy=Parallel")?;
        }
        if self.on_delete {
            out.write_str(" strategy=OnDelete")?;
        }
        let numbers = [
            ("partition", self.partition),
            ("maxUnavailable", self.max_unavailable),
            ("minReadySeconds", self.min_ready_seconds),
            ("start", self.start),
            ("history", self.history),
        ];
        for (name, value) in numbers {
            if let Some(value) = value {
                write!(out, " {name}={value}")?;
            }
        }
        if self.has_claims {
            out.write_str(" claims")?;
        }
        if self.deletes_when_scaled {
            out.write_str(" whenScaled=Delete")?;
        }
        if self.deletes_when_deleted {
            out.write_str(" whenDeleted=Delete")?;
        }
        Ok(())
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(settings) => write!(out, "{settings}"),
            Self::Scale(count) => write!(out, "scale {count}"),
            Self::Image(image) => write!(out, "image {image}"),
            Self::Partition(at) => write!(out, "partition {at}"),
            Self::Strategy { on_delete: true } => out.write_str("strategy OnDelete"),
            Self::Strategy { on_delete: false } => out.write_str("strategy RollingUpdate"),
            Self::History(limit) => write!(out, "history {limit}"),
            Self::Retention { scaled, deleted } => {
                let (scaled, deleted) = (policy(*scaled), policy(*deleted));
                write!(out, "retain scaled={scaled} deleted={deleted}")
            }
            Self::DeletePod(ordinal) => write!(out, "delete pod {ordinal}"),
            Self::ForceDeletePod(ordinal) => write!(out, "force-delete pod {ordinal}"),
            Self::EvictPod(ordinal) => write!(out, "evict pod {ordinal}"),
            Self::DeleteClaim(ordinal) => write!(out, "delete claim {ordinal}"),
            Self::RelabelPod(ordinal) => write!(out, "relabel pod {ordinal}"),
            Self::Fail(ordinal) => write!(out, "fail {ordinal}"),
            Self::Succeed(ordinal) => write!(out, "succeed {ordinal}"),
            Self::Unready(ordinal) => write!(out, "unready {ordinal}"),
            Self::Ready(ordinal) => write!(out, "ready {ordinal}"),
            Self::LoseNode => out.write_str("lose node"),
            Self::NodeBack => out.write_str("node back"),
            Self::Quota(None) => out.write_str("quota none"),
            Self::Quota(Some((Limited::Pods, most))) => write!(out, "quota pods={most}"),
            Self::Quota(Some((Limited::Claims, most))) => write!(out, "quota claims={most}"),
            Self::RefusedEdit(field) => {
                let field = match field {
                    RefusedEdit::Replicas => "replicas",
                    RefusedEdit::Selector => "selector",
                    RefusedEdit::ServiceName => "serviceName",
                };
                write!(out, "refused edit {field}")
            }
            Self::OldRevision => out.write_str("old revision"),
            Self::Restart => out.write_str("restart controller"),
            Self::DeleteSet(Cascade::Background) => out.write_str("delete set"),
            Self::DeleteSet(Cascade::Foreground) => out.write_str("delete set foreground"),
            Self::DeleteSet(Cascade::Orphan) => out.write_str("delete set orphan"),
        }
    }
}

/// The text that reads back as this scenario.
impl fmt::Display for Scenario {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "# {}", self.name)?;
        for line in &self.lines {
            let end = if line.is_hasty { " &" } else { "" };
            writeln!(out, "{}{end}", line.deed)?;
        }
        Ok(())
    }
}
