//! Answers of hooks, checked against the limits before anybody sees them. Text for people is masked, cleaned and cut; what the plugin gets back later
//! (checkpoint, note) must fit and must not hold a secret.

use std::collections::BTreeMap;

use crate::contract::{Extra, Fault, Figure, Finding, Outcome, Progress, Report, Step};
use crate::errors::CallFault;
use crate::sandbox::Sandbox;

/// Names of roles, tasks, figures and config keys.
const MAX_NAME: usize = 63;

/// Ordinals of an update order.
const MAX_ORDER: usize = 100_000;

impl Sandbox {
    pub(crate) fn checked_outcome(
        &mut self,
        answer: Result<Step, Fault>,
    ) -> Result<Outcome, CallFault> {
        let outcome = Outcome::from(answer);
        self.meter.answered(match &outcome {
            Outcome::Done => 0,
            Outcome::InProgress(progress) => {
                progress.checkpoint.len() + progress.message.len() + extra_size(&progress.extra)
            }
            Outcome::Refuse(text) | Outcome::Retry(text) | Outcome::Fatal(text) => text.len(),
        });
        Ok(match outcome {
            Outcome::Done => Outcome::Done,
            Outcome::InProgress(progress) => {
                self.meter.checkpointed(progress.checkpoint.len());
                let max = self.limits().checkpoint;
                self.returned("checkpoint", &progress.checkpoint, max)?;
                Outcome::InProgress(Progress {
                    percent: progress.percent.map(|percent| percent.min(100)),
                    message: self.message(&progress.message),
                    extra: self.checked_extra(progress.extra)?,
                    ..progress
                })
            }
            Outcome::Refuse(text) => Outcome::Refuse(self.message(&text)),
            Outcome::Retry(text) => Outcome::Retry(self.message(&text)),
            Outcome::Fatal(text) => Outcome::Fatal(self.message(&text)),
        })
    }

    pub(crate) fn checked_report(
        &mut self,
        answer: Result<Report, Fault>,
    ) -> Result<Result<Report, Fault>, CallFault> {
        let report = match answer {
            Ok(report) => report,
            Err(Fault::Retry(text)) => return Ok(Err(Fault::Retry(self.message(&text)))),
            Err(Fault::Fatal(text)) => return Ok(Err(Fault::Fatal(self.message(&text)))),
        };
        let named = report.figures.iter().map(|figure| figure.name.len());
        let wanted = report.wants.iter().map(String::len);
        let lists: usize = named.chain(wanted).sum();
        let role = report.role.as_ref().map_or(0, String::len);
        self.meter
            .answered(report.note.len() + role + lists + extra_size(&report.extra));
        self.returned("note", &report.note, self.limits().text)?;
        self.entries("list of figures", report.figures.len())?;
        self.entries("list of wanted tasks", report.wants.len())?;
        for Figure { name, .. } in &report.figures {
            is_name("figure", name)?;
            self.returned("name of a figure", name.as_bytes(), MAX_NAME)?;
        }
        for name in &report.wants {
            is_name("wanted task", name)?;
            self.returned("name of a wanted task", name.as_bytes(), MAX_NAME)?;
        }
        Ok(Ok(Report {
            role: report.role.map(|role| self.shown(&role, MAX_NAME)),
            extra: self.checked_extra(report.extra)?,
            ..report
        }))
    }

    pub(crate) fn checked_findings(
        &mut self,
        findings: Vec<Finding>,
    ) -> Result<Vec<Finding>, CallFault> {
        let sizes = findings
            .iter()
            .map(|finding| finding.path.len() + finding.text.len() + extra_size(&finding.extra));
        self.meter.answered(sizes.sum());
        self.entries("list of findings", findings.len())?;
        findings
            .into_iter()
            .map(|finding| {
                Ok(Finding {
                    path: self.shown(&finding.path, 256),
                    text: self.message(&finding.text),
                    blocks: finding.blocks,
                    extra: self.checked_extra(finding.extra)?,
                })
            })
            .collect()
    }

    pub(crate) fn checked_config(
        &mut self,
        config: Extra,
    ) -> Result<BTreeMap<String, String>, CallFault> {
        let size = extra_size(&config);
        self.meter.answered(size);
        self.entries("member config", config.len())?;
        fits("member config", size, self.limits().config)?;
        let mut checked = BTreeMap::new();
        for (key, value) in config {
            is_name("config key", &key)?;
            if let Some(key) = checked.insert(key.clone(), value).map(|_| key) {
                return Err(CallFault::InvalidAnswer(format!(
                    "config key {key:?} is given twice"
                )));
            }
        }
        Ok(checked)
    }

    pub(crate) fn checked_order(&mut self, order: Vec<u32>) -> Result<Vec<u32>, CallFault> {
        self.meter.answered(size_of_val(order.as_slice()));
        fits("update order", order.len(), MAX_ORDER)?;
        Ok(order)
    }

    fn checked_extra(&self, extra: Extra) -> Result<Extra, CallFault> {
        self.entries("list of extra values", extra.len())?;
        Ok(extra
            .into_iter()
            .map(|(key, value)| (self.shown(&key, MAX_NAME), self.message(&value)))
            .collect())
    }

    /// Text for people.
    fn message(&self, text: &str) -> String {
        let text = self.shown(text, self.limits().text);
        if text.is_empty() {
            "(the plugin gave no reason)".to_owned()
        } else {
            text
        }
    }

    /// Bytes that the plugin gets back in a later call.
    fn returned(&self, what: &'static str, bytes: &[u8], max: usize) -> Result<(), CallFault> {
        fits(what, bytes.len(), max)?;
        if self.masks.reveal(bytes) {
            return Err(CallFault::SecretInAnswer { what });
        }
        Ok(())
    }

    fn entries(&self, what: &'static str, count: usize) -> Result<(), CallFault> {
        fits(what, count, self.limits().entries)
    }
}

fn extra_size(extra: &Extra) -> usize {
    let sizes = extra.iter().map(|(key, value)| key.len() + value.len());
    sizes.sum()
}

fn fits(what: &'static str, size: usize, limit: usize) -> Result<(), CallFault> {
    if size > limit {
        Err(CallFault::OutputTooLarge { what, size, limit })
    } else {
        Ok(())
    }
}

/// A name that fits a label, an annotation and a metric alike.
fn is_name(what: &str, name: &str) -> Result<(), CallFault> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let ends = |end: Option<u8>| end.is_some_and(|byte| byte.is_ascii_alphanumeric());
    if name.len() <= MAX_NAME
        && name.bytes().all(fits)
        && ends(name.bytes().next())
        && ends(name.bytes().last())
    {
        Ok(())
    } else {
        Err(CallFault::InvalidAnswer(format!(
            "{what} {:?} must have 1 to {MAX_NAME} letters, digits, '-', '_' and '.'",
            crate::text::line(name, MAX_NAME)
        )))
    }
}
