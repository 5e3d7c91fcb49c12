//! What it does when it is told to.

#![allow(clippy::panic, reason = "one of the deeds")]

use std::collections::HashMap;
use std::hint::black_box;

use crate::bindings::stateward::plugin::types::{App, Fault, Member, Outcome, Progress};
use crate::bindings::stateward::plugin::{
    clock, events, exec, log, random, requests, secret, state, tcp, view,
};
use crate::{asks, reach};

/// Settings that begin so leave `validate` in peace: an app is served, and its other hooks do the deed.
pub(crate) const ONLY_ACTING: &str = "{\"acting\":";

/// The same, and the deed is done only where there is a member to do it with.
pub(crate) const ONLY_JOINING: &str = "{\"joining\":";

/// Does the deed that the settings name.
pub(crate) fn act(app: &App, member: Option<&Member>) -> Result<Outcome, Fault> {
    if app.settings.starts_with(ONLY_JOINING) && member.is_none() {
        return Ok(Outcome::Done);
    }
    // A JSON string, or an object of one field.
    let settings = app
        .settings
        .trim_start_matches("{\"deed\":")
        .trim_start_matches(ONLY_ACTING)
        .trim_start_matches(ONLY_JOINING)
        .trim_end_matches('}');
    let settings = settings.trim_matches('"');
    let (deed, argument) = settings.split_once(':').unwrap_or((settings, ""));
    let number = argument.parse().unwrap_or(0);
    let pod = |ordinal| {
        view::get(ordinal)
            .and_then(|member| member.pod)
            .unwrap_or_default()
    };
    match deed {
        "done" | "ledger" | "flood-figures" => return Ok(Outcome::Done),
        "retry" => return Err(Fault::Retry(argument.to_owned())),
        "fatal" => return Err(Fault::Fatal(argument.to_owned())),
        "spin" => spin(),
        "eat" => eat(),
        "recurse" => return say(recurse(u64::from(app.start) + 1)),
        "recurse-in-memory" => return say(recurse_in_memory(u64::from(app.start) + 1)),
        "panic" => panic!("the tablecloth burns"),
        "panic-quietly" => {
            log::write(
                log::Level::Error,
                "panicked at plugin.rs:7: the napkin burns",
            );
            core::arch::wasm32::unreachable()
        }
        "divide" => return say(black_box(7_i32).wrapping_div(black_box(0))),
        "exit" => std::process::exit(3),
        "flood-log" => (0..number).for_each(|n| log::write(log::Level::Info, &format!("line {n}"))),
        "flood-stderr" => (0..number).for_each(|n| eprintln!("line {n}")),
        "dirty-log" => log::write(log::Level::Info, "a\u{1b}[2Jb\nc\u{202e}d"),
        "storm" => loop {
            black_box(clock::now_ms());
        },
        "big-argument" => log::write(log::Level::Info, &"x".repeat(4 << 20)),
        "big-answer" => return say("x".repeat(4 << 20)),
        "long-message" => return progress(vec![], &"long ".repeat(2000)),
        "long-checkpoint" => return progress(vec![0; 5000], "long"),
        "dirty-message" => return progress(vec![1], "a\u{1b}[2Jb\nc"),
        "no-message" => return say(""),
        "handles" => return say(handles(&pod(app.start), number)),
        "hash" => {
            let map: HashMap<u32, u32> = (0..64).map(|n| (n, n)).collect();
            return say(format!("{:?}", map.keys().collect::<Vec<_>>()));
        }
        "view" => return say(look(argument)),
        "count" => {
            let seen = view::range(0, 256).len();
            assert_eq!(seen, number as usize, "as many as there are");
            return Ok(Outcome::Done);
        }
        "clock" => return say(clock::now_ms() - app.now_ms),
        "random" => return say(random::bytes(number).len()),
        "tcp" => return say(talk(&pod(app.start), argument)),
        "http" => return say(reach::http(&pod(app.start), argument)),
        "tls" => return say(reach::encrypted(&pod(app.start), argument)),
        "start-tls" => return say(reach::upgraded(&pod(app.start), argument)),
        "start" | "poll" => return say(reach::job(&pod(app.start), deed, argument)),
        "config" => return say(reach::config(argument)),
        "metric" => return say(reach::metric(argument)),
        "secret-encoded" => {
            let value = read(argument)?;
            let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
            log::write(log::Level::Info, &format!("it is {hex} indeed"));
        }
        "dial" => {
            let (port, pods) = argument.split_once(',').unwrap_or((argument, ""));
            let pods: Vec<String> = pods.split(',').map(str::to_owned).collect();
            return say(outcomes(tcp::connect(&pods, port, None, 60_000)));
        }
        "drip" => drip(&pod(app.start)),
        "guzzle" => return say(guzzle(&pod(app.start))),
        "patience" => return say(patience(&pod(app.start), number)),
        "exec" => return say(run(&pod(app.start), argument)),
        "secret" => return say(String::from_utf8_lossy(&read(argument)?)),
        "secret-log" => log::write(log::Level::Info, &text(argument)?),
        "secret-event" => {
            return say(format!(
                "{:?}",
                events::emit(events::Weight::Normal, "Leak", &text(argument)?)
            ));
        }
        "secret-checkpoint" => return progress(read(argument)?, "fine"),
        "secret-state" => return say(format!("{:?}", state::put("leak", &read(argument)?, 0))),
        "secret-panic" => panic!("{}", text(argument)?),
        "get" => return say(format!("{:?}", state::get(argument))),
        "put" => {
            let put = state::put("key", argument.as_bytes(), 0);
            return say(format!("{put:?} {:?}", state::get("key")));
        }
        "put-many" => {
            let put = |n: u32| state::put(&format!("key-{n}"), b"x", 0);
            return say(format!("{:?}", (0..number).map(put).collect::<Vec<_>>()));
        }
        "put-long" => return say(format!("{:?}", state::put("key", &[0; 5000], 0))),
        "put-badly" => return say(format!("{:?}", state::put("../key", b"x", 0))),
        "events" => {
            let emit = |_| events::emit(events::Weight::Warning, "Hostile", "note");
            return say(format!("{:?}", (0..number).map(emit).collect::<Vec<_>>()));
        }
        "event-reason" => {
            return say(format!(
                "{:?}",
                events::emit(events::Weight::Normal, argument, "note")
            ));
        }
        "claim" => {
            let pod = member
                .and_then(|member| member.pod.clone())
                .unwrap_or_default();
            let role = if argument.is_empty() {
                "primary"
            } else {
                argument
            };
            let claims = (
                requests::claim_role(role, "somebody-else", 0),
                requests::claim_role(role, &pod, 7),
                requests::claim_role(role, &pod, 0),
                requests::claim_role(role, &pod, 0),
            );
            return progress(vec![], &format!("{claims:?}"));
        }
        "claim-and-fail" => {
            let pod = member
                .and_then(|member| member.pod.clone())
                .unwrap_or_default();
            let claimed = requests::claim_role("primary", &pod, 0);
            return Err(Fault::Retry(format!("{claimed:?}")));
        }
        "delete-pod" | "discard" | "quarantine" => {
            return say(asks::of(deed, app.start, &pod(app.start), number));
        }
        "release" => {
            let released = requests::release_role("primary", u64::from(number));
            return progress(vec![], &format!("{released:?}"));
        }
        other => return say(format!("no such deed: {other}")),
    }
    Ok(Outcome::Done)
}

