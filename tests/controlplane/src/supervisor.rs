//! The conversation with `up`: one JSON object a line each way.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::errors::ControlPlaneError;

/// A program that runs beside the components and ends with them; it finds the control plane by `KUBECONFIG`.
#[derive(Clone, Debug, Serialize)]
pub struct Program {
    /// What it is called from now on; also the name of its log.
    pub name: String,
    /// Where it is.
    pub program: PathBuf,
    /// What follows its name.
    pub args: Vec<String>,
    /// `NAME=value`, beside what this process has.
    pub env: Vec<String>,
}

/// What `up` says when pods can be created.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Ready {
    pub(crate) server: String,
    pub(crate) kubeconfig: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) kubelet_port: u16,
    components: BTreeMap<String, u32>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    pid: u32,
    #[serde(default)]
    error: String,
}

/// The running `up`. Everything it started ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Supervisor {
    line: Mutex<Line>,
    pids: Mutex<BTreeMap<String, u32>>,
}

#[derive(Debug)]
struct Line {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Supervisor {
    /// Blocks until the control plane is usable.
    pub(crate) fn start(
        program: &Path,
        words: &[String],
    ) -> Result<(Self, Ready), ControlPlaneError> {
        let mut child = Command::new(program)
            .arg("up")
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(ControlPlaneError::io(format!(
                "starting {}",
                program.display()
            )))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(ControlPlaneError::Ended);
        };
        let mut line = Line {
            child,
            input: Some(input),
            output: BufReader::new(output),
        };
        let ready: Ready = line.read()?;
        let supervisor = Self {
            line: Mutex::new(line),
            pids: Mutex::new(ready.components.clone()),
        };
        Ok((supervisor, ready))
    }

    /// Asks and blocks until it is done.
    pub(crate) fn ask(
        &self,
        name: &str,
        request: &impl Serialize,
    ) -> Result<(), ControlPlaneError> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = ControlPlaneError::io("asking the control plane for something");
        let mut text = serde_json::to_vec(request).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        let input = line.input.as_mut().ok_or(ControlPlaneError::Ended)?;
        if input.write_all(&text).is_err() {
            return Err(ControlPlaneError::Ended);
        }
        let answer: Answer = line.read()?;
        if !answer.error.is_empty() {
            return Err(ControlPlaneError::Refused {
                message: answer.error,
            });
        }
        let mut pids = self.pids.lock().unwrap_or_else(PoisonError::into_inner);
        pids.insert(name.to_owned(), answer.pid);
        Ok(())
    }

    pub(crate) fn pid(&self, name: &str) -> Result<u32, ControlPlaneError> {
        let pids = self.pids.lock().unwrap_or_else(PoisonError::into_inner);
        pids.get(name)
            .copied()
            .ok_or_else(|| ControlPlaneError::Unknown {
                name: name.to_owned(),
            })
    }
}

impl Line {
    fn read<T: for<'a> Deserialize<'a>>(&mut self) -> Result<T, ControlPlaneError> {
        let mut text = String::new();
        match self.output.read_line(&mut text) {
            Ok(1..) => serde_json::from_str(&text).map_err(|_| ControlPlaneError::Answer {
                line: text.trim_end().to_owned(),
            }),
            _ => Err(ControlPlaneError::Ended),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // The end of its input is the end of everything; afterwards its folder is gone, too.
        drop(self.input.take());
        let _status = self.child.wait();
    }
}
