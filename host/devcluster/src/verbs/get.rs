//! Reading one object.

use crate::failure::Failure;
use crate::request::Target;
use crate::state::{Answer, State};

pub(crate) fn get(state: &State, target: &Target) -> Result<Answer, Failure> {
    let object = state.find(target)?;
    Ok(Answer::object(&target.kind, &target.version, &object))
}
