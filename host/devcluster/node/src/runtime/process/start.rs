//! Starting a container's processes.

use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, watch};

use super::control::{ContainerSpec, MountSpec, Report};
use super::handle::ProcessHandle;
use super::isolation::Isolation;
use super::log::ContainerLog;
use super::relocation::Relocation;
use super::sandbox::exit_number;
use super::{HELPER_IN_CONTAINER, network_files};
use crate::recipes::{Program, Recipes, Values};
use crate::runtime::{ContainerStart, ExitStatus, Mount, Runtime, StartError, StartedContainer};

/// Containers as local processes.
pub(crate) struct ProcessRuntime {
    pub(crate) isolation: Isolation,
    pub(crate) helper: Vec<String>,
    pub(crate) recipe_files: Vec<PathBuf>,
    pub(crate) dns: Option<Ipv4Addr>,
    /// The node's own folder, which no container sees.
    pub(crate) hidden: Vec<PathBuf>,
}

#[async_trait]
impl Runtime for ProcessRuntime {
    fn name(&self) -> &'static str {
        "process"
    }

    fn needs_volumes(&self) -> bool {
        true
    }

    async fn start(&self, start: ContainerStart) -> Result<StartedContainer, StartError> {
        // Read anew each time, so that a recipe that was just added helps a pod that waits for it.
        let recipes = Recipes::load(&self.recipe_files)
            .map_err(|error| StartError::Image(error.to_string()))?;
        let program = recipes
            .program(&start.image)
            .map_err(|missing| StartError::Image(missing.to_string()))?
            .with(&Values {
                address: start.address,
                pod: start.pod.metadata.name.as_deref().unwrap_or_default(),
                hostname: &start.hostname,
                helper: match self.isolation {
                    Isolation::Private => HELPER_IN_CONTAINER,
                    Isolation::Shared => self.helper.first().map_or("", String::as_str),
                },
            });
        let relocation = match self.isolation {
            Isolation::Private => Relocation::default(),
            Isolation::Shared => Relocation::of(&start.mounts),
        };
        let mut environment = environment(&start, &program);
        for (_, value) in &mut environment {
            *value = relocation.apply(value);
        }
        let working_folder = start.working_folder.as_deref().unwrap_or("/");
        let working_folder = relocation.apply(working_folder);
        let files = network_files::write(
            &start.folder.join("etc"),
            &start.pod,
            &start.hostname,
            start.address,
            self.dns,
        )
        .map_err(|error| StartError::Start(format!("{}: {error}", start.folder.display())))?;
        let mut spec = self.spec(&start, &program, environment.clone(), files)?;
        spec.argv = spec
            .argv
            .iter()
            .map(|word| relocation.apply(word))
            .collect();
        spec.working_folder = Some(working_folder.clone());
        let (mut child, reports, orders) = self.spawn(&spec).await.map_err(StartError::Start)?;
        let pumps = log_pumps(&mut child, &start.log);
        let init = match started(reports).await {
            Ok(init) => init,
            Err(message) => {
                // It ends by itself after such a report; its exit code says nothing more.
                let _ended = child.wait().await;
                return Err(StartError::Start(message));
            }
        };
        let handle = ProcessHandle {
            init: match self.isolation {
                Isolation::Private => init.to_string(),
                Isolation::Shared => super::enter::SHARED.to_owned(),
            },
            relocation,
            orders: Mutex::new(orders),
            helper: self.helper.clone(),
            environment,
            working_folder,
            user: format!("{}:{}", number(spec.user), number(spec.group)),
        };
        let (log, folder) = (Arc::clone(&start.log), start.folder.clone());
        let exit = async move {
            let code = child.wait().await.map_or(-1, exit_number);
            for pump in pumps {
                let _done = pump.await;
            }
            log.end();
            // What the container wrote outside of its volumes ends with it.
            let _left = tokio::fs::remove_dir_all(&folder).await;
            ExitStatus { code }
        };
        Ok(StartedContainer {
            handle: Arc::new(handle),
            exit: Box::pin(exit),
            ready: watch::channel(true).1,
        })
    }
}

