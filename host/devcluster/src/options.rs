//! What the query of a request may say: upstream validates it as an object of its own (`ListOptions`, `PatchOptions`, …).

use serde_json::Value;

use crate::failure::{Cause, Failure, Subject};
use crate::request::Options;
use crate::verbs::patch::PatchType;

/// The longest name of a field manager.
const LONGEST_MANAGER: usize = 128;

/// Checks the options of a list.
pub(crate) fn check_list(options: &Options) -> Result<(), Failure> {
    let mut causes = Vec::new();
    let version_match = options.text("resourceVersionMatch");
    let mut forbids = |field: &str, detail: &str| causes.push(Cause::forbidden(field, detail));
    if !version_match.is_empty() {
        let field = "resourceVersionMatch";
        if options.text("resourceVersion").is_empty() {
            forbids(
                field,
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            );
        }
        if !options.text("continue").is_empty() {
            forbids(
                field,
                "resourceVersionMatch is forbidden when continue is provided",
            );
        }
        match version_match {
            "NotOlderThan" => {}
            "Exact" if options.text("resourceVersion") == "0" => forbids(
                field,
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            ),
            "Exact" => {}
            other => causes.push(unsupported(field, other, &["Exact", "NotOlderThan", ""])),
        }
    }
    if !options.text("sendInitialEvents").is_empty() {
        causes.push(Cause::forbidden(
            "sendInitialEvents",
            "sendInitialEvents is forbidden for list",
        ));
    }
    refuse("ListOptions", causes)
}

/// Checks the options of a watch.
pub(crate) fn check_watch(options: &Options) -> Result<(), Failure> {
    let mut causes = Vec::new();
    let field = "resourceVersionMatch";
    let version_match = options.text(field);
    let says_initial = !options.text("sendInitialEvents").is_empty();
    if says_initial && version_match != "NotOlderThan" {
        causes.push(Cause::forbidden(
            field,
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ));
    }
    if !version_match.is_empty() {
        if !says_initial {
            causes.push(Cause::forbidden(
                field,
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            ));
        }
        if version_match != "NotOlderThan" {
            causes.push(unsupported(field, version_match, &["NotOlderThan"]));
        }
    }
    refuse("ListOptions", causes)
}

/// Checks the options of a creation or an update.
pub(crate) fn check_write(kind: &str, options: &Options) -> Result<(), Failure> {
    refuse(kind, write_causes(options))
}

/// Checks the options of a patch.
pub(crate) fn check_patch(options: &Options, patch_type: PatchType) -> Result<(), Failure> {
    let mut causes = Vec::new();
    if patch_type == PatchType::Apply {
        if options.text("fieldManager").is_empty() {
            causes.push(Cause::required(
                "fieldManager",
                "is required for apply patch",
            ));
        }
    } else if !options.text("force").is_empty() {
        causes.push(Cause::forbidden(
            "force",
            "may not be specified for non-apply patch",
        ));
    }
    causes.extend(write_causes(options));
    refuse("PatchOptions", causes)
}

/// What speaks against the options of a deletion.
pub(crate) fn check_delete(
    policy: Option<&str>,
    says_orphan: bool,
    dry_run: &[&str],
) -> Result<(), Failure> {
    let mut causes = Vec::new();
    if let Some(policy) = policy {
        let field = "propagationPolicy";
        if says_orphan {
            causes.push(Cause::invalid(
                field,
                &Value::from(policy),
                "orphanDependents and deletionPropagation cannot be both set",
            ));
        }
        let supported = ["Foreground", "Background", "Orphan", "nil"];
        if !supported.iter().take(3).any(|one| *one == policy) {
            causes.push(unsupported(field, policy, &supported));
        }
    }
    causes.extend(dry_run_cause(dry_run));
    refuse("DeleteOptions", causes)
}

fn write_causes(options: &Options) -> Vec<Cause> {
    let mut causes = Vec::new();
    if options.text("fieldManager").len() > LONGEST_MANAGER {
        causes.push(Cause::new(
            "FieldValueTooLong",
            "fieldManager",
            format!("Too long: may not be more than {LONGEST_MANAGER} bytes"),
        ));
    }
    let dry_run: Vec<_> = options.all("dryRun").collect();
    causes.extend(dry_run_cause(&dry_run));
    let validation = options.text("fieldValidation");
    let supported = ["", "Ignore", "Strict", "Warn"];
    if !supported.contains(&validation) {
        causes.push(unsupported("fieldValidation", validation, &supported));
    }
    causes
}

fn dry_run_cause(given: &[&str]) -> Option<Cause> {
    let is_known = given.iter().all(|one| *one == "All");
    let all = ["All".to_owned()];
    (!is_known).then(|| Cause::unsupported("dryRun", &Value::from(given.to_vec()), &all))
}

fn unsupported(field: &str, given: &str, supported: &[&str]) -> Cause {
    let supported: Vec<_> = supported.iter().map(|&one| one.to_owned()).collect();
    Cause::unsupported(field, &Value::from(given), &supported)
}

fn refuse(kind: &str, causes: Vec<Cause>) -> Result<(), Failure> {
    if causes.is_empty() {
        return Ok(());
    }
    let subject = Subject {
        group: "meta.k8s.io".to_owned(),
        kind: kind.to_owned(),
        ..Default::default()
    };
    Err(Failure::invalid(&subject, "", causes))
}
