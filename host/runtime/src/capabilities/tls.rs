//! TLS to members, for `tcp` and `http`. Certificates and keys are read by the host from the slots that the plugin names, and never shown to it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use crate::contract::{Failure, Identity, Tls, Trust};
use crate::effects::Stream;
use crate::grants::{config_grant, reference_grant};
use crate::sandbox::Sandbox;

/// How to encrypt, without the name of whom to expect.
pub(super) struct Encryption {
    connector: TlsConnector,
    server_name: Option<String>,
}

impl Encryption {
    /// Encrypts the stream to this pod. `host` is its stable name, where it has one.
    pub(super) async fn wrap(
        &self,
        stream: Box<dyn Stream>,
        host: Option<&str>,
    ) -> Result<Box<dyn Stream>, Failure> {
        let name = self.server_name.as_deref().or(host).ok_or_else(|| {
            Failure::Tls("the member has no stable name: give server-name".to_owned())
        })?;
        let name = ServerName::try_from(name.to_owned()).map_err(|_| {
            let name = crate::text::line(name, 128);
            Failure::Tls(format!("{name:?} is no name that a certificate can be for"))
        })?;
        match self.connector.connect(name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(Failure::Tls(crate::text::line(&error.to_string(), 256))),
        }
    }
}

impl Sandbox {
    /// Reads what the encryption needs. The call's grants decide over the slots.
    pub(super) async fn encryption(&mut self, how: Tls) -> Result<Encryption, Failure> {
        if let Some((key, _)) = how.extra.first() {
            let key = crate::text::line(key, 64);
            return Err(Failure::Other(format!(
                "this host knows no extra {key:?} of tls"
            )));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::Tls(error.to_string()))?;
        let builder = match &how.trust {
            Trust::Unverified => {
                let allowed = self.grants().tls.unverified;
                let grant = "tls: {unverified: true}";
                self.permit(allowed, "a stream to whom nobody vouches for", grant)?;
                let anybody = Arc::new(Anybody(provider));
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(anybody)
            }
            Trust::Slot(slot) => {
                let pem = self.trusted(slot).await?;
                builder.with_root_certificates(roots(slot, &pem)?)
            }
        };
        let config = match &how.identity {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let chain = self.referenced(certificate).await?;
                let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain).collect();
                let chain = chain.map_err(|_| unreadable(certificate, "certificates"))?;
                let secret = self.referenced(key).await?;
                // The error of the parser could show a part of the key.
                let secret = PrivateKeyDer::from_pem_slice(&secret)
                    .map_err(|_| unreadable(key, "a private key"))?;
                builder.with_client_auth_cert(chain, secret).map_err(|_| {
                    Failure::Tls(format!(
                        "slots {certificate:?} and {key:?} do not fit together"
                    ))
                })?
            }
        };
        Ok(Encryption {
            connector: TlsConnector::from(Arc::new(config)),
            server_name: how.server_name,
        })
    }

    /// The certificates of whom to trust: they are no secret, but may lie with one.
    async fn trusted(&mut self, slot: &str) -> Result<Vec<u8>, Failure> {
        if !self.grants().allows_config(slot) && self.grants().allows_reference(slot) {
            return self.effects.secret(slot).await;
        }
        let allowed = self.grants().allows_config(slot);
        let what = format!("config slot {:?}", crate::text::line(slot, 64));
        self.permit(allowed, &what, &config_grant(slot))?;
        self.effects.config(slot).await
    }

    /// A secret that the host uses and the plugin does not see. It is masked from here on.
    pub(super) async fn referenced(&mut self, slot: &str) -> Result<Vec<u8>, Failure> {
        let allowed = self.grants().allows_reference(slot);
        let what = format!("using secret slot {:?}", crate::text::line(slot, 64));
        self.permit(allowed, &what, &reference_grant(slot))?;
        let value = self.effects.secret(slot).await?;
        self.masks.add(&value);
        Ok(value)
    }

    /// The stable name of the member that has this pod.
    pub(super) fn host_of(&self, pod: &str) -> Option<String> {
        let mut members = self.snapshot.members.iter();
        let member = members.find(|member| member.pod.as_deref() == Some(pod))?;
        let host = member.extra.iter().find(|(key, _)| key == "host");
        host.map(|(_, host)| host.clone())
    }
}

fn roots(slot: &str, pem: &[u8]) -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let added = certificate.map(|certificate| roots.add(certificate));
        if !matches!(added, Ok(Ok(()))) {
            return Err(unreadable(slot, "certificates"));
        }
    }
    if roots.is_empty() {
        return Err(unreadable(slot, "certificates"));
    }
    Ok(roots)
}

fn unreadable(slot: &str, what: &str) -> Failure {
    let slot = crate::text::line(slot, 64);
    Failure::Tls(format!("slot {slot:?} does not hold {what} as PEM"))
}

/// Takes any certificate, but not a forged handshake.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
