//! Files from objects, exchanged all at once: they live in a hidden folder that `..data` points to, so that a reader
//! sees either all old or all new ones (as a kubelet's atomic writer does).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path};

use sha2::{Digest, Sha256};

/// Path in the volume to file.
pub(super) type Files = BTreeMap<String, ProjectedFile>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProjectedFile {
    pub(super) bytes: Vec<u8>,
    pub(super) mode: u32,
}

/// Where the files of now are shown.
pub(super) const CURRENT: &str = "..data";

/// Makes `folder` show exactly these files; does nothing when it does already.
pub(super) fn write(folder: &Path, files: &Files) -> io::Result<()> {
    // The name of the hidden folder says its content.
    let version = format!("..{}", digest(files));
    let current = folder.join(CURRENT);
    let shown = fs::read_link(&current).ok();
    if shown.as_deref() == Some(Path::new(&version)) {
        return Ok(());
    }
    let hidden = folder.join(&version);
    fs::create_dir_all(&hidden)?;
    for (path, file) in files.iter().filter(|(path, _)| stays_inside(path)) {
        let target = hidden.join(path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&target, &file.bytes)?;
        fs::set_permissions(&target, Permissions::from_mode(file.mode))?;
    }
    let next = folder.join("..data_tmp");
    let _left_by_a_crash = fs::remove_file(&next);
    symlink(&version, &next)?;
    fs::rename(&next, &current)?;
    link_names(folder, files)?;
    match shown {
        Some(old) => fs::remove_dir_all(folder.join(old)),
        None => Ok(()),
    }
}

/// `name → ..data/name` for the first part of every path; names that went are removed.
fn link_names(folder: &Path, files: &Files) -> io::Result<()> {
    let names: BTreeSet<&str> = files
        .keys()
        .filter(|path| stays_inside(path))
        .filter_map(|path| path.split('/').next())
        .collect();
    for name in &names {
        let link = folder.join(name);
        if !link.is_symlink() {
            symlink(Path::new(CURRENT).join(name), link)?;
        }
    }
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let text = name.to_string_lossy();
        if !text.starts_with("..") && !names.contains(text.as_ref()) {
            fs::remove_file(folder.join(&name))?;
        }
    }
    Ok(())
}

fn stays_inside(path: &str) -> bool {
    Path::new(path)
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
}

fn digest(files: &Files) -> String {
    let mut hash = Sha256::new();
    for (path, file) in files {
        hash.update(path);
        hash.update([0]);
        hash.update(file.mode.to_le_bytes());
        hash.update(file.bytes.len().to_le_bytes());
        hash.update(&file.bytes);
    }
    hash.finalize()
        .iter()
        .take(10)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(pairs: &[(&str, &str)]) -> Files {
        pairs
            .iter()
            .map(|(path, text)| {
                let file = ProjectedFile {
                    bytes: text.as_bytes().to_vec(),
                    mode: 0o644,
                };
                ((*path).to_owned(), file)
            })
            .collect()
    }

    #[test]
    fn files_are_exchanged_and_removed_with_their_keys() {
        let folder = tempfile::tempdir().expect("a folder");
        let read = |name: &str| fs::read_to_string(folder.path().join(name));

        write(folder.path(), &files(&[("a", "1"), ("sub/b", "2")])).expect("written");
        assert_eq!(read("a").expect("a"), "1");
        assert_eq!(read("sub/b").expect("b"), "2");

        write(folder.path(), &files(&[("a", "3")])).expect("written");
        assert_eq!(read("a").expect("a"), "3");
        assert!(read("sub/b").is_err());
    }

    #[test]
    fn a_path_that_leads_out_of_the_volume_is_not_written() {
        let folder = tempfile::tempdir().expect("a folder");

        write(&folder.path().join("volume"), &files(&[("../out", "x")])).expect("written");

        assert!(!folder.path().join("out").exists());
    }
}
