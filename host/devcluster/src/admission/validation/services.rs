//! Services and endpoint slices.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{one_of, unchanged};
use crate::admission::metadata::is_dns_label;
use crate::failure::Cause;
use crate::object::{list, number, text};

pub(super) fn check(old: Option<&Value>, new: &Value, causes: &mut Vec<Cause>) {
    let service_type = text(new, "/spec/type");
    one_of(
        new,
        "/spec/type",
        &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"],
        causes,
    );
    let ports = list(new, "/spec/ports");
    let is_headless = text(new, "/spec/clusterIP") == "None";
    if ports.is_empty() && !is_headless && service_type != "ExternalName" {
        causes.push(Cause::required("spec.ports", ""));
    }
    let mut names = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    for (position, port) in ports.iter().enumerate() {
        let here = |field: &str| format!("spec.ports[{position}].{field}");
        let name = text(port, "/name");
        if name.is_empty() && ports.len() > 1 {
            causes.push(Cause::required(here("name"), ""));
        } else if !name.is_empty() && !is_dns_label(name) {
            causes.push(Cause::invalid(
                here("name"),
                &Value::from(name),
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'",
            ));
        } else if !name.is_empty() && !names.insert(name) {
            causes.push(Cause::duplicate(here("name"), &Value::from(name)));
        }
        let number = number(port, "/port").unwrap_or(0);
        if !(1..=65_535).contains(&number) {
            causes.push(Cause::invalid(
                here("port"),
                &Value::from(number),
                "must be between 1 and 65535, inclusive",
            ));
        }
        if !numbers.insert((number, text(port, "/protocol"))) {
            causes.push(Cause::duplicate(
                format!("spec.ports[{position}]"),
                &Value::from(number),
            ));
        }
    }
    let keeps_address = old.is_some_and(|old| {
        !text(old, "/spec/clusterIP").is_empty() && text(old, "/spec/type") != "ExternalName"
    });
    if keeps_address && service_type != "ExternalName" {
        let (before, now) = (
            old.map_or("", |old| text(old, "/spec/clusterIP")),
            text(new, "/spec/clusterIP"),
        );
        if before != now {
            causes.push(Cause::invalid(
                "spec.clusterIPs[0]",
                &json!([now]),
                "may not change once set",
            ));
        }
    }
}

pub(super) fn check_slice(old: Option<&Value>, new: &Value, causes: &mut Vec<Cause>) {
    if text(new, "/addressType").is_empty() {
        causes.push(Cause::required("addressType", ""));
    }
    one_of(new, "/addressType", &["FQDN", "IPv4", "IPv6"], causes);
    unchanged(old, new, "/addressType", "field is immutable", causes);
}
