//! Walkthrough 1: three web servers, each with a volume made on demand.

use anyhow::Result;
use k8s_openapi::api::core::v1::PersistentVolume;
use kube::Api;

use super::Walk;
use crate::history::What;
use crate::{ensure_that, web};

const APP: &str = "statefulset-test";

pub(super) async fn walk(walk: &Walk) -> Result<()> {
    let user = &walk.user;
    user.apply_file("examples/walkthroughs/1-own-data.yaml")
        .await?;
    user.until_ready(APP, &[0, 1, 2]).await?;
    user.look("pods")?;
    walk.history
        .expect_order(&[
            ("statefulset-test-0", What::Created),
            ("statefulset-test-0", What::Ready),
            ("statefulset-test-1", What::Created),
            ("statefulset-test-1", What::Ready),
            ("statefulset-test-2", What::Created),
            ("statefulset-test-2", What::Ready),
        ])
        .await?;
    user.narrator
        .checked("the pods came in order, each after the previous was ready");

    let volumes: Api<PersistentVolume> = Api::all(user.client.clone());
    for ordinal in 0..3 {
        let claim = user.claims().get(&format!("test-{APP}-{ordinal}")).await?;
        let volume = claim
            .spec
            .and_then(|spec| spec.volume_name)
            .unwrap_or_default();
        let spec = volumes.get(&volume).await?.spec.unwrap_or_default();
        let path = spec
            .host_path
            .map(|host| host.path)
            .or(spec.local.map(|local| local.path))
            .unwrap_or_default();
        let folder = format!("{}-test-{APP}-{ordinal}-{volume}", user.namespace);
        ensure_that(path.ends_with(&folder), || {
            format!("the volume of ordinal {ordinal} is {path}, not a folder …/{folder}")
        })?;
        ensure_that(std::path::Path::new(&path).is_dir(), || {
            format!("{path} is no folder")
        })?;
        let text = (111 * (ordinal + 1)).to_string();
        user.narrator
            .types(&format!("echo {text} > …/{folder}/index.html"));
        std::fs::write(format!("{path}/index.html"), &text)?;
    }
    user.narrator.checked("each claim is bound to a volume of its own, in a folder named after namespace, claim and volume");
    answers(walk).await?;

    let before = user.uid("statefulset-test-0").await?;
    user.delete_pod("statefulset-test-0").await?;
    user.until_replaced("statefulset-test-0", &before).await?;
    user.until_ready(APP, &[0, 1, 2]).await?;
    user.narrator
        .checked("the same name came back as another pod");
    answers(walk).await
}

async fn answers(walk: &Walk) -> Result<()> {
    for ordinal in 0..3 {
        let pod = format!("{APP}-{ordinal}");
        let address = walk.user.address(&pod).await?;
        walk.user.narrator.types(&format!("curl http://{address}/"));
        let page = web::get(&address, 80, "/").await?;
        walk.user.narrator.shows(&page);
        let wanted = (111 * (ordinal + 1)).to_string();
        ensure_that(page.trim() == wanted, || {
            format!("{pod} answers {page:?} instead of {wanted}")
        })?;
    }
    walk.user
        .narrator
        .checked("each pod answers with what its own volume holds");
    Ok(())
}
