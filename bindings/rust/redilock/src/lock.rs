//! A lock that was granted.

use std::fmt;
use std::future::Future;
use std::ptr::{null_mut, NonNull};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redilock_sys as sys;

use crate::error::{copied_text, Error, Result};
use crate::future::{Lost, Race, Submitted};
use crate::handle::{Core, Owner};
use crate::op::Op;

/// A lock that was granted. Its drop never blocks: the client releases the lock in the background.
///
/// A lock is a lease: it ends by itself `ttl` after it was granted or last extended, and somebody
/// else may hold it then. Ask [`is_held`](Self::is_held), wait for [`lost`](Self::lost), or pass the
/// [`fence`](Self::fence) with each write.
#[must_use = "a lock that is dropped at once is released at once"]
pub struct Lock {
    owner: Arc<Owner>,
    raw: NonNull<sys::redilock_lock_t>,
    /// The tag of the watch for a loss, once there is one.
    watch: Mutex<Option<u64>>,
    detached: bool,
}

// Sound: any thread may use any object of the library at any time.
unsafe impl Send for Lock {}
unsafe impl Sync for Lock {}

impl Lock {
    pub(crate) fn new(owner: &Arc<Owner>, raw: *mut sys::redilock_lock_t) -> Self {
        let raw = NonNull::new(raw).expect("the library gives a lock with OK");
        Self { owner: Arc::clone(owner), raw, watch: Mutex::new(None), detached: false }
    }

    /// The lock of a submitted acquire that has ended.
    pub(crate) fn taken(owner: &Arc<Owner>, op: &Op, status: i32) -> Result<Self> {
        op.check(status)?;
        let mut lock = null_mut();
        op.check(unsafe { sys::redilock_op_take_lock(op.raw(), &mut lock) })?;
        Ok(Self::new(owner, lock))
    }

    /// Releases the lock and hands it to the next waiter. Blocks for at most the client's `timeout`.
    /// After a failure, the drop of the lock goes on in the background, or the lease runs out.
    ///
    /// # Errors
    /// [`Lost`](crate::ErrorKind::Lost) if it had expired or was taken away before: somebody else may
    /// have held it at the same time. `NotOwner` if it was released before; `Unknown`, `Unavailable`,
    /// `Auth`, `Server`, `Protocol`, `NoMemory`, `Forked`, `Closed`.
    pub fn release(&self) -> Result<()> {
        let op = Op::new(self.core())?;
        op.check(unsafe { sys::redilock_op_release(op.raw(), self.raw()) })?;
        self.end_watch();
        Ok(())
    }

    /// As [`release`](Self::release), without blocking a thread. A drop of the future does not undo
    /// it, once it was polled.
    ///
    /// # Errors
    /// As [`release`](Self::release).
    pub async fn release_async(&self) -> Result<()> {
        self.submitted(sys::redilock_op_submit_release, None).await?;
        self.end_watch();
        Ok(())
    }

    /// Extends the lock to last at least `ttl` from now. Blocks for at most the client's `timeout`.
    ///
    /// # Errors
    /// [`Lost`](crate::ErrorKind::Lost) if it expired or was taken away. `NotOwner` if it was released
    /// before; after `Unknown`, `Unavailable` and others the old lease still counts.
    pub fn extend(&self, ttl: Duration) -> Result<()> {
        let op = Op::new(self.core())?;
        op.set("ttl", &ttl.into())?;
        op.check(unsafe { sys::redilock_op_extend(op.raw(), self.raw()) })
    }

