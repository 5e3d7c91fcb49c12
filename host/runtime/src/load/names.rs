//! Names of what a component imports and exports, read before it is compiled.

use std::collections::BTreeMap;

use semver::Version;
use wasmparser::{Encoding, Parser, Payload, Validator};

use crate::contract::{PACKAGE, VERSION};
use crate::errors::LoadError;
use crate::hook::Hook;
use crate::{baseline, capabilities};

/// Names of a component's outer imports and exports, as they stand in it.
pub(super) struct Names {
    pub(super) imports: Vec<String>,
    pub(super) exports: Vec<String>,
}

/// `package/interface@version`.
struct Name<'a> {
    interface: &'a str,
    version: Option<Version>,
}

impl Names {
    /// Reads the names. What is nested inside the component does not count.
    pub(super) fn read(bytes: &[u8]) -> Result<Names, LoadError> {
        let mut names = Names {
            imports: Vec::new(),
            exports: Vec::new(),
        };
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(|err| broken(&err))? {
                Payload::Version {
                    encoding: Encoding::Module,
                    ..
                } if depth == 0 => {
                    return Err(LoadError::NotAComponent(
                        "it is a core module; build it with --target wasm32-wasip2, or make it a component with wasm-tools"
                            .to_owned(),
                    ));
                }
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(imports) if depth == 0 => {
                    for import in imports {
                        let import = import.map_err(|err| broken(&err))?;
                        names.imports.push(import.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(exports) if depth == 0 => {
                    for export in exports {
                        let export = export.map_err(|err| broken(&err))?;
                        names.exports.push(export.name.name.to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(names)
    }

    /// Compares the names with what this host offers and calls; the hooks, each with the name of its export.
    pub(super) fn check(&self) -> Result<BTreeMap<Hook, String>, LoadError> {
        let mut forbidden = Vec::new();
        let mut newer = Vec::new();
        let mut older = Vec::new();
        for import in &self.imports {
            match contract_name(import) {
                Some(name) if capabilities::INTERFACES.contains(&name.interface) => {
                    name.compare(import, &mut newer, &mut older);
                }
                Some(_) => newer.push(import.clone()),
                None if is_baseline(import) => {}
                None => forbidden.push(import.clone()),
            }
        }
        let mut hooks = BTreeMap::new();
        for export in &self.exports {
            let Some(name) = contract_name(export) else {
                // Not ours: nobody calls it.
                continue;
            };
            match Hook::named(name.interface) {
                Some(hook) => {
                    name.compare(export, &mut newer, &mut older);
                    hooks.insert(hook, export.clone());
                }
                None => newer.push(export.clone()),
            }
        }
        if !forbidden.is_empty() {
            Err(LoadError::ForbiddenImport(forbidden))
        } else if !newer.is_empty() {
            Err(LoadError::NeedsNewerHost(newer))
        } else if !older.is_empty() {
            let older = older.join(", ");
            Err(LoadError::ContractMismatch(format!("it has {older}")))
        } else if !hooks.contains_key(&Hook::Describe) {
            Err(LoadError::ContractMismatch(format!(
                "it does not export {PACKAGE}/{}, so it is no Stateward plugin",
                Hook::Describe
            )))
        } else {
            Ok(hooks)
        }
    }

    /// What does not fit is the host's age where the component was built for a later version, and the component's own shape otherwise.
    pub(super) fn mismatch(&self, why: String) -> LoadError {
        let later = |name: &String| {
            contract_name(name)
                .and_then(|name| name.version)
                .is_some_and(|version| version > VERSION)
        };
        if self.imports.iter().chain(&self.exports).any(later) {
            LoadError::NeedsNewerHost(vec![why])
        } else {
            LoadError::ContractMismatch(why)
        }
    }
}

/// Checks every byte of the component, code included.
pub(super) fn validate(bytes: &[u8]) -> Result<(), LoadError> {
    Validator::new()
        .validate_all(bytes)
        .map(|_| ())
        .map_err(|err| broken(&err))
}

fn broken(err: &wasmparser::BinaryReaderError) -> LoadError {
    LoadError::NotAComponent(crate::text::line(&err.to_string(), 256))
}

fn contract_name(name: &str) -> Option<Name<'_>> {
    let (package, rest) = name.split_once('/')?;
    if package != PACKAGE {
        return None;
    }
    let (interface, version) = match rest.split_once('@') {
        Some((interface, version)) => (interface, Version::parse(version).ok()),
        None => (rest, None),
    };
    Some(Name { interface, version })
}

impl Name<'_> {
    /// Before 1.0 each minor version is a contract of its own; within it later patch versions only add.
    fn compare(&self, full: &str, newer: &mut Vec<String>, older: &mut Vec<String>) {
        match &self.version {
            Some(version) if (version.major, version.minor) == (VERSION.major, VERSION.minor) => {}
            Some(version) if *version > VERSION => newer.push(full.to_owned()),
            _ => older.push(full.to_owned()),
        }
    }
}

fn is_baseline(import: &str) -> bool {
    match import.split_once('@') {
        Some((interface, version)) => {
            baseline::INTERFACES.contains(&interface) && version.starts_with("0.2.")
        }
        None => false,
    }
}
