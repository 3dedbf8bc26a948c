//! The functions of libredilock as `redilock.h` declares them; its comments are their reference.
//!
//! Types are opaque. Each object is freed once by the `_free` function of its type. Any thread may
//! use any object at any time. The crate `redilock` wraps all of this safely.
//!
//! The declarations are written by hand, so that a build needs no libclang. `tests/header.rs`
//! compares each function and each constant with the header.
#![allow(non_camel_case_types)]

use std::marker::{PhantomData, PhantomPinned};
use std::os::raw::c_char;

macro_rules! opaque {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $($(#[$doc])*
        #[repr(C)]
        pub struct $name {
            _data: [u8; 0],
            _marker: PhantomData<(*mut u8, PhantomPinned)>,
        })*
    };
}

opaque! {
    /// Settings for a new client.
    redilock_options_t
    /// A connection to one Redis server.
    redilock_client_t
    /// One request at a time: its options, and how it ended.
    redilock_op_t
    /// A lock that was granted.
    redilock_lock_t
    /// The state of one lock name at one moment.
    redilock_info_t
    /// The lock names in use on a server.
    redilock_list_t
}

/// Longest lock name, prefix included, in bytes.
pub const REDILOCK_NAME_MAX: usize = 1024;
/// Longest lease, 365 days in milliseconds.
pub const REDILOCK_TTL_MAX: i64 = 31_536_000_000;
/// Waits for ever.
pub const REDILOCK_WAIT_FOREVER: i64 = -1;
/// Longest line of a log, in bytes, without the NUL.
pub const REDILOCK_LOG_LINE_MAX: usize = 1023;

// Statuses.
pub const REDILOCK_OK: i32 = 0;
pub const REDILOCK_E_HELD: i32 = -1;
pub const REDILOCK_E_TIMEOUT: i32 = -2;
pub const REDILOCK_E_CANCELLED: i32 = -3;
pub const REDILOCK_E_INTERRUPTED: i32 = -4;
pub const REDILOCK_E_LOST: i32 = -5;
pub const REDILOCK_E_NOT_OWNER: i32 = -6;
pub const REDILOCK_E_UNKNOWN: i32 = -7;
pub const REDILOCK_E_UNAVAILABLE: i32 = -8;
pub const REDILOCK_E_AUTH: i32 = -9;
pub const REDILOCK_E_SERVER: i32 = -10;
pub const REDILOCK_E_PROTOCOL: i32 = -11;
pub const REDILOCK_E_INVALID: i32 = -12;
pub const REDILOCK_E_NO_MEMORY: i32 = -13;
pub const REDILOCK_E_FORKED: i32 = -14;
pub const REDILOCK_E_CLOSED: i32 = -15;
pub const REDILOCK_E_UNSUPPORTED: i32 = -16;
pub const REDILOCK_E_INTERNAL: i32 = -17;

// Kinds of completions.
pub const REDILOCK_COMPLETION_ACQUIRE: i32 = 1;
pub const REDILOCK_COMPLETION_RELEASE: i32 = 2;
pub const REDILOCK_COMPLETION_EXTEND: i32 = 3;
pub const REDILOCK_COMPLETION_LOSS: i32 = 4;
pub const REDILOCK_COMPLETION_BREAK: i32 = 5;
pub const REDILOCK_COMPLETION_INFO: i32 = 6;
pub const REDILOCK_COMPLETION_LOG: i32 = 7;

// Levels of log lines.
pub const REDILOCK_LOG_ERROR: i32 = 1;
pub const REDILOCK_LOG_WARNING: i32 = 2;
pub const REDILOCK_LOG_INFO: i32 = 3;

// States of a lock name.
pub const REDILOCK_STATE_FREE: i32 = 0;
pub const REDILOCK_STATE_HELD: i32 = 1;
pub const REDILOCK_STATE_FOREIGN: i32 = 2;

