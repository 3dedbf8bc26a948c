//! What is known of lock names: one that was looked up, and the list of those in use.

use std::fmt;
use std::ptr::{null, null_mut, NonNull};
use std::sync::Arc;
use std::time::Duration;

use redilock_sys as sys;

use crate::error::{check, copied_text, static_text, Error, Result};
use crate::handle::Owner;
use crate::op::Op;

/// Whether a lock name is free. A state of a later library is [`State::Held`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Nobody holds it.
    Free,
    /// A redilock holder.
    Held,
    /// A lock of another kind of client: a plain `SET NX PX`, or any key.
    Foreign,
}

/// One of those that wait for a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waiter {
    /// Such as `host/1234`.
    pub label: String,
    /// How long it had waited, by the server's clock; `None` for an entry without a time.
    pub waited: Option<Duration>,
    /// No notification reaches it: it asks from time to time.
    pub polls: bool,
}

/// What was found of a lock name at one moment.
pub struct Info(NonNull<sys::redilock_info_t>);

// Sound: nothing changes it after it was made.
unsafe impl Send for Info {}
unsafe impl Sync for Info {}

impl Info {
    pub(crate) fn new(raw: *mut sys::redilock_info_t) -> Self {
        Self(NonNull::new(raw).expect("the library gives it with OK"))
    }

    pub(crate) fn taken(_: &Arc<Owner>, op: &Op, status: i32) -> Result<Self> {
        op.check(status)?;
        let mut info = null_mut();
        op.check(unsafe { sys::redilock_op_take_info(op.raw(), &mut info) })?;
        Ok(Self::new(info))
    }

    /// Whether somebody holds it.
    pub fn state(&self) -> State {
        match unsafe { sys::redilock_info_state(self.raw()) } {
            sys::REDILOCK_STATE_FREE => State::Free,
            sys::REDILOCK_STATE_FOREIGN => State::Foreign,
            _ => State::Held,
        }
    }

    /// The label of a redilock holder, such as `host/1234`; empty for others.
    pub fn label(&self) -> &str {
        // It lives as long as this, which the signature says.
        static_text(unsafe { sys::redilock_info_label(self.raw()) })
    }

    /// What remains of the lease by the server's clock, zero if it is free; `None` for a key that
    /// never expires.
    pub fn remaining(&self) -> Option<Duration> {
        milliseconds(unsafe { sys::redilock_info_remaining_ms(self.raw()) })
    }

    /// How many wait.
    pub fn waiters(&self) -> u64 {
        u64::try_from(unsafe { sys::redilock_info_waiters(self.raw()) }).unwrap_or(0)
    }

    /// The first hundred of those that wait, in their order.
    pub fn queue(&self) -> impl Iterator<Item = Waiter> + '_ {
        (0..).map_while(move |place| unsafe {
            let label = sys::redilock_info_waiter_label(self.raw(), place);
            (!label.is_null()).then(|| Waiter {
                label: static_text(label).to_owned(),
                waited: milliseconds(sys::redilock_info_waiter_since_ms(self.raw(), place)),
                polls: sys::redilock_info_waiter_polls(self.raw(), place) == 1,
            })
        })
    }

    /// Whether this token held the lock.
    pub fn is_held_by(&self, token: impl AsRef<[u8]>) -> bool {
        let token = token.as_ref();
        unsafe { sys::redilock_info_is(self.raw(), token.as_ptr().cast(), token.len()) == 1 }
    }

    fn raw(&self) -> *mut sys::redilock_info_t {
        self.0.as_ptr()
    }
}

fn milliseconds(number: i64) -> Option<Duration> {
    u64::try_from(number).ok().map(Duration::from_millis)
}

impl Drop for Info {
    fn drop(&mut self) {
        unsafe { sys::redilock_info_free(self.raw()) }
    }
}

impl fmt::Debug for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Info")
            .field("state", &self.state())
            .field("label", &self.label())
            .field("remaining", &self.remaining())
            .field("waiters", &self.waiters())
            .finish()
    }
}

/// The lock names in use, read page by page: see [`Client::names`](crate::Client::names). After a
/// failure the next call asks for the same page again.
pub struct Names {
    raw: NonNull<sys::redilock_list_t>,
    _owner: Arc<Owner>,
}

// Sound: any thread may use any object of the library, and only next() changes it.
unsafe impl Send for Names {}
unsafe impl Sync for Names {}

impl Names {
    pub(crate) fn new(owner: &Arc<Owner>, pattern: &[u8]) -> Result<Self> {
        let mut list = null_mut();
        let (data, len) = (pattern.as_ptr().cast(), pattern.len());
        check(unsafe { sys::redilock_list_new(owner.core().raw(), data, len, &mut list) })?;
        let raw = NonNull::new(list).expect("the library gives it with OK");
        Ok(Self { raw, _owner: Arc::clone(owner) })
    }

    fn error(&self, status: i32) -> Error {
        let raw = self.raw.as_ptr();
        let message =
            copied_text(|buffer, size| unsafe { sys::redilock_list_message(raw, buffer, size) });
        let retriable = unsafe { sys::redilock_list_retriable(raw) } == 1;
        Error::with_retriable(status, message, retriable)
    }
}

impl Iterator for Names {
    type Item = Result<Vec<u8>>;

    /// Blocks for at most the client's `timeout` for each page.
    fn next(&mut self) -> Option<Self::Item> {
        let (mut name, mut len) = (null(), 0);
        let status = unsafe { sys::redilock_list_next(self.raw.as_ptr(), &mut name, &mut len) };
        if status != sys::REDILOCK_OK {
            return Some(Err(self.error(status)));
        }
        if name.is_null() {
            return None;
        }
        // Sound: it is valid until the next call, and copied here.
        Some(Ok(unsafe { std::slice::from_raw_parts(name.cast(), len) }.to_vec()))
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        unsafe { sys::redilock_list_free(self.raw.as_ptr()) }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}
