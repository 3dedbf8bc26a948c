//! Drives the futures of a client by a task of a tokio runtime, on the client's descriptor.

use std::os::unix::io::RawFd;
use std::sync::Arc;

use redilock_sys as sys;
use tokio::io::unix::AsyncFd;
use tokio::io::Interest;
use tokio::runtime::Handle;

use crate::handle::{Core, Drained};

/// False outside of a runtime, and where the descriptor cannot be watched.
pub(crate) fn drive(core: &Arc<Core>) -> bool {
    let runtime = match Handle::try_current() {
        Ok(runtime) => runtime,
        Err(_) => return false,
    };
    let mut fd = -1;
    if unsafe { sys::redilock_client_fd(core.raw(), &mut fd) } != sys::REDILOCK_OK {
        return false;
    }
    // Newer versions of tokio prefer a function that older ones do not have.
    #[allow(deprecated)]
    match AsyncFd::with_interest(fd, Interest::READABLE) {
        Ok(fd) => {
            runtime.spawn(Driver { fd: Some(fd), core: Some(Arc::clone(core)) }.run());
            true
        }
        Err(_) => false,
    }
}

/// Its descriptor is out of the runtime before the client can be freed, which closes it.
struct Driver {
    fd: Option<AsyncFd<RawFd>>,
    core: Option<Arc<Core>>,
}

impl Driver {
    async fn run(self) {
        if let (Some(fd), Some(core)) = (&self.fd, &self.core) {
            while let Ok(mut ready) = fd.readable().await {
                match core.drain(256) {
                    Drained::All => ready.clear_ready(),
                    Drained::Some => tokio::task::yield_now().await,
                    Drained::Ended => break,
                }
            }
        }
        let mut this = self;
        let core = this.stop();
        // Its last reference blocks for a moment when it is dropped.
        tokio::task::spawn_blocking(move || drop(core));
    }

    /// Other drivers may begin; futures that other runtimes poll need one.
    fn stop(&mut self) -> Option<Arc<Core>> {
        self.fd = None;
        let core = self.core.take();
        if let Some(core) = &core {
            core.stop_driving();
            core.pending.wake_all(None);
        }
        core
    }
}

/// The runtime shuts down.
impl Drop for Driver {
    fn drop(&mut self) {
        self.stop();
    }
}
