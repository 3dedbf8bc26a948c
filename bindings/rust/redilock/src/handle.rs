//! The handle of a client, who keeps it alive, and who drives its futures.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use redilock_sys as sys;

use crate::error::{Error, Result};
use crate::pending::Pending;

/// The client of the library, freed with the last reference: that of a driver or of [`Owner`].
pub(crate) struct Core {
    raw: NonNull<sys::redilock_client_t>,
    pub(crate) pending: Pending,
    driven: AtomicBool,
    reader: Mutex<Option<JoinHandle<()>>>,
}

// Sound: any thread may use any object of the library at any time.
unsafe impl Send for Core {}
unsafe impl Sync for Core {}

pub(crate) enum Drained {
    All,
    Some,
    /// The client is closed, or belongs to the parent process: no completion will come.
    Ended,
}

impl Core {
    pub(crate) fn new(raw: NonNull<sys::redilock_client_t>) -> Self {
        let (driven, reader) = (AtomicBool::new(false), Mutex::new(None));
        Self { raw, pending: Pending::default(), driven, reader }
    }

    pub(crate) fn raw(&self) -> *mut sys::redilock_client_t {
        self.raw.as_ptr()
    }

    pub(crate) fn close(&self) {
        unsafe { sys::redilock_client_close(self.raw()) }
    }

    /// Takes up to `limit` completions and wakes the tasks that wait for them.
    pub(crate) fn drain(&self, limit: usize) -> Drained {
        for _ in 0..limit {
            let (mut tag, mut kind, mut status) = (0, 0, 0);
            let result =
                unsafe { sys::redilock_client_next(self.raw(), &mut tag, &mut kind, &mut status) };
            match (result, kind) {
                (sys::REDILOCK_OK, 0) => return Drained::All,
                #[cfg(feature = "log")]
                (sys::REDILOCK_OK, sys::REDILOCK_COMPLETION_LOG) => crate::log_lines::forward(self),
                // A completion of an unknown kind, or of a request that was dropped, finds nothing.
                (sys::REDILOCK_OK, _) => self.pending.end(tag, status),
                _ => {
                    self.pending.end_all(result);
                    return Drained::Ended;
                }
            }
        }
        Drained::Some
    }

    /// Sees to it that somebody drains: a task of this thread's tokio runtime, or else a thread.
    pub(crate) fn drive(self: &Arc<Self>) -> Result<()> {
        if self.driven.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        #[cfg(feature = "tokio")]
        if crate::tokio_driver::drive(self) {
            return Ok(());
        }
        let core = Arc::clone(self);
        let started =
            thread::Builder::new().name("redilock-reader".into()).spawn(move || core.read());
        match started {
            Ok(reader) => {
                *self.reader.lock().unwrap() = Some(reader);
                Ok(())
            }
            Err(error) => {
                self.stop_driving();
                let message = format!("cannot start a thread: {error}");
                Err(Error::new(sys::REDILOCK_E_UNAVAILABLE, message))
            }
        }
    }

    /// The next poll of a future starts another driver.
    pub(crate) fn stop_driving(&self) {
        self.driven.store(false, Ordering::SeqCst);
    }

    fn read(&self) {
        while !matches!(self.drain(256), Drained::Ended) {
            // Whatever it returns, the drain finds out why.
            let _ = unsafe { sys::redilock_client_wait(self.raw(), -1) };
        }
    }

    /// After a close: waits until the thread that drains has ended, which it does soon.
    fn join(&self) {
        let reader = self.reader.lock().unwrap().take();
        if let Some(reader) = reader {
            if reader.thread().id() != thread::current().id() {
                let _ = reader.join();
            }
        }
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        unsafe { sys::redilock_free(self.raw()) }
    }
}

/// Shared by the clones of a client, its locks and futures. With the last of them the client ends,
/// on a thread of its own, because locks and futures must not block when they are dropped.
pub(crate) struct Owner(Option<Arc<Core>>);

impl Owner {
    pub(crate) fn new(core: Core) -> Self {
        Self(Some(Arc::new(core)))
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        self.0.as_ref().expect("it is taken when the owner ends")
    }

    /// Ends the client here: blocks until the server has the last requests, for about 100 ms at
    /// most.
    pub(crate) fn end(mut self) {
        if let Some(core) = self.0.take() {
            core.close();
            core.join();
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(core) = self.0.take() {
            core.close();
            // If no thread can be started, the closure is dropped here.
            let _ = thread::Builder::new().name("redilock-end".into()).spawn(move || drop(core));
        }
    }
}
