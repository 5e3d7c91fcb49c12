//! The MariaDB tour: a StatefulApp with the mysql plugin and real servers, from the first member to a rolling update with a switchover.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::history::{History, What};
use crate::user::{PATIENCE, User};
use crate::{ensure_that, eventually};

pub const APP: &str = "mariadb";
pub const EXAMPLE: &str = "examples/mariadb.yaml";

/// What the servers say at the end of the tour.
#[derive(Debug, PartialEq, Eq)]
pub struct EndState {
    pub primary: u32,
    /// Rises with each change of the primary, so a second effect would show.
    pub epoch: u64,
    pub rows: u64,
    /// Transactions in the primary's history: those of the user and no others.
    pub transactions: u64,
    pub pods_created: usize,
    pub container_restarts: i32,
}

/// What it is when everything happened once.
pub const EXPECTED: EndState = EndState {
    primary: 0,
    epoch: 3,
    rows: 124,
    transactions: 26,
    pods_created: 7,
    container_restarts: 0,
};

pub struct Tour {
    user: User,
    history: History,
}

impl Tour {
    pub fn new(user: User) -> Tour {
        let history = History::watch(&user.client, &user.namespace);
        Tour { user, history }
    }

    /// The whole tour.
    pub async fn run(&self) -> Result<EndState> {
        self.members_join().await?;
        self.rows_reach_every_replica().await?;
        self.scale_out().await?;
        self.scale_in_waits_for_a_lagging_survivor().await?;
        self.roll_replicas_first().await?;
        self.switch_over().await?;
        self.end_state().await
    }

    async fn members_join(&self) -> Result<()> {
        let user = &self.user;
        user.apply_file(EXAMPLE).await?;
        user.until_ready(APP, &[0, 1, 2]).await?;
        user.look("sapp")?;
        user.look("pods")?;
        let order = ["mariadb-0", "mariadb-1", "mariadb-2"]
            .map(|pod| [(pod, What::Created), (pod, What::Ready)]);
        self.history.expect_order(&order.concat()).await?;
        ensure_that(self.primary().await? == 0, || {
            "mariadb-0 was to be the first primary".into()
        })?;
        user.narrator
            .checked("three members joined in order; mariadb-0 is the primary");
        Ok(())
    }

    async fn rows_reach_every_replica(&self) -> Result<()> {
        let user = &self.user;
        self.write("CREATE DATABASE shop").await?;
        self.write(
            "CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(40))",
        )
        .await?;
        let hundred: Vec<_> = (0..100).map(|n| format!("('order {n}')")).collect();
        self.write(&format!(
            "INSERT INTO shop.orders (what) VALUES {}",
            hundred.join(",")
        ))
        .await?;
        for ordinal in 0..3 {
            self.until_rows(ordinal, 100).await?;
        }
        user.narrator
            .checked("100 rows written on the primary are read on every replica");
        for ordinal in [1, 2] {
            let read_only = self.ask(ordinal, "SELECT @@read_only").await?;
            ensure_that(read_only == "1", || {
                format!("mariadb-{ordinal} is writable")
            })?;
        }
        user.narrator.checked("the replicas are read-only");
        Ok(())
    }

    async fn scale_out(&self) -> Result<()> {
        let user = &self.user;
        user.narrator
            .says("What will 5 members take? `plan` answers before anything is changed:");
        let (code, steps) = user.stateward(&["plan", "-f", EXAMPLE, "--replicas", "5"])?;
        let told = ["mariadb-3", "mariadb-4", "pre-scale", "post-ready"];
        ensure_that(
            code == 0 && told.iter().all(|word| steps.contains(word)),
            || format!("the plan does not tell {told:?}: {steps}"),
        )?;
        user.scale(APP, 5).await?;
        user.until_ready(APP, &[0, 1, 2, 3, 4]).await?;
        for ordinal in [3, 4] {
            self.until_rows(ordinal, 100).await?;
        }
        user.narrator
            .checked("two more members joined and hold the 100 rows");
        Ok(())
    }

