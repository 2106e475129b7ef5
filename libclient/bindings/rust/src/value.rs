use crate::sys;
use std::ffi::CStr;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

// Milliseconds since 1970, or of an age; negative: none.
pub(crate) fn time_at(ms: i64) -> Option<Duration> {
    u64::try_from(ms).ok().map(Duration::from_millis)
}

pub(crate) fn system_time(ms: i64) -> SystemTime {
    UNIX_EPOCH + time_at(ms).unwrap_or_default()
}

/// Describes a token without its value.
#[derive(Clone, Copy)]
pub struct Info(pub(crate) sys::jeton_info);

impl Info {
    pub(crate) fn empty() -> Info {
        Info(sys::jeton_info {
            size: std::mem::size_of::<sys::jeton_info>(),
            generation: 0,
            issued_at_ms: 0,
            expires_at_ms: 0,
            previous_generation: 0,
            previous_accept_until_ms: 0,
            heartbeat_ms: 0,
            heartbeat_age_ms: -1,
            value_size: 0,
            flags: 0,
            kind: [0; 68],
        })
    }

    /// Rises from token to token.
    pub fn generation(&self) -> u64 {
        self.0.generation
    }
    /// When it was fetched.
    pub fn issued_at(&self) -> SystemTime {
        system_time(self.0.issued_at_ms)
    }
    /// When it ends.
    pub fn expires_at(&self) -> SystemTime {
        system_time(self.0.expires_at_ms)
    }
    /// The type as the provider names it, "Bearer"; may be empty.
    pub fn kind(&self) -> &str {
        // SAFETY: the library terminates it; empty() is all NUL.
        unsafe { CStr::from_ptr(self.0.kind.as_ptr()) }.to_str().unwrap_or("")
    }
    /// How long the value is.
    pub fn value_size(&self) -> usize {
        self.0.value_size
    }
    /// It has expired.
    pub fn is_expired(&self) -> bool {
        self.0.flags & sys::FLAG_EXPIRED != 0
    }
    /// A user of it was refused by the provider; the agent sees to a new one.
    pub fn is_rejected(&self) -> bool {
        self.0.flags & sys::FLAG_REJECTED != 0
    }
    /// Of the token before this one, and until when that is acceptable.
    pub fn previous(&self) -> Option<(u64, SystemTime)> {
        let generation = self.0.previous_generation;
        (generation != 0).then(|| (generation, system_time(self.0.previous_accept_until_ms)))
    }
    /// Since the agent's last heartbeat; `None`: none yet.
    pub fn heartbeat_age(&self) -> Option<Duration> {
        time_at(self.0.heartbeat_age_ms)
    }
}

impl fmt::Debug for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Info")
            .field("generation", &self.generation())
            .field("expires_at", &self.expires_at())
            .field("kind", &self.kind())
            .field("expired", &self.is_expired())
            .field("rejected", &self.is_rejected())
            .finish_non_exhaustive()
    }
}

/// A token copied out. Prints without the secret, and wipes it when dropped.
pub struct Value {
    bytes: Vec<u8>, // never grows: no copy is left behind
    used: usize,
    info: Info,
}

impl Value {
    pub(crate) fn with_capacity(size: usize) -> Value {
        Value { bytes: vec![0; size], used: 0, info: Info::empty() }
    }
    pub(crate) fn buffer(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr()
    }
    pub(crate) fn complete(mut self, used: usize, info: Info) -> Value {
        self.used = used;
        self.info = info;
        self
    }

    /// The secret.
    pub fn reveal(&self) -> &[u8] {
        &self.bytes[..self.used]
    }
    /// The secret, if it is UTF-8.
    pub fn reveal_str(&self) -> Option<&str> {
        std::str::from_utf8(self.reveal()).ok()
    }
    /// What else is known of it, of the same token.
    pub fn info(&self) -> &Info {
        &self.info
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        for byte in &mut self.bytes {
            // SAFETY: a valid place; volatile, because no code reads it any more.
            unsafe { std::ptr::write_volatile(byte, 0) }
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token(generation {}, value hidden)", self.info.generation())
    }
}
