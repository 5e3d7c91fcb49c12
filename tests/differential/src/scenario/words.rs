//! How a scenario is written and read.

use std::fmt;
use std::str::FromStr;

use super::settings::{Settings, Strategy, deletes};
use super::{Cascade, Deed, Limited, Line, NoScenario, RefusedEdit, Scenario};

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
}

impl FromStr for Deed {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let number = |word: &str| word.parse::<u32>().map_err(|_not_a_number| ());
        Ok(match words.as_slice() {
            ["set", settings @ ..] => Self::Set(Settings::of(settings)?),
            ["apply", settings @ ..] => Self::Apply(Settings::of(settings)?),
            ["scale", count] => Self::Scale(number(count)?),
            ["image", image] => Self::Image((*image).to_owned()),
            ["partition", at] => Self::Partition(number(at)?),
            ["maxUnavailable", count] => Self::MaxUnavailable(number(count)?),
            ["minReadySeconds", seconds] => Self::MinReadySeconds(number(seconds)?),
            ["start", ordinal] => Self::Start(number(ordinal)?),
            ["strategy", name] => Self::Strategy(Strategy::of(name)?),
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

fn policy(deletes: bool) -> &'static str {
    match deletes {
        true => "Delete",
        false => "Retain",
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(settings) => write!(out, "set {settings}"),
            Self::Apply(settings) => write!(out, "apply {settings}"),
            Self::Scale(count) => write!(out, "scale {count}"),
            Self::Image(image) => write!(out, "image {image}"),
            Self::Partition(at) => write!(out, "partition {at}"),
            Self::MaxUnavailable(count) => write!(out, "maxUnavailable {count}"),
            Self::MinReadySeconds(seconds) => write!(out, "minReadySeconds {seconds}"),
            Self::Start(ordinal) => write!(out, "start {ordinal}"),
            Self::Strategy(strategy) => write!(out, "strategy {}", strategy.name()),
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