    async fn scale_in_waits_for_a_lagging_survivor(&self) -> Result<()> {
        let user = &self.user;
        user.narrator.says("Replication on mariadb-1 is stopped by hand, rows are written, and the app is to shrink to mariadb-0 and mariadb-1:");
        self.ask(1, "STOP SLAVE SQL_THREAD").await?;
        for n in 100..121 {
            self.write(&format!(
                "INSERT INTO shop.orders (what) VALUES ('order {n}')"
            ))
            .await?;
        }
        user.scale(APP, 2).await?;
        eventually("the plugin refuses to scale in", PATIENCE, || async {
            let app = user.app(APP).await?;
            let waiting = app["status"]["waiting"].to_string();
            Ok(
                if waiting.contains("\"Plugin\"") && waiting.contains("mariadb-1") {
                    Ok(())
                } else {
                    Err(waiting)
                },
            )
        })
        .await?;
        let (_, why) = user.stateward(&["why", APP])?;
        ensure_that(why.contains("mariadb-1"), || {
            format!("`why` does not name mariadb-1: {why}")
        })?;
        let pods = self
            .history
            .moments()
            .iter()
            .filter(|moment| moment.what == What::Terminating)
            .count();
        ensure_that(pods == 0, || {
            "a pod was deleted although a survivor lags".into()
        })?;
        user.narrator
            .checked("the plugin refuses, no pod is touched, and `why` says what it waits for");

        self.ask(1, "START SLAVE SQL_THREAD").await?;
        user.until_ready(APP, &[0, 1]).await?;
        let order = ["mariadb-4", "mariadb-3", "mariadb-2"]
            .map(|pod| [(pod, What::Terminating), (pod, What::Gone)]);
        self.history.expect_order(&order.concat()).await?;
        for ordinal in [0, 1] {
            self.until_rows(ordinal, 121).await?;
        }
        user.narrator
            .checked("once it caught up, 4, 3 and 2 left in that order; the rows are intact");
        Ok(())
    }

    async fn roll_replicas_first(&self) -> Result<()> {
        let user = &self.user;
        let since = self.history.mark();
        user.narrator
            .says("A change of the template replaces every pod, the primary's last:");
        let (code, text) = user.stateward(&["rollout", "restart", APP])?;
        ensure_that(code == 0, || format!("rollout restart failed: {text}"))?;
        user.until_rolled_out(APP).await?;
        user.until_ready(APP, &[0, 1]).await?;
        let order =
            ["mariadb-1", "mariadb-0"].map(|pod| [(pod, What::Terminating), (pod, What::Ready)]);
        self.history
            .expect_order_since(since, &order.concat())
            .await?;
        ensure_that(self.primary().await? == 1, || {
            "mariadb-1 was to be the primary after the update".into()
        })?;
        self.write("INSERT INTO shop.orders (what) VALUES ('after the update')")
            .await?;
        for ordinal in [0, 1] {
            self.until_rows(ordinal, 122).await?;
        }
        user.narrator.checked("the replica was replaced first; the primary moved to mariadb-1 before mariadb-0 was replaced");
        Ok(())
    }

    async fn switch_over(&self) -> Result<()> {
        let user = &self.user;
        let (code, text) = user.stateward(&["switchover", APP, "--to", "0"])?;
        ensure_that(code == 0, || format!("the switchover failed: {text}"))?;
        ensure_that(self.primary().await? == 0, || {
            "mariadb-0 was to be the primary again".into()
        })?;
        self.write(
            "INSERT INTO shop.orders (what) VALUES ('after the switchover'), ('and one more')",
        )
        .await?;
        for ordinal in [0, 1] {
            self.until_rows(ordinal, 124).await?;
        }
        let read_only = self.ask(1, "SELECT @@read_only").await?;
        ensure_that(read_only == "1", || "the former primary is writable".into())?;
        user.narrator.checked("a switchover brought the primary back to mariadb-0; the former one follows it, read-only");
        Ok(())
    }

