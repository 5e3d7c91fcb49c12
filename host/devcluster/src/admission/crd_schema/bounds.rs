//! Bounds of lengths, counts and numbers, patterns and formats.

use serde_json::{Number, Value};

use super::flag;
use crate::failure::Cause;

pub(super) fn of_text(schema: &Value, text: &str, path: &str, causes: &mut Vec<Cause>) {
    let shown = Value::from(text);
    let length = text.chars().count() as u64;
    if let Some(least) = schema.get("minLength").and_then(Value::as_u64)
        && length < least
    {
        let detail = format!("{path} in body should be at least {least} chars long");
        causes.push(Cause::invalid(path, &shown, &detail));
        return;
    }
    if let Some(most) = schema.get("maxLength").and_then(Value::as_u64)
        && length > most
    {
        causes.push(Cause::new(
            "FieldValueTooLong",
            path,
            format!("Too long: may not be more than {most} bytes"),
        ));
        return;
    }
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        // A pattern that this machine cannot compile was never promised to hold.
        let fits = regex::Regex::new(pattern).map_or(true, |pattern| pattern.is_match(text));
        if !fits {
            let detail = format!("{path} in body should match '{pattern}'");
            causes.push(Cause::invalid(path, &shown, &detail));
        }
    }
    if schema.get("format").and_then(Value::as_str) == Some("date-time")
        && text.parse::<jiff::Timestamp>().is_err()
    {
        let detail = format!("{path} in body must be of type date-time: {shown}");
        causes.push(Cause::type_invalid(path, text, &detail));
    }
}

pub(super) fn of_number(schema: &Value, number: &Number, path: &str, causes: &mut Vec<Cause>) {
    let Some(value) = number.as_f64() else {
        return;
    };
    let shown = Value::Number(number.clone());
    let mut says = |sentence: String| causes.push(Cause::invalid(path, &shown, &sentence));
    if let Some(bound) = schema.get("minimum")
        && let Some(least) = bound.as_f64()
    {
        let is_exclusive = flag(schema, "exclusiveMinimum");
        if value < least || (is_exclusive && value <= least) {
            let or_equal = if is_exclusive { "" } else { " or equal to" };
            says(format!(
                "{path} in body should be greater than{or_equal} {bound}"
            ));
        }
    }
    if let Some(bound) = schema.get("maximum")
        && let Some(most) = bound.as_f64()
    {
        let is_exclusive = flag(schema, "exclusiveMaximum");
        if value > most || (is_exclusive && value >= most) {
            let or_equal = if is_exclusive { "" } else { " or equal to" };
            says(format!(
                "{path} in body should be less than{or_equal} {bound}"
            ));
        }
    }
    if let Some(step) = schema.get("multipleOf").and_then(Value::as_f64)
        && step > 0.0
        && (value / step).fract() != 0.0
    {
        says(format!("{path} in body should be a multiple of {step}"));
    }
    let (low, high) = match schema.get("format").and_then(Value::as_str) {
        Some("int32") => (f64::from(i32::MIN), f64::from(i32::MAX)),
        _ => return,
    };
    if value < low || value > high {
        says(format!("{path} in body must be of type int32: {value}"));
    }
}

/// Bounds of the number of items or properties; `what` ends the names of the two schema fields.
pub(super) fn of_count(
    schema: &Value,
    count: usize,
    what: &str,
    path: &str,
    causes: &mut Vec<Cause>,
) {
    let bound = |side: &str| {
        schema
            .get(format!("{side}{what}").as_str())
            .and_then(Value::as_u64)
    };
    let things = what.to_lowercase();
    if let Some(least) = bound("min")
        && (count as u64) < least
    {
        let detail = format!("{path} in body should have at least {least} {things}");
        causes.push(Cause::invalid(path, &Value::from(count), &detail));
    }
    if let Some(most) = bound("max")
        && count as u64 > most
    {
        causes.push(Cause::new(
            "FieldValueTooMany",
            path,
            format!("Too many: {count}: must have at most {most} items"),
        ));
    }
}
