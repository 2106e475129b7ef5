//! jeton.h, by hand; the test below compares it with the header.
#![allow(non_camel_case_types)]

use std::os::raw::{c_char, c_int, c_void};

pub type jeton_status = c_int;
pub const OK: jeton_status = 0;
pub const BUFFER_TOO_SMALL: jeton_status = 5;
pub const MISMATCH: jeton_status = 8;

pub const ALLOW_EXPIRED: u32 = 1;
pub const ALLOW_MISSING: u32 = 2;
pub const FLAG_EXPIRED: u32 = 2;
pub const FLAG_REJECTED: u32 = 4;

macro_rules! opaque {
    ($($name:ident)*) => {$(
        #[repr(C)]
        pub struct $name {
            _private: [u8; 0],
        }
    )*};
}
opaque!(jeton_token jeton_reader jeton_cancel);

#[repr(C)]
pub struct jeton_options {
    pub size: usize,
    pub directory: *const c_char,
    pub flags: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct jeton_info {
    pub size: usize,
    pub generation: u64,
    pub issued_at_ms: i64,
    pub expires_at_ms: i64,
    pub previous_generation: u64,
    pub previous_accept_until_ms: i64,
    pub heartbeat_ms: i64,
    pub heartbeat_age_ms: i64,
    pub value_size: usize,
    pub flags: u32,
    pub kind: [c_char; 68], // `type` in C
}

#[repr(C)]
pub struct jeton_view {
    pub size: usize,
    pub generation: u64,
    pub issued_at_ms: i64,
    pub expires_at_ms: i64,
    pub flags: u32,
    pub reserved: u32,
    pub value: *const c_char,
    pub value_size: usize,
    pub kind: *const c_char, // `type` in C
    pub kind_size: usize,
    pub previous_generation: u64,
    pub previous_accept_until_ms: i64,
    pub previous_value: *const c_char,
    pub previous_value_size: usize,
    pub origin: *const c_char,
    pub origin_size: usize,
    pub attributes: *const c_void,
    pub attributes_size: usize,
}

#[repr(C)]
pub struct jeton_wait_options {
    pub size: usize,
    pub generation: u64,
    pub timeout_ms: i64,
    pub cancel: *mut jeton_cancel,
}

#[repr(C)]
pub struct jeton_diagnosis {
    pub size: usize,
    pub token: jeton_status,
    pub agent: jeton_status,
    pub heartbeat_age_ms: i64,
}

extern "C" {
    pub fn jeton_status_text(status: jeton_status) -> *const c_char;
    pub fn jeton_status_name(status: jeton_status) -> *const c_char;
    pub fn jeton_version() -> *const c_char;

    pub fn jeton_open(
        options: *const jeton_options,
        name: *const c_char,
        token: *mut *mut jeton_token,
    ) -> jeton_status;
    pub fn jeton_close(token: *mut jeton_token);
    pub fn jeton_read(
        token: *mut jeton_token,
        buffer: *mut c_void,
        capacity: usize,
        size: *mut usize,
        info: *mut jeton_info,
    ) -> jeton_status;
    pub fn jeton_inspect(token: *mut jeton_token, info: *mut jeton_info) -> jeton_status;

    pub fn jeton_reader_open(
        token: *mut jeton_token,
        reader: *mut *mut jeton_reader,
    ) -> jeton_status;
    pub fn jeton_reader_close(reader: *mut jeton_reader);
    pub fn jeton_current(
        reader: *mut jeton_reader,
        view: *mut *const jeton_view,
    ) -> jeton_status;
    pub fn jeton_attribute_at(
        view: *const jeton_view,
        index: usize,
        name: *mut *const c_char,
        name_size: *mut usize,
        value: *mut *const c_char,
        value_size: *mut usize,
    ) -> jeton_status;

    pub fn jeton_cancel_new(cancel: *mut *mut jeton_cancel) -> jeton_status;
    pub fn jeton_cancel_now(cancel: *mut jeton_cancel);
    pub fn jeton_cancel_free(cancel: *mut jeton_cancel);
    pub fn jeton_wait(
        token: *mut jeton_token,
        options: *const jeton_wait_options,
        new_generation: *mut u64,
    ) -> jeton_status;
    pub fn jeton_event_fd(token: *mut jeton_token, fd: *mut c_int) -> jeton_status;
    pub fn jeton_event_clear(token: *mut jeton_token, fd: c_int) -> jeton_status;

    pub fn jeton_rejected(
        token: *mut jeton_token,
        generation: u64,
        current_generation: *mut u64,
    ) -> jeton_status;
    pub fn jeton_accepts(
        token: *mut jeton_token,
        presented: *const c_void,
        size: usize,
    ) -> jeton_status;

    pub fn jeton_list(
        options: *const jeton_options,
        buffer: *mut c_char,
        capacity: usize,
        size: *mut usize,
        count: *mut usize,
    ) -> jeton_status;
    pub fn jeton_diagnose(
        options: *const jeton_options,
        name: *const c_char,
        diagnosis: *mut jeton_diagnosis,
    ) -> jeton_status;
}

#[cfg(test)]
#[path = "sys_test.rs"]
mod sys_test;