    /// What the servers and the status say now.
    pub async fn end_state(&self) -> Result<EndState> {
        let role = self.role().await?;
        let primary = self.primary().await?;
        let position = self.ask(primary, "SELECT @@gtid_binlog_pos").await?;
        let mut container_restarts = 0;
        for pod in self
            .user
            .pods()
            .list(&kube::api::ListParams::default())
            .await?
        {
            container_restarts += pod
                .status
                .and_then(|status| status.container_statuses)
                .unwrap_or_default()
                .iter()
                .map(|container| container.restart_count)
                .sum::<i32>();
        }
        Ok(EndState {
            primary,
            epoch: role["epoch"].as_u64().unwrap_or_default(),
            rows: self
                .ask(primary, "SELECT COUNT(*) FROM shop.orders")
                .await?
                .parse()?,
            transactions: position
                .rsplit('-')
                .next()
                .unwrap_or_default()
                .parse()
                .with_context(|| format!("position {position:?}"))?,
            pods_created: self.history.created(),
            container_restarts,
        })
    }

    async fn role(&self) -> Result<Value> {
        let app = self.user.app(APP).await?;
        let roles = app["status"]["roles"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        roles
            .into_iter()
            .find(|role| role["name"] == "primary")
            .context("the role `primary` was never claimed")
    }

    /// Who is primary, as the app's status says.
    async fn primary(&self) -> Result<u32> {
        let role = self.role().await?;
        let ordinal = role["holder"]["ordinal"]
            .as_u64()
            .with_context(|| format!("nobody is primary: {role}"))?;
        Ok(u32::try_from(ordinal)?)
    }

    /// Runs a statement on the primary.
    async fn write(&self, statement: &str) -> Result<()> {
        let primary = self.primary().await?;
        self.ask(primary, statement).await.map(drop)
    }

    /// What a member answers to a statement.
    async fn ask(&self, ordinal: u32, statement: &str) -> Result<String> {
        let short: String = statement.chars().take(90).collect();
        self.user.narrator.types(&format!(
            "mariadb -h {APP}-{ordinal} -e \"{short}{}\"",
            if statement.len() > short.len() {
                "…"
            } else {
                ""
            }
        ));
        self.ask_quietly(ordinal, statement).await
    }

    async fn ask_quietly(&self, ordinal: u32, statement: &str) -> Result<String> {
        let pod = format!("{APP}-{ordinal}");
        let address = self.user.address(&pod).await?;
        let script = "exec mariadb --no-defaults --host=\"$0\" --user=root --password=\"$MARIADB_ROOT_PASSWORD\" --skip-column-names --batch --execute=\"$1\"";
        self.user
            .exec_quietly(&pod, &["sh", "-c", script, &address, statement])
            .await
    }

    async fn until_rows(&self, ordinal: u32, rows: u64) -> Result<()> {
        eventually(
            &format!("mariadb-{ordinal} holds {rows} rows"),
            PATIENCE,
            || async {
                let seen = self
                    .ask_quietly(ordinal, "SELECT COUNT(*) FROM shop.orders")
                    .await;
                Ok(match seen {
                    Ok(seen) if seen == rows.to_string() => Ok(()),
                    Ok(seen) => Err(seen),
                    Err(error) => Err(format!("{error:#}")),
                })
            },
        )
        .await
    }
}

/// Runs the tour and says how it ended, compared to how it should.
pub async fn run(user: User) -> Result<EndState> {
    let tour = Tour::new(user);
    let end = tour.run().await?;
    if end != EXPECTED {
        bail!("the tour ended with {end:?}, not with {EXPECTED:?}");
    }
    Ok(end)
}
