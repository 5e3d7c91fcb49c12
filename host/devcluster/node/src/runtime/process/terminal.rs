//! The terminal of a command of exec. It is made inside the container (whose `/dev/pts` it is in) by `__enter`, which
//! hands its other side to the agent over the socket that is its standard input.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as Socket;
use std::process::Stdio;

use nix::pty::openpty;
use nix::unistd::setsid;
use rustix::cmsg_space;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use rustix::process::ioctl_tiocsctty;
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::io::{AsyncReadExt, Interest, empty};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::process::Command;

use super::sandbox::{control_socket, exit_number};
use crate::runtime::{ExecError, ExecSession, WindowSize};

/// The words of `__enter` and `__exec` for a command with and without a terminal.
pub(super) const TERMINAL: &str = "terminal";
pub(super) const NO_TERMINAL: &str = "-";

/// Makes a terminal, hands its outer side out, and gives the inner one.
pub(super) fn make() -> io::Result<OwnedFd> {
    let made = openpty(None, None)?;
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let outer = [made.master.as_fd()];
    ancillary.push(SendAncillaryMessage::ScmRights(&outer));
    let socket = control_socket()?;
    sendmsg(
        &socket,
        &[IoSlice::new(b"t")],
        &mut ancillary,
        SendFlags::empty(),
    )?;
    Ok(made.slave)
}

/// Makes the terminal that is this process' standard input the one that signals it (Ctrl-C, a hang-up).
pub(super) fn be_controlled() -> io::Result<()> {
    setsid()?;
    ioctl_tiocsctty(io::stdin())?;
    Ok(())
}

/// Starts `__enter` and takes the terminal from it.
pub(super) async fn start(mut enter: Command) -> Result<ExecSession, ExecError> {
    let (ours, theirs) = Socket::pair()?;
    ours.set_nonblocking(true)?;
    let mut child = enter
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    // It holds the other end of the socket, too, until it is dropped.
    drop(enter);
    let Ok(outer) = received(&UnixStream::from_std(ours)?).await else {
        let mut said = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            // What it cannot say is missing from the message only.
            let _read = stderr.read_to_string(&mut said).await;
        }
        return Err(ExecError::Terminal(said.trim_end().to_owned()));
    };
    fcntl_setfl(
        &outer,
        fcntl_getfl(&outer).map_err(io::Error::from)? | OFlags::NONBLOCK,
    )
    .map_err(io::Error::from)?;
    // Read, written and polled like a pipe; tokio has no other name for such a file.
    let stdout = pipe::Receiver::from_owned_fd_unchecked(outer.try_clone()?)?;
    let stdin = pipe::Sender::from_owned_fd_unchecked(outer.try_clone()?)?;
    let resize = move |size: WindowSize| {
        let size = Winsize {
            ws_row: size.rows,
            ws_col: size.columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        // A terminal whose command has ended has no size.
        let _ended = tcsetwinsize(&outer, size);
    };
    Ok(ExecSession {
        stdin: Some(Box::new(stdin)),
        stdout: Box::new(stdout),
        stderr: Box::new(empty()),
        resize: Some(Box::new(resize)),
        exit: Box::pin(async move { child.wait().await.map_or(-1, exit_number) }),
    })
}

async fn received(socket: &UnixStream) -> io::Result<OwnedFd> {
    loop {
        socket.readable().await?;
        let taken = socket.try_io(Interest::READABLE, || {
            let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
            let mut ancillary = RecvAncillaryBuffer::new(&mut space);
            let mut byte = [0];
            recvmsg(
                socket,
                &mut [IoSliceMut::new(&mut byte)],
                &mut ancillary,
                RecvFlags::CMSG_CLOEXEC,
            )?;
            let mut files = ancillary.drain().filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(mut files) => files.next(),
                _ => None,
            });
            files
                .next()
                .ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
        });
        match taken {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            taken => return taken,
        }
    }
}
