//! Programs in containers of members. Grant: `exec`, by container and argv pattern.

use tokio::time::timeout;
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower};

use super::forbid;
use crate::contract::{Extra, Failure};
use crate::effects::{Command, ExecOutput};
use crate::grants::exec_grant;
use crate::sandbox::Sandbox;

/// The most that is taken of standard output, and of standard error.
const MAX_OUTPUT: usize = 256 << 10;

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
#[allow(
    dead_code,
    reason = "the shape of the contract; nothing of it is granted yet"
)]
enum Job {
    #[component(name = "running")]
    Running,
    #[component(name = "exited")]
    Exited(Output),
    #[component(name = "lost")]
    Lost,
    #[component(name = "other")]
    Other(String),
}

pub(super) fn link(exec: &mut LinkerInstance<'_, Sandbox>, allowed: bool) -> wasmtime::Result<()> {
    if !allowed {
        return forbid(exec, "exec", &["run", "start", "poll"]);
    }
    exec.func_wrap(
        "start",
        |mut cx: StoreContextMut<'_, Sandbox>, _: (String, String, Wanted)| {
            cx.data_mut().meter.enter()?;
            Ok((Err::<Job, _>(not_granted_yet()),))
        },
    )?;
    exec.func_wrap(
        "poll",
        |mut cx: StoreContextMut<'_, Sandbox>, _: (String, String)| {
            cx.data_mut().meter.enter()?;
            Ok((Err::<Job, _>(not_granted_yet()),))
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

fn not_granted_yet() -> Failure {
    Failure::Denied("no grant of this host lets a program outlive a call".to_owned())
}

impl Sandbox {
    async fn run(&mut self, pod: &str, wanted: Wanted, timeout_ms: u32) -> Result<Output, Failure> {
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
        if !self.grants().allows_exec(&container, &wanted.argv) {
            let grant = exec_grant(&container, &wanted.argv);
            return Err(Failure::Denied(self.shown(
                &format!("exec needs the grant {grant}"),
                self.limits().text,
            )));
        }
        if !self.meter.has_room(wanted.stdin.len()) {
            return Err(self.bytes_are_used_up());
        }
        self.meter.add_bytes(wanted.stdin.len());
        let command = Command {
            container,
            argv: wanted.argv,
            stdin: wanted.stdin,
        };
        let limit = self.meter.clip(timeout_ms);
        let output = timeout(limit, self.effects.exec(pod, command))
            .await
            .unwrap_or(Err(Failure::Timeout))?;
        let output = cut(output);
        let size = output.stdout.len() + output.stderr.len();
        if !self.meter.has_room(size) {
            return Err(self.bytes_are_used_up());
        }
        self.meter.add_bytes(size);
        Ok(output)
    }
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