fn say(text: impl ToString) -> Result<Outcome, Fault> {
    Ok(Outcome::Refuse(text.to_string()))
}

fn progress(checkpoint: Vec<u8>, message: &str) -> Result<Outcome, Fault> {
    Ok(Outcome::InProgress(Progress {
        checkpoint,
        percent: Some(250),
        message: message.to_owned(),
        again_after_ms: 1000,
        extra: Vec::new(),
    }))
}

fn spin() {
    let mut n = 0_u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}

fn eat() {
    let mut eaten = Vec::new();
    loop {
        eaten.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Fills the machine's stack.
#[allow(unconditional_recursion, reason = "the deed")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(depth + 1)) + depth
}

/// Fills the stack that the compiler keeps in linear memory, for locals whose address is taken.
#[allow(unconditional_recursion, reason = "the deed")]
fn recurse_in_memory(depth: u64) -> u64 {
    let ballast = black_box([depth; 64]);
    recurse_in_memory(depth + 1) + ballast.iter().sum::<u64>()
}

fn look(pod: &str) -> String {
    let ordinals = |first, max| -> Vec<u32> {
        let members = view::range(first, max);
        members.iter().map(|member| member.ordinal).collect()
    };
    format!(
        "{:?} {:?} {:?} {:?} {:?}",
        ordinals(0, 2),
        ordinals(2, 1000),
        ordinals(9, 9),
        view::get(77).is_some(),
        view::death_of(pod)
    )
}

type Connected = Result<tcp::Connection, crate::bindings::stateward::plugin::types::Failure>;

fn outcomes(connected: Vec<Connected>) -> String {
    let outcomes = connected
        .into_iter()
        .map(|connection| connection.map(|_| "open"));
    format!("{:?}", outcomes.collect::<Vec<_>>())
}

fn connect(pod: &str, port: &str) -> Connected {
    tcp::connect(&[pod.to_owned()], port, None, 1000).remove(0)
}

fn talk(pod: &str, port: &str) -> String {
    let connection = match connect(pod, port) {
        Ok(connection) => connection,
        Err(failure) => return format!("{failure:?}"),
    };
    let written = connection.write(b"ping", 1000);
    let read = connection
        .read(100, 1000)
        .map(|read| String::from_utf8_lossy(&read).into_owned());
    format!("{written:?} {read:?} {:?}", connection.read(0, 10))
}

/// Opens connections, all at the same time, and keeps them.
fn handles(pod: &str, count: u32) -> String {
    let pods = vec![pod.to_owned(); count as usize];
    let connections = tcp::connect(&pods, "mysql", None, 1000);
    let open = connections
        .iter()
        .filter(|connection| connection.is_ok())
        .count();
    let failed = connections.into_iter().find_map(Result::err);
    format!("{open} open, {failed:?}")
}

/// Many short waits, each well within its own timeout.
fn drip(pod: &str) {
    if let Ok(connection) = connect(pod, "mysql") {
        loop {
            black_box(connection.read(1, 20)).ok();
        }
    }
}

/// Reads and writes until it is stopped.
fn guzzle(pod: &str) -> String {
    let Ok(connection) = connect(pod, "mysql") else {
        return "no connection".to_owned();
    };
    let chunk = vec![7; 60 << 10];
    loop {
        if let Err(failure) = connection.write(&chunk, 1000) {
            return format!("{failure:?} {:?}", connection.read(1, 10));
        }
    }
}

/// One wait.
fn patience(pod: &str, timeout_ms: u32) -> String {
    match connect(pod, "mysql") {
        Ok(connection) => format!("{:?}", connection.read(1, timeout_ms)),
        Err(failure) => format!("{failure:?}"),
    }
}

fn run(pod: &str, line: &str) -> String {
    let (container, argv) = line.split_once(' ').unwrap_or((line, ""));
    let command = exec::Command {
        container: (container != "-").then(|| container.to_owned()),
        argv: argv.split_whitespace().map(str::to_owned).collect(),
        stdin: b"in".to_vec(),
        extra: Vec::new(),
    };
    match exec::run(pod, &command, 1000) {
        Ok(output) => format!(
            "{} {} bytes, truncated {}",
            output.code,
            output.stdout.len(),
            output.truncated
        ),
        Err(failure) => format!("{failure:?}"),
    }
}

fn read(slot: &str) -> Result<Vec<u8>, Fault> {
    secret::read(slot).map_err(|failure| Fault::Retry(format!("{failure:?}")))
}

fn text(slot: &str) -> Result<String, Fault> {
    let value = read(slot)?;
    Ok(format!("it is {} indeed", String::from_utf8_lossy(&value)))
}
