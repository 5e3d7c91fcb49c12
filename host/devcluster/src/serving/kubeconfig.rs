//! The file that tells a client where the cluster is and how to get in.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub(super) fn yaml(address: SocketAddr, ca_pem: &str, token: &str) -> String {
    let ca = STANDARD.encode(ca_pem);
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: stateward
  cluster:
    server: https://{address}
    certificate-authority-data: {ca}
users:
- name: stateward
  user:
    token: {token}
contexts:
- name: stateward
  context:
    cluster: stateward
    user: stateward
    namespace: default
current-context: stateward
"
    )
}
