//! Members whose answers a scenario file gives: small machines of states, one per member, which survive their pods as volumes do.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Deserialize;
use stateward_testkit::{Application, Pod};

use crate::plugin::component::Watch;

/// How members answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Script {
    /// The state of a member that never ran before, or whose volumes were discarded.
    starts: String,
    answers: Vec<Rule>,
}

/// One answer. The first that fits is given; where none fits, the member fails.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rule {
    /// The words, `*` for any one: of `tool words`, `/words` or a line.
    ask: String,
    /// Only in this state.
    #[serde(default)]
    when: Option<String>,
    /// The answer; `{state}` is the state afterwards.
    #[serde(default = "state")]
    says: String,
    /// It fails, with the answer as its words.
    #[serde(default)]
    fails: bool,
    /// The state afterwards.
    #[serde(default)]
    becomes: Option<String>,
    /// And the one that follows by itself …
    #[serde(default)]
    then: Option<String>,
    /// … after so many seconds.
    #[serde(default)]
    after: u64,
}

fn state() -> String {
    "{state}".to_owned()
}

/// The members of a scenario.
#[derive(Debug, Clone)]
pub(crate) struct Members {
    script: Script,
    members: BTreeMap<u32, Machine>,
    watch: Rc<Watch>,
    now_ms: u64,
}

#[derive(Debug, Clone)]
struct Machine {
    state: String,
    next: Option<(u64, String)>,
}

impl Members {
    pub(super) fn of(script: &Script, watch: Rc<Watch>) -> Members {
        Members {
            watch,
            script: script.clone(),
            members: BTreeMap::new(),
            now_ms: 0,
        }
    }

    pub(crate) fn state(&self, ordinal: u32) -> Option<&str> {
        let machine = self.members.get(&ordinal)?;
        Some(machine.state.as_str())
    }
}

impl Rule {
    fn fits(&self, words: &[&str], state: &str) -> bool {
        let wanted: Vec<&str> = self.ask.split_whitespace().collect();
        let mut pairs = wanted.iter().zip(words);
        wanted.len() == words.len()
            && pairs.all(|(wanted, word)| *wanted == "*" || wanted == word)
            && self.when.as_deref().is_none_or(|when| when == state)
    }
}

impl Application for Members {
    fn ask(&mut self, pod: &Pod, words: &[&str]) -> Result<String, String> {
        let Some(machine) = self.members.get_mut(&pod.ordinal) else {
            return Err("it does not run".to_owned());
        };
        let mut rules = self.script.answers.iter();
        let Some(rule) = rules.find(|rule| rule.fits(words, &machine.state)) else {
            let state = &machine.state;
            return Err(format!(
                "no answer to {:?} in state {state}",
                words.join(" ")
            ));
        };
        if let Some(becomes) = &rule.becomes {
            if machine.state != *becomes {
                self.watch.changed(|| {
                    let (asked, old) = (words.join(" "), &machine.state);
                    format!("“{asked}” makes a member {becomes} that is {old}")
                });
            }
            machine.state.clone_from(becomes);
            let at = self.now_ms.saturating_add(rule.after.saturating_mul(1000));
            machine.next = rule.then.clone().map(|then| (at, then));
        }
        let says = rule.says.replace("{state}", &machine.state);
        if rule.fails { Err(says) } else { Ok(says) }
    }

    fn boot(&mut self, pod: &Pod) {
        let fresh = Machine {
            state: self.script.starts.clone(),
            next: None,
        };
        self.members.entry(pod.ordinal).or_insert(fresh);
    }

    /// It starts anew.
    fn discard(&mut self, ordinal: u32, _volume: &str) {
        self.members.remove(&ordinal);
    }

    fn pass(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        for machine in self.members.values_mut() {
            if let Some((_, state)) = machine.next.take_if(|(at, _)| *at <= now_ms) {
                machine.state = state;
            }
        }
    }

    /// Members that are gone for good count too: they must have left as they should.
    fn summary(&self, _running: &[u32]) -> String {
        let members = self.members.iter();
        let told = members.map(|(ordinal, machine)| format!("{ordinal} is {}", machine.state));
        told.collect::<Vec<_>>().join(", ")
    }
}
