//! `stateward plugin run`: one call of one hook.

pub(super) mod input;
pub(super) mod replay;

use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use stateward_runtime::{CallError, Hook, Outcome, Usage};

use super::component::Component;
use super::exchange::Exchange;
use super::inspect;
use crate::failure::{Ended, Failure};
use crate::output::{self, BAD, FAINT, Format, FormatArguments, GOOD, NAME, STRONG, WAIT, painted};
use input::Input;
use replay::Replay;

/// Call one hook of a component once, on an input, and print what it answers, logs and asks of the host
///
/// The input is YAML or JSON: written by hand (`--example HOOK` prints one), or by `stateward plugin test --record FOLDER`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stateward plugin run ring.wasm --example pre-delete > leaves.yaml
  stateward plugin run ring.wasm leaves.yaml
  stateward plugin run ring.wasm calls/0007-pre-delete-2.json -o json | jq .answer

It ends with 0 when the hook answered done, in-progress, or a decision; with 1 when it refused, failed or was ended.")]
pub(crate) struct RunArguments {
    /// The component
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What it is called with; `-` is standard input
    #[arg(value_name = "INPUT", required_unless_present = "example")]
    input: Option<PathBuf>,
    /// Print an input for this hook, and call nothing
    #[arg(long, value_name = "HOOK", conflicts_with = "input")]
    example: Option<String>,
    #[command(flatten)]
    format: FormatArguments,
}

/// What came of the call.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ran {
    plugin: String,
    hook: Hook,
    /// None: the sandbox ended it.
    answer: Option<Value>,
    /// What it asks the host to do along with its answer.
    requests: Vec<Value>,
    /// Why the sandbox ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Cut>,
    log: Vec<String>,
    exchanges: Vec<Exchange>,
    #[serde(serialize_with = "in_microseconds")]
    usage: Usage,
    #[serde(skip)]
    is_good: bool,
}

#[derive(Debug, Serialize)]
struct Cut {
    reason: &'static str,
    message: String,
}

pub(crate) async fn run(arguments: RunArguments) -> Result<Ended, Failure> {
    let found = inspect::load(&arguments.file).await?;
    let plugin = found.plugin().clone();
    if let Some(hook) = &arguments.example {
        let input = Input::example(hook_of(&plugin, hook)?);
        let text = super::to_yaml(&input)?;
        output::line(text.trim_end())?;
        return Ok(Ended::Done);
    }
    let path = arguments.input.unwrap_or_default();
    let input = read(&path)?;
    hook_of(&plugin, input.hook.name())?;
    let call = move || {
        let component =
            Component::of(&plugin).map_err(|error| Failure::Wrong(error.to_string()))?;
        called(&component, plugin.manifest().name.clone(), input)
            .map_err(|why| Failure::Wrong(format!("{}: {why}", path.display())))
    };
    let ran = super::apart(call).await?;
    match arguments.format.output {
        Format::Json => output::json(&ran)?,
        Format::Text => output::line(told(&ran))?,
    }
    Ok(match ran.is_good {
        true => Ended::Done,
        false => Ended::Failed,
    })
}

fn hook_of(plugin: &stateward_runtime::Plugin, name: &str) -> Result<Hook, Failure> {
    let hooks = plugin.hooks();
    let found = Hook::named(name).filter(|hook| hooks.contains(hook));
    found.ok_or_else(|| {
        let known: Vec<&str> = hooks.iter().map(|hook| hook.name()).collect();
        let (plugin, known) = (&plugin.manifest().name, known.join(", "));
        Failure::Wrong(format!("{plugin} has no hook {name:?}; it has {known}"))
    })
}

fn read(path: &Path) -> Result<Input, Failure> {
    let failed = |source| Failure::Read {
        path: path.to_owned(),
        source,
    };
    let text = match path == Path::new("-") {
        true => std::io::read_to_string(std::io::stdin()).map_err(failed)?,
        false => std::fs::read_to_string(path).map_err(failed)?,
    };
    super::from_yaml(&text).map_err(|error| {
        let path = path.display();
        Failure::Wrong(format!(
            "{path} is no input of a hook: {error}; `--example HOOK` prints one"
        ))
    })
}

fn called(component: &Component, plugin: String, input: Input) -> Result<Ran, String> {
    let (snapshot, hook) = (input.snapshot()?, input.hook);
    let call = input.call()?;
    let act = input.act()?;
    let about = match hook {
        Hook::MemberConfig | Hook::Probe => input.about()?,
        _ => 0,
    };
    let old = input.old()?;
    let replay = Replay::of(input.exchanges);
    let mut requests = Vec::new();
    let (answer, exchanges) = match act {
        Some(act) => {
            let (answer, exchanges) = component.act(act, call, snapshot, &replay);
            let answer = answer.map(|answer| {
                requests = answer.requests.iter().map(|one| json!(one)).collect();
                let is_good = matches!(answer.outcome, Outcome::Done | Outcome::InProgress(_));
                (outcome(&answer.outcome), answer.usage, is_good)
            });
            (answer, exchanges)
        }
        None if hook == Hook::Probe => {
            let (probed, exchanges) = component.probe(about, snapshot, &replay);
            let answer = probed.map(|probed| match probed.result {
                Ok(report) => (json!(report), probed.usage, true),
                Err(fault) => (json!(fault), probed.usage, false),
            });
            (answer, exchanges)
        }
        None => (decided(component, hook, about, snapshot, old), Vec::new()),
    };
    let lines = replay.log().into_iter();
    let log = lines.map(|(level, text)| format!("{level:?}: {text}"));
    let ran = Ran {
        plugin,
        hook,
        answer: None,
        requests,
        ended: None,
        log: log.collect(),
        exchanges,
        usage: Usage::default(),
        is_good: false,
    };
    Ok(match answer {
        Ok((answer, usage, is_good)) => Ran {
            answer: Some(answer),
            usage,
            is_good,
            ..ran
        },
        Err(error) => Ran {
            ended: Some(Cut {
                reason: error.reason(),
                message: error.why.to_string(),
            }),
            usage: *error.usage,
            ..ran
        },
    })
}

