use crate::error::check;
use crate::value::system_time;
use crate::{sys, Error, Token};
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::os::raw::c_char;
use std::ptr::{null, null_mut, NonNull};
use std::time::SystemTime;

/// One thread's view of a token. It keeps what it needs of its [`Token`], which may go before it.
pub struct Reader {
    handle: NonNull<sys::jeton_reader>,
    not_sync: PhantomData<Cell<()>>,
}

// SAFETY: jeton.h: "a jeton_reader by one [thread] at a time"; it is bound to none.
unsafe impl Send for Reader {}

impl Reader {
    /// Opens a reader of the token.
    pub fn new(token: &Token) -> Result<Reader, Error> {
        let mut handle = null_mut();
        // SAFETY: the token is open; the output outlives the call.
        check(unsafe { sys::jeton_reader_open(token.handle(), &mut handle) })?;
        let handle = NonNull::new(handle).ok_or(Error::InvalidArgument)?;
        Ok(Reader { handle, not_sync: PhantomData })
    }

    /// The current token. One load and a look at the clock while nothing changed, so there is no need to keep it.
    pub fn current(&mut self) -> Result<View<'_>, Error> {
        let mut view = null();
        // SAFETY: no other code uses the reader: it is borrowed mutably.
        check(unsafe { sys::jeton_current(self.handle.as_ptr(), &mut view) })?;
        // SAFETY: set by a call that succeeded; valid until the next one, which needs the borrow that View holds.
        Ok(View { raw: unsafe { &*view } })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // SAFETY: opened once, closed once; no View is left, each borrows the reader.
        unsafe { sys::jeton_reader_close(self.handle.as_ptr()) }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

/// A token as one consistent piece, until the next call with its reader. Prints without the secret.
///
/// It cannot be kept over that call:
///
/// ```compile_fail,E0499
/// fn two(reader: &mut jeton::Reader) -> Result<(), jeton::Error> {
///     let first = reader.current()?;
///     let second = reader.current()?;
///     assert_eq!(first.generation(), second.generation());
///     Ok(())
/// }
/// ```
///
/// A reader is not shared between threads:
///
/// ```compile_fail,E0277
/// fn share<T: Sync>() {}
/// share::<jeton::Reader>();
/// ```
pub struct View<'a> {
    raw: &'a sys::jeton_view,
}

impl<'a> View<'a> {
    fn bytes(&self, text: *const c_char, size: usize) -> &'a [u8] {
        // SAFETY: strings of the view: never NULL (each is followed by a NUL), `size` long, living as long as it.
        unsafe { std::slice::from_raw_parts(text.cast(), size) }
    }

    /// The secret.
    pub fn reveal(&self) -> &'a [u8] {
        self.bytes(self.raw.value, self.raw.value_size)
    }
    /// The secret, if it is UTF-8.
    pub fn reveal_str(&self) -> Option<&'a str> {
        std::str::from_utf8(self.reveal()).ok()
    }
    /// The type as the provider names it, "Bearer"; may be empty.
    pub fn kind(&self) -> &'a str {
        std::str::from_utf8(self.bytes(self.raw.kind, self.raw.kind_size)).unwrap_or("")
    }
    /// The host that fetched it.
    pub fn origin(&self) -> &'a str {
        std::str::from_utf8(self.bytes(self.raw.origin, self.raw.origin_size)).unwrap_or("")
    }
    /// Rises from token to token.
    pub fn generation(&self) -> u64 {
        self.raw.generation
    }
    /// When it was fetched.
    pub fn issued_at(&self) -> SystemTime {
        system_time(self.raw.issued_at_ms)
    }
    /// When it ends.
    pub fn expires_at(&self) -> SystemTime {
        system_time(self.raw.expires_at_ms)
    }
    /// Only with [`Options::allow_expired`](crate::Options::allow_expired).
    pub fn is_expired(&self) -> bool {
        self.raw.flags & sys::FLAG_EXPIRED != 0
    }
    /// A user of it was refused by the provider; the agent sees to a new one.
    pub fn is_rejected(&self) -> bool {
        self.raw.flags & sys::FLAG_REJECTED != 0
    }
    /// The secret before this one, and until when it is acceptable.
    pub fn reveal_previous(&self) -> Option<(&'a [u8], SystemTime)> {
        let raw = self.raw;
        (raw.previous_generation != 0).then(|| {
            (self.bytes(raw.previous_value, raw.previous_value_size), system_time(raw.previous_accept_until_ms))
        })
    }
    /// What the configuration kept of the provider's answer under this name.
    pub fn attribute(&self, name: &str) -> Option<&'a [u8]> {
        self.attributes().find(|(found, _)| *found == name.as_bytes()).map(|(_, value)| value)
    }
    /// All attributes: name and value.
    pub fn attributes(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + '_ {
        (0..).map_while(move |index| {
            let (mut name, mut value) = (null(), null());
            let (mut name_size, mut value_size) = (0, 0);
            // SAFETY: a valid view; the outputs outlive the call.
            let status = unsafe {
                sys::jeton_attribute_at(self.raw, index, &mut name, &mut name_size, &mut value, &mut value_size)
            };
            (status == sys::OK).then(|| (self.bytes(name, name_size), self.bytes(value, value_size)))
        })
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token(generation {}, value hidden)", self.generation())
    }
}
