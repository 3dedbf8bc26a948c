//! The futures of submitted requests and of a loss.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::ptr::null_mut;
use std::sync::Arc;
use std::task::{Context, Poll};

use redilock_sys as sys;

use crate::error::{Error, Result};
use crate::handle::Owner;
use crate::lock::Lock;
use crate::op::{Op, WaitHandle};

pub(crate) type Start =
    unsafe extern "C" fn(*mut sys::redilock_op_t, *mut sys::redilock_lock_t, u64) -> i32;
pub(crate) type Finish<T> = fn(&Arc<Owner>, &Op, i32) -> Result<T>;

/// A request that is submitted when it is first polled; any executor may poll it.
///
/// With the feature `tokio`, a task of the runtime that polls it takes the completions of the client
/// from its descriptor (the runtime needs its I/O driver). Elsewhere one thread for each client
/// does. A drop cancels an acquire.
#[must_use = "a future does nothing unless it is polled"]
pub struct Submitted<'a, T> {
    /// Freed before the owner, which may end the client: so the client can still leave the queue.
    op: Result<Arc<Op>>,
    owner: Arc<Owner>,
    lock: Option<&'a Lock>,
    start: Start,
    finish: Finish<T>,
    state: State,
    result: PhantomData<fn() -> T>,
}

enum State {
    New,
    /// Under way, with its tag.
    Submitted(u64),
    Done,
}

impl<'a, T> Submitted<'a, T> {
    pub(crate) fn new(
        owner: Arc<Owner>,
        op: Result<Arc<Op>>,
        lock: Option<&'a Lock>,
        start: Start,
        finish: Finish<T>,
    ) -> Self {
        Self { owner, op, lock, start, finish, state: State::New, result: PhantomData }
    }

    /// The way to cancel an acquire from elsewhere, and to its place in the queue.
    pub fn handle(&self) -> WaitHandle {
        WaitHandle::new(&self.op)
    }

    fn submit(&self, op: &Op) -> Result<u64> {
        let pending = &self.owner.core().pending;
        let tag = pending.new_tag();
        pending.add(tag);
        let lock = self.lock.map_or(null_mut(), Lock::raw);
        let status = unsafe { (self.start)(op.raw(), lock, tag) };
        op.check(status).map(|()| tag).map_err(|error| {
            pending.remove(tag);
            error
        })
    }

    fn poll_result(&mut self, context: &Context<'_>) -> Poll<Result<T>> {
        let op = match &self.op {
            Ok(op) => Arc::clone(op),
            Err(error) => return Poll::Ready(Err(error.clone())),
        };
        let tag = match self.state {
            State::New => match self.submit(&op) {
                Ok(tag) => tag,
                Err(error) => return Poll::Ready(Err(error)),
            },
            State::Submitted(tag) => tag,
            State::Done => panic!("the future was polled after its end"),
        };
        self.state = State::Submitted(tag);
        let core = self.owner.core();
        match core.pending.poll(tag, tag, context) {
            Poll::Ready(status) => Poll::Ready((self.finish)(&self.owner, &op, status)),
            // After the waker is in its place: a driver that ends wakes all.
            Poll::Pending => {
                core.drive().map_or_else(|error| Poll::Ready(Err(error)), |()| Poll::Pending)
            }
        }
    }

    /// Frees the operation, which ends a request that is under way.
    fn end(&mut self) {
        if let State::Submitted(tag) = std::mem::replace(&mut self.state, State::Done) {
            self.owner.core().pending.remove(tag);
        }
    }
}

impl<T> Future for Submitted<'_, T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let result = self.poll_result(context);
        if result.is_ready() {
            self.end();
        }
        result
    }
}

impl<T> Drop for Submitted<'_, T> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<T> fmt::Debug for Submitted<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submitted").finish_non_exhaustive()
    }
}

/// Ends when a lock is lost, and gives the reason: see [`Lock::lost`].
#[must_use = "a future does nothing unless it is polled"]
#[derive(Debug)]
pub struct Lost<'a> {
    lock: &'a Lock,
    /// Its own, among the futures of this lock.
    number: u64,
}

impl<'a> Lost<'a> {
    pub(crate) fn new(lock: &'a Lock) -> Self {
        Self { lock, number: lock.core().pending.new_tag() }
    }
}

impl Future for Lost<'_> {
    type Output = Error;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Error> {
        let core = self.lock.core();
        let tag = match self.lock.watch() {
            Ok(tag) => tag,
            Err(error) => return Poll::Ready(error),
        };
        match core.pending.poll(tag, self.number, context) {
            Poll::Ready(status) => Poll::Ready(self.lock.error(status)),
            Poll::Pending => core.drive().map_or_else(Poll::Ready, |()| Poll::Pending),
        }
    }
}

impl Drop for Lost<'_> {
    fn drop(&mut self) {
        if let Some(tag) = self.lock.watched() {
            self.lock.core().pending.forget(tag, self.number);
        }
    }
}

/// Two futures until one of them ends; the second is asked first.
pub(crate) struct Race<'a, F> {
    pub(crate) work: Pin<Box<F>>,
    pub(crate) lost: Lost<'a>,
}

impl<F: Future> Future for Race<'_, F> {
    type Output = Result<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(error) = Pin::new(&mut self.lost).poll(context) {
            return Poll::Ready(Err(error));
        }
        self.work.as_mut().poll(context).map(Ok)
    }
}
