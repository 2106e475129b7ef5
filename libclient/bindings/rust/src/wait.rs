use crate::error::check;
use crate::{sys, Error, Token};
use std::fmt;
use std::os::unix::io::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::{null_mut, NonNull};
use std::time::Duration;

// Rounded up: a wait is never shorter than asked for. None: no limit.
pub(crate) fn milliseconds(timeout: Option<Duration>) -> i64 {
    match timeout {
        None => -1,
        Some(time) => i64::try_from((time.as_nanos() + 999_999) / 1_000_000).unwrap_or(i64::MAX),
    }
}

/// Ends waits from another thread; serves any number of them.
pub struct Cancel {
    handle: NonNull<sys::jeton_cancel>,
}

// SAFETY: made to be called while other threads wait with it.
unsafe impl Send for Cancel {}
// SAFETY: as above.
unsafe impl Sync for Cancel {}

impl Cancel {
    /// One that has not been called.
    pub fn new() -> Result<Cancel, Error> {
        let mut handle = null_mut();
        // SAFETY: the output outlives the call.
        check(unsafe { sys::jeton_cancel_new(&mut handle) })?;
        Ok(Cancel { handle: NonNull::new(handle).ok_or(Error::InvalidArgument)? })
    }

    /// Every wait with it, and every later one, ends with [`Error::Cancelled`].
    pub fn now(&self) {
        // SAFETY: not freed before the drop.
        unsafe { sys::jeton_cancel_now(self.handle()) }
    }

    pub(crate) fn handle(&self) -> *mut sys::jeton_cancel {
        self.handle.as_ptr()
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        // SAFETY: no wait uses it: each borrows it.
        unsafe { sys::jeton_cancel_free(self.handle()) }
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancel").finish_non_exhaustive()
    }
}

/// A descriptor for an event loop: readable when the token may have changed. Then [`clear`](Events::clear), and look at
/// the token. Do not read from it.
#[derive(Debug)]
pub struct Events<'a> {
    fd: OwnedFd,
    token: &'a Token,
}

impl<'a> Events<'a> {
    /// Costs one inotify instance.
    pub fn new(token: &'a Token) -> Result<Events<'a>, Error> {
        let mut fd = -1;
        // SAFETY: the output outlives the call.
        check(unsafe { sys::jeton_event_fd(token.handle(), &mut fd) })?;
        // SAFETY: a new descriptor that is ours to close.
        Ok(Events { fd: unsafe { OwnedFd::from_raw_fd(fd) }, token })
    }

    /// Makes it unreadable until the next change.
    pub fn clear(&self) -> Result<(), Error> {
        // SAFETY: both are open.
        check(unsafe { sys::jeton_event_clear(self.token.handle(), self.as_raw_fd()) })
    }
}

impl AsRawFd for Events<'_> {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl AsFd for Events<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_never_shorter_than_asked_for() {
        assert_eq!(milliseconds(None), -1);
        assert_eq!(milliseconds(Some(Duration::ZERO)), 0);
        assert_eq!(milliseconds(Some(Duration::from_nanos(1))), 1);
        assert_eq!(milliseconds(Some(Duration::from_millis(7))), 7);
        assert_eq!(milliseconds(Some(Duration::MAX)), i64::MAX);
    }
}
