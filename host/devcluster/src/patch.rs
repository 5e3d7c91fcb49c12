//! The ways to change an object by a patch, and who manages which field.
//!
//! | file | topic |
//! |---|---|
//! | [`strategic`] | merge patches that know which lists are keyed |
//! | [`apply`] | server-side apply: merging a configuration, refusing conflicts |
//! | [`managed`] | `metadata.managedFields`: whose fields a write makes |
//! | [`field_set`] | a set of fields, as `fieldsV1` writes it |
//! | [`topology`] | which maps and lists are one value, which have parts of their own |

pub(crate) mod apply;
pub(crate) mod field_set;
pub(crate) mod managed;
pub(crate) mod strategic;
pub(crate) mod topology;
