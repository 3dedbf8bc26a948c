//! A request for the lock of one name.

use std::fmt;
use std::ptr::null_mut;
use std::sync::Arc;
use std::time::Duration;

use redilock_sys as sys;

use crate::error::{ErrorKind, Result};
use crate::future::{Finish, Start, Submitted};
use crate::handle::Owner;
use crate::info::Info;
use crate::lock::Lock;
use crate::op::{Op, WaitHandle};
use crate::value::Value;

/// What is asked of the lock of one name: options, and then one of the calls.
///
/// Options go by the names that the library has for them, see [`options`](crate::options). A wrong
/// one is an [`Invalid`](ErrorKind::Invalid) error of the call. The calls whose names end in `_async`
/// give futures: each is submitted when it is first polled, and is cancelled when it is dropped.
#[must_use = "a request does nothing until one of its calls"]
pub struct Request {
    owner: Arc<Owner>,
    op: Result<Arc<Op>>,
}

impl Request {
    pub(crate) fn new(owner: &Arc<Owner>, name: &[u8]) -> Self {
        Self::without_name(owner).set("name", name)
    }

    pub(crate) fn without_name(owner: &Arc<Owner>) -> Self {
        Self { owner: Arc::clone(owner), op: Op::new(owner.core()).map(Arc::new) }
    }

