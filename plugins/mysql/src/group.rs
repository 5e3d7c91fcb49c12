//! The members of one app as a replication group: who is to be the primary, and how to get at each.

use stateward_sdk::prelude::*;
use stateward_sdk::{Connection, Standing};

use crate::replica::Source;
use crate::server::{Server, Vitals};
use crate::settings::Settings;
use crate::trouble::{Trouble, What};

/// The exclusive role. A member is the primary if and only if the host's claim says so; what the member itself believes does not count.
pub(crate) const PRIMARY: &str = "primary";

const ROOT_SLOT: &str = "root";
const REPLICATION_SLOT: &str = "replication";
const DIAL: std::time::Duration = secs(2);

pub(crate) struct Group<'a> {
    pub(crate) app: &'a App,
    pub(crate) settings: Settings,
    host: &'a dyn Reach,
    root_password: Vec<u8>,
}

/// Where the group's primary stands.
pub(crate) enum Primary<'a> {
    /// Nobody was ever made the primary.
    Never,
    /// Its pod does not exist.
    Away(&'a Claim),
    /// Its pod exists, and is not the one that the claim was given to: the claim waits to be renewed.
    Back(&'a Claim),
    /// It is there.
    There(&'a Claim, Box<Member>),
}

impl<'a> Group<'a> {
    pub(crate) fn of(app: &'a App, host: &'a dyn Reach) -> Result<Group<'a>, Fault> {
        Ok(Group {
            app,
            settings: app.settings()?,
            host,
            root_password: host.secret(ROOT_SLOT)?,
        })
    }

    pub(crate) fn claim(&self) -> Option<&'a Claim> {
        self.app.claim(PRIMARY)
    }

    pub(crate) fn holds(&self, ordinal: u32) -> bool {
        self.claim().is_some_and(|claim| claim.ordinal == ordinal)
    }

    pub(crate) fn primary(&self) -> Primary<'a> {
        let Some(claim) = self.claim() else {
            return Primary::Never;
        };
        match self.host.member(claim.ordinal) {
            Some(member) if member.pod.as_deref() == Some(claim.pod.as_str()) => {
                Primary::There(claim, Box::new(member))
            }
            Some(member) if member.pod.is_some() => Primary::Back(claim),
            _ => Primary::Away(claim),
        }
    }

    pub(crate) fn name(&self, ordinal: u32) -> String {
        self.app.pod_name(ordinal)
    }

    /// All other members that have a pod.
    pub(crate) fn others(&self, than: u32) -> Vec<Member> {
        let is_other = |member: &Member| member.ordinal != than && member.pod.is_some();
        let mut members = self.host.members();
        members.retain(is_other);
        members
    }

    pub(crate) fn open(&self, member: &Member) -> Result<Server, Trouble> {
        let opened = self.open_all(std::slice::from_ref(member)).pop();
        opened.unwrap_or_else(|| Err(What::NoPod.of(&self.name(member.ordinal))))
    }

    /// Logs in to all of them; one answer per member, in their order.
    pub(crate) fn open_all(&self, members: &[Member]) -> Vec<Result<Server, Trouble>> {
        let pods: Vec<&str> = members
            .iter()
            .map(|member| member.pod.as_deref().unwrap_or_default())
            .collect();
        let connections = self.host.connect(&pods, &self.settings.port, DIAL);
        members
            .iter()
            .zip(connections)
            .map(|(member, connection)| self.log_in(member, connection))
            .collect()
    }

    fn log_in(
        &self,
        member: &Member,
        connection: Result<Box<dyn Connection>, Failure>,
    ) -> Result<Server, Trouble> {
        let name = self.name(member.ordinal);
        let connection = connection.map_err(|failure| What::from(failure).of(&name))?;
        Server::log_in(&name, connection, &self.root_password)
    }

    /// Where replicas find this member.
    pub(crate) fn source(&self, member: &Member, vitals: &Vitals) -> Result<Source, Trouble> {
        let no_address = || What::Unanswered(Failure::Unreachable("it has no address".to_owned()));
        let host = member
            .address
            .clone()
            .ok_or_else(|| no_address().of(&self.name(member.ordinal)))?;
        Ok(Source {
            host,
            port: vitals.port,
        })
    }

    pub(crate) fn replication_password(&self) -> Result<String, Fault> {
        let password = self.host.secret(REPLICATION_SLOT)?;
        String::from_utf8(password).map_err(|_| {
            Fault::Fatal(format!(
                "the secret bound to slot {REPLICATION_SLOT} is no text; MariaDB takes passwords as text"
            ))
        })
    }
}

/// Whether a member that does not answer could still be on its way here.
pub(crate) fn is_coming(member: &Member) -> bool {
    !matches!(member.standing, Standing::Absent | Standing::Terminating)
}
