//! A redis-server for each test, and a small executor.
#![allow(dead_code)] // no test uses all of it

use std::fs;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use redilock::Client;

/// Longer than anything takes on a busy machine.
pub const LONG: Duration = Duration::from_secs(60);

/// A server on a unix socket of its own, which ends with this value.
pub struct Server {
    process: Child,
    folder: PathBuf,
}

impl Server {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("redilock-rust.{}.{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a folder");
        let process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--unixsocket"])
            .arg(folder.join("sock"))
            .arg("--dir")
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is in the PATH");
        let server = Self { process, folder };
        until(|| std::os::unix::net::UnixStream::connect(server.folder.join("sock")).is_ok());
        server
    }

    pub fn url(&self) -> String {
        format!("unix://{}", self.folder.join("sock").display())
    }

    pub fn client(&self) -> Client {
        Client::new(&self.url()).expect("a client")
    }

    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Asks again until it is so.
pub fn until(mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < end, "it never came true");
        thread::sleep(Duration::from_millis(2));
    }
}

/// For the end of a client, which waits for its last requests for 100 ms at most: a busy machine may
/// need a few tries, each with a name of its own.
pub fn once_in_ten(mut attempt: impl FnMut(&str) -> bool) -> bool {
    (0..10).any(|number| attempt(&format!("job{number}")))
}

/// Whether it becomes so within some seconds.
pub fn soon(mut is_so: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(5);
    while Instant::now() < end {
        if is_so() {
            return true;
        }
        thread::sleep(Duration::from_millis(2));
    }
    false
}

pub fn until_waiters(client: &Client, name: &str, count: u64) {
    until(|| client.lock(name).info().expect("info").waiters() == count);
}

pub fn is_free(client: &Client, name: &str) -> bool {
    client.lock(name).info().expect("info").state() == redilock::State::Free
}

/// How many threads of this process take completions.
pub fn readers() -> usize {
    let tasks = fs::read_dir("/proc/self/task").expect("a folder");
    let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).ok();
    tasks.flatten().filter_map(name).filter(|name| name.trim() == "redilock-reader").count()
}

/// Wakes the thread that made it.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = Box::pin(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let end = Instant::now() + LONG;
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        assert!(Instant::now() < end, "the future never ends");
        thread::park_timeout(Duration::from_secs(1));
    }
}

/// Polls once, which submits the request.
pub fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    Pin::new(future).poll(&mut Context::from_waker(&waker))
}
