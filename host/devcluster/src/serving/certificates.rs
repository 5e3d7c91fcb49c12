//! What the server shows and what clients show: a certificate of our own authority, and a token.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::ClusterError;

const FOLDER: &str = "pki";

/// The four files of the folder.
pub(super) struct Identity {
    pub(super) ca_pem: String,
    certificate_pem: String,
    key_pem: String,
    pub(super) token: String,
}

impl Identity {
    /// Reads the identity of a cluster's folder, or makes one and keeps it there. A cluster without a folder gets a
    /// new one each time.
    pub(super) fn load_or_make(cluster: Option<&Path>) -> Result<Self, ClusterError> {
        let Some(cluster) = cluster else {
            return Self::make().map_err(|message| unusable(Path::new(FOLDER), message));
        };
        let folder = cluster.join(FOLDER);
        if let Ok(found) = Self::read(&folder) {
            return Ok(found);
        }
        let made = Self::make().map_err(|message| unusable(&folder, message))?;
        made.write(&folder)
            .map_err(|source| ClusterError::folder(&folder, source))?;
        Ok(made)
    }

    fn read(folder: &Path) -> std::io::Result<Self> {
        let read = |file: &str| fs::read_to_string(folder.join(file));
        Ok(Self {
            ca_pem: read("ca.crt")?,
            certificate_pem: read("server.crt")?,
            key_pem: read("server.key")?,
            token: read("token")?,
        })
    }

    fn write(&self, folder: &Path) -> std::io::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        // The token comes last: without it all are made anew.
        for (file, content) in [
            ("ca.crt", &self.ca_pem),
            ("server.crt", &self.certificate_pem),
            ("server.key", &self.key_pem),
            ("token", &self.token),
        ] {
            fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(folder.join(file))?
                .write_all(content.as_bytes())?;
        }
        Ok(())
    }

    fn make() -> Result<Self, String> {
        let said = |error: rcgen::Error| error.to_string();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        authority
            .distinguished_name
            .push(DnType::CommonName, "stateward embedded cluster");
        let authority_key = KeyPair::generate().map_err(said)?;
        let ca_pem = authority.self_signed(&authority_key).map_err(said)?.pem();
        let issuer = Issuer::new(authority, authority_key);

        let names = ["localhost", "127.0.0.1", "::1", "kubernetes.default.svc"];
        let mut server = CertificateParams::new(names.map(str::to_owned).to_vec()).map_err(said)?;
        server
            .distinguished_name
            .push(DnType::CommonName, "stateward embedded API");
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(said)?;
        let certificate_pem = server.signed_by(&key, &issuer).map_err(said)?.pem();
        Ok(Self {
            ca_pem,
            certificate_pem,
            key_pem: key.serialize_pem(),
            token: new_token()?,
        })
    }

    pub(super) fn server_config(&self) -> Result<ServerConfig, ClusterError> {
        self.try_server_config()
            .map_err(|message| unusable(Path::new(FOLDER), message))
    }

    fn try_server_config(&self) -> Result<ServerConfig, String> {
        let certificate = CertificateDer::from_pem_slice(self.certificate_pem.as_bytes())
            .map_err(|error| error.to_string())?;
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes())
            .map_err(|error| error.to_string())?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .map_err(|error| error.to_string())?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn unusable(path: &Path, message: String) -> ClusterError {
    ClusterError::Certificates {
        path: path.to_owned(),
        message,
    }
}

fn new_token() -> Result<String, String> {
    let mut bytes = [0_u8; 32];
    ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| "the system gives no random numbers".to_owned())?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
