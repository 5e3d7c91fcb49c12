//! What a plugin was given, compared with what it asks for and with what it does.
//!
//! Deny by default: [`Grants::default`] gives nothing. A pattern of a command line has literal elements, `*` for any one element, and `**` at its end
//! for any number of further elements.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::manifest::{Asks, Manifest};

/// What a plugin may do, `spec.grants` of a Plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Grants {
    /// Byte streams to members.
    pub tcp: TcpGrant,
    /// Programs in containers of members.
    pub exec: Vec<ExecGrant>,
    /// Secret values that the app's owner bound to slots.
    pub secrets: SecretsGrant,
    /// Writing of `state`.
    pub state: bool,
    /// Requests to the host, such as claiming a role.
    pub requests: bool,
    /// Discarding the volumes of a member.
    pub discard_volumes: bool,
    /// Events on the app.
    pub events: bool,
}

/// Byte streams to members.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TcpGrant {
    /// Names of container ports, or numbers.
    pub ports: Vec<String>,
}

/// Programs of one shape in one container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExecGrant {
    /// The container.
    pub container: String,
    /// Pattern of the command line: literal elements, `*` for any one element, `**` at the end for any further ones.
    pub argv: Vec<String>,
}

/// Secret values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SecretsGrant {
    /// Slots that may be read.
    pub slots: Vec<String>,
}

/// The plugin asks for more than it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct NeedsConsent {
    /// Name of the plugin.
    pub plugin: String,
    /// What is missing.
    pub missing: Vec<MissingGrant>,
}

/// One grant that is asked for and not given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingGrant {
    /// The grant as it would stand in `spec.grants`: `tcp.ports: ["mysql"]`.
    pub grant: String,
    /// What the plugin wants it for, in its own words.
    pub why: String,
}

impl Grants {
    /// Exactly what is asked, for tests and tools.
    pub fn all_asked(asks: &Asks) -> Grants {
        Grants {
            tcp: TcpGrant {
                ports: asks.tcp.iter().map(|ask| ask.port.clone()).collect(),
            },
            exec: (asks.exec.iter())
                .map(|ask| ExecGrant {
                    container: ask.container.clone(),
                    argv: ask.argv.clone(),
                })
                .collect(),
            secrets: SecretsGrant {
                slots: asks.secrets.iter().map(|ask| ask.slot.clone()).collect(),
            },
            state: asks.state.is_some(),
            requests: asks.requests.is_some(),
            discard_volumes: asks.discard_volumes.is_some(),
            events: asks.events.is_some(),
        }
    }

    /// Whether everything that the manifest asks for is given.
    pub fn cover(&self, manifest: &Manifest) -> Result<(), NeedsConsent> {
        let asks = &manifest.asks;
        let mut missing = Vec::new();
        let mut lacks = |grant: String, why: &str| {
            missing.push(MissingGrant {
                grant,
                why: crate::text::line(why, 256),
            });
        };
        for ask in &asks.tcp {
            if !self.allows_port(&ask.port) {
                lacks(port_grant(&ask.port), &ask.why);
            }
        }
        for ask in &asks.exec {
            let covered = |grant: &ExecGrant| {
                grant.container == ask.container && covers(&grant.argv, &ask.argv)
            };
            if !self.exec.iter().any(covered) {
                lacks(exec_grant(&ask.container, &ask.argv), &ask.why);
            }
        }
        for ask in &asks.secrets {
            if !self.allows_slot(&ask.slot) {
                lacks(slot_grant(&ask.slot), &ask.why);
            }
        }
        let flags = [
            (&asks.state, self.state, "state: true"),
            (&asks.requests, self.requests, "requests: true"),
            (
                &asks.discard_volumes,
                self.discard_volumes,
                "discardVolumes: true",
            ),
            (&asks.events, self.events, "events: true"),
        ];
        for (ask, given, grant) in flags {
            if let (Some(ask), false) = (ask, given) {
                lacks(grant.to_owned(), &ask.why);
            }
        }
        if missing.is_empty() {
            Ok(())
        } else {
            Err(NeedsConsent {
                plugin: manifest.name.clone(),
                missing,
            })
        }
    }

    pub(crate) fn allows_port(&self, port: &str) -> bool {
        self.tcp.ports.iter().any(|granted| granted == port)
    }

