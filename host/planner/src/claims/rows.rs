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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::spec::RetentionPolicy;
    use crate::testing::{app, claim};
    use crate::world::OwnerReference;

    /// Whether a claim of ordinal 0 is at rest, with the claims of an app kept for ever or deleted with it.
    fn is_at_rest(when_deleted: RetentionPolicy, edit: impl Fn(&mut Claim)) -> bool {
        let mut app = app(1);
        app.spec.retention.when_deleted = when_deleted;
        let storage = json!({"resources": {"requests": {"storage": "1Gi"}}});
        app.spec.claim_templates = vec![json!({"metadata": {"name": "data"}, "spec": storage})];
        let mut claim = claim("data-web-0");
        claim.requested = Some("1Gi".to_owned());
        claim.capacity = Some("1Gi".to_owned());
        edit(&mut claim);
        let claims = [claim.into()];
        !Rows::of(&app, &claims).are_restless(0)
    }

    fn own(claim: &mut Claim, kind: &str, uid: &str) {
        claim.owners.push(OwnerReference {
            api_version: "stateward.dev/v1alpha1".to_owned(),
            kind: kind.to_owned(),
            name: "web".to_owned(),
            uid: uid.to_owned(),
            controller: true,
        });
    }

    #[test]
    fn a_claim_is_at_rest_with_the_right_owner_and_all_that_is_asked_for() {
        use RetentionPolicy::{Delete, Retain};
        assert!(is_at_rest(Retain, |_| {}));
        assert!(!is_at_rest(Delete, |_| {}));
        assert!(is_at_rest(Delete, |claim| own(
            claim,
            "StatefulApp",
            "app-uid"
        )));
        assert!(!is_at_rest(Retain, |claim| own(
            claim,
            "StatefulApp",
            "app-uid"
        )));
        assert!(!is_at_rest(Delete, |claim| own(claim, "Pod", "uid-0")));
        assert!(!is_at_rest(Retain, |claim| claim.requested = None));
        assert!(!is_at_rest(Retain, |claim| claim.requested = Some("2Gi".to_owned())));
        assert!(!is_at_rest(Retain, |claim| claim.capacity = Some("512Mi".to_owned())));
    }
}