    /// Sets an option, such as `"ttl"`, `"wait"`, `"renew"`, `"max_hold"` or `"label"`.
    pub fn set<'a>(mut self, name: &str, value: impl Into<Value<'a>>) -> Self {
        if let Ok(op) = &self.op {
            if let Err(error) = op.set(name, &value.into()) {
                self.op = Err(error);
            }
        }
        self
    }

    /// The lease: the lock ends by itself so long after it was granted or last extended.
    pub fn ttl(self, ttl: Duration) -> Self {
        self.set("ttl", ttl)
    }

    /// How long to wait for the lock. Zero tries once; `Duration::MAX` waits for ever, as is the
    /// default.
    pub fn wait(self, wait: Duration) -> Self {
        self.set("wait", wait)
    }

    /// Whether the client renews the lease until the lock is released.
    pub fn renew(self, renew: bool) -> Self {
        self.set("renew", renew)
    }

    /// The way to cancel the wait from another thread.
    pub fn handle(&self) -> WaitHandle {
        WaitHandle::new(&self.op)
    }

    /// Acquires the lock. Blocks until it is granted or the wait ends; waiters are granted in the
    /// order in which they arrived at the server.
    ///
    /// # Errors
    /// [`Held`](ErrorKind::Held) if the wait is zero and somebody holds the lock or waits for it;
    /// `Timeout`, `Cancelled`, `Interrupted`, `Lost` (its lease had run out when the answer came),
    /// `Unknown` (it may stand on the server for up to its ttl), `Unavailable`, `Auth`, `Server`,
    /// `Protocol`, `Invalid`, `NoMemory`, `Forked`, `Closed`.
    pub fn acquire(self) -> Result<Lock> {
        self.lock_by(sys::redilock_op_acquire)
    }

    /// Acquires the lock if nobody holds it or waits for it, else gives `None`.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire), without `Held` and `Timeout`.
    pub fn try_acquire(self) -> Result<Option<Lock>> {
        self.try_acquire_for(Duration::ZERO)
    }

    /// Waits so long for the lock, and gives `None` if it was not granted then.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire), without `Held` and `Timeout`.
    pub fn try_acquire_for(self, wait: Duration) -> Result<Option<Lock>> {
        or_none(self.wait(wait).acquire())
    }

    /// Acquires the lock, calls `work` and releases the lock; blocks as [`acquire`](Self::acquire).
    /// If `work` panics, the lock is released too.
    ///
    /// # Errors
    /// Those of the acquire, and [`Lost`](ErrorKind::Lost) or others of the release: `work` has run
    /// then, and if the lock was lost, somebody else may have run at the same time.
    pub fn with<T>(self, work: impl FnOnce(&Lock) -> T) -> Result<T> {
        let lock = self.acquire()?;
        let result = work(&lock);
        lock.release()?;
        Ok(result)
    }

    /// Makes a lock of the token of one that is held, and extends it by the ttl: takes over what
    /// another process has [detached](Lock::detach). Its fence is 0: pass it along with the token.
    /// Blocks for at most the client's `timeout`.
    ///
    /// # Errors
    /// [`NotOwner`](ErrorKind::NotOwner) if the token does not hold the lock; `Lost`, and those of
    /// servers.
    pub fn attach(self, token: impl AsRef<[u8]>) -> Result<Lock> {
        self.set("token", token.as_ref()).lock_by(sys::redilock_op_attach)
    }

    /// Releases the lock that a token holds, from any process. Blocks for at most the client's
    /// `timeout`.
    ///
    /// # Errors
    /// [`NotOwner`](ErrorKind::NotOwner) if the token does not hold the lock; `Unknown`, and those of
    /// servers.
    pub fn release_token(self, token: impl AsRef<[u8]>) -> Result<()> {
        self.set("token", token.as_ref())
            .call(|op| unsafe { sys::redilock_op_release(op.raw(), null_mut()) })
    }

    /// Extends the lock that a token holds by the ttl, as [`release_token`](Self::release_token)
    /// releases it.
    ///
    /// # Errors
    /// As [`release_token`](Self::release_token).
    pub fn extend_token(self, token: impl AsRef<[u8]>) -> Result<()> {
        self.set("token", token.as_ref())
            .call(|op| unsafe { sys::redilock_op_extend(op.raw(), null_mut()) })
    }

    /// Takes the lock away from its holder, and hands it to the next waiter. False if nobody
    /// held it. Its former holder finds the loss at its next renewal or extension: use fences.
    /// Blocks for at most the client's `timeout`.
    ///
    /// # Errors
    /// Those of servers.
    pub fn break_lock(self) -> Result<bool> {
        or_false(self.call(|op| unsafe { sys::redilock_op_break(op.raw()) }))
    }

    /// Looks the lock up: its holder and its waiters. Changes nothing. Blocks for at most the
    /// client's `timeout`.
    ///
    /// # Errors
    /// Those of servers.
    pub fn info(self) -> Result<Info> {
        let mut info = null_mut();
        self.call(|op| unsafe { sys::redilock_op_info(op.raw(), &mut info) })?;
        Ok(Info::new(info))
    }

    /// Checks that the server can be used, and that the permissions suffice for this name; changes
    /// nothing. Gives the server's address and version. Blocks for at most the client's `timeout`.
    ///
    /// # Errors
    /// [`Auth`](ErrorKind::Auth) names the permission that is missing; `Unsupported`, `Server`, and
    /// those of servers.
    pub fn check(self) -> Result<String> {
        self.call(|op| unsafe { sys::redilock_op_check(op.raw()) })?;
        Ok(self.op?.message())
    }

    /// As [`acquire`](Self::acquire), without blocking a thread. Renewal begins when the future gives
    /// the lock. A drop of the future leaves the queue, and gives back a lock that was granted.
    pub fn acquire_async(self) -> Submitted<'static, Lock> {
        self.submit(submit_acquire, Lock::taken)
    }

    /// As [`try_acquire`](Self::try_acquire), without blocking a thread.
    pub fn try_acquire_async(self) -> Submitted<'static, Option<Lock>> {
        self.try_acquire_for_async(Duration::ZERO)
    }

    /// As [`try_acquire_for`](Self::try_acquire_for), without blocking a thread.
    pub fn try_acquire_for_async(self, wait: Duration) -> Submitted<'static, Option<Lock>> {
        self.wait(wait)
            .submit(submit_acquire, |owner, op, status| or_none(Lock::taken(owner, op, status)))
    }

    /// As [`release_token`](Self::release_token), without blocking a thread. A drop of the future
    /// does not undo it, once it was polled.
    pub fn release_token_async(self, token: impl AsRef<[u8]>) -> Submitted<'static, ()> {
        let request = self.set("token", token.as_ref());
        request.submit(sys::redilock_op_submit_release, |_, op, status| op.check(status))
    }

    /// As [`extend_token`](Self::extend_token), without blocking a thread.
    pub fn extend_token_async(self, token: impl AsRef<[u8]>) -> Submitted<'static, ()> {
        let request = self.set("token", token.as_ref());
        request.submit(sys::redilock_op_submit_extend, |_, op, status| op.check(status))
    }

    /// As [`break_lock`](Self::break_lock), without blocking a thread.
    pub fn break_async(self) -> Submitted<'static, bool> {
        self.submit(submit_break, |_, op, status| or_false(op.check(status)))
    }

    /// As [`info`](Self::info), without blocking a thread.
    pub fn info_async(self) -> Submitted<'static, Info> {
        self.submit(submit_info, Info::taken)
    }

    fn submit<T>(self, start: Start, finish: Finish<T>) -> Submitted<'static, T> {
        Submitted::new(self.owner, self.op, None, start, finish)
    }

    fn call(&self, call: impl FnOnce(&Op) -> i32) -> Result<()> {
        let op = self.op.as_ref().map_err(Clone::clone)?;
        op.check(call(op))
    }

    fn lock_by(self, call: Grant) -> Result<Lock> {
        let mut lock = null_mut();
        self.call(|op| unsafe { call(op.raw(), &mut lock) })?;
        Ok(Lock::new(&self.owner, lock))
    }
}

type Grant = unsafe extern "C" fn(*mut sys::redilock_op_t, *mut *mut sys::redilock_lock_t) -> i32;

macro_rules! by_name {
    ($($name:ident => $call:ident)*) => {
        $(/// The call that goes by a name alone, in the shape of those that may be given a lock.
        unsafe extern "C" fn $name(
            op: *mut sys::redilock_op_t,
            _: *mut sys::redilock_lock_t,
            tag: u64,
        ) -> i32 {
            sys::$call(op, tag)
        })*
    };
}

by_name! {
    submit_acquire => redilock_op_submit_acquire
    submit_break => redilock_op_submit_break
    submit_info => redilock_op_submit_info
}

fn or_none(acquired: Result<Lock>) -> Result<Option<Lock>> {
    match acquired {
        Ok(lock) => Ok(Some(lock)),
        Err(error) if matches!(error.kind(), ErrorKind::Held | ErrorKind::Timeout) => Ok(None),
        Err(error) => Err(error),
    }
}

fn or_false(broken: Result<()>) -> Result<bool> {
    match broken {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotOwner => Ok(false),
        Err(error) => Err(error),
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").finish_non_exhaustive()
    }
}
