//! Walkthrough 3: names that stay, pages that survive, scaling out and in.

use anyhow::Result;
use kube::ResourceExt;
use kube::api::{DeleteParams, ListParams};
use serde_json::json;

use super::Walk;
use crate::history::What;
use crate::user::PATIENCE;
use crate::{ensure_that, eventually, web};

pub(super) async fn walk(walk: &Walk) -> Result<()> {
    let user = &walk.user;
    user.apply_file("examples/walkthroughs/3-scale.yaml")
        .await?;
    user.until_ready("web", &[0, 1]).await?;
    let note = user
        .until_event("that the pull secret is missing", |event| {
            event.type_.as_deref() == Some("Warning")
                && event
                    .message
                    .as_deref()
                    .unwrap_or_default()
                    .contains("registry-secret")
        })
        .await?;
    user.narrator.shows(&note);
    user.narrator
        .checked("a Warning names the missing pull secret; the pods started all the same");

    for pod in ["web-0", "web-1"] {
        let hostname = user.exec(pod, &["hostname"]).await?;
        ensure_that(hostname == pod, || {
            format!("the hostname in {pod} is {hostname}")
        })?;
        user.exec(
            pod,
            &["sh", "-c", "hostname > /usr/share/nginx/html/index.html"],
        )
        .await?;
    }
    user.narrator.checked("the hostname is the pod's name");
    names(walk).await?;

    let before = [user.uid("web-0").await?, user.uid("web-1").await?];
    user.delete_pods("app=nginx").await?;
    for (pod, before) in ["web-0", "web-1"].into_iter().zip(&before) {
        user.until_replaced(pod, before).await?;
    }
    user.until_ready("web", &[0, 1]).await?;
    for pod in ["web-0", "web-1"] {
        let page = web::get(&user.address(pod).await?, 80, "/").await?;
        ensure_that(page.trim() == pod, || {
            format!("the page of {pod} is {page:?}")
        })?;
    }
    user.narrator
        .checked("after deleting both pods their pages are still there");

    let mark = walk.history.mark();
    user.scale("web", 5).await?;
    user.until_ready("web", &[0, 1, 2, 3, 4]).await?;
    walk.history
        .expect_order_since(
            mark,
            &[
                ("web-2", What::Created),
                ("web-2", What::Ready),
                ("web-3", What::Created),
                ("web-3", What::Ready),
                ("web-4", What::Created),
                ("web-4", What::Ready),
            ],
        )
        .await?;
    user.narrator
        .checked("2, 3 and 4 were made one after the other");

    let mark = walk.history.mark();
    user.scale("web", 2).await?;
    user.until_ready("web", &[0, 1]).await?;
    walk.history
        .expect_order_since(
            mark,
            &[
                ("web-4", What::Terminating),
                ("web-4", What::Gone),
                ("web-3", What::Terminating),
                ("web-3", What::Gone),
                ("web-2", What::Terminating),
                ("web-2", What::Gone),
            ],
        )
        .await?;
    user.narrator.checked("4, 3 and 2 went in that order");

    user.look("pvc")?;
    let mut claims: Vec<_> = user
        .claims()
        .list(&ListParams::default())
        .await?
        .iter()
        .map(ResourceExt::name_any)
        .collect();
    claims.sort();
    ensure_that(
        claims
            == [
                "www-web-0",
                "www-web-1",
                "www-web-2",
                "www-web-3",
                "www-web-4",
            ],
        || format!("five claims were to stay, there are {claims:?}"),
    )?;
    user.narrator.checked("all five claims stay");

    user.delete_app("web").await?;
    user.claims()
        .delete_collection(&DeleteParams::default(), &ListParams::default())
        .await?;
    eventually("pods and claims are gone", PATIENCE, || async {
        let pods = user.pods().list(&ListParams::default()).await?.items.len();
        let claims = user
            .claims()
            .list(&ListParams::default())
            .await?
            .items
            .len();
        Ok(if pods + claims == 0 {
            Ok(())
        } else {
            Err(format!("{pods} pods, {claims} claims"))
        })
    })
    .await?;
    user.narrator
        .checked("the set, its pods and its claims are deleted");
    Ok(())
}

/// `web-0.nginx`, `web-1.nginx` and `nginx`, looked up in another pod.
async fn names(walk: &Walk) -> Result<()> {
    let user = &walk.user;
    user.apply(
        &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "dns-test"}, "spec": {"terminationGracePeriodSeconds": 1, "containers": [{"name": "shell", "image": "busybox", "command": ["sleep", "3600"]}]}})
            .to_string(),
    )
    .await?;
    eventually("the pod dns-test runs", PATIENCE, || async {
        Ok(match user.pods().get_opt("dns-test").await? {
            Some(pod) if crate::user::is_ready(&pod) => Ok(()),
            pod => Err(format!("{:?}", pod.and_then(|pod| pod.status))),
        })
    })
    .await?;
    let addresses = [user.address("web-0").await?, user.address("web-1").await?];
    for (name, wanted) in [
        ("web-0.nginx", &addresses[..1]),
        ("web-1.nginx", &addresses[1..]),
        ("nginx", &addresses[..]),
    ] {
        let answer = user.exec("dns-test", &["getent", "ahostsv4", name]).await?;
        ensure_that(
            wanted
                .iter()
                .all(|address| answer.contains(address.as_str())),
            || format!("{name} was to resolve to {wanted:?}, it resolves to {answer:?}"),
        )?;
    }
    user.narrator
        .checked("stable names resolve to the pods' addresses");
    user.delete_pod("dns-test").await
}
