//! Everything that reads what comes from outside, on structured random input: manifests, settings and their schemas, grants, paths, texts, secrets in them,
//! components, and what hooks answer. Nothing panics, everything ends, and what is let through keeps its promise. `PROPTEST_CASES` sets the budget.

mod answers;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::grants::{Grants, is_plain_path};
use crate::load::fuzz_names;
use crate::manifest::Manifest;
use crate::sandbox::Masks;
use crate::settings::SettingsSchema;

fn config() -> ProptestConfig {
    let mut config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 200;
    }
    config
}

/// Words that mean something to the readers, and others.
fn word() -> impl Strategy<Value = String> {
    let known = [
        "name",
        "version",
        "asks",
        "tcp",
        "http",
        "exec",
        "secrets",
        "config",
        "roles",
        "lanes",
        "tasks",
        "metrics",
        "settings",
        "port",
        "methods",
        "paths",
        "argv",
        "container",
        "slot",
        "why",
        "reference",
        "type",
        "properties",
        "$ref",
        "$defs",
        "#/$defs/a",
        "#",
        "allOf",
        "items",
        "pattern",
        "enum",
        "const",
        "object",
        "string",
        "integer",
        "a",
        "*",
        "**",
        "/",
        "/a/**",
        "GET",
        "[a-z]+",
        "(",
        "minimum",
        "additionalProperties",
        "if",
        "then",
        "not",
    ];
    prop_oneof![
        4 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => ".{0,12}",
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((word(), inner), 0..6)
                .prop_map(|fields| Value::Object(Map::from_iter(fields))),
        ]
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_manifest_is_one_or_is_refused(mut fields in proptest::collection::vec((word(), any_json()), 0..8), text in ".{0,200}") {
        let _ = Manifest::parse(&text);
        fields.push(("name".to_owned(), json!("db")));
        fields.push(("version".to_owned(), json!("1")));
        let whole = Value::Object(Map::from_iter(fields)).to_string();
        if let Ok(manifest) = Manifest::parse(&whole) {
            // What was read covers itself, and nothing granted covers only what asks for nothing.
            prop_assert!(Grants::all_asked(&manifest.asks).cover(&manifest).is_ok());
            let asks_nothing = Grants::all_asked(&manifest.asks) == Grants::default();
            prop_assert_eq!(Grants::default().cover(&manifest).is_ok(), asks_nothing);
        }
        // Cut anywhere, it is no manifest any more.
        let cut = whole.len() / 2;
        if let Some(half) = whole.get(..cut) {
            prop_assert!(Manifest::parse(half).is_err());
        }
    }

    #[test]
    fn a_schema_is_one_or_is_refused_and_checking_ends(schema in any_json(), settings in any_json()) {
        if let Ok(schema) = SettingsSchema::parse(&schema) {
            let findings = schema.check(&settings);
            prop_assert!(findings.len() <= 16);
            prop_assert!(findings.iter().all(|one| one.text.len() <= 512 && one.path.starts_with("settings")));
        }
    }

    #[test]
    fn grants_are_read_or_refused(grants in any_json(), port in word(), argv in proptest::collection::vec(word(), 0..4), path in word()) {
        if let Ok(grants) = serde_json::from_value::<Grants>(grants) {
            let _ = grants.allows_exec(&port, &argv);
            let _ = grants.allows_http(&port, "GET", &path);
        }
    }

    #[test]
    fn a_path_that_is_let_through_cannot_climb(path in "[/a.%25fFeE2c;\\\\ -]{0,24}") {
        if is_plain_path(&path) {
            let decoded = percent_decoded(&path);
            let clean = decoded.split('/').all(|segment| {
                let name = segment.split(';').next().unwrap_or_default();
                name != ".." && name != "."
            });
            prop_assert!(clean && !decoded.contains('\\'), "{path} {decoded}");
            prop_assert_eq!(decoded.matches('/').count(), path.matches('/').count());
        }
    }

    #[test]
    fn text_for_people_is_one_clean_line(text in any::<String>(), max in 8_usize..200) {
        let line = crate::text::line(&text, max);
        prop_assert!(line.len() <= max);
        prop_assert!(!line.chars().any(char::is_control));
    }

    #[test]
    fn a_masked_text_holds_no_secret(secret in "[!-~]{4,20}", before in ".{0,10}", behind in ".{0,10}") {
        let mut masks = Masks::default();
        masks.add(secret.as_bytes());
        let text = format!("{before}{secret}{behind}");
        prop_assert!(masks.reveal(text.as_bytes()));
        let masked = masks.mask(&text).into_owned();
        // Stars and what stood around them may spell a secret of stars.
        if !secret.contains('*') {
            prop_assert!(!masked.contains(&secret), "{masked}");
            let scrubbed = masks.scrub(text.into_bytes());
            prop_assert!(!masks.reveal(&scrubbed));
        }
    }

    #[test]
    fn bytes_are_a_component_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        fuzz_names(&bytes);
        let mut headed = b"\0asm\x0d\0\x01\0".to_vec();
        headed.extend(bytes);
        fuzz_names(&headed);
    }
}

fn percent_decoded(path: &str) -> String {
    let mut decoded = Vec::new();
    let bytes = path.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = (*byte == b'%')
            .then(|| path.get(at + 1..at + 3))
            .flatten()
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        match code {
            Some(code) => {
                decoded.push(code);
                at += 3;
            }
            None => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
