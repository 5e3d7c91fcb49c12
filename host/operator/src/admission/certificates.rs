//! What the operator shows to the API server: a certificate by an authority of its own, which is made anew at each start and lives in memory only.

use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// How long the operator may run on with one authority.
const YEARS_OF_AUTHORITY: i16 = 10;

/// How long a certificate holds.
const YEARS: i16 = 1;

/// When the next one is made, long before that.
pub(super) const RENEWED: Duration = Duration::from_secs(30 * 24 * 3600);

/// An authority, and the names that it gives certificates to.
pub(super) struct Identity {
    names: Vec<String>,
    authority: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Identity {
    pub(super) fn new(names: Vec<String>, now: Timestamp) -> Result<Identity, String> {
        let mut params = CertificateParams::default();
        params.distinguished_name = named("stateward admission authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        hold(&mut params, now, YEARS_OF_AUTHORITY);
        let key = KeyPair::generate().map_err(said)?;
        Ok(Identity {
            names,
            authority: params.self_signed(&key).map_err(said)?.pem(),
            issuer: Issuer::new(params, key),
        })
    }

    /// The authority's certificate, in PEM.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// A new certificate, ready to be shown.
    pub(super) fn certify(&self, now: Timestamp) -> Result<Arc<ServerConfig>, String> {
        let (certificate, key) = self.sign(now)?;
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                let builder = builder.with_no_client_auth();
                builder.with_single_cert(vec![certificate], key)
            });
        config.map(Arc::new).map_err(|error| error.to_string())
    }

    fn sign(
        &self,
        now: Timestamp,
    ) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), String> {
        let mut params = CertificateParams::new(self.names.clone()).map_err(said)?;
        params.distinguished_name = named("stateward admission");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        hold(&mut params, now, YEARS);
        let key = KeyPair::generate().map_err(said)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(said)?;
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        Ok((certificate.der().clone(), key))
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// From yesterday on, because clocks differ.
fn hold(params: &mut CertificateParams, now: Timestamp, years: i16) {
    let day = |date: Date| {
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        rcgen::date_time_ymd(date.year().into(), month, day)
    };
    let today = now.to_zoned(TimeZone::UTC).date();
    params.not_before = day(today.saturating_sub(1.day()));
    params.not_after = day(today.saturating_add(years.years()));
}

fn said(error: rcgen::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{ServerName, UnixTime};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Whether a client that trusts the authority believes at this time that the certificate is of this name.
    fn is_believed(
        identity: &Identity,
        certificate: &CertificateDer<'_>,
        name: &str,
        when: &str,
    ) -> bool {
        let authority = CertificateDer::from_pem_slice(identity.authority().as_bytes()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(authority).unwrap();
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider);
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let seconds = at(when).as_second().unsigned_abs();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let verifier = verifier.build().unwrap();
        verifier
            .verify_server_cert(certificate, &[], &name, &[], now)
            .is_ok()
    }

    #[test]
    fn given_a_name_then_its_certificate_is_believed_for_a_year_and_for_no_other_name() {
        for name in ["127.0.0.1", "::1", "admission.stateward.svc"] {
            let made = "2030-02-28T12:00:00Z";
            let identity = Identity::new(vec![name.to_owned()], at(made)).unwrap();
            let (certificate, _) = identity.sign(at(made)).unwrap();
            let believed = |name, when| is_believed(&identity, &certificate, name, when);
            assert!(believed(name, "2030-02-27T00:00:01Z"));
            assert!(believed(name, "2031-02-27T00:00:00Z"));
            assert!(!believed(name, "2031-03-02T00:00:00Z"));
            assert!(!believed("127.0.0.2", made));
        }
    }

    #[test]
    fn a_later_certificate_is_believed_by_who_knows_the_authority_from_before() {
        let name = "admission.stateward.svc";
        let identity = Identity::new(vec![name.to_owned()], at("2030-01-01T00:00:00Z")).unwrap();
        let later = "2038-01-01T00:00:00Z";
        let (certificate, _) = identity.sign(at(later)).unwrap();
        assert!(is_believed(&identity, &certificate, name, later));
    }

    #[test]
    fn another_start_is_another_authority() {
        let (name, now) = ("admission.stateward.svc", "2030-01-01T00:00:00Z");
        let identity = || Identity::new(vec![name.to_owned()], at(now)).unwrap();
        let (certificate, _) = identity().sign(at(now)).unwrap();
        assert!(!is_believed(&identity(), &certificate, name, now));
    }

    #[test]
    fn a_name_that_no_certificate_can_have_is_told() {
        let identity = Identity::new(vec!["ö".to_owned()], at("2030-01-01T00:00:00Z")).unwrap();
        assert!(identity.certify(at("2030-01-01T00:00:00Z")).is_err());
    }
}
