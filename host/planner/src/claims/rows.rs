//! Claims in rows, one for each template.
//!
//! A claim that has the owner that it keeps while its member stays, and what its template asks for, is *at rest*: under a wanted member at rest nothing is to
//! be done about it.

use serde_json::Value;

use super::{growth, retention};
use crate::by_ordinal::ByOrdinal;
use crate::digest::ByDigest;
use crate::identity::parts;
use crate::shared::Shared;
use crate::world::{App, Claim};

pub(super) struct Rows<'w> {
    pub(super) all: Vec<Row<'w>>,
    /// Ordinals of claims that are not at rest, ascending.
    restless: Vec<u32>,
}

/// One template, and the claims that were made from it.
pub(super) struct Row<'w> {
    pub(super) template: &'w Value,
    pub(super) name: &'w str,
    /// The storage that it asks for.
    pub(super) storage: Option<&'w str>,
    pub(super) claims: ByOrdinal<&'w Claim>,
}

/// A row while it is filled.
struct Begun<'w> {
    template: &'w Value,
    name: &'w str,
    storage: Option<&'w str>,
    /// What stands in the names of its claims in front of the ordinal.
    stem: String,
    claims: Vec<(u32, &'w Claim)>,
}

/// What claims of one make have in common.
struct Make {
    /// Places of the rows that they belong in.
    rows: Vec<usize>,
    /// They request what their templates ask for, and have the owner that they keep.
    is_right: bool,
}

impl<'w> Rows<'w> {
    pub(super) fn of(app: &'w App, claims: &'w [Shared<Claim>]) -> Rows<'w> {
        let mut begun: Vec<_> = (app.spec.claim_templates.iter())
            .filter_map(|template| Begun::of(app, template))
            .collect();
        let mut makes: ByDigest<Make> = ByDigest::default();
        let mut restless = Vec::new();
        for claim in claims {
            let bearings = claim.derived();
            let Some(ordinal) = bearings.ordinal else {
                continue;
            };
            let make = (makes.entry(bearings.make)).or_insert_with(|| Make::of(app, claim, &begun));
            for place in &make.rows {
                if let Some(row) = begun.get_mut(*place) {
                    row.claims.push((ordinal, claim));
                }
            }
            if !make.is_right || bearings.is_growing {
                restless.push(ordinal);
            }
        }
        restless.sort_unstable();
        Rows {
            all: begun.into_iter().map(Begun::filled).collect(),
            restless,
        }
    }

    pub(super) fn are_restless(&self, ordinal: u32) -> bool {
        self.restless.binary_search(&ordinal).is_ok()
    }
}

impl<'w> Begun<'w> {
    fn of(app: &App, template: &'w Value) -> Option<Begun<'w>> {
        let name = template.pointer("/metadata/name")?.as_str()?;
        Some(Begun {
            template,
            name,
            storage: growth::storage(template),
            stem: format!("{name}-{}", app.name),
            claims: Vec::new(),
        })
    }

    fn filled(self) -> Row<'w> {
        Row {
            template: self.template,
            name: self.name,
            storage: self.storage,
            claims: self.claims.into_iter().collect(),
        }
    }
}

impl Make {
    fn of(app: &App, claim: &Claim, rows: &[Begun<'_>]) -> Make {
        let own = parts(&claim.name).map_or("", |(stem, _)| stem);
        let rows = (rows.iter().enumerate()).filter(|(_, row)| row.stem == own);
        let requested = claim.requested.as_deref();
        Make {
            is_right: retention::is_kept_right(app, claim)
                && (rows.clone()).all(|(_, row)| row.storage.is_none() || row.storage == requested),
            rows: rows.map(|(place, _)| place).collect(),
        }
    }
}
