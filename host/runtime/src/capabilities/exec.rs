//! Programs in containers of members. Grant: `exec`, by container and argv pattern.

use tokio::time::timeout;
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower};

use super::forbid;
use crate::contract::{Extra, Failure};
use crate::effects::{Command, ExecOutput, Job};
use crate::grants::exec_grant;
use crate::sandbox::Sandbox;

/// The most that is taken of standard output, and of standard error.
const MAX_OUTPUT: usize = 256 << 10;

/// The longest key of a program that may outlive its call.
const MAX_KEY: usize = 63;

/// `command` of the contract.
#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
struct Wanted {
    container: Option<String>,
    argv: Vec<String>,
    stdin: Vec<u8>,
    extra: Extra,
}

/// `output` of the contract.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
struct Output {
    code: i32,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    truncated: bool,
}

/// `job` of the contract.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(variant)]
enum Answer {
    #[component(name = "running")]
    Running,
    #[component(name = "exited")]
    Exited(Output),
    #[component(name = "lost")]
    Lost,
    #[component(name = "other")]
    #[allow(
        dead_code,
        reason = "room of the contract for what a later host may say"
    )]
    Other(String),
}

pub(super) fn link(exec: &mut LinkerInstance<'_, Sandbox>, allowed: bool) -> wasmtime::Result<()> {
    if !allowed {
        return forbid(exec, "exec", &["run", "start", "poll"]);
    }
    exec.func_wrap_async(
        "start",
        |mut cx: StoreContextMut<'_, Sandbox>, (pod, key, wanted): (String, String, Wanted)| {
            Box::new(async move {
                let sandbox = cx.data_mut();
                sandbox.meter.enter()?;
                let job = sandbox.start(&pod, &key, wanted).await;
                sandbox.meter.resume();
                Ok((job,))
            })
        },
    )?;
    exec.func_wrap_async(
        "poll",
        |mut cx: StoreContextMut<'_, Sandbox>, (pod, key): (String, String)| {
            Box::new(async move {
                let sandbox = cx.data_mut();
                sandbox.meter.enter()?;
                let job = sandbox.poll(&pod, &key).await;
                sandbox.meter.resume();
                Ok((job,))
            })
        },
    )?;
    exec.func_wrap_async(
        "run",
        |mut cx: StoreContextMut<'_, Sandbox>, (pod, wanted, timeout_ms): (String, Wanted, u32)| {
            Box::new(async move {
                let sandbox = cx.data_mut();
                sandbox.meter.enter()?;
                let output = sandbox.run(&pod, wanted, timeout_ms).await;
                sandbox.meter.resume();
                Ok((output,))
            })
        },
    )
}

impl Sandbox {
    async fn run(&mut self, pod: &str, wanted: Wanted, timeout_ms: u32) -> Result<Output, Failure> {
        let command = self.command(pod, wanted)?;
        let limit = self.meter.clip(timeout_ms);
        let output = timeout(limit, self.effects.exec(pod, command))
            .await
            .unwrap_or(Err(Failure::Timeout))?;
        self.taken(output)
    }

    async fn start(&mut self, pod: &str, key: &str, wanted: Wanted) -> Result<Answer, Failure> {
        is_key(key)?;
        let command = self.command(pod, wanted)?;
        let job = self.effects.start(pod, key, command).await?;
        self.answer(job)
    }

    async fn poll(&mut self, pod: &str, key: &str) -> Result<Answer, Failure> {
        is_key(key)?;
        let allowed = !self.grants().exec.is_empty();
        self.permit(allowed, "exec.poll", "exec")?;
        if !self.snapshot.has_pod(pod) {
            return Err(Failure::Replaced);
        }
        let job = self.effects.poll(pod, key).await?;
        self.answer(job)
    }

    /// The command that the plugin wants, when it may be run. What it brings in is counted.
    fn command(&mut self, pod: &str, wanted: Wanted) -> Result<Command, Failure> {
        if let Some((key, _)) = wanted.extra.first() {
            return Err(Failure::Other(format!(
                "this host knows no extra {:?} of a command",
                crate::text::line(key, 64)
            )));
        }
        if !self.snapshot.has_pod(pod) {
            return Err(Failure::Replaced);
        }
        let container = wanted
            .container
            .or_else(|| self.effects.first_container(pod))
            .ok_or_else(|| {
                Failure::Other("the first container is not known here: name one".to_owned())
            })?;
        let allowed = self.grants().allows_exec(&container, &wanted.argv);
        self.permit(allowed, "exec", &exec_grant(&container, &wanted.argv))?;
        if !self.meter.has_room(wanted.stdin.len()) {
            return Err(self.bytes_are_used_up());
        }
        self.meter.add_bytes(wanted.stdin.len());
        Ok(Command {
            container,
            argv: wanted.argv,
            stdin: wanted.stdin,
        })
    }

    fn answer(&mut self, job: Job) -> Result<Answer, Failure> {
        Ok(match job {
            Job::Running => Answer::Running,
            Job::Exited(output) => Answer::Exited(self.taken(output)?),
            Job::Lost => Answer::Lost,
        })
    }

    fn taken(&mut self, output: ExecOutput) -> Result<Output, Failure> {
        let output = cut(output);
        let size = output.stdout.len() + output.stderr.len();
        if !self.meter.has_room(size) {
            return Err(self.bytes_are_used_up());
        }
        self.meter.add_bytes(size);
        Ok(output)
    }
}

/// A key names a program within its pod, and is part of an annotation's name.
fn is_key(key: &str) -> Result<(), Failure> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let ends = |end: Option<u8>| end.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let mut bytes = key.bytes();
    if key.len() <= MAX_KEY
        && key.bytes().all(fits)
        && ends(bytes.next())
        && ends(key.bytes().last())
    {
        return Ok(());
    }
    Err(Failure::Other(format!(
        "key {:?} must have 1 to {MAX_KEY} letters, digits, '-', '_' and '.', with a letter or digit at both ends",
        crate::text::line(key, MAX_KEY)
    )))
}

fn cut(output: ExecOutput) -> Output {
    let ExecOutput {
        code,
        mut stdout,
        mut stderr,
        truncated,
    } = output;
    let too_long = stdout.len() > MAX_OUTPUT || stderr.len() > MAX_OUTPUT;
    stdout.truncate(MAX_OUTPUT);
    stderr.truncate(MAX_OUTPUT);
    Output {
        code,
        stdout,
        stderr,
        truncated: truncated || too_long,
    }
}
