//! What hooks answer: whatever it is, what is taken is within the limits, holds no secret, and is clean where people read it.

use std::sync::Arc;

use proptest::prelude::*;

use super::config;
use crate::contract::{Extra, Fault, Figure, Finding, Outcome, Progress, Report, Snapshot, Step};
use crate::grants::Grants;
use crate::hook::Kind;
use crate::limits::Limits;
use crate::quiet::Quiet;
use crate::sandbox::{Sandbox, Terms};

/// Letters that the other texts do not have.
const SECRET: &str = "QXZKJQ";

/// A sandbox of a call that has read the secret.
fn sandbox() -> Sandbox {
    let terms = Terms {
        grants: Grants::default(),
        limits: Limits::default(),
        roles: Vec::new(),
        metrics: Vec::new(),
        counting: false,
    };
    let effects = Arc::new(Quiet::new("fuzz"));
    let mut sandbox = Sandbox::new(
        Kind::Act,
        Arc::new(terms),
        Snapshot::default(),
        effects,
        String::new(),
    );
    sandbox.masks.add(SECRET.as_bytes());
    sandbox
}

/// Text of any kind, at times around the limits, at times with the secret in it.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z.-]{0,8}",
        2 => any::<String>(),
        1 => (1000_usize..1100).prop_map(|length| "é".repeat(length)),
        1 => ("[a-z]{0,3}", "[a-z]{0,3}").prop_map(|(before, behind)| format!("{before}{SECRET}{behind}")),
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => (1000_usize..2100).prop_map(|length| vec![7; length]),
        1 => text().prop_map(String::into_bytes),
    ]
}

fn extra() -> impl Strategy<Value = Extra> {
    prop_oneof![
        4 => proptest::collection::vec((text(), text()), 0..4),
        1 => (60_usize..70).prop_map(|count| vec![(String::new(), String::new()); count]),
    ]
}

fn outcome() -> impl Strategy<Value = Result<Step, Fault>> {
    let progress = (bytes(), any::<Option<u8>>(), text(), any::<u32>(), extra());
    prop_oneof![
        Just(Ok(Step::Done)),
        progress.prop_map(|(checkpoint, percent, message, again_after_ms, extra)| {
            Ok(Step::InProgress(Progress {
                checkpoint,
                percent,
                message,
                again_after_ms,
                extra,
            }))
        }),
        text().prop_map(|why| Ok(Step::Refuse(why))),
        text().prop_map(|why| Err(Fault::Retry(why))),
        text().prop_map(|why| Err(Fault::Fatal(why))),
    ]
}

fn report() -> impl Strategy<Value = Report> {
    let figure = (text(), any::<f64>()).prop_map(|(name, value)| Figure { name, value });
    (
        any::<bool>(),
        proptest::option::of(text()),
        bytes(),
        proptest::collection::vec(figure, 0..70),
        proptest::collection::vec(text(), 0..3),
        extra(),
    )
        .prop_map(|(healthy, role, note, figures, wants, extra)| Report {
            healthy,
            role,
            note,
            figures,
            wants,
            extra,
        })
}

fn is_clean(text: &str, max: usize) -> bool {
    text.len() <= max && !text.chars().any(char::is_control) && !text.contains(SECRET)
}

fn is_fine(extra: &Extra, limits: &Limits) -> bool {
    let clean = |(key, value): &(String, String)| is_clean(key, 63) && is_clean(value, limits.text);
    extra.len() <= limits.entries && extra.iter().all(clean)
}

fn is_returnable(bytes: &[u8], max: usize) -> bool {
    let secret = SECRET.as_bytes();
    bytes.len() <= max && !bytes.windows(secret.len()).any(|window| window == secret)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_outcome_is_within_its_limits_or_is_not_taken(answer in outcome()) {
        let mut sandbox = sandbox();
        let limits = Limits::default();
        match sandbox.checked_outcome(answer) {
            Ok(Outcome::Done) | Err(_) => {}
            Ok(Outcome::InProgress(progress)) => {
                prop_assert!(is_returnable(&progress.checkpoint, limits.checkpoint));
                prop_assert!(progress.percent.is_none_or(|percent| percent <= 100));
                prop_assert!(is_clean(&progress.message, limits.text));
                prop_assert!(is_fine(&progress.extra, &limits));
            }
            Ok(Outcome::Refuse(why) | Outcome::Retry(why) | Outcome::Fatal(why)) => {
                prop_assert!(!why.is_empty() && is_clean(&why, limits.text), "{why:?}");
            }
        }
    }

    #[test]
    fn a_report_is_within_its_limits_or_is_not_taken(answer in report()) {
        let limits = Limits::default();
        if let Ok(Ok(report)) = sandbox().checked_report(Ok(answer)) {
            prop_assert!(is_returnable(&report.note, limits.text));
            prop_assert!(report.role.is_none_or(|role| is_clean(&role, 63)));
            prop_assert!(report.figures.len() <= limits.entries && report.wants.len() <= limits.entries);
            let names = report.figures.iter().map(|figure| &figure.name).chain(&report.wants);
            for name in names {
                prop_assert!(is_clean(name, 63) && !name.is_empty() && name.is_ascii(), "{name:?}");
            }
            prop_assert!(is_fine(&report.extra, &limits));
        }
    }

    #[test]
    fn findings_are_within_their_limits_or_are_not_taken(findings in proptest::collection::vec((text(), text(), any::<bool>(), extra()), 0..70)) {
        let limits = Limits::default();
        let findings = findings.into_iter().map(|(path, text, blocks, extra)| Finding { path, text, blocks, extra });
        if let Ok(findings) = sandbox().checked_findings(findings.collect()) {
            prop_assert!(findings.len() <= limits.entries);
            for finding in findings {
                prop_assert!(is_clean(&finding.path, 256) && is_clean(&finding.text, limits.text));
                prop_assert!(is_fine(&finding.extra, &limits));
            }
        }
    }

    #[test]
    fn a_member_config_is_one_or_is_not_taken(config in extra()) {
        let limits = Limits::default();
        if let Ok(taken) = sandbox().checked_config(config.clone()) {
            // Nothing of it is changed: the pod gets what the plugin said, or nothing.
            prop_assert_eq!(taken.len(), config.len());
            let size: usize = taken.iter().map(|(key, value)| key.len() + value.len()).sum();
            prop_assert!(size <= limits.config);
            prop_assert!(taken.keys().all(|key| !key.is_empty() && key.is_ascii() && key.len() <= 63));
        }
    }
}
