//! A bed: the embedded cluster and the operator as real processes, in a folder of their own, all gone when it is dropped.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use kube::config::{KubeConfigOptions, Kubeconfig};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::workspace;

/// The `stateward` program, built beside this one.
pub fn stateward() -> Result<PathBuf> {
    program("stateward")
}

/// A program of the workspace, built beside this one.
pub fn program(name: &str) -> Result<PathBuf> {
    let me = std::env::current_exe()?;
    let program = me
        .ancestors()
        .skip(1)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    program.with_context(|| format!("the program `{name}` is not built: run `make build`"))
}

/// A child process that ends with its owner.
pub struct Process {
    child: Child,
    name: String,
    pub log: PathBuf,
}

impl Process {
    /// Starts `command` in the workspace's folder with its standard error in `log`; waits for a line of standard output that begins with `ready`, if one is given.
    pub fn start(
        name: &str,
        mut command: Command,
        log: &Path,
        ready: Option<&str>,
    ) -> Result<(Process, String)> {
        let errors = File::options().create(true).append(true).open(log)?;
        let mut out = errors.try_clone()?;
        let mut child = command
            .current_dir(workspace())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        let stdout = child.stdout.take().context("no standard output")?;
        let process = Process {
            child,
            name: name.to_owned(),
            log: log.to_owned(),
        };
        let (lines, first) = mpsc::channel();
        let wanted = ready.map(str::to_owned);
        std::thread::spawn(move || {
            use std::io::Write;
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = writeln!(out, "{line}");
                if wanted
                    .as_ref()
                    .is_some_and(|wanted| line.starts_with(wanted.as_str()))
                {
                    let _ = lines.send(line);
                }
            }
        });
        let line = match ready {
            None => String::new(),
            Some(_) => match first.recv_timeout(Duration::from_secs(60)) {
                Ok(line) => line,
                Err(_) => bail!("{name} did not become ready; its log:\n{}", tail(log)),
            },
        };
        Ok((process, line))
    }

    pub fn id(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap_or(i32::MAX)
    }

    /// Resident memory, in KiB.
    pub fn memory_kib(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("no VmRSS")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse()?)
    }

    /// Ends it as a crash would.
    pub fn crash(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end, and ends it when it does not.
    pub fn stop(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        kill(Pid::from_raw(self.id()), Signal::SIGTERM)?;
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(20) {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.child.kill()?;
        self.child.wait()?;
        bail!(
            "{} did not end when asked to; its log:\n{}",
            self.name,
            tail(&self.log)
        )
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// The last lines of a log.
pub fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines
        .iter()
        .skip(lines.len().saturating_sub(40))
        .copied()
        .collect::<Vec<_>>()
        .join("\n")
}

/// The embedded cluster, with the operator inside or as a process of its own.
pub struct Bed {
    pub cluster: Process,
    pub operator: Option<Process>,
    pub client: kube::Client,
    pub kubeconfig: PathBuf,
    pub folder: PathBuf,
    temporary: Option<tempfile::TempDir>,
}

impl Bed {
    /// `stateward dev`, everything in one process.
    pub async fn dev() -> Result<Bed> {
        Bed::begin(&[]).await
    }

    /// `stateward dev --no-operator`; the operator comes with [`Bed::start_operator`].
    pub async fn without_operator() -> Result<Bed> {
        Bed::begin(&["--no-operator"]).await
    }

    async fn begin(arguments: &[&str]) -> Result<Bed> {
        let temporary = tempfile::Builder::new().prefix("stateward-").tempdir()?;
        let folder = temporary.path().to_owned();
        let mut command = Command::new(stateward()?);
        command
            .arg("dev")
            .arg("--folder")
            .arg(folder.join("dev"))
            .args(arguments);
        let (cluster, _) = Process::start(
            "stateward dev",
            command,
            &folder.join("dev.log"),
            Some("ready"),
        )?;
        let kubeconfig = folder.join("dev/kubeconfig");
        let client = client(&kubeconfig).await?;
        Ok(Bed {
            cluster,
            operator: None,
            client,
            kubeconfig,
            folder,
            temporary: Some(temporary),
        })
    }

    /// `stateward run` against the cluster, its log in JSON.
    pub fn start_operator(&mut self) -> Result<()> {
        self.start_operator_with(&["--allow-loopback-members"])
    }

    /// The same, with these arguments. Members have loopback addresses, which it does not dial unless it is told to.
    pub fn start_operator_with(&mut self, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(stateward()?);
        command
            .arg("run")
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(["--log", "json"])
            .args(arguments);
        command
            .arg("--plugin-cache")
            .arg(self.folder.join("plugins"));
        command.env("STATEWARD_LOG", "info,stateward_operator=debug");
        let (operator, _) = Process::start(
            "stateward run",
            command,
            &self.folder.join("operator.log"),
            None,
        )?;
        self.operator = Some(operator);
        Ok(())
    }

    /// SIGKILL to the operator.
    pub fn crash_operator(&mut self) -> Result<()> {
        self.operator.take().context("no operator runs")?.crash()
    }

    /// Keeps the folder, for looking at it after a failure.
    pub fn keep(&mut self) -> PathBuf {
        if let Some(temporary) = self.temporary.take() {
            let _ = temporary.keep();
        }
        self.folder.clone()
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        if let Some(operator) = &mut self.operator {
            let _ = operator.stop();
        }
        let _ = self.cluster.stop();
    }
}

async fn client(kubeconfig: &Path) -> Result<kube::Client> {
    let config = Kubeconfig::read_from(kubeconfig)?;
    let config =
        kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
    Ok(kube::Client::try_from(config)?)
}
