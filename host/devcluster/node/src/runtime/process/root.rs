//! The private root view of a container: the machine's root, read through an overlay that takes every write, with
//! the pod's volumes at their mount paths.
//!
//! Mounts are made *after* the root is switched, with the machine's root reachable under [`OLD`]: a mount path that
//! leads through a symbolic link (`/var/run`) then ends inside the container and never on the machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::pivot_root;
use thiserror::Error;

use super::HELPER_IN_CONTAINER;
use super::control::{ContainerSpec, MountSpec};

const OLD: &str = "/.machine";
const NONE: Option<&str> = None;

#[derive(Debug, Error)]
pub(super) enum RootError {
    #[error(
        "no private root for this container: {what}: {source}; the kernel must allow overlay mounts on the file system that holds the node's folder"
    )]
    Overlay { what: String, source: io::Error },
    #[error("{what}: {source}")]
    Mount { what: String, source: io::Error },
}

fn failed<E: Into<io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> RootError {
    let what = what.into();
    move |source| RootError::Mount {
        what,
        source: source.into(),
    }
}

/// Switches this process, alone in its mount namespace, to the container's root.
pub(super) fn enter(spec: &ContainerSpec) -> Result<(), RootError> {
    switch(&spec.folder)?;
    other_file_systems();
    hide(&spec.hidden)?;
    kernel_file_systems()?;
    helper(&spec.helper)?;
    for volume in &spec.mounts {
        bind(volume)?;
    }

    umount2(OLD, MntFlags::MNT_DETACH).map_err(failed("the machine's root cannot be left"))?;
    fs::remove_dir(OLD).map_err(failed("the machine's root cannot be left"))
}

/// All that [`enter`] does whatever the container: whether it can be done here.
pub(super) fn enter_for_trial(folder: &Path) -> Result<(), RootError> {
    switch(folder)?;
    other_file_systems();
    kernel_file_systems()
}

fn switch(folder: &Path) -> Result<(), RootError> {
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)
        .map_err(failed("mounts cannot be made private"))?;
    let root = overlay(folder).map_err(|(what, source)| RootError::Overlay { what, source })?;
    let old = root.join(OLD.trim_start_matches('/'));
    fs::create_dir_all(&old).map_err(failed("no place for the machine's root"))?;
    pivot_root(&root, &old).map_err(failed("the root cannot be switched"))?;
    std::env::set_current_dir("/").map_err(failed("the new root cannot be entered"))
}

/// Writes go to the container's folder, or to memory where that folder cannot take an overlay (itself an overlay).
fn overlay(folder: &Path) -> Result<PathBuf, (String, io::Error)> {
    let root = folder.join("root");
    let layers = folder.join("layers");
    let told = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| (what, error)
    };
    fs::create_dir_all(&root).map_err(told("folder for the root"))?;
    fs::create_dir_all(&layers).map_err(told("folder for writes"))?;
    if overlay_at(&root, &layers).is_ok() {
        return Ok(root);
    }
    mount(
        Some("tmpfs"),
        &layers,
        Some("tmpfs"),
        MsFlags::empty(),
        Some("mode=755"),
    )
    .map_err(|error| ("memory for writes".to_owned(), error.into()))?;
    overlay_at(&root, &layers).map_err(told("overlay of the machine's root"))?;
    Ok(root)
}

fn overlay_at(root: &Path, layers: &Path) -> io::Result<()> {
    let (upper, work) = (layers.join("upper"), layers.join("work"));
    fs::create_dir_all(&upper)?;
    fs::create_dir_all(&work)?;
    // A comma would end the option.
    let escaped = |path: &Path| path.display().to_string().replace(',', "\\,");
    let options = format!(
        "lowerdir=/,upperdir={},workdir={}",
        escaped(&upper),
        escaped(&work)
    );
    mount(
        Some("overlay"),
        root,
        Some("overlay"),
        MsFlags::empty(),
        Some(options.as_str()),
    )?;
    Ok(())
}

/// An overlay shows one file system only; programs may live on others (`/usr`, `/opt`). They are shown read-only.
fn other_file_systems() {
    let Ok(table) = fs::read_to_string(format!("{OLD}/proc/self/mountinfo")) else {
        return;
    };
    for path in machine_mounts(&table) {
        let source = PathBuf::from(format!("{OLD}{path}"));
        if source.is_dir() && Path::new(&path).is_dir() {
            // What cannot be shown is simply not there; a program that misses it says so itself.
            let _absent = bind(&MountSpec {
                source: PathBuf::from(&path),
                target: PathBuf::from(&path),
                read_only: true,
            });
        }
    }
}

