//! Ten thousand tasks wait for one lock, and need no thread. It counts threads, and is a process of its own.

#[path = "../../redilock/tests/support/mod.rs"]
mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use support::{until_waiters, Server};
use tokio::runtime::{Builder, Runtime};

const WAITERS: u64 = 10_000;
const HOUR: Duration = Duration::from_secs(3600);

/// Of this process: its threads, or its memory in kB.
fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
    line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn ten_thousand_tasks_wait_without_threads() {
    let server = Server::new();
    let (holder, client) = (server.client(), server.client());
    let one_thread = Builder::new_current_thread().enable_all().build().unwrap();
    drop(one_thread.block_on(client.lock("first").ttl(HOUR).acquire_async()).unwrap());
    drop(one_thread); // its task drove; another will

    let held = holder.lock("job").ttl(HOUR).acquire().unwrap();
    let runtime = Runtime::new().unwrap();
    let last = Arc::new(AtomicU64::new(held.fence()));
    let (threads, memory) = (status("Threads"), status("VmRSS"));
    let tasks: Vec<_> = (0..WAITERS)
        .map(|_| {
            let (client, last) = (client.clone(), Arc::clone(&last));
            runtime.spawn(async move {
                let lock = client.lock("job").ttl(HOUR).acquire_async().await.unwrap();
                assert!(last.fetch_max(lock.fence(), Ordering::SeqCst) < lock.fence());
            })
        })
        .collect();
    until_waiters(&holder, "job", WAITERS);
    let each = (status("VmRSS") - memory) * 1024 / WAITERS;
    let (all, more) = (status("Threads"), status("Threads") - threads);
    println!("{WAITERS} waiters: {more} more threads ({all} in all), {each} bytes each");
    assert!(more <= 1, "one more for the client, at most");
    assert_eq!(support::readers(), 0, "a thread reads");

    let began = Instant::now();
    held.release().unwrap();
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
    println!("{WAITERS} hand-offs in {} ms", began.elapsed().as_millis());
}
