//! Reads the tokens that jeton-agent keeps for this host in shared memory: no network, no lock, no system call.
//!
//! ```no_run
//! let token = jeton::Token::open("wechat")?;
//! let mut reader = jeton::Reader::new(&token)?; // one per thread
//! let current = reader.current()?; // never waits; cheap enough for every request
//! println!("sending {}", current); // the secret is not printed
//! let header = [b"Authorization: Bearer ", current.reveal()].concat();
//! # let status = 401;
//! let generation = current.generation();
//! if status == 401 {
//!     token.rejected(generation)?; // the fleet fetches a new one, once
//!     token.wait_change(generation, Some(std::time::Duration::from_secs(5)))?;
//! }
//! # Ok::<(), jeton::Error>(())
//! ```
//!
//! What each call promises is said in jeton.h. Links libjeton, found by pkg-config or in `$JETON_LIB_DIR`.
#![deny(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn)]

mod directory;
mod error;
mod reader;
mod sys;
mod token;
mod value;
mod wait;

pub use directory::{diagnose, list, Options};
pub use error::Error;
pub use reader::{Reader, View};
pub use token::{Diagnosis, Token};
pub use value::{Info, Value};
pub use wait::{Cancel, Events};

/// Of the library in use, "0.1.0".
pub fn version() -> &'static str {
    // SAFETY: never NULL, static.
    unsafe { error::text(sys::jeton_version()) }
}