// Function names as the header has them, in its order.
extern "C" {
    // version and status
    pub fn redilock_version() -> *const c_char;
    pub fn redilock_version_number() -> i32;
    pub fn redilock_strerror(status: i32) -> *const c_char;
    pub fn redilock_status_name(status: i32) -> *const c_char;
    pub fn redilock_constant(name: *const c_char, out: *mut i64) -> i32;
    pub fn redilock_has(feature: *const c_char) -> i32;
    pub fn redilock_feature_count() -> usize;
    pub fn redilock_feature_name(index: usize) -> *const c_char;

    // options
    pub fn redilock_options_new(out: *mut *mut redilock_options_t) -> i32;
    pub fn redilock_options_set(
        options: *mut redilock_options_t,
        name: *const c_char,
        value: *const c_char,
        error: *mut c_char,
        error_size: usize,
    ) -> i32;
    pub fn redilock_options_set_bytes(
        options: *mut redilock_options_t,
        name: *const c_char,
        value: *const c_char,
        value_len: usize,
        error: *mut c_char,
        error_size: usize,
    ) -> i32;
    pub fn redilock_options_set_int(
        options: *mut redilock_options_t,
        name: *const c_char,
        value: i64,
        error: *mut c_char,
        error_size: usize,
    ) -> i32;
    pub fn redilock_options_free(options: *mut redilock_options_t);
    pub fn redilock_option_count() -> usize;
    pub fn redilock_option_name(index: usize) -> *const c_char;
    pub fn redilock_option_type(index: usize) -> *const c_char;
    pub fn redilock_option_default(index: usize) -> *const c_char;
    pub fn redilock_option_scope(index: usize) -> *const c_char;
    pub fn redilock_option_calls(index: usize) -> *const c_char;
    pub fn redilock_option_doc(index: usize) -> *const c_char;

    // client
    pub fn redilock_new(
        url: *const c_char,
        options: *const redilock_options_t,
        out: *mut *mut redilock_client_t,
        error: *mut c_char,
        error_size: usize,
    ) -> i32;
    pub fn redilock_client_close(client: *mut redilock_client_t);
    pub fn redilock_free(client: *mut redilock_client_t);

    // the short form
    pub fn redilock_acquire(
        client: *mut redilock_client_t,
        name: *const c_char,
        name_len: usize,
        ttl_ms: i64,
        wait_ms: i64,
        out: *mut *mut redilock_lock_t,
        error: *mut c_char,
        error_size: usize,
    ) -> i32;
    pub fn redilock_release(lock: *mut redilock_lock_t) -> i32;
    pub fn redilock_extend(lock: *mut redilock_lock_t, ttl_ms: i64) -> i32;
    pub fn redilock_release_token(
        client: *mut redilock_client_t,
        name: *const c_char,
        name_len: usize,
        token: *const c_char,
        token_len: usize,
        error: *mut c_char,
        error_size: usize,
    ) -> i32;

    // operations
    pub fn redilock_op_new(client: *mut redilock_client_t, out: *mut *mut redilock_op_t) -> i32;
    pub fn redilock_op_free(op: *mut redilock_op_t);
    pub fn redilock_op_set(
        op: *mut redilock_op_t,
        name: *const c_char,
        value: *const c_char,
    ) -> i32;
    pub fn redilock_op_set_bytes(
        op: *mut redilock_op_t,
        name: *const c_char,
        value: *const c_char,
        value_len: usize,
    ) -> i32;
    pub fn redilock_op_set_int(op: *mut redilock_op_t, name: *const c_char, value: i64) -> i32;
    pub fn redilock_op_acquire(op: *mut redilock_op_t, out: *mut *mut redilock_lock_t) -> i32;
    pub fn redilock_op_attach(op: *mut redilock_op_t, out: *mut *mut redilock_lock_t) -> i32;
    pub fn redilock_op_release(op: *mut redilock_op_t, lock: *mut redilock_lock_t) -> i32;
    pub fn redilock_op_extend(op: *mut redilock_op_t, lock: *mut redilock_lock_t) -> i32;
    pub fn redilock_op_break(op: *mut redilock_op_t) -> i32;
    pub fn redilock_op_info(op: *mut redilock_op_t, out: *mut *mut redilock_info_t) -> i32;
    pub fn redilock_op_check(op: *mut redilock_op_t) -> i32;
    pub fn redilock_op_cancel(op: *mut redilock_op_t);
    pub fn redilock_op_reset(op: *mut redilock_op_t);
    pub fn redilock_op_status(op: *const redilock_op_t) -> i32;
    pub fn redilock_op_message(op: *const redilock_op_t, buffer: *mut c_char, size: usize)
        -> usize;
    pub fn redilock_op_retriable(op: *const redilock_op_t) -> i32;
    pub fn redilock_op_position(op: *const redilock_op_t) -> i64;

    // asynchronous operations
    pub fn redilock_op_submit_acquire(op: *mut redilock_op_t, tag: u64) -> i32;
    pub fn redilock_op_begin_acquire(
        op: *mut redilock_op_t,
        tag: u64,
        out: *mut *mut redilock_lock_t,
    ) -> i32;
    pub fn redilock_op_submit_release(
        op: *mut redilock_op_t,
        lock: *mut redilock_lock_t,
        tag: u64,
    ) -> i32;
    pub fn redilock_op_submit_extend(
        op: *mut redilock_op_t,
        lock: *mut redilock_lock_t,
        tag: u64,
    ) -> i32;
    pub fn redilock_op_submit_break(op: *mut redilock_op_t, tag: u64) -> i32;
    pub fn redilock_op_submit_info(op: *mut redilock_op_t, tag: u64) -> i32;
    pub fn redilock_op_take_info(op: *mut redilock_op_t, out: *mut *mut redilock_info_t) -> i32;
    pub fn redilock_op_take_lock(op: *mut redilock_op_t, out: *mut *mut redilock_lock_t) -> i32;
    pub fn redilock_client_fd(client: *mut redilock_client_t, out: *mut i32) -> i32;
    pub fn redilock_client_next(
        client: *mut redilock_client_t,
        tag: *mut u64,
        kind: *mut i32,
        status: *mut i32,
    ) -> i32;
    pub fn redilock_client_wait(client: *mut redilock_client_t, timeout_ms: i64) -> i32;

    // statistics
    pub fn redilock_stat_count() -> usize;
    pub fn redilock_stat_name(index: usize) -> *const c_char;
    pub fn redilock_stat_type(index: usize) -> *const c_char;
    pub fn redilock_stat_doc(index: usize) -> *const c_char;
    pub fn redilock_client_stat(
        client: *mut redilock_client_t,
        name: *const c_char,
        out: *mut i64,
    ) -> i32;

    // log
    pub fn redilock_client_log(
        client: *mut redilock_client_t,
        level: *mut i32,
        time_ms: *mut i64,
        buffer: *mut c_char,
        size: usize,
    ) -> i32;

    // locks
    pub fn redilock_lock_free(lock: *mut redilock_lock_t);
    pub fn redilock_lock_drop(lock: *mut redilock_lock_t);
    pub fn redilock_lock_watch(lock: *mut redilock_lock_t, tag: u64) -> i32;
    pub fn redilock_lock_wait_lost(lock: *mut redilock_lock_t, timeout_ms: i64) -> i32;
    pub fn redilock_lock_message(
        lock: *const redilock_lock_t,
        buffer: *mut c_char,
        size: usize,
    ) -> usize;
    pub fn redilock_lock_remaining_ms(lock: *const redilock_lock_t) -> i64;
    pub fn redilock_lock_is_held(lock: *const redilock_lock_t) -> i32;
    pub fn redilock_lock_fence(lock: *const redilock_lock_t) -> i64;
    pub fn redilock_lock_token(lock: *const redilock_lock_t, len: *mut usize) -> *const c_char;
    pub fn redilock_lock_name(lock: *const redilock_lock_t, len: *mut usize) -> *const c_char;

    // information
    pub fn redilock_info_state(info: *const redilock_info_t) -> i32;
    pub fn redilock_info_label(info: *const redilock_info_t) -> *const c_char;
    pub fn redilock_info_remaining_ms(info: *const redilock_info_t) -> i64;
    pub fn redilock_info_waiters(info: *const redilock_info_t) -> i64;
    pub fn redilock_info_waiter_label(info: *const redilock_info_t, index: usize) -> *const c_char;
    pub fn redilock_info_waiter_since_ms(info: *const redilock_info_t, index: usize) -> i64;
    pub fn redilock_info_waiter_polls(info: *const redilock_info_t, index: usize) -> i32;
    pub fn redilock_info_is(
        info: *const redilock_info_t,
        token: *const c_char,
        token_len: usize,
    ) -> i32;
    pub fn redilock_info_free(info: *mut redilock_info_t);

    // lists
    pub fn redilock_list_new(
        client: *mut redilock_client_t,
        pattern: *const c_char,
        pattern_len: usize,
        out: *mut *mut redilock_list_t,
    ) -> i32;
    pub fn redilock_list_next(
        list: *mut redilock_list_t,
        name: *mut *const c_char,
        len: *mut usize,
    ) -> i32;
    pub fn redilock_list_cancel(list: *mut redilock_list_t);
    pub fn redilock_list_message(
        list: *const redilock_list_t,
        buffer: *mut c_char,
        size: usize,
    ) -> usize;
    pub fn redilock_list_retriable(list: *const redilock_list_t) -> i32;
    pub fn redilock_list_free(list: *mut redilock_list_t);

}