    pub(crate) fn allows_slot(&self, slot: &str) -> bool {
        self.secrets.slots.iter().any(|granted| granted == slot)
    }

    pub(crate) fn allows_exec(&self, container: &str, argv: &[String]) -> bool {
        (self.exec.iter()).any(|grant| grant.container == container && matches(&grant.argv, argv))
    }
}

impl NeedsConsent {
    /// Stable name for events, conditions and metrics.
    pub fn reason(&self) -> &'static str {
        "NeedsConsent"
    }
}

impl fmt::Display for NeedsConsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "plugin {} asks for what it was not granted; add to spec.grants of the Plugin, or use another one: ",
            self.plugin
        )?;
        for (place, missing) in self.missing.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            write!(f, "{separator}{} (to {})", missing.grant, missing.why)?;
        }
        Ok(())
    }
}

pub(crate) fn port_grant(port: &str) -> String {
    format!("tcp.ports: [{port:?}]")
}

pub(crate) fn slot_grant(slot: &str) -> String {
    format!("secrets.slots: [{slot:?}]")
}

pub(crate) fn exec_grant(container: &str, argv: &[String]) -> String {
    format!("exec: [{{container: {container:?}, argv: {argv:?}}}]")
}

/// A pattern names a program literally or by `*`, and has `**` at most as its last of several elements.
pub(crate) fn well_formed_pattern(pattern: &[String]) -> bool {
    let Some((_, front)) = pattern.split_last() else {
        return false;
    };
    pattern
        .first()
        .is_some_and(|program| program != "**" && !program.is_empty())
        && front.iter().all(|element| element != "**")
}

/// Whether this command line is one of those that the pattern stands for.
fn matches(pattern: &[String], argv: &[String]) -> bool {
    match (pattern.split_first(), argv.split_first()) {
        (Some((element, [])), _) if element == "**" => true,
        (Some((element, pattern)), Some((arg, argv))) => {
            (element == "*" || element == arg) && matches(pattern, argv)
        }
        (None, None) => true,
        _ => false,
    }
}

/// Whether every command line of the asked pattern is one of the granted pattern.
fn covers(granted: &[String], asked: &[String]) -> bool {
    match (granted.split_first(), asked.split_first()) {
        (Some((element, [])), _) if element == "**" => true,
        // Any further elements are asked, and only some are granted.
        (_, Some((asked, []))) if asked == "**" => false,
        (Some((element, granted)), Some((ask, asked))) => {
            (element == "*" || element == ask) && covers(granted, asked)
        }
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_pattern_matches_elements_not_substrings() {
        let cases = [
            ("mysql --version", "mysql --version", true),
            ("mysql --version", "mysql --version --help", false),
            ("mysql *", "mysql -e", true),
            ("mysql *", "mysql", false),
            ("mysql *", "mysql a b", false),
            ("mysql **", "mysql", true),
            ("mysql **", "mysql a b", true),
            ("mysql **", "mysqldump", false),
            ("mysql", "mysql -e", false),
            ("* --version", "rm --version", true),
        ];
        for (pattern, line, expected) in cases {
            let matched = matches(&argv(pattern), &argv(line));
            assert_eq!(matched, expected, "{pattern} | {line}");
        }
    }

    #[test]
    fn a_grant_covers_an_ask_only_when_it_allows_all_of_it() {
        let cases = [
            ("mysql **", "mysql --version", true),
            ("mysql **", "mysql **", true),
            ("mysql **", "mysql * **", true),
            ("mysql *", "mysql **", false),
            ("mysql --version", "mysql *", false),
            ("mysql * --x", "mysql a --x", true),
            ("mysql", "mysql **", false),
            ("mysql", "mysql", true),
        ];
        for (granted, asked, expected) in cases {
            let covered = covers(&argv(granted), &argv(asked));
            assert_eq!(covered, expected, "{granted} | {asked}");
        }
    }

    #[test]
    fn a_pattern_needs_a_program_and_has_the_double_star_last() {
        assert!(well_formed_pattern(&argv("mysql **")));
        assert!(well_formed_pattern(&argv("mysql")));
        assert!(!well_formed_pattern(&argv("")));
        assert!(!well_formed_pattern(&argv("**")));
        assert!(!well_formed_pattern(&argv("mysql ** -e")));
    }
}
