//! `make demo`: a tour that checks itself. It ends with a failure at the first thing that is not as it says.

use std::process::ExitCode;

use anyhow::{Context, Result};
use stateward_tests::bed::Bed;
use stateward_tests::narrator::Narrator;
use stateward_tests::user::{Face, User};
use stateward_tests::{mariadb, walkthroughs};

#[tokio::main]
async fn main() -> ExitCode {
    let narrator = Narrator::aloud();
    match tour(narrator).await {
        Ok(()) => {
            narrator.says("\nEverything was as told. Next: README.md, docs/concepts.md.");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("\nNot as it should be: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn tour(narrator: Narrator) -> Result<()> {
    narrator.says("Stateward: StatefulSets that know your database. This tour starts an embedded cluster, in which pods are real local processes,");
    narrator.says("walks through what people do with a StatefulSet, and then runs a MariaDB whose plugin knows how members join, leave and switch over.");
    narrator.chapter("The embedded cluster");
    let mut bed = Bed::dev().await?;
    narrator.types(&format!(
        "stateward dev --folder {}",
        bed.folder.join("dev").display()
    ));
    narrator.checked("an embedded Kubernetes API, a node and the operator run in one process");
    let result = chapters(&bed, narrator).await;
    if result.is_err() {
        eprintln!("its logs and volumes are kept in {}", bed.keep().display());
    }
    bed.cluster.stop()?;
    result
}

async fn chapters(bed: &Bed, narrator: Narrator) -> Result<()> {
    for (number, ..) in walkthroughs::ALL {
        walkthroughs::run(number, bed, Face::StatefulSet, narrator).await?;
    }
    narrator.chapter("MariaDB: three members and a plugin");
    let user = User::new(bed, "shop", Face::StatefulApp, narrator).await?;
    mariadb::run(user).await.context("the MariaDB tour")?;
    Ok(())
}
