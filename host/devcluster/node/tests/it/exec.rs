//! Commands and logs, through the API.

use futures::SinkExt;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{AttachParams, LogParams, TerminalSize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::bed::{Bed, PATIENCE};

pub(crate) struct Output {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Bed {
    pub(crate) async fn exec(&self, pod: &str, command: &[&str], input: &str) -> Output {
        let parameters = AttachParams::default().stdin(!input.is_empty());
        let running = async {
            let mut process = self
                .api::<Pod>()
                .exec(pod, command.iter().copied(), &parameters)
                .await
                .expect("exec is served");
            if let Some(mut stdin) = process.stdin() {
                stdin
                    .write_all(input.as_bytes())
                    .await
                    .expect("input is taken");
                stdin.shutdown().await.expect("input ends");
            }
            let (mut stdout, mut stderr) = (String::new(), String::new());
            let (mut out, mut err) = (
                process.stdout().expect("stdout"),
                process.stderr().expect("stderr"),
            );
            let status = process.take_status().expect("a status");
            let (read_out, read_err) = tokio::join!(
                out.read_to_string(&mut stdout),
                err.read_to_string(&mut stderr)
            );
            read_out.and(read_err).expect("output is read");
            let status = status.await.expect("the command ends");
            let code = match status.status.as_deref() {
                Some("Success") => 0,
                _ => status
                    .details
                    .and_then(|details| details.causes)
                    .into_iter()
                    .flatten()
                    .find(|cause| cause.reason.as_deref() == Some("ExitCode"))
                    .and_then(|cause| cause.message?.parse().ok())
                    .expect("an exit code"),
            };
            Output {
                code,
                stdout,
                stderr,
            }
        };
        tokio::time::timeout(PATIENCE, running)
            .await
            .expect("the command ends in time")
    }
}

impl Bed {
    /// What a command shows in a terminal until it ends.
    pub(crate) async fn exec_in_terminal(&self, pod: &str, command: &[&str]) -> String {
        let words = command.iter().copied();
        let showing = async {
            let mut process = self
                .api::<Pod>()
                .exec(pod, words, &AttachParams::interactive_tty())
                .await
                .expect("exec is served");
            let mut shown = String::new();
            let mut output = process.stdout().expect("output");
            output.read_to_string(&mut shown).await.expect("it is read");
            shown
        };
        tokio::time::timeout(PATIENCE, showing)
            .await
            .expect("the command ends in time")
    }
}

const SHELL: &str = r#"
apiVersion: v1
kind: Pod
metadata: { name: shell }
spec:
  terminationGracePeriodSeconds: 2
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "echo one; echo two >&2; export HIDDEN=1; sleep 1000"]
    env: [{ name: GREETING, value: hello }]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_command_has_its_exit_code_and_separate_streams() {
    let bed = Bed::process().await;
    bed.apply(SHELL).await;
    bed.until_ready("shell").await;

    let failed = bed
        .exec("shell", &["sh", "-c", "echo out; echo err >&2; exit 7"], "")
        .await;
    assert_eq!(
        (failed.code, failed.stdout.as_str(), failed.stderr.as_str()),
        (7, "out\n", "err\n")
    );

    let hostname = bed.exec("shell", &["hostname"], "").await;
    assert_eq!((hostname.code, hostname.stdout.as_str()), (0, "shell\n"));

    let variable = bed
        .exec("shell", &["sh", "-c", "echo $GREETING$HIDDEN"], "")
        .await;
    assert_eq!(variable.stdout, "hello\n");

    let missing = bed.exec("shell", &["no-such-program"], "").await;
    assert_eq!(missing.code, 127);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_reads_its_input_to_the_end() {
    let bed = Bed::process().await;
    bed.apply(SHELL).await;
    bed.until_ready("shell").await;

    let counted = bed.exec("shell", &["wc", "-c"], &"x".repeat(100_000)).await;

    assert_eq!(counted.stdout.trim(), "100000");
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_hold_both_streams() {
    let bed = Bed::process().await;
    bed.apply(SHELL).await;
    bed.until_ready("shell").await;
    // Both lines were written before this command could see the sleep.
    bed.exec("shell", &["sh", "-c", "until pidof sleep; do :; done"], "")
        .await;

    let logs = bed
        .api::<Pod>()
        .logs("shell", &LogParams::default())
        .await
        .expect("logs");

    let mut lines: Vec<&str> = logs.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["one", "two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_has_a_terminal_with_a_size_and_hears_its_keys() {
    let bed = Bed::process().await;
    bed.apply(SHELL).await;
    bed.until_ready("shell").await;
    let script = "until test \"$(stty size)\" = '33 91'; do :; done; echo $TERM; tty; test -t 2; echo $?; cat";

    let talking = async {
        let mut process = bed
            .api::<Pod>()
            .exec(
                "shell",
                ["sh", "-c", script],
                &AttachParams::interactive_tty(),
            )
            .await
            .expect("exec is served");
        let size = TerminalSize {
            height: 33,
            width: 91,
        };
        let mut window = process.terminal_size().expect("a window");
        window.send(size).await.expect("told");
        let mut shown = process.stdout().expect("output");
        let mut keys = process.stdin().expect("input");
        let mut text = String::new();
        until_shown(&mut shown, &mut text, "xterm\r\n/dev/pts/0\r\n0\r\n").await;
        keys.write_all(b"typed\n").await.expect("typed");
        // The terminal echoes, then the command does.
        until_shown(&mut shown, &mut text, "typed\r\ntyped\r\n").await;
        // Ctrl-C
        keys.write_all(b"\x03").await.expect("typed");
        let status = process.take_status().expect("a status");
        let Ok(status) = tokio::time::timeout(PATIENCE, status).await else {
            panic!("it does not end; it showed {text:?}");
        };
        status.expect("the command ends")
    };
    let status = talking.await;
    let message = status.message.unwrap_or_default();
    assert!(message.ends_with("exit status 130"), "{message}");
}

/// The test above once more, by a process that ignores the signals of terminals, as one started by `nohup` or in the background of a script does.
#[test]
fn given_an_agent_that_ignores_signals_then_its_containers_hear_them() {
    let test = std::env::current_exe().expect("this program");
    let ended = std::process::Command::new("sh")
        .args(["-c", "trap '' HUP INT QUIT; exec \"$0\" --exact \"$1\""])
        .arg(test)
        .arg("exec::a_command_has_a_terminal_with_a_size_and_hears_its_keys")
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(
        ended.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

async fn until_shown(shown: &mut (impl AsyncReadExt + Unpin), text: &mut String, part: &str) {
    let mut buffer = [0; 1024];
    while !text.contains(part) {
        let Ok(length) = tokio::time::timeout(PATIENCE, shown.read(&mut buffer)).await else {
            panic!("nothing follows {text:?}");
        };
        let length = length.expect("output is read");
        assert!(length > 0, "it ends with {text:?}");
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_working_folder_that_the_image_lacks_is_made() {
    let bed = Bed::process().await;
    bed.apply(&SHELL.replace(
        "image: busybox",
        "image: busybox\n    workingDir: /tmp/here",
    ))
    .await;
    bed.until_ready("shell").await;

    let folder = bed.exec("shell", &["pwd"], "").await;

    assert_eq!(folder.stdout, "/tmp/here\n");
}