    /// As [`extend`](Self::extend), without blocking a thread.
    pub fn extend_async(&self, ttl: Duration) -> Submitted<'_, ()> {
        self.submitted(sys::redilock_op_submit_extend, Some(ttl))
    }

    /// Lets go of the lock without releasing it: another process [attaches](crate::Request::attach)
    /// it by its [`token`](Self::token), or its lease runs out. Renewal ends. Never blocks.
    pub fn detach(mut self) {
        self.detached = true;
    }

    /// Whether the lock is surely held, by the local clock. Asks no server.
    pub fn is_held(&self) -> bool {
        unsafe { sys::redilock_lock_is_held(self.raw()) == 1 }
    }

    /// For how long the lock is surely held, in whole milliseconds, by the local clock; zero once it
    /// was released or lost. Asks no server.
    pub fn remaining(&self) -> Duration {
        let remaining = unsafe { sys::redilock_lock_remaining_ms(self.raw()) };
        Duration::from_millis(u64::try_from(remaining).unwrap_or(0))
    }

    /// A number larger than that of every earlier grant of this name: pass it with each write, and
    /// let the store refuse a smaller one. 0 if the option `fence` was off, or the lock was attached.
    pub fn fence(&self) -> u64 {
        u64::try_from(unsafe { sys::redilock_lock_fence(self.raw()) }).unwrap_or(0)
    }

    /// The secret by which the lock can be released or extended from anywhere.
    pub fn token(&self) -> &[u8] {
        self.bytes(sys::redilock_lock_token)
    }

    /// The name of the lock, without the prefix.
    pub fn name(&self) -> &[u8] {
        self.bytes(sys::redilock_lock_name)
    }

    /// Why the lock was lost, or else why its last release, extension or renewal failed; empty where
    /// neither is so. Asks no server.
    pub fn message(&self) -> String {
        copied_text(|buffer, size| unsafe { sys::redilock_lock_message(self.raw(), buffer, size) })
    }

    /// Waits so long for a loss, and says whether the lock is lost. Blocks.
    ///
    /// # Errors
    /// [`NotOwner`](crate::ErrorKind::NotOwner) once its release has begun; `Closed`, `Forked`.
    pub fn wait_lost(&self, timeout: Duration) -> Result<bool> {
        let timeout = i64::try_from(timeout.as_millis()).unwrap_or(-1);
        match unsafe { sys::redilock_lock_wait_lost(self.raw(), timeout) } {
            sys::REDILOCK_E_LOST => Ok(true),
            sys::REDILOCK_E_TIMEOUT => Ok(false),
            status => Err(self.error(status)),
        }
    }

    /// Waits for a loss without blocking a thread, and gives the reason: an error of the kind
    /// [`Lost`](crate::ErrorKind::Lost), [`NotOwner`](crate::ErrorKind::NotOwner) after a release, or
    /// [`Closed`](crate::ErrorKind::Closed). Any number of tasks may wait for it.
    pub fn lost(&self) -> Lost<'_> {
        Lost::new(self)
    }

    /// Runs `work` for as long as the lock is held: if it is lost, `work` is dropped where it waits.
    ///
    /// # Errors
    /// What [`lost`](Self::lost) gives.
    pub async fn while_held<F: Future>(&self, work: F) -> Result<F::Output> {
        Race { work: Box::pin(work), lost: self.lost() }.await
    }

    pub(crate) fn raw(&self) -> *mut sys::redilock_lock_t {
        self.raw.as_ptr()
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        self.owner.core()
    }

    pub(crate) fn error(&self, status: i32) -> Error {
        let lost = status == sys::REDILOCK_E_LOST;
        Error::new(status, if lost { self.message() } else { String::new() })
    }

    /// The tag of the watch, which begins here at the first call. Its request ends with the loss.
    pub(crate) fn watch(&self) -> Result<u64> {
        let mut watch = self.watch.lock().unwrap();
        if let Some(tag) = *watch {
            return Ok(tag);
        }
        let pending = &self.core().pending;
        let tag = pending.new_tag();
        pending.add(tag);
        match unsafe { sys::redilock_lock_watch(self.raw(), tag) } {
            sys::REDILOCK_OK => {
                *watch = Some(tag);
                Ok(tag)
            }
            status => {
                pending.remove(tag);
                Err(self.error(status))
            }
        }
    }

    pub(crate) fn watched(&self) -> Option<u64> {
        *self.watch.lock().unwrap()
    }

    /// After a release no loss will come.
    fn end_watch(&self) {
        if let Some(tag) = self.watched() {
            self.core().pending.end(tag, sys::REDILOCK_E_NOT_OWNER);
        }
    }

    fn submitted(&self, start: crate::future::Start, ttl: Option<Duration>) -> Submitted<'_, ()> {
        let op = Op::new(self.core()).and_then(|op| {
            ttl.map_or(Ok(()), |ttl| op.set("ttl", &ttl.into()))?;
            Ok(Arc::new(op))
        });
        let owner = Arc::clone(&self.owner);
        Submitted::new(owner, op, Some(self), start, |_, op, status| op.check(status))
    }

    fn bytes(&self, get: Bytes) -> &[u8] {
        let mut len = 0;
        // Sound: they are borrowed from the handle, which this owns.
        unsafe {
            let data = get(self.raw(), &mut len);
            std::slice::from_raw_parts(data.cast(), len)
        }
    }
}

type Bytes =
    unsafe extern "C" fn(*const sys::redilock_lock_t, *mut usize) -> *const std::os::raw::c_char;

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(tag) = self.watched() {
            self.core().pending.remove(tag);
        }
        unsafe {
            if self.detached {
                sys::redilock_lock_free(self.raw());
            } else {
                sys::redilock_lock_drop(self.raw());
            }
        }
    }
}

impl fmt::Debug for Lock {
    /// Shows no token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock")
            .field("name", &String::from_utf8_lossy(self.name()))
            .field("fence", &self.fence())
            .field("is_held", &self.is_held())
            .finish_non_exhaustive()
    }
}
