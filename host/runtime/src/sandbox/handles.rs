//! How many handles to resources one call held at a time, those of WASI included.

use wasmtime::component::ResourceTable;

/// The most that the table ever held. It is asked at the end of a call: nothing more goes into the table afterwards.
///
/// A table does not tell its size. It grows only when no place is free, so its places are what was held at its peak; and one that may not grow takes just as
/// much as it has places.
pub(super) fn peak(table: &mut ResourceTable) -> u32 {
    table.set_max_capacity(0);
    while table.push(()).is_ok() {}
    u32::try_from(table.iter_mut().count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_handles_that_come_and_go_then_the_most_at_a_time_is_told() {
        assert_eq!(peak(&mut ResourceTable::new()), 0);
        let mut table = ResourceTable::new();
        for _ in 0..9 {
            let first = table.push("first").unwrap();
            let second = table.push("second").unwrap();
            let third = table.push_child("third", &first).unwrap();
            table.delete(third).unwrap();
            table.delete(first).unwrap();
            table.delete(second).unwrap();
        }
        table.push("last").unwrap();
        assert_eq!(peak(&mut table), 3);
    }
}