/// The answer of a hook that decides, what it cost, and whether it lets pass.
fn decided(
    component: &Component,
    hook: Hook,
    about: u32,
    snapshot: stateward_runtime::Snapshot,
    old: Option<stateward_runtime::App>,
) -> Result<(Value, Usage, bool), CallError> {
    Ok(match hook {
        Hook::MemberConfig => {
            let metered = component.member_config(snapshot, about)?;
            (json!(metered.answer), metered.usage, true)
        }
        Hook::UpdateOrder => {
            let metered = component.update_order(snapshot)?;
            (json!(metered.answer), metered.usage, true)
        }
        _ => {
            let metered = component.validate(snapshot, old)?;
            let passes = metered.answer.iter().all(|finding| !finding.blocks);
            (json!(metered.answer), metered.usage, passes)
        }
    })
}

fn in_microseconds<S: Serializer>(usage: &Usage, serializer: S) -> Result<S::Ok, S::Error> {
    let mut all = json!(usage);
    for (name, time) in [("wall", usage.wall), ("cpu", usage.cpu)] {
        if let Some(all) = all.as_object_mut() {
            all.remove(name);
            all.insert(format!("{name}Micros"), json!(time.as_micros()));
        }
    }
    all.serialize(serializer)
}

/// An outcome, with a checkpoint that is text as text.
fn outcome(outcome: &Outcome) -> Value {
    let mut value = json!(outcome);
    if let (Outcome::InProgress(progress), Some(place)) =
        (outcome, value.pointer_mut("/in-progress/checkpoint"))
    {
        *place = json!(super::exchange::Bytes::of(&progress.checkpoint));
    }
    value
}

fn told(ran: &Ran) -> String {
    let row = |title: &str, text: &str| {
        let title = painted(STRONG, format_args!("{title:<9}"));
        format!("  {title} {}", text.replace('\n', "\n            "))
    };
    let mut lines = vec![format!("{} {}", painted(NAME, &ran.plugin), ran.hook)];
    match (&ran.answer, &ran.ended) {
        (Some(answer), _) => {
            let style = if ran.is_good { GOOD } else { WAIT };
            lines.push(row("answers", &painted(style, answered(answer))));
        }
        (None, Some(cut)) => {
            let told = format!("{}: {}", cut.reason, cut.message);
            lines.push(row("ended by", &painted(BAD, told)));
        }
        (None, None) => {}
    }
    lines.extend((ran.requests.iter()).map(|one| row("requests", &words(one))));
    lines.extend((ran.exchanges.iter()).map(|one| row("asks", &one.told())));
    lines.extend(ran.log.iter().map(|line| row("logs", line)));
    let usage = &ran.usage;
    let cost = format!(
        "{} µs, {} KiB of memory, {} host calls, {} bytes",
        usage.wall.as_micros(),
        usage.memory_peak.div_ceil(1024),
        usage.host_calls,
        usage.bytes
    );
    lines.push(row("costs", &painted(FAINT, cost)));
    lines.join("\n")
}

/// An answer for people.
fn answered(answer: &Value) -> String {
    let Some(progress) = answer.get("in-progress") else {
        return words(answer);
    };
    let field = |name: &str| progress.get(name).filter(|value| !value.is_null());
    let message = field("message").map(words).unwrap_or_default();
    let mut told = format!("in-progress: {message}");
    if let Some(percent) = field("percent") {
        told += &format!(", {percent} %");
    }
    if let Some(wait) = field("againAfterMs") {
        told += &format!(", again after {wait} ms");
    }
    if let Some(checkpoint) = field("checkpoint").filter(|text| text.as_str() != Some("")) {
        told += &format!(", checkpoint {}", words(checkpoint));
    }
    told
}

/// JSON for people: a word as it is, an object of one field as `name: value`.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) if all.is_empty() => "nothing".to_owned(),
        Value::Object(fields) if fields.len() == 1 => {
            let told = fields
                .iter()
                .map(|(name, value)| format!("{name}: {}", words(value)));
            told.collect()
        }
        Value::Object(fields) => {
            let is_said = |value: &Value| {
                !(value.is_null()
                    || value.as_str() == Some("")
                    || value.as_array().is_some_and(Vec::is_empty))
            };
            let told = (fields.iter())
                .filter(|(_, value)| is_said(value))
                .map(|(name, value)| format!("{name} {}", words(value)));
            told.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
