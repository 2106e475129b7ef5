use crate::sys;
use std::ffi::CStr;
use std::{fmt, io};

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// Why a call failed: the statuses of jeton.h.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Error {
            $($(#[$doc])* $name,)*
            /// The operating system said no, with this errno.
            System(i32),
            /// A status of a newer library.
            Unknown(i32),
        }

        impl Error {
            fn code(self) -> sys::jeton_status {
                match self {
                    $(Error::$name => $code,)*
                    Error::System(_) => SYSTEM_ERROR,
                    Error::Unknown(code) => code,
                }
            }

            // For a status that is not OK, directly behind the call: errno is read.
            pub(crate) fn of(status: sys::jeton_status) -> Error {
                match status {
                    $($code => Error::$name,)*
                    SYSTEM_ERROR => Error::System(io::Error::last_os_error().raw_os_error().unwrap_or(0)),
                    code => Error::Unknown(code),
                }
            }

            #[cfg(test)]
            const NAMES: &'static [(Error, &'static str)] = &[$((Error::$name, stringify!($name)),)*];
        }
    };
}

const SYSTEM_ERROR: sys::jeton_status = 21;

errors! {
    /// The agent has not received this token yet: wait.
    NoToken = 1,
    /// The last token expired and there is no new one: wait, look at the agent.
    Expired = 2,
    /// The agent published faster than it could be read, many times in a row: try again.
    Busy = 3,
    /// A wait: not within the given time.
    TimedOut = 4,
    /// An impossible name.
    InvalidArgument = 6,
    /// A wait: the program called [`Cancel::now`](crate::Cancel::now).
    Cancelled = 7,
    /// `diagnose`: the provider refused the token; a newer one is on its way.
    Rejected = 9,
    /// No such token in this directory.
    NotFound = 10,
    /// This user is not among the token's readers.
    NoPermission = 11,
    /// Refused: the segment or its directory is a symbolic link.
    Symlink = 12,
    /// Refused: not a regular file, or the directory is not a directory.
    NotRegular = 13,
    /// Refused: file and directory do not belong to the same user.
    ForeignOwner = 14,
    /// Refused: others than the owner may write the file.
    WritableFile = 15,
    /// Refused: others than the owner may write the directory.
    WritableDirectory = 16,
    /// Refused: not a segment.
    BadMagic = 17,
    /// Refused: written by a newer agent; update libjeton.
    UnsupportedVersion = 18,
    /// Refused: shorter than a segment, or not as long as its header says.
    Truncated = 19,
    /// Refused: inconsistent header, sizes, name or checksum.
    Corrupt = 20,
    /// No agent answers on this host's socket.
    NoAgent = 22,
    /// `diagnose`: there is an agent; it does not answer, or its heartbeat is old.
    AgentStale = 23,
    /// The agent did not accept the call: unknown generation.
    AgentRefused = 24,
}

impl Error {
    /// The name of the constant in jeton.h, for logs: `JETON_EXPIRED`.
    pub fn name(self) -> &'static str {
        // SAFETY: takes any number; never NULL, static, ASCII.
        unsafe { text(sys::jeton_status_name(self.code())) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: takes any number; never NULL, static, ASCII.
        f.write_str(unsafe { text(sys::jeton_status_text(self.code())) })?;
        match self {
            Error::System(errno) => write!(f, " ({})", io::Error::from_raw_os_error(*errno)),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        let kind = match error {
            Error::System(errno) => return io::Error::from_raw_os_error(errno),
            Error::NotFound => io::ErrorKind::NotFound,
            Error::NoPermission => io::ErrorKind::PermissionDenied,
            Error::TimedOut => io::ErrorKind::TimedOut,
            Error::InvalidArgument => io::ErrorKind::InvalidInput,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

// SAFETY: `text` is a NUL-terminated string that is never freed.
pub(crate) unsafe fn text(text: *const std::os::raw::c_char) -> &'static str {
    // SAFETY: said by the caller.
    unsafe { CStr::from_ptr(text) }.to_str().unwrap_or("?")
}

pub(crate) fn check(status: sys::jeton_status) -> Result<(), Error> {
    if status == sys::OK {
        Ok(())
    } else {
        Err(Error::of(status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_library() {
        for (error, name) in Error::NAMES {
            assert_eq!(error.name().replace("JETON", "").replace('_', "").to_lowercase(), name.to_lowercase());
            assert_eq!(Error::of(error.code()), *error);
        }
        assert_eq!(Error::System(2).name(), "JETON_SYSTEM_ERROR");
    }
}
