//! One export per hook. `#[plugin]` puts those of the hooks that its author wrote into the component, so the others are never called.

use crate::bindings::host::stateward::plugin::types;
use crate::bindings::{
    on_describe, on_member_config, on_move_role, on_post_delete, on_post_ready, on_pre_delete,
    on_pre_scale, on_probe, on_task, on_update_order, on_validate,
};
use crate::component::imports::Imports;
use crate::component::{Exported, report_panics};
use crate::occasion::{Joining, Leaving, Left, Moving, Scaling, Task};
use crate::plugin::Stateless;
use crate::step::Step;

impl<P: Stateless> on_describe::exports::stateward::plugin::describe::Guest for Exported<P> {
    fn manifest() -> String {
        report_panics();
        P::new().on_describe().to_json()
    }
}

impl<P: Stateless> on_validate::exports::stateward::plugin::validate::Guest for Exported<P> {
    fn run(old: Option<types::App>, new: types::App) -> Vec<types::Finding> {
        report_panics();
        P::new()
            .on_validate(old.map(Into::into).as_ref(), &new.into(), &Imports)
            .unwrap_or_default()
            .into_iter()
            .map(Into::into)
            .collect()
    }
}

impl<P: Stateless> on_member_config::exports::stateward::plugin::member_config::Guest
    for Exported<P>
{
    fn run(app: types::App, member: types::Member) -> types::Extra {
        report_panics();
        P::new()
            .on_member_config(&app.into(), &member.into(), &Imports)
            .unwrap_or_default()
            .into_iter()
            .collect()
    }
}

impl<P: Stateless> on_probe::exports::stateward::plugin::probe::Guest for Exported<P> {
    fn run(app: types::App, member: types::Member) -> Result<types::Report, types::Fault> {
        report_panics();
        match P::new().on_probe(&app.into(), &member.into(), &Imports) {
            Some(Ok(report)) => Ok(report.into()),
            Some(Err(fault)) => Err(fault.into()),
            None => Err(not_written()),
        }
    }
}

impl<P: Stateless> on_update_order::exports::stateward::plugin::update_order::Guest
    for Exported<P>
{
    fn run(app: types::App) -> Vec<u32> {
        report_panics();
        P::new()
            .on_update_order(&app.into(), &Imports)
            .unwrap_or_default()
    }
}

impl<P: Stateless> on_pre_scale::exports::stateward::plugin::pre_scale::Guest for Exported<P> {
    fn run(call: types::Call, app: types::App) -> Result<types::Outcome, types::Fault> {
        report_panics();
        let scaling = Scaling {
            call: call.into(),
            app: app.into(),
        };
        answer(P::new().on_pre_scale(&scaling, &Imports))
    }
}

impl<P: Stateless> on_post_ready::exports::stateward::plugin::post_ready::Guest for Exported<P> {
    fn run(
        call: types::Call,
        app: types::App,
        member: types::Member,
    ) -> Result<types::Outcome, types::Fault> {
        report_panics();
        let joining = Joining {
            call: call.into(),
            app: app.into(),
            member: member.into(),
        };
        answer(P::new().on_post_ready(&joining, &Imports))
    }
}

impl<P: Stateless> on_pre_delete::exports::stateward::plugin::pre_delete::Guest for Exported<P> {
    fn run(
        call: types::Call,
        app: types::App,
        member: types::Member,
        why: types::Cause,
    ) -> Result<types::Outcome, types::Fault> {
        report_panics();
        let leaving = Leaving {
            call: call.into(),
            app: app.into(),
            member: member.into(),
            why: why.into(),
        };
        answer(P::new().on_pre_delete(&leaving, &Imports))
    }
}

impl<P: Stateless> on_post_delete::exports::stateward::plugin::post_delete::Guest for Exported<P> {
    fn run(
        call: types::Call,
        app: types::App,
        ordinal: u32,
        was: String,
    ) -> Result<types::Outcome, types::Fault> {
        report_panics();
        let left = Left {
            call: call.into(),
            app: app.into(),
            ordinal,
            was,
        };
        answer(P::new().on_post_delete(&left, &Imports))
    }
}

impl<P: Stateless> on_move_role::exports::stateward::plugin::move_role::Guest for Exported<P> {
    fn run(
        call: types::Call,
        app: types::App,
        held: types::Claim,
        why: types::MoveCause,
        target: Option<u32>,
    ) -> Result<types::Outcome, types::Fault> {
        report_panics();
        let moving = Moving {
            call: call.into(),
            app: app.into(),
            held: held.into(),
            why: why.into(),
            target,
        };
        answer(P::new().on_move_role(&moving, &Imports))
    }
}

impl<P: Stateless> on_task::exports::stateward::plugin::task::Guest for Exported<P> {
    fn run(
        call: types::Call,
        app: types::App,
        name: String,
        member: Option<u32>,
        arguments: String,
    ) -> Result<types::Outcome, types::Fault> {
        report_panics();
        let task = Task {
            call: call.into(),
            app: app.into(),
            name,
            member,
            arguments,
        };
        answer(P::new().on_task(&task, &Imports))
    }
}

fn answer(step: Option<Step>) -> Result<types::Outcome, types::Fault> {
    match step {
        Some(Ok(outcome)) => Ok(outcome.into()),
        Some(Err(fault)) => Err(fault.into()),
        None => Err(not_written()),
    }
}

/// Only hooks that were written are exported, so no host gets to see this.
fn not_written() -> types::Fault {
    types::Fault::Fatal("the plugin does not implement this hook".to_owned())
}
