//! Walkthrough 2: a small store that keeps what is posted to it; then a new version of it.

use std::time::Duration;

use anyhow::Result;

use super::Walk;
use crate::history::What;
use crate::{ensure_that, eventually, web};

pub(super) async fn walk(walk: &Walk) -> Result<()> {
    let user = &walk.user;
    user.apply_file("examples/walkthroughs/2-post-and-get.yaml")
        .await?;
    user.until_ready("kubia", &[0, 1, 2]).await?;
    get(walk, [false, false, false]).await?;

    let address = user.address("kubia-1").await?;
    user.narrator.types(&format!(
        "curl -X POST -d 'Hey there!' http://{address}:8080/"
    ));
    user.narrator
        .shows(&web::post(&address, 8080, "/", "Hey there!").await?);
    get(walk, [false, true, false]).await?;
    user.narrator.checked("only kubia-1 has the data");

    let before = user.uid("kubia-1").await?;
    user.delete_pod("kubia-1").await?;
    user.until_replaced("kubia-1", &before).await?;
    user.until_ready("kubia", &[0, 1, 2]).await?;
    get(walk, [false, true, false]).await?;
    user.narrator.checked("kubia-1 came back with its data");

    let mut wanted = Vec::new();
    for ordinal in 0..3 {
        wanted.push(user.address(&format!("kubia-{ordinal}")).await?);
    }
    wanted.sort();
    eventually(
        "the endpoints list the three addresses",
        Duration::from_secs(20),
        || async {
            let mut listed = user.endpoints("kubia").await?;
            listed.sort();
            Ok(if listed == wanted {
                Ok(())
            } else {
                Err(format!("{listed:?}"))
            })
        },
    )
    .await?;
    user.look("endpoints")?;
    user.narrator
        .checked("the service's endpoints list three addresses");

    let mark = walk.history.mark();
    user.set_image("kubia", "kubia", "kubia-stored:v2").await?;
    user.until_rolled_out("kubia").await?;
    walk.history
        .expect_order_since(
            mark,
            &[
                ("kubia-2", What::Terminating),
                ("kubia-2", What::Ready),
                ("kubia-1", What::Terminating),
                ("kubia-1", What::Ready),
                ("kubia-0", What::Terminating),
                ("kubia-0", What::Ready),
            ],
        )
        .await?;
    user.narrator
        .checked("the update went 2, 1, 0, each after the previous was ready");
    let address = user.address("kubia-1").await?;
    let page = web::get(&address, 8080, "/").await?;
    user.narrator.shows(&page);
    ensure_that(page.contains("v2") && page.contains("Hey there!"), || {
        format!("version 2 with the old data was wanted, kubia-1 answers {page:?}")
    })?;
    user.narrator.checked("version 2 answers with the old data");
    Ok(())
}

/// Asks all three; those of `has_data` must answer with what was posted.
async fn get(walk: &Walk, has_data: [bool; 3]) -> Result<()> {
    for (ordinal, has_data) in has_data.into_iter().enumerate() {
        let pod = format!("kubia-{ordinal}");
        let address = walk.user.address(&pod).await?;
        walk.user
            .narrator
            .types(&format!("curl http://{address}:8080/"));
        let page = web::get(&address, 8080, "/").await?;
        walk.user.narrator.shows(&page);
        let wanted = if has_data {
            "Hey there!"
        } else {
            "No data posted yet"
        };
        ensure_that(page.contains(wanted) && page.contains(&pod), || {
            format!("{pod} was to answer {wanted:?}, it answers {page:?}")
        })?;
    }
    Ok(())
}
