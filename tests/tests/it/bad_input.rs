//! Bad input: one clear event and condition that says what to do, and nothing else touched.
