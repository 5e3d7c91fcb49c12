//! `stateward crd`.

use crate::failure::{Ended, Failure};
use crate::output;

/// Prints the CustomResourceDefinitions, one YAML document each.
pub(crate) fn crd() -> Result<Ended, Failure> {
    for definition in stateward_operator::crds() {
        let yaml = serde_yaml::to_string(&definition)
            .map_err(|error| Failure::Output(std::io::Error::other(error)))?;
        output::line(format_args!("---\n{}", yaml.trim_end()))?;
    }
    Ok(Ended::Done)
}
