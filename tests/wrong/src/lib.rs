//! A plugin whose members are to be counted once each. `settings.breaks` names the promise that it breaks; without it, it keeps all.
//!
//! | breaks | what it does |
//! |---|---|
//! | `idempotent` | adds without looking |
//! | `resumable` | notes that it will add, and never looks whether it did |
//! | `limits` | takes more memory than it may have |
//! | `panic` | panics, with words of its own |
//! | `validate` | lets settings pass that it cannot serve |
//! | `validate-by-the-clock` | refuses what it let pass an hour before |
//! | `probe` | adds in its probe |
//! | `work` | waits for what never comes |
//! | `secrecy` | tells members its secret, in base64 and hexadecimal digits |
//!
//! Its task `rebuild` empties a member, which is counted anew then.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use stateward_sdk::prelude::*;

/// The plugin.
pub struct Wrong;

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Breaks {
    #[default]
    Nothing,
    Idempotent,
    Resumable,
    Limits,
    Panic,
    Validate,
    ValidateByTheClock,
    Probe,
    Work,
    Secrecy,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    breaks: Breaks,
}

/// What it lets pass although it cannot serve it.
fn is_passed(app: &App) -> bool {
    app.settings.contains("\"validate\"")
}

#[plugin]
impl Wrong {
    fn manifest() -> Manifest {
        Manifest::new("wrong", env!("CARGO_PKG_VERSION"))
            .exec("main", ["tally", "*"], "count members")
            .secret("token", "tell it to nobody")
            .state("note what it did")
            .discard_volumes("empty a member")
            .task("rebuild", "empty a member")
    }

    fn validate(&self, _old: Option<&App>, new: &App, _view: &dyn View) -> Vec<Finding> {
        match new.settings::<Settings>() {
            Err(_) if is_passed(new) => Vec::new(),
            Err(bad) => vec![Finding::error("settings", Fault::from(bad).to_string())],
            Ok(settings)
                if settings.breaks == Breaks::ValidateByTheClock
                    && new.now_ms / 3_600_000 % 2 == 1 =>
            {
                vec![Finding::error("settings", "not in odd hours")]
            }
            Ok(_) => Vec::new(),
        }
    }

    fn probe(&self, app: &App, member: &Member, reach: &dyn Reach) -> Result<Report, Fault> {
        let settings = app.settings::<Settings>()?;
        if settings.breaks == Breaks::Probe {
            tally(reach, member, "add")?;
        }
        Ok(Report::healthy())
    }

    fn post_ready(&self, joining: &Joining, host: &dyn Host) -> Step {
        let settings = joining.app.settings::<Settings>()?;
        match settings.breaks {
            Breaks::Idempotent => drop(tally(host, joining, "add")?),
            Breaks::Resumable => {
                let key = format!("added-{}", joining.ordinal);
                if host.state_get(&key).is_none() {
                    host.state_put(&key, b"yes", 0)?;
                    tally(host, joining, "add")?;
                }
            }
            Breaks::Limits => {
                let much = vec![1_u8; 100 << 20];
                host.debug(&format!("{} bytes", much.len()));
            }
            Breaks::Panic => give_up(),
            Breaks::Secrecy => {
                let token = host.secret("token")?;
                let hex: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
                tally(host, joining, &hex)?;
                tally(host, joining, &BASE64_STANDARD.encode(token))?;
            }
            Breaks::Work => return again("waiting for what never comes"),
            _ => {
                if tally(host, joining, "count")? == "none" {
                    tally(host, joining, "add")?;
                }
            }
        }
        done()
    }

    fn task(&self, task: &Task, host: &dyn Host) -> Step {
        let Some(member) = task.member.and_then(|ordinal| host.member(ordinal)) else {
            return refuse("name a member");
        };
        host.discard_volumes(member.ordinal, &member.claims(), "it is rebuilt")?;
        done()
    }
}

#[allow(clippy::panic, reason = "the promise that it breaks")]
fn give_up() -> ! {
    panic!("the tally is lost")
}

fn tally(reach: &dyn Reach, member: &Member, what: &str) -> Result<String, Failure> {
    let pod = member.pod.as_deref().ok_or(Failure::Replaced)?;
    let command = Command::new(["tally", what]).container("main");
    let output = reach.exec(pod, &command, secs(2))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
