//! `kubectl`, unmodified, as somebody types it at one cluster.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

/// A `kubectl` and the kubeconfig that it reads.
#[derive(Clone, Debug)]
pub struct Kubectl {
    /// The program and the words that stand before every command.
    program: Vec<OsString>,
    kubeconfig: PathBuf,
}

impl Kubectl {
    /// A program, with the words that make `kubectl` of it.
    pub fn new(program: &[impl Into<OsString> + Clone], kubeconfig: &Path) -> Kubectl {
        Kubectl {
            program: program.iter().cloned().map(Into::into).collect(),
            kubeconfig: kubeconfig.to_owned(),
        }
    }

    /// The machine's own, where it has one.
    pub fn of_this_machine(kubeconfig: &Path) -> Option<Kubectl> {
        let answers = Command::new("kubectl")
            .args(["version", "--client"])
            .output()
            .is_ok_and(|output| output.status.success());
        answers.then(|| Kubectl::new(&["kubectl"], kubeconfig))
    }

    /// The command, all streams piped. What it learns of the cluster is kept beside the kubeconfig.
    pub fn command(&self, words: &[&str]) -> Command {
        let (program, before) = match self.program.split_first() {
            Some((program, before)) => (program.clone(), before),
            None => (OsString::from("kubectl"), &[][..]),
        };
        let mut command = Command::new(program);
        command
            .args(before)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .arg("--cache-dir")
            .arg(self.kubeconfig.with_extension("kubectl-cache"))
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Types a command, which reads `input`; what it printed, or what it complained about.
    pub fn run(&self, words: &[&str], input: &str) -> Result<String> {
        said(
            self.command(words).spawn().context("starting kubectl")?,
            input,
        )
        .with_context(|| format!("kubectl {}", words.join(" ")))
    }
}

/// What a command says that is given `input`; an error where it fails.
pub fn said(mut child: Child, input: &str) -> Result<String> {
    if let Some(mut pipe) = child.stdin.take() {
        // Whoever needs no input may be gone before it is written.
        let _ = pipe.write_all(input.as_bytes());
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("{}", complaint.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
