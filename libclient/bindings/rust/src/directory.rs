use crate::error::check;
use crate::{sys, Diagnosis, Error, Token};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{null, null_mut};

/// Where tokens are looked for, and how they are opened.
#[derive(Debug, Clone, Default)]
pub struct Options {
    directory: Option<CString>,
    flags: u32,
}

impl Options {
    /// `$JETON_DIR` if set, else `/run/jeton`; only tokens that are there and valid.
    pub fn new() -> Options {
        Options::default()
    }
    /// The agent's runtime_dir. A path with a NUL in it is not found.
    pub fn directory(mut self, path: impl AsRef<Path>) -> Options {
        let bytes = path.as_ref().as_os_str().as_bytes();
        // There can be nothing below /dev/null.
        self.directory = CString::new(bytes).or_else(|_| CString::new("/dev/null/-")).ok();
        self
    }
    /// Reads also return an expired token.
    pub fn allow_expired(mut self) -> Options {
        self.flags |= sys::ALLOW_EXPIRED;
        self
    }
    /// Opens also a token that is not there yet; reads say [`Error::NotFound`] until then.
    pub fn allow_missing(mut self) -> Options {
        self.flags |= sys::ALLOW_MISSING;
        self
    }

    // Valid as long as `self`.
    pub(crate) fn raw(&self) -> sys::jeton_options {
        sys::jeton_options {
            size: std::mem::size_of::<sys::jeton_options>(),
            directory: self.directory.as_ref().map_or(null(), |path| path.as_ptr()),
            flags: self.flags,
        }
    }

    /// Maps the token `name`.
    pub fn open(&self, name: &str) -> Result<Token, Error> {
        Token::open_with(self, name)
    }

    /// The names of the tokens, sorted, readable by this user or not. [`Error::NoAgent`]: none has ever run here.
    pub fn list(&self) -> Result<Vec<String>, Error> {
        let raw = self.raw();
        let mut names: Vec<u8> = vec![0; 512];
        loop {
            let mut size = 0;
            // SAFETY: `names` has that many bytes to write to.
            let status =
                unsafe { sys::jeton_list(&raw, names.as_mut_ptr().cast(), names.len(), &mut size, null_mut()) };
            if status == sys::BUFFER_TOO_SMALL {
                names.resize(size, 0);
                continue;
            }
            check(status)?;
            let all = names[..size].split(|byte| *byte == 0).filter(|name| !name.is_empty());
            return Ok(all.map(|name| String::from_utf8_lossy(name).into_owned()).collect());
        }
    }

    /// What is the matter with a token, and with its agent.
    pub fn diagnose(&self, name: &str) -> Result<Diagnosis, Error> {
        let name = CString::new(name).map_err(|_| Error::InvalidArgument)?;
        let raw = self.raw();
        let mut found = sys::jeton_diagnosis {
            size: std::mem::size_of::<sys::jeton_diagnosis>(),
            token: sys::OK,
            agent: sys::OK,
            heartbeat_age_ms: -1,
        };
        // SAFETY: all outlive the call; `found` has its size set.
        check(unsafe { sys::jeton_diagnose(&raw, name.as_ptr(), &mut found) })?;
        Ok(Diagnosis::new(&found))
    }
}

/// [`Options::list`] of the usual directory.
pub fn list() -> Result<Vec<String>, Error> {
    Options::new().list()
}

/// [`Options::diagnose`] in the usual directory.
pub fn diagnose(name: &str) -> Result<Diagnosis, Error> {
    Options::new().diagnose(name)
}
