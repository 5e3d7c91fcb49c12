//! How a stream is encrypted. Keys and certificates are named by slot: the host reads them, the plugin never sees them.

/// How a stream is encrypted.
///
/// ```
/// use stateward_sdk::Tls;
///
/// let tls = Tls::trusting("ca").identity("client.crt", "client.key");
/// assert_eq!(tls.server_name, None); // the member's stable DNS name
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Whose certificate is accepted.
    pub trust: Trust,
    /// None: the client shows no certificate.
    pub identity: Option<Identity>,
    /// Name that the certificate must be for. None: the member's stable DNS name.
    pub server_name: Option<String>,
}

/// Whose certificate is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// One signed by the certificates (PEM) in this slot of `config` or of `secret`.
    Slot(String),
    /// Any: the stream is encrypted, but who is at its other end is not proven. Grant: `tls.unverified`.
    Unverified,
}

/// A client certificate, by the slots of `secret` that hold it and its key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Slot of the certificate.
    pub certificate: String,
    /// Slot of its key.
    pub key: String,
}

impl Tls {
    /// Accepts certificates signed by those in this slot.
    pub fn trusting(slot: impl Into<String>) -> Tls {
        Tls {
            trust: Trust::Slot(slot.into()),
            identity: None,
            server_name: None,
        }
    }

    /// Accepts any certificate.
    pub fn unverified() -> Tls {
        Tls {
            trust: Trust::Unverified,
            identity: None,
            server_name: None,
        }
    }

    /// The slots whose values the host needs for it.
    pub fn slots(&self) -> impl Iterator<Item = &str> {
        let trust = match &self.trust {
            Trust::Slot(slot) => Some(slot),
            Trust::Unverified => None,
        };
        let identity = self.identity.as_ref();
        let own = identity.map(|identity| [&identity.certificate, &identity.key]);
        (trust.into_iter().chain(own.into_iter().flatten())).map(String::as_str)
    }

    /// Shows this certificate.
    pub fn identity(mut self, certificate: impl Into<String>, key: impl Into<String>) -> Tls {
        self.identity = Some(Identity {
            certificate: certificate.into(),
            key: key.into(),
        });
        self
    }

    /// Expects a certificate for this name.
    pub fn server_name(mut self, name: impl Into<String>) -> Tls {
        self.server_name = Some(name.into());
        self
    }
}
