//! An operation of the library: one request, and the details of its end.

use std::ptr::{null_mut, NonNull};
use std::sync::{Arc, Weak};

use redilock_sys as sys;

use crate::error::{copied_text, Error, Result};
use crate::handle::Core;
use crate::value::{pass, Value};

pub(crate) struct Op(NonNull<sys::redilock_op_t>);

// Sound: any thread may use any object of the library at any time.
unsafe impl Send for Op {}
unsafe impl Sync for Op {}

impl Op {
    pub(crate) fn new(core: &Core) -> Result<Self> {
        let mut raw = null_mut();
        let status = unsafe { sys::redilock_op_new(core.raw(), &mut raw) };
        NonNull::new(raw).map(Self).ok_or_else(|| Error::new(status, String::new()))
    }

    pub(crate) fn raw(&self) -> *mut sys::redilock_op_t {
        self.0.as_ptr()
    }

    /// A failure comes back from the call that follows, with its message.
    pub(crate) fn set(&self, name: &str, value: &Value<'_>) -> Result<()> {
        pass(
            name,
            value,
            |name, value, len| unsafe { sys::redilock_op_set_bytes(self.raw(), name, value, len) },
            |name, value| unsafe { sys::redilock_op_set_int(self.raw(), name, value) },
        )
        .map(drop)
    }

    /// A status of this operation as a result, with the message of its last call.
    pub(crate) fn check(&self, status: i32) -> Result<()> {
        match status {
            sys::REDILOCK_OK => Ok(()),
            _ => Err(self.error(status)),
        }
    }

    pub(crate) fn error(&self, status: i32) -> Error {
        let retriable = unsafe { sys::redilock_op_retriable(self.raw()) } == 1;
        Error::with_retriable(status, self.message(), retriable)
    }

    pub(crate) fn message(&self) -> String {
        copied_text(|buffer, size| unsafe { sys::redilock_op_message(self.raw(), buffer, size) })
    }
}

impl Drop for Op {
    fn drop(&mut self) {
        unsafe { sys::redilock_op_free(self.raw()) }
    }
}

/// The way to a wait from outside: cancels it, or shows its place in the queue. It can be cloned
/// and sent to other threads, and may outlive the wait.
#[derive(Clone)]
pub struct WaitHandle(Weak<Op>);

impl WaitHandle {
    /// Without an operation there will be no wait.
    pub(crate) fn new(op: &Result<Arc<Op>>) -> Self {
        Self(op.as_ref().map_or_else(|_| Weak::new(), Arc::downgrade))
    }

    /// Ends the wait with [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled), unless it has ended
    /// otherwise just before. A cancel before the call begins ends it at once. Never blocks.
    pub fn cancel(&self) {
        if let Some(op) = self.0.upgrade() {
            unsafe { sys::redilock_op_cancel(op.raw()) }
        }
    }

    /// The place in the queue, as last seen: 1 is the next; 0 when nothing waits.
    pub fn position(&self) -> u64 {
        let position = |op: Arc<Op>| unsafe { sys::redilock_op_position(op.raw()) };
        self.0.upgrade().map_or(0, |op| u64::try_from(position(op)).unwrap_or(0))
    }
}

impl std::fmt::Debug for WaitHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WaitHandle").field("position", &self.position()).finish()
    }
}