impl ProcessRuntime {
    fn spec(
        &self,
        start: &ContainerStart,
        program: &Program,
        environment: Vec<(String, String)>,
        files: Vec<Mount>,
    ) -> Result<ContainerSpec, StartError> {
        let helper = self.helper.first().ok_or_else(|| {
            StartError::Start("the node was started without its helper's path".to_owned())
        })?;
        let mounts = files
            .into_iter()
            .chain(start.mounts.iter().cloned())
            .map(|mount| MountSpec {
                source: mount.source,
                target: mount.target,
                read_only: mount.read_only,
            })
            .collect();
        // Only root becomes somebody else.
        let may_switch = nix::unistd::geteuid().is_root();
        Ok(ContainerSpec {
            isolation: self.isolation,
            hostname: start.hostname.clone(),
            folder: start.folder.clone(),
            hidden: self.hidden.clone(),
            mounts,
            helper: PathBuf::from(helper),
            argv: program.argv(&start.command, &start.args),
            environment,
            working_folder: start.working_folder.clone(),
            user: start.user.filter(|_| may_switch),
            group: start.group.filter(|_| may_switch),
        })
    }

    async fn spawn(
        &self,
        spec: &ContainerSpec,
    ) -> Result<(Child, OwnedReadHalf, tokio::net::unix::OwnedWriteHalf), String> {
        let wrong =
            |error: std::io::Error| format!("the container's first process did not start: {error}");
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(wrong)?;
        ours.set_nonblocking(true).map_err(wrong)?;
        let (program, prefix) = self
            .helper
            .split_first()
            .ok_or_else(|| "the node was started without its helper's path".to_owned())?;
        let child = Command::new(program)
            .args(prefix)
            .arg("__container")
            .arg(spec.isolation.word())
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A terminal's Ctrl-C is for the agent, which then ends its pods in good order.
            .process_group(0)
            .spawn()
            .map_err(wrong)?;
        let (reports, mut orders) = UnixStream::from_std(ours).map_err(wrong)?.into_split();
        let mut line = serde_json::to_vec(spec).map_err(|error| error.to_string())?;
        line.push(b'\n');
        orders.write_all(&line).await.map_err(wrong)?;
        Ok((child, reports, orders))
    }
}

fn number(id: Option<u32>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

fn environment(start: &ContainerStart, program: &Program) -> Vec<(String, String)> {
    let mut all = vec![
        ("PATH".to_owned(), program.path()),
        ("HOME".to_owned(), "/root".to_owned()),
        ("HOSTNAME".to_owned(), start.hostname.clone()),
    ];
    all.extend(program.environment.clone());
    all.extend(start.environment.iter().cloned());
    all
}

fn log_pumps(child: &mut Child, log: &Arc<ContainerLog>) -> Vec<tokio::task::JoinHandle<()>> {
    let mut pumps = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        let log = Arc::clone(log);
        pumps.push(tokio::spawn(
            async move { log.take("stdout", stdout).await },
        ));
    }
    if let Some(stderr) = child.stderr.take() {
        let log = Arc::clone(log);
        pumps.push(tokio::spawn(
            async move { log.take("stderr", stderr).await },
        ));
    }
    pumps
}

/// Waits until the command runs and answers the machine's number of the container's PID 1.
async fn started(reports: OwnedReadHalf) -> Result<u32, String> {
    let mut lines: Lines<_> = BufReader::new(reports).lines();
    let (mut init, mut runs) = (None, false);
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line) {
            Ok(Report::Init(pid)) => init = Some(pid),
            Ok(Report::Started) => runs = true,
            Ok(Report::Failed(message)) => return Err(message),
            Err(error) => return Err(format!("the container's report is not readable: {error}")),
        }
        if let (Some(init), true) = (init, runs) {
            return Ok(init);
        }
    }
    Err("the container ended before its command was started".to_owned())
}
