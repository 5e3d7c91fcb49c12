//! Somebody who connects by hand: bytes out, and what comes back until the connection ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whom a client says to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Nobody,
    /// As the kubeconfig says.
    Known,
    /// With a certificate that no authority of the server made.
    Forger,
}

/// What came back, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// A response: its code, and the reason where it is a `Status`.
    Answer { code: u16, reason: String },
    /// HTTP/2 said goodbye with this error.
    Goodbye(u32),
    /// The connection ended without any of these.
    End,
}

/// One server, and what its kubeconfig brings.
pub(super) struct Caller {
    address: SocketAddr,
    roots: Arc<rustls::RootCertStore>,
    certificate: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    /// What stands for `$auth` in a request.
    authorization: String,
}

impl Caller {
    pub(super) async fn new(kubeconfig: &str) -> Result<Self> {
        let written: Value = serde_yaml::from_str(kubeconfig)?;
        let kubeconfig = Kubeconfig::from_yaml(kubeconfig)?;
        let config =
            Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        let url = config.cluster_url;
        let address = format!(
            "{}:{}",
            url.host().unwrap_or_default(),
            url.port().context("a port")?
        );
        let mut roots = rustls::RootCertStore::empty();
        for root in config.root_cert.unwrap_or_default() {
            roots.add(CertificateDer::from(root))?;
        }
        let user = config.auth_info;
        let certificate = match (user.client_certificate, user.client_key) {
            (Some(certificate), Some(key)) => Some((
                CertificateDer::from_pem_file(certificate)?,
                PrivateKeyDer::from_pem_file(key)?,
            )),
            _ => None,
        };
        // Schemes are told apart whatever their case is.
        let token = written["users"][0]["user"]["token"].as_str();
        let authorization = token.map_or_else(String::new, |token| {
            format!("Authorization: bEaReR {token}\r\n")
        });
        Ok(Self {
            address: address.parse()?,
            roots: Arc::new(roots),
            certificate,
            authorization,
        })
    }

    /// Sends bytes without TLS.
    pub(super) async fn in_the_open(&self, bytes: &[u8]) -> Result<Heard> {
        let stream = TcpStream::connect(self.address).await?;
        exchange(stream, bytes, true).await
    }

    /// Sends bytes over TLS, `$auth` replaced by the header that lets one in.
    pub(super) async fn send(
        &self,
        who: Who,
        protocol: &str,
        bytes: &[u8],
        hangs_up: bool,
    ) -> Result<Heard> {
        let bytes = self.filled_in(who, bytes);
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::from(self.address.ip());
        let connector = TlsConnector::from(Arc::new(self.config(who, protocol)?));
        match connector.connect(name, stream).await {
            Ok(stream) => exchange(stream, &bytes, hangs_up).await,
            Err(_refused) => Ok(Heard::End),
        }
    }

    /// Shakes hands and does not trust the server.
    pub(super) async fn distrusts(&self) -> Result<Heard> {
        let nobody = Arc::new(rustls::RootCertStore::empty());
        let config = builder()?
            .with_root_certificates(nobody)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::from(self.address.ip());
        let connected = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await;
        anyhow::ensure!(
            connected.is_err(),
            "an unknown authority is not to be trusted"
        );
        Ok(Heard::End)
    }

    fn filled_in(&self, who: Who, bytes: &[u8]) -> Vec<u8> {
        const MARK: &[u8] = b"$auth";
        let header = match who {
            Who::Known => self.authorization.as_bytes(),
            Who::Nobody | Who::Forger => b"",
        };
        match bytes.windows(MARK.len()).position(|here| here == MARK) {
            Some(at) => [&bytes[..at], header, &bytes[at + MARK.len()..]].concat(),
            None => bytes.to_vec(),
        }
    }

    fn config(&self, who: Who, protocol: &str) -> Result<ClientConfig> {
        let builder = builder()?.with_root_certificates(self.roots.clone());
        let mut config = match (who, &self.certificate) {
            (Who::Known, Some((certificate, key))) => {
                builder.with_client_auth_cert(vec![certificate.clone()], key.clone_key())?
            }
            (Who::Forger, _) => {
                let made = rcgen::generate_simple_self_signed(vec!["admin".to_owned()])?;
                let key = PrivateKeyDer::try_from(made.signing_key.serialize_der());
                let key = key.map_err(anyhow::Error::msg)?;
                builder.with_client_auth_cert(vec![made.cert.der().clone()], key)?
            }
            _ => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        Ok(config)
    }
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>> {
    let provider = Arc::new(ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?)
}

/// Who hangs up still listens.
async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    bytes: &[u8],
    hangs_up: bool,
) -> Result<Heard> {
    let mut heard = Vec::new();
    let talk = async {
        // The server may hang up before it has read everything.
        let _ = stream.write_all(bytes).await;
        if hangs_up {
            let _ = stream.shutdown().await;
        }
        let _ = stream.read_to_end(&mut heard).await;
    };
    let ended = tokio::time::timeout(PATIENCE, talk).await;
    ended.context("the server keeps the connection")?;
    Ok(understood(&heard))
}

fn understood(heard: &[u8]) -> Heard {
    let text = String::from_utf8_lossy(heard);
    if let Some(rest) = text.strip_prefix("HTTP/1.") {
        let code = rest.split(' ').nth(1).and_then(|code| code.parse().ok());
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let from = body.find('{').unwrap_or(body.len());
        let to = body.rfind('}').map_or(from, |end| end + 1);
        let status: Value = serde_json::from_str(&body[from..to]).unwrap_or_default();
        let reason = status["reason"].as_str().unwrap_or_default().to_owned();
        return Heard::Answer {
            code: code.unwrap_or_default(),
            reason,
        };
    }
    let mut rest = heard;
    // Length (3), type, flags, stream (4), and then what the length says.
    while let [a, b, c, kind, _flags, _, _, _, _, payload @ ..] = rest {
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        if let (7, [_, _, _, _, e, f, g, h, ..]) = (*kind, payload) {
            return Heard::Goodbye(u32::from_be_bytes([*e, *f, *g, *h]));
        }
        rest = payload.get(length..).unwrap_or_default();
    }
    Heard::End
}
