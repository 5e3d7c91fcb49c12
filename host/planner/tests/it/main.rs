//! The planner as a whole: worlds played on the model, in the words of the docs.

mod bed;
mod forecasting;
