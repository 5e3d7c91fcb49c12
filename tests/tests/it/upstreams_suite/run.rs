//! One process per spec, several at a time: most of a spec's time is waiting.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::process::Command;

/// What all specs begin with.
const COMMON: &str = "[sig-apps] StatefulSet ";
const AT_A_TIME: usize = 10;
/// These run with nothing beside them: those that upstream asks it for, and those that count on a quick machine. Of Recreate: they look once, ten seconds
/// after a change, and want five pods deleted and ready again by then. In order: it mends the pods' probes by exec, one after the other, and tries for five
/// minutes to reach one that was rightly deleted before its turn.
const ALONE: [&str; 3] = [
    "[Serial]",
    "StatefulSet Recreate Update Strategy ",
    "in predictable order",
];

pub(super) struct Suite {
    pub(super) program: PathBuf,
    pub(super) kubeconfig: PathBuf,
    pub(super) kubectl: PathBuf,
    pub(super) folder: PathBuf,
}

pub(super) enum Outcome {
    Passed(Duration),
    Failed { took: Duration, output: String },
}

impl Outcome {
    pub(super) fn is_pass(&self) -> bool {
        matches!(self, Self::Passed(_))
    }

    pub(super) fn seconds(&self) -> u64 {
        match self {
            Self::Passed(took) | Self::Failed { took, .. } => took.as_secs(),
        }
    }

    /// What the suite found to be wrong, without its log.
    pub(super) fn story(&self) -> String {
        let Self::Failed { output, .. } = self else {
            return "passed".to_owned();
        };
        // The report of a spec is indented; its first line with the mark is the finding.
        let from = output.find("\n  [FAILED] ").unwrap_or_default();
        let lines = output[from..].lines().map(str::trim);
        lines
            .filter(|line| !line.is_empty())
            .take(12)
            .collect::<Vec<_>>()
            .join("\n      ")
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(if self.is_pass() { "passed" } else { "FAILED" })
    }
}

impl Suite {
    /// The names of all specs, without what they have in common.
    pub(super) async fn specs(&self) -> Result<Vec<String>> {
        let mut command = self.command(&escaped(COMMON));
        let output = ended(command.args(["--ginkgo.dry-run", "--ginkgo.v"])).await?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut specs: Vec<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix(COMMON))
            .filter_map(without_labels)
            .collect();
        specs.sort();
        if specs.is_empty() {
            bail!("the suite lists no specs:\n{text}");
        }
        Ok(specs)
    }

    /// Runs these and tells of each as soon as it has ended.
    pub(super) async fn run(&self, specs: &[String]) -> Result<Vec<(String, Outcome)>> {
        let (alone, beside): (Vec<&String>, Vec<&String>) =
            (specs.iter()).partition(|spec| ALONE.iter().any(|name| spec.contains(name)));
        let mut ended = self.some(&beside, AT_A_TIME).await?;
        ended.extend(self.some(&alone, 1).await?);
        Ok(ended)
    }

    async fn some(&self, specs: &[&String], at_a_time: usize) -> Result<Vec<(String, Outcome)>> {
        stream::iter(specs)
            .map(|&spec| async move {
                let outcome = self.one(spec).await?;
                tell(&format!("{outcome:<8} {:>4} s  {spec}", outcome.seconds()));
                Ok((spec.clone(), outcome))
            })
            .buffer_unordered(at_a_time)
            .try_collect()
            .await
    }

    async fn one(&self, spec: &str) -> Result<Outcome> {
        let begin = Instant::now();
        let mut command = self.command(&format!("{}{}$", escaped(COMMON), escaped(spec)));
        let output = ended(&mut command).await.with_context(|| spec.to_owned())?;
        let took = begin.elapsed();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // A focus that fits nothing succeeds, too.
        Ok(if output.status.success() && text.contains("Ran 1 of ") {
            Outcome::Passed(took)
        } else {
            let errors = String::from_utf8_lossy(&output.stderr);
            Outcome::Failed {
                took,
                output: text + &errors,
            }
        })
    }

    fn command(&self, focus: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg(format!("--kubeconfig={}", self.kubeconfig.display()))
            .arg(format!("--kubectl-path={}", self.kubectl.display()))
            .arg(format!("--ginkgo.focus={focus}"))
            .args([
                "--provider=skeleton",
                "--ginkgo.no-color",
                "--ginkgo.timeout=15m",
            ])
            .args(["--disable-log-dump=true", "--dump-logs-on-failure=false"])
            .env("HOME", &self.folder)
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

/// It ends itself when its input does: it does not outlive this process.
async fn ended(command: &mut Command) -> Result<Output> {
    let mut child = command.spawn()?;
    let _held = child.stdin.take();
    Ok(child.wait_with_output().await?)
}

/// Shown also where the output of tests that pass is not.
pub(super) fn tell(line: &str) {
    let _closed = writeln!(std::io::stdout(), "{line}");
}

/// A listed spec is followed by all of its labels in brackets.
fn without_labels(line: &str) -> Option<String> {
    line.ends_with(']').then_some(())?;
    let (spec, _labels) = line.rsplit_once(" [sig-apps")?;
    Some(spec.to_owned())
}

/// The suite reads its focus as a regular expression.
fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|letter| {
            (!letter.is_alphanumeric() && letter != ' ')
                .then_some('\\')
                .into_iter()
                .chain([letter])
        })
        .collect()
}
