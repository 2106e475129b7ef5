use crate::directory::Options;
use crate::error::check;
use crate::value::{time_at, Info, Value};
use crate::wait::{milliseconds, Cancel};
use crate::{sys, Error};
use std::ffi::CString;
use std::fmt;
use std::ptr::{null_mut, NonNull};
use std::time::Duration;

/// One token of this host, for any number of threads. Dropping it unmaps it.
pub struct Token {
    handle: NonNull<sys::jeton_token>,
    name: String,
}

// SAFETY: jeton.h: "a jeton_token may be used by any number of threads at once".
unsafe impl Send for Token {}
// SAFETY: as above.
unsafe impl Sync for Token {}

impl Token {
    /// Maps the token `name` of `$JETON_DIR` if set, else of `/run/jeton`.
    pub fn open(name: &str) -> Result<Token, Error> {
        Options::new().open(name)
    }

    pub(crate) fn open_with(options: &Options, name: &str) -> Result<Token, Error> {
        let c_name = CString::new(name).map_err(|_| Error::InvalidArgument)?;
        let raw = options.raw();
        let mut handle = null_mut();
        // SAFETY: all outlive the call, which copies what it keeps.
        check(unsafe { sys::jeton_open(&raw, c_name.as_ptr(), &mut handle) })?;
        let handle = NonNull::new(handle).ok_or(Error::InvalidArgument)?;
        Ok(Token { handle, name: name.to_owned() })
    }

    pub(crate) fn handle(&self) -> *mut sys::jeton_token {
        self.handle.as_ptr()
    }

    /// What it was opened with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Copies the token out. For many reads by one thread a [`Reader`](crate::Reader) is cheaper.
    pub fn read(&self) -> Result<Value, Error> {
        let mut capacity = 2048;
        loop {
            let mut value = Value::with_capacity(capacity);
            let (mut size, mut info) = (0, Info::empty());
            // SAFETY: `value` has `capacity` bytes to write to.
            let status = unsafe {
                sys::jeton_read(self.handle(), value.buffer().cast(), capacity, &mut size, &mut info.0)
            };
            if status == sys::BUFFER_TOO_SMALL {
                capacity = size; // the token may grow once more meanwhile
                continue;
            }
            check(status)?;
            return Ok(value.complete(size, info));
        }
    }

    /// Describes the token, also an expired one.
    pub fn info(&self) -> Result<Info, Error> {
        let mut info = Info::empty();
        // SAFETY: `info` has its size set.
        check(unsafe { sys::jeton_inspect(self.handle(), &mut info.0) })?;
        Ok(info)
    }

    /// Blocks until there is a valid token. `None`: no limit.
    pub fn wait_valid(&self, timeout: Option<Duration>) -> Result<(), Error> {
        self.wait(0, timeout, null_mut()).map(|_| ())
    }

    /// Blocks until there is a valid token of a higher generation than this one, and returns that. A token that expired
    /// or is missing ([`Options::allow_missing`]) is waited for.
    pub fn wait_change(&self, generation: u64, timeout: Option<Duration>) -> Result<u64, Error> {
        self.wait(generation, timeout, null_mut())
    }

    /// The same, until another thread calls `cancel.now()`: [`Error::Cancelled`] then.
    pub fn wait_change_or(&self, generation: u64, timeout: Option<Duration>, cancel: &Cancel) -> Result<u64, Error> {
        self.wait(generation, timeout, cancel.handle())
    }

    fn wait(&self, generation: u64, timeout: Option<Duration>, cancel: *mut sys::jeton_cancel) -> Result<u64, Error> {
        let options = sys::jeton_wait_options {
            size: std::mem::size_of::<sys::jeton_wait_options>(),
            generation,
            timeout_ms: milliseconds(timeout),
            cancel,
        };
        let mut found = 0;
        // SAFETY: all outlive the call; `cancel` is NULL or borrowed by the caller.
        check(unsafe { sys::jeton_wait(self.handle(), &options, &mut found) })?;
        Ok(found)
    }

    /// Reports that the provider refused the token of this generation (401): the fleet fetches a new one, once. Returns
    /// the current generation: above `generation` if there is a newer one already, then read again; otherwise
    /// `wait_change(generation, ...)` waits for it. Asks the agent, for a second at most.
    pub fn rejected(&self, generation: u64) -> Result<u64, Error> {
        let mut current = 0;
        // SAFETY: `current` outlives the call.
        check(unsafe { sys::jeton_rejected(self.handle(), generation, &mut current) })?;
        Ok(current)
    }

    /// Whether `presented` is the current token, or the previous one inside its overlap; in a time that depends on the
    /// sizes only.
    pub fn accepts(&self, presented: impl AsRef<[u8]>) -> Result<bool, Error> {
        let bytes = presented.as_ref();
        // SAFETY: `bytes` is valid for its length; of an empty slice nothing is read.
        match unsafe { sys::jeton_accepts(self.handle(), bytes.as_ptr().cast(), bytes.len()) } {
            sys::MISMATCH => Ok(false),
            status => check(status).map(|_| true),
        }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        // SAFETY: opened once, closed once; readers keep what they need.
        unsafe { sys::jeton_close(self.handle()) }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What is the matter with a token and with its agent; apart, because a token outlives its agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnosis {
    /// Of the token.
    pub token: Result<(), Error>,
    /// Of the agent.
    pub agent: Result<(), Error>,
    /// Since the agent's last heartbeat in the segment; `None`: none seen.
    pub heartbeat_age: Option<Duration>,
}

impl Diagnosis {
    pub(crate) fn new(raw: &sys::jeton_diagnosis) -> Diagnosis {
        Diagnosis { token: check(raw.token), agent: check(raw.agent), heartbeat_age: time_at(raw.heartbeat_age_ms) }
    }
}
