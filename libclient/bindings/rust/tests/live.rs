//! Against a live agent: tests/languages/with_agent starts it. The tests share its token, so they run one at a time
//! (--test-threads=1).
use jeton::{Cancel, Error, Events, Options, Reader, Token};
use std::os::raw::{c_int, c_short, c_ulong};
use std::os::unix::io::AsRawFd;
use std::process::Command;
use std::time::{Duration, SystemTime};
use std::{env, io, thread};

const LONG: Option<Duration> = Some(Duration::from_secs(30));
const NEVER: u64 = u64::MAX - 1; // a generation that does not come

fn jetonctl(arguments: &[&str]) -> String {
    let program = env::var("JETONCTL").expect("run by tests/languages/with_agent, or: ctest -R Language.rust");
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn open() -> Token {
    Token::open("api").unwrap()
}

fn contains(text: &str, secret: &[u8]) -> bool {
    let debug = format!("{:?}", secret);
    text.contains(std::str::from_utf8(secret).unwrap()) || text.contains(debug.trim_matches(&['[', ']'][..]))
}

#[test]
fn reads_what_jetonctl_reads() {
    let token = open();
    let expected = jetonctl(&["get", "api"]);
    let value = token.read().unwrap();
    assert!(value.reveal_str() == Some(&expected));
    let mut reader = Reader::new(&token).unwrap();
    let view = reader.current().unwrap();
    assert!(view.reveal() == value.reveal());
    assert_eq!(view.generation(), value.info().generation());
    assert_eq!(view.expires_at(), value.info().expires_at());
    assert!(view.expires_at() > SystemTime::now() && !view.is_expired() && !view.is_rejected());
    assert_eq!(view.attribute("kind"), Some(&b"Bearer"[..]));
    assert_eq!(view.attribute("nosuch"), None);
    assert_eq!(view.attributes().count(), 1);
    assert!(!view.origin().is_empty());
    let info = token.info().unwrap();
    assert_eq!((info.generation(), info.value_size()), (view.generation(), expected.len()));
    assert!(info.heartbeat_age().is_some());
}

#[test]
fn secrets_are_not_printed() {
    let token = open();
    let old = token.info().unwrap().generation();
    jetonctl(&["refresh", "api"]); // so that there is a previous one
    token.wait_change(old, LONG).unwrap();
    let mut reader = Reader::new(&token).unwrap();
    let value = token.read().unwrap();
    let text = format!("{:?} {:#?} {}", value, value, value) + &format!("{:?} {:?} {:?}", token, reader, value.info());
    let view = reader.current().unwrap();
    let text = text + &format!("{:?} {:#?} {}", view, view, view);
    assert!(text.contains(&view.generation().to_string()));
    assert!(!contains(&text, view.reveal()));
    let (previous, until) = view.reveal_previous().unwrap();
    assert!(!contains(&text, previous) && previous != view.reveal());
    assert!(until > SystemTime::now());
    assert!(token.accepts(previous).unwrap());
}

#[test]
fn wait_change_sees_a_refresh() {
    let token = open();
    let old = token.read().unwrap();
    let generation = old.info().generation();
    let newer = thread::scope(|scope| {
        let waiter = scope.spawn(|| token.wait_change(generation, LONG));
        jetonctl(&["refresh", "api"]);
        waiter.join().unwrap().unwrap()
    });
    assert!(newer > generation);
    let new = token.read().unwrap();
    assert!(new.info().generation() >= newer && new.reveal() != old.reveal());
    token.wait_valid(Some(Duration::ZERO)).unwrap();
    assert_eq!(token.wait_change(NEVER, Some(Duration::from_millis(1))), Err(Error::TimedOut));
}

#[test]
fn a_wait_can_be_cancelled() {
    let (token, cancel) = (open(), Cancel::new().unwrap());
    thread::scope(|scope| {
        let waiter = scope.spawn(|| token.wait_change_or(NEVER, None, &cancel));
        cancel.now();
        assert_eq!(waiter.join().unwrap(), Err(Error::Cancelled));
    });
    assert_eq!(token.wait_change_or(0, None, &cancel), Err(Error::Cancelled));
}

#[repr(C)]
struct PollFd {
    fd: c_int,
    events: c_short,
    revents: c_short,
}
extern "C" {
    fn poll(fds: *mut PollFd, count: c_ulong, timeout_ms: c_int) -> c_int;
}

fn is_readable(events: &Events<'_>, timeout: Duration) -> bool {
    let mut fd = PollFd { fd: events.as_raw_fd(), events: 1, revents: 0 };
    // SAFETY: one valid entry.
    unsafe { poll(&mut fd, 1, timeout.as_millis() as c_int) == 1 }
}

#[test]
fn events_become_readable_by_a_change() {
    let token = open();
    let events = Events::new(&token).unwrap();
    let generation = token.info().unwrap().generation();
    jetonctl(&["refresh", "api"]);
    while token.info().unwrap().generation() == generation {
        assert!(is_readable(&events, LONG.unwrap()), "no event");
        events.clear().unwrap();
    }
}

#[test]
fn a_rejection_leads_to_a_new_token() {
    let token = open();
    let generation = token.info().unwrap().generation();
    token.rejected(generation).unwrap();
    let newer = token.wait_change(generation, LONG).unwrap();
    assert!(newer > generation);
    // A late report costs nothing: there is a newer one already.
    assert!(token.rejected(generation).unwrap() > generation);
    assert_eq!(token.rejected(NEVER), Err(Error::AgentRefused));
}

#[test]
fn accepts_the_current_token_only() {
    let token = open();
    let value = token.read().unwrap();
    assert!(token.accepts(value.reveal()).unwrap());
    assert!(!token.accepts([value.reveal(), b"x"].concat()).unwrap());
    assert!(!token.accepts("").unwrap());
}

#[test]
fn errors_are_the_languages_own() {
    let missing = Token::open("nosuch").unwrap_err();
    assert_eq!(missing, Error::NotFound);
    assert_eq!(io::Error::from(missing).kind(), io::ErrorKind::NotFound);
    let boxed: Box<dyn std::error::Error + Send + Sync> = missing.into();
    assert!(!boxed.to_string().is_empty() && missing.name() == "JETON_NOT_FOUND");
    for name in ["", "a/b", "api\0b"] {
        assert_eq!(Token::open(name).unwrap_err(), Error::InvalidArgument);
    }
    let later = Options::new().allow_missing().open("nosuch").unwrap();
    assert_eq!(later.read().unwrap_err(), Error::NotFound);
    assert_eq!(Reader::new(&later).unwrap().current().unwrap_err(), Error::NotFound);
}

#[test]
fn list_and_diagnose() {
    assert_eq!(jeton::list().unwrap(), ["api"]);
    let fine = jeton::diagnose("api").unwrap();
    assert!(fine.token.is_ok() && fine.agent.is_ok() && fine.heartbeat_age.is_some(), "{:?}", fine);
    let nowhere = Options::new().directory("/nonexistent");
    assert_eq!(nowhere.list(), Err(Error::NoAgent));
    let none = nowhere.diagnose("api").unwrap();
    assert_eq!((none.token, none.agent), (Err(Error::NotFound), Err(Error::NoAgent)));
}

#[test]
fn a_token_serves_many_threads_and_a_reader_outlives_it() {
    fn can_be_shared<T: Send + Sync>(_: &T) {}
    let token = open();
    can_be_shared(&token);
    let first = token.info().unwrap().generation();
    thread::scope(|scope| {
        for _ in 0..8 {
            let mut reader = Reader::new(&token).unwrap();
            scope.spawn(move || {
                let mut last = 0;
                while last <= first {
                    let view = reader.current().unwrap();
                    assert!(view.generation() >= last && !view.reveal().is_empty());
                    last = view.generation();
                }
            });
        }
        jetonctl(&["refresh", "api"]);
    });
    let mut reader = Reader::new(&token).unwrap();
    drop(token);
    assert!(reader.current().unwrap().generation() > first);
}