/// Mount points of the machine that hold ordinary files, from `/proc/self/mountinfo` as seen after the switch.
fn machine_mounts(table: &str) -> Vec<String> {
    const OWN: [&str; 5] = ["/proc", "/sys", "/dev", "/run", "/tmp"];
    table
        .lines()
        .filter_map(|line| line.split_whitespace().nth(4))
        .filter_map(|point| point.strip_prefix(OLD))
        .filter(|point| !point.is_empty() && !point.contains('\\'))
        .filter(|point| {
            !OWN.iter()
                .any(|own| point == own || point.starts_with(&format!("{own}/")))
        })
        .map(str::to_owned)
        .collect()
}

fn hide(hidden: &[PathBuf]) -> Result<(), RootError> {
    for folder in hidden.iter().filter(|folder| folder.is_dir()) {
        mount(
            Some("tmpfs"),
            folder,
            Some("tmpfs"),
            MsFlags::MS_RDONLY,
            Some("size=4k"),
        )
        .map_err(failed(format!("{} cannot be hidden", folder.display())))?;
    }
    Ok(())
}

/// `/proc` and `/sys` of its own, the latter and the kernel's settings read-only, memory for what is private, and the
/// devices that every program expects.
fn kernel_file_systems() -> Result<(), RootError> {
    let plain = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let fresh = |kind: &'static str, at: &str, flags: MsFlags, data: Option<&str>| {
        mount(Some(kind), at, Some(kind), flags, data)
            .map_err(failed(format!("no {at} of its own")))
    };
    fresh("proc", "/proc", plain | MsFlags::MS_NOEXEC, None)?;
    for settings in ["/proc/sys", "/proc/sysrq-trigger"] {
        protect(settings);
    }
    fresh(
        "sysfs",
        "/sys",
        plain | MsFlags::MS_NOEXEC | MsFlags::MS_RDONLY,
        None,
    )?;
    fresh("tmpfs", "/tmp", plain, Some("mode=1777"))?;
    fresh("tmpfs", "/run", plain, Some("mode=755"))?;
    fresh("tmpfs", "/dev", MsFlags::MS_NOSUID, Some("mode=755"))?;
    for device in ["null", "zero", "full", "random", "urandom", "tty"] {
        bind(&MountSpec {
            source: PathBuf::from(format!("/dev/{device}")),
            target: PathBuf::from(format!("/dev/{device}")),
            read_only: false,
        })?;
    }
    for folder in ["/dev/pts", "/dev/shm"] {
        fs::create_dir(folder).map_err(failed(format!("no {folder}")))?;
    }
    fresh(
        "devpts",
        "/dev/pts",
        MsFlags::MS_NOSUID,
        Some("newinstance,ptmxmode=0666,mode=620"),
    )?;
    fresh("tmpfs", "/dev/shm", plain, Some("mode=1777"))?;
    for (link, target) in [
        ("/dev/ptmx", "pts/ptmx"),
        ("/dev/fd", "/proc/self/fd"),
        ("/dev/stdin", "/proc/self/fd/0"),
        ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"),
    ] {
        std::os::unix::fs::symlink(target, link).map_err(failed(format!("no {link}")))?;
    }
    Ok(())
}

/// Makes a part of `/proc` read-only; a kernel without this part needs no protection of it.
fn protect(path: &str) {
    let bound = mount(Some(path), path, NONE, MsFlags::MS_BIND, NONE);
    let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    let _absent = bound.and_then(|()| mount(NONE, path, NONE, flags, NONE));
}

fn helper(binary: &Path) -> Result<(), RootError> {
    bind(&MountSpec {
        source: binary.to_owned(),
        target: PathBuf::from(HELPER_IN_CONTAINER),
        read_only: true,
    })
}

/// Shows `source` of the machine at `target`, which is made where it does not exist.
fn bind(spec: &MountSpec) -> Result<(), RootError> {
    let wrong = || {
        format!(
            "{} cannot be mounted at {}",
            spec.source.display(),
            spec.target.display()
        )
    };
    let relative = spec.source.strip_prefix("/").unwrap_or(&spec.source);
    let source = Path::new(OLD).join(relative);
    if source.is_dir() {
        fs::create_dir_all(&spec.target).map_err(failed(wrong()))?;
    } else {
        if let Some(parent) = spec.target.parent() {
            fs::create_dir_all(parent).map_err(failed(wrong()))?;
        }
        replace_link_by_file(&spec.target).map_err(failed(wrong()))?;
    }
    mount(
        Some(&source),
        &spec.target,
        NONE,
        MsFlags::MS_BIND | MsFlags::MS_REC,
        NONE,
    )
    .map_err(failed(wrong()))?;
    if spec.read_only {
        let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
        mount(NONE, &spec.target, NONE, flags, NONE).map_err(failed(wrong()))?;
    }
    Ok(())
}

/// `/etc/resolv.conf` is often a link to a place that the container does not have.
fn replace_link_by_file(target: &Path) -> io::Result<()> {
    if target.is_symlink() {
        fs::remove_file(target)?;
    }
    if !target.exists() {
        fs::File::create(target)?;
    }
    Ok(())
}
