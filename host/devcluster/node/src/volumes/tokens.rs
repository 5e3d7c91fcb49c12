//! Tokens of service accounts, which the API server makes for one pod and for a time. A token stays in its file until most
//! of its time is over.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount, ServiceAccountTokenProjection, Volume};
use kube::api::PostParams;
use kube::{Api, ResourceExt};
use serde::Deserialize;

use super::projection::{self, ProjectedFile};
use super::{VolumeContext, VolumeError, api_error};

impl VolumeContext<'_> {
    /// The token that the pod has already while it is fresh, else a new one.
    pub(super) async fn token(
        &self,
        pod: &Pod,
        volume: &Volume,
        source: &ServiceAccountTokenProjection,
        mode: i32,
    ) -> Result<ProjectedFile, VolumeError> {
        let shown = self.folder.join(&volume.name).join(projection::CURRENT);
        let token = match kept(&shown.join(&source.path), Timestamp::now().as_second()) {
            Some(token) => token,
            None => self.new_token(pod, volume, source).await?,
        };
        Ok(ProjectedFile {
            bytes: token.into_bytes(),
            mode: u32::try_from(mode).unwrap_or(0o644),
        })
    }

    async fn new_token(
        &self,
        pod: &Pod,
        volume: &Volume,
        source: &ServiceAccountTokenProjection,
    ) -> Result<String, VolumeError> {
        let spec = pod.spec.as_ref();
        let account = spec.and_then(|spec| spec.service_account_name.as_deref());
        let request = TokenRequest {
            spec: Some(TokenRequestSpec {
                audiences: source.audience.clone().map(|audience| vec![audience]),
                expiration_seconds: source.expiration_seconds,
                bound_object_ref: Some(BoundObjectReference {
                    api_version: Some("v1".to_owned()),
                    kind: Some("Pod".to_owned()),
                    name: pod.metadata.name.clone(),
                    uid: pod.metadata.uid.clone(),
                }),
                ..TokenRequestSpec::default()
            }),
            ..TokenRequest::default()
        };
        let namespace = pod.namespace().unwrap_or_default();
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), &namespace);
        let made = accounts
            .create_token_request(
                account.unwrap_or("default"),
                &PostParams::default(),
                &request,
            )
            .await
            .map_err(api_error(volume))?;
        // Without a token there would be no success.
        Ok(made
            .status
            .and_then(|status| status.token)
            .unwrap_or_default())
    }
}

fn kept(file: &Path, now: i64) -> Option<String> {
    let token = std::fs::read_to_string(file).ok()?;
    is_fresh(&token, now).then_some(token)
}

/// As a kubelet: it asks again when 80 % of the time is over.
fn is_fresh(token: &str, now: i64) -> bool {
    #[derive(Deserialize)]
    struct Times {
        iat: i64,
        exp: i64,
    }
    let times = token
        .split('.')
        .nth(1)
        .and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok())
        .and_then(|claims| serde_json::from_slice::<Times>(&claims).ok());
    times.is_some_and(|times| now < times.iat + (times.exp - times.iat) * 4 / 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_kept_until_most_of_its_time_is_over() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"iat":1000,"exp":2000,"sub":"x"}"#);
        let token = format!("head.{claims}.signature");

        assert!(is_fresh(&token, 1799));
        assert!(!is_fresh(&token, 1800));
        assert!(!is_fresh("nothing of the kind", 0));
    }
}
