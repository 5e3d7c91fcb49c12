//! What plugin authors do, from an empty folder to a plugin under `stateward dev`.

use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use stateward_components::place_of_panic;

use crate::components::component;
use crate::stateward::{Dev, Ran, command, stateward, stateward_in};

fn ok(ran: Ran) -> String {
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    ran.out
}

/// Where crates of the tests are built: their dependencies are compiled once for all runs.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("authors")
}

/// Runs `stateward` as an author does in the folder of a crate.
fn author(folder: &Path, words: &[&str]) -> Ran {
    let output = author_command(folder, words).output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn author_command(folder: &Path, words: &[&str]) -> Command {
    let mut command = command(words);
    command.current_dir(folder).envs(cargos_own());
    command
}

/// What cargo needs to know of, where HOME is another one; and that it is not to ask the network.
fn cargos_own() -> Vec<(&'static str, PathBuf)> {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let own = |name: &'static str, folder: &str| {
        let given = std::env::var_os(name).map(PathBuf::from);
        (name, given.unwrap_or_else(|| home.join(folder)))
    };
    vec![
        own("CARGO_HOME", ".cargo"),
        own("RUSTUP_HOME", ".rustup"),
        ("CARGO_TARGET_DIR", target()),
        ("CARGO_NET_OFFLINE", PathBuf::from("true")),
    ]
}

/// A process that tells line by line; it ends with the value.
struct Telling {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Telling {
    fn start(mut command: Command) -> Telling {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Telling { child, lines }
    }

    /// The next line that begins so.
    fn until(&mut self, start: &str) -> String {
        let mut lines = self.lines.by_ref().map_while(Result::ok);
        lines.find(|line| line.starts_with(start)).unwrap()
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn from_an_empty_folder_to_a_plugin_that_is_replaced_at_each_change() {
    // Given an empty folder outside of any workspace,
    let place = tempfile::tempdir().unwrap();
    let made = ok(stateward_in(place.path(), &["plugin", "new", "my-shards"]));
    assert!(made.contains("cd my-shards"), "{made}");
    let folder = place.path().join("my-shards");
    // (Rust and the versions of this workspace, which are there without a network.)
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for file in ["Cargo.lock", "rust-toolchain.toml"] {
        std::fs::copy(root.join(file), folder.join(file)).unwrap();
    }

    // the tests of the new crate pass at once.
    let tested = Command::new(env!("CARGO"))
        .args(["test", "--quiet"])
        .current_dir(&folder)
        .envs(cargos_own())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&tested.stdout);
    assert!(
        said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&tested.stderr)
    );

    // It is built, and told what it is.
    let built = ok(author(
        &folder,
        &["plugin", "build", "--out", "my-shards.wasm", "-o", "json"],
    ));
    let built: Value = serde_json::from_str(&built).unwrap();
    assert_eq!(built["hooks"], serde_json::json!(["pre-delete"]));
    assert!(built["size"].as_u64().unwrap() < 300_000, "{built}");
    assert!(built["digest"].as_str().unwrap().starts_with("sha256:"));
    let inspected = ok(author(&folder, &["plugin", "inspect", "my-shards.wasm"]));
    for words in [
        "exports",
        "pre-delete",
        "http to port admin: GET POST /state /leave",
    ] {
        assert!(inspected.contains(words), "{words}: {inspected}");
    }

    // The component keeps its promises, and each of its calls can be made again.
    let tested = ok(author(
        &folder,
        &[
            "plugin",
            "test",
            "my-shards.wasm",
            "scenario.yaml",
            "--record",
            "calls",
        ],
    ));
    assert!(tested.contains("passed scenario.yaml"), "{tested}");
    let checked = ok(author(
        &folder,
        &[
            "plugin",
            "check",
            "my-shards.wasm",
            "--scenario",
            "scenario.yaml",
        ],
    ));
    assert!(checked.contains("0 failed"), "{checked}");
    let mut calls: Vec<_> = std::fs::read_dir(folder.join("calls"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    calls.sort();
    let leaves = calls
        .iter()
        .find(|path| std::fs::read_to_string(path).is_ok_and(|text| text.contains("scale-in")));
    let leaves = leaves.unwrap().to_str().unwrap();
    let ran = ok(author(
        &folder,
        &["plugin", "run", "my-shards.wasm", leaves],
    ));
    for words in ["http GET /state", "http POST /leave", "asked to leave"] {
        assert!(ran.contains(words), "{words}: {ran}");
    }

    // Under `stateward dev` it is served, and what is saved replaces it.
    let dev = Dev::start(&place.path().join("dev"), &[]);
    let kubeconfig = dev.kubeconfig.to_str().unwrap();
    let serving = ["plugin", "dev", "--kubeconfig", kubeconfig];
    let mut serving = Telling::start(author_command(&folder, &serving));
    let first = serving.until("serves");
    assert!(first.contains(built["digest"].as_str().unwrap()), "{first}");
    let source = folder.join("src/lib.rs");
    let text = std::fs::read_to_string(&source).unwrap();
    std::fs::write(
        &source,
        text.replace("handing its data over", "handing all over"),
    )
    .unwrap();
    let second = serving.until("serves");
    assert!(second.contains("my-shards 0.1.0: sha256:"), "{second}");
    assert_ne!(second, first);
    drop(serving);
    assert_eq!(dev.end(), 0);
}

/// A scenario of the plugin that breaks this promise.
fn breaking(folder: &Path, promise: &str) -> String {
    let settings = match promise {
        "nothing" => "{}".to_owned(),
        promise => format!("{{breaks: {promise}}}"),
    };
    let text = format!(
        "settings: {settings}
refuses: [{{breaks: 7}}]
members:
  starts: none
  answers:
  - {{ask: count}}
  - {{ask: add, when: none, becomes: once}}
  - {{ask: add, when: once, becomes: twice}}
  - {{ask: add, when: twice, becomes: often}}
  - {{ask: add, when: often}}
steps:
- scale: 2
- expect: {{0: once, 1: once}}
"
    );
    let path = folder.join(format!("{promise}.yaml"));
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The checks of a battery that ended so.
fn checks(report: &Value, verdict: &str) -> Vec<String> {
    let all = report["checks"].as_array().unwrap().iter();
    all.filter(|check| check["verdict"] == verdict)
        .map(|check| check["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_plugin_that_breaks_a_promise_is_caught_by_the_check_of_it() {
    let place = tempfile::tempdir().unwrap();
    let check = |promise: &str| {
        let (scenario, report) = (breaking(place.path(), promise), place.path().join("r.json"));
        let report = report.to_str().unwrap();
        let wrong = component("wrong");
        let words = [
            "plugin",
            "check",
            &wrong,
            "--scenario",
            &scenario,
            "--report",
            report,
        ];
        let ran = stateward(&words);
        let report = std::fs::read_to_string(report).unwrap();
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!(ran.code == 0, report["passed"] == true, "{}", ran.out);
        (ran, report)
    };
    let (ran, report) = check("nothing");
    assert_eq!(checks(&report, "failed"), [""; 0], "{}", ran.out);
    assert_eq!(checks(&report, "notShown"), [""; 0], "{}", ran.out);
    assert_eq!(checks(&report, "passed").len(), 8);

    for (promise, caught) in [
        ("idempotent", "idempotent"),
        ("resumable", "resumable"),
        ("limits", "within its limits"),
        ("validate", "honest in validate"),
        ("validate-by-the-clock", "honest in validate"),
        ("probe", "read-only in probe"),
        ("work", "does its work"),
    ] {
        let (ran, report) = check(promise);
        assert_eq!(ran.code, 1, "{promise}: {}", ran.out);
        let failed = checks(&report, "failed");
        assert!(
            failed.contains(&caught.to_owned()),
            "{promise}: {}",
            ran.out
        );
        assert!(
            ran.out.contains(&format!("failed    {caught}")),
            "{}",
            ran.out
        );
    }
}

#[test]
fn a_probe_that_writes_what_the_host_keeps_is_caught() {
    let place = tempfile::tempdir().unwrap();
    let scenario = place.path().join("s.yaml");
    let text =
        "settings: {joining: 'put:x'}\nmembers: {starts: up, answers: []}\nsteps:\n- scale: 1\n";
    std::fs::write(&scenario, text).unwrap();
    let ran = stateward(&[
        "plugin",
        "check",
        &component("hostile"),
        "--scenario",
        scenario.to_str().unwrap(),
    ]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(
        ran.out.contains("failed    read-only in probe"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("state.put"), "{}", ran.out);
}

#[test]
fn a_scenario_file_says_what_users_and_nodes_do() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("s.yaml");
    let text = "members:
  starts: none
  answers:
  - {ask: count}
  - {ask: add, when: none, becomes: once, then: old, after: 600}
steps:
- scale: 2
- deadline: {hook: task, seconds: 300, policy: Abort}
- pass: 600
- expect: {0: old, 1: old}
- task: {name: rebuild, member: 1, arguments: its disk is broken}
- ended: {task: rebuild, result: Done}
- expect: {0: old, 1: once}
- drain: 0
- uncordon: 0
- expect: {0: old, 1: once}
";
    std::fs::write(&path, text).unwrap();
    let scenario = path.to_str().unwrap();
    let test = |words: &[&str]| {
        let wrong = component("wrong");
        stateward(&[&["plugin", "test", &wrong, scenario], words].concat())
    };
    let passed = ok(test(&[]));
    assert!(passed.contains("passed"), "{passed}");

    for (step, words) in [
        ("task: {name: tidy}", "plugin wrong knows no task tidy"),
        (
            "rule: {verb: skip, hook: post-ready, member: 1}",
            "a user wants to skip post-ready of wrong-1",
        ),
        ("release: 1", "a user wants to skip quarantine/1"),
        ("ended: {task: rebuild, result: Failed}", "rebuild: Done"),
        (
            "rule: {verb: skip, hook: pre-delte}",
            "there is no hook pre-delte",
        ),
    ] {
        std::fs::write(&path, format!("{text}- {step}\n")).unwrap();
        let ran = test(&["--no-faults"]);
        assert_eq!(ran.code, 1, "{step}: {}", ran.out);
        let told = format!("{}{}", ran.out, ran.err);
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[test]
fn one_hook_runs_on_an_input_by_hand() {
    let place = tempfile::tempdir().unwrap();
    let wrong = component("wrong");
    let input = |text: &str| {
        let path = place.path().join("input.yaml");
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let counted = input(
        "hook: post-ready\nordinal: 1\nexchanges:\n- exec: {argv: [tally, count], stdout: none}\n- exec: {argv: [tally, add], stdout: once}\n",
    );
    let told = ok(stateward(&["plugin", "run", &wrong, &counted]));
    for words in [
        "wrong post-ready",
        "done",
        "exec tally count in app-1-uid → exit 0, “none”",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let json = ok(stateward(&[
        "plugin", "run", &wrong, &counted, "-o", "json",
    ]));
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["answer"], "done");
    assert_eq!(json["exchanges"].as_array().unwrap().len(), 2);
    assert_eq!(json["usage"]["hostCalls"], 2);

    // What no exchange answers is a failure that names it.
    let silent = stateward(&[
        "plugin",
        "run",
        &wrong,
        &input("hook: post-ready\nordinal: 1\n"),
    ]);
    assert_eq!(silent.code, 1);
    assert!(
        silent.out.contains("the input has no exchange for exec"),
        "{}",
        silent.out
    );
    // A refusal, an end by the sandbox, an example to go on from.
    let odd = input("hook: validate\nsettings: {breaks: 7}\n");
    let refused = stateward(&["plugin", "run", &wrong, &odd]);
    assert_eq!(refused.code, 1);
    assert!(refused.out.contains("cannot be read"), "{}", refused.out);
    let much = input("hook: post-ready\nordinal: 1\nsettings: {breaks: limits}\n");
    let ended = stateward(&["plugin", "run", &wrong, &much]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("PluginOutOfMemory"), "{}", ended.out);
    let lost = input("hook: post-ready\nordinal: 1\nsettings: {breaks: panic}\n");
    let ended = stateward(&["plugin", "run", &wrong, &lost]);
    assert_eq!(ended.code, 1);
    assert!(ended.out.contains("PluginPanicked"), "{}", ended.out);
    // Why it ended, and the line that the SDK writes to the log.
    let words = format!("panicked at {}: the tally is lost", place_of_panic());
    assert_eq!(
        ended.out.matches(&words).count(),
        2,
        "{words}: {}",
        ended.out
    );
    let example = ok(stateward(&[
        "plugin",
        "run",
        &wrong,
        "--example",
        "post-ready",
    ]));
    ok(stateward(&[
        "plugin",
        "run",
        &wrong,
        &input(
            &example
                .replace("program", "tally")
                .replace("argument", "count"),
        ),
    ]));

    for (text, words) in [
        ("hook: pre-scale\n", "it has validate, probe, post-ready"),
        ("hook: post-ready\n", "give its `ordinal`"),
        (
            "hook: post-ready\nordinal: 1\napp: {size: 3}\n",
            "app has no field \"size\"; there are",
        ),
        ("hook: nothing\n", "is no input of a hook"),
    ] {
        let wrong = stateward(&["plugin", "run", &wrong, &input(text)]);
        assert_eq!(wrong.code, 1, "{text}: {}", wrong.out);
        assert!(wrong.err.contains(words), "{words}: {}", wrong.err);
    }
}

#[test]
fn a_folder_that_is_there_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("shards")).unwrap();
    let made = stateward_in(folder.path(), &["plugin", "new", "shards"]);
    assert_eq!(made.code, 1);
    assert!(made.err.contains("shards"), "{}", made.err);

    let made = stateward_in(folder.path(), &["plugin", "new", "Shards!"]);
    assert!(made.err.contains("small letters"), "{}", made.err);
    let made = stateward_in(folder.path(), &["plugin", "new", "other", "--sdk", "/"]);
    assert!(made.err.contains("name a clone"), "{}", made.err);
}

#[test]
fn what_cannot_be_built_says_what_to_do() {
    let place = tempfile::tempdir().unwrap();
    let none = author(place.path(), &["plugin", "build"]);
    assert_eq!(none.code, 1);
    assert!(none.err.contains("it has no Cargo.toml"), "{}", none.err);

    ok(stateward_in(place.path(), &["plugin", "new", "shards"]));
    let folder = place.path().join("shards");
    let without = |path: &Path| {
        let mut command = author_command(&folder, &["plugin", "build"]);
        String::from_utf8(command.env("PATH", path).output().unwrap().stderr).unwrap()
    };
    let said = without(place.path());
    assert!(
        said.contains("cannot start rustc") && said.contains("rustup.rs"),
        "{said}"
    );
    // A Rust without the target.
    let tools = place.path().join("tools");
    std::fs::create_dir(&tools).unwrap();
    std::os::unix::fs::symlink("/bin/false", tools.join("rustc")).unwrap();
    let said = without(&tools);
    assert!(said.contains("rustup target add wasm32-wasip2"), "{said}");
}

#[test]
fn a_scenario_that_is_none_says_where() {
    let place = tempfile::tempdir().unwrap();
    let scenario = place.path().join("s.yaml");
    std::fs::write(
        &scenario,
        "members: {starts: up, answers: []}\nsteps:\n- sacle: 3\n",
    )
    .unwrap();
    let scenario = scenario.to_str().unwrap();
    let ran = stateward(&["plugin", "test", &component("wrong"), scenario]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("is no scenario") && ran.err.contains("sacle"),
        "{}",
        ran.err
    );
}

#[test]
fn a_component_that_no_operator_would_load_is_refused_as_there() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("none.wasm");
    std::fs::write(&file, "no component").unwrap();
    for words in [&["inspect"][..], &["check", "--scenario", "none.yaml"]] {
        let file = file.to_str().unwrap();
        let ran = stateward(&[&["plugin"], words, &[file]].concat());
        assert_eq!(ran.code, 1, "{}", ran.out);
        assert!(
            ran.err.contains("not a valid WebAssembly component"),
            "{}",
            ran.err
        );
    }
}

#[test]
fn a_recording_holds_no_secret_however_the_plugin_passes_it_on() {
    let place = tempfile::tempdir().unwrap();
    let scenario = place.path().join("s.yaml");
    let text = "settings: {breaks: secrecy}
secrets: {token: 'open sesame!'}
members: {starts: none, answers: [{ask: '*'}]}
steps: [scale: 1]
";
    std::fs::write(&scenario, text).unwrap();
    let folder = place.path().join("calls");
    let words = [
        "plugin",
        "test",
        &component("wrong"),
        scenario.to_str().unwrap(),
        "--no-faults",
        "--record",
        folder.to_str().unwrap(),
    ];
    ok(stateward(&words));
    let calls: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    let joins = calls.iter().find(|call| call.contains("post-ready"));
    let joins: Value = serde_json::from_str(joins.unwrap()).unwrap();
    let passed_on: Vec<_> = joins["exchanges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|exchange| match exchange["secret"]["value"].as_str() {
            Some(read) => read,
            None => exchange["exec"]["argv"][1].as_str().unwrap(),
        })
        .collect();
    // As it was read, in hexadecimal digits, in base64.
    assert_eq!(passed_on, ["<token>", "<token>", "<token>"]);
    for call in &calls {
        for secret in [
            "open sesame!",
            "6f70656e20736573616d6521",
            "b3BlbiBzZXNhbWUh",
        ] {
            assert!(!call.contains(secret), "{call}");
        }
    }
}
