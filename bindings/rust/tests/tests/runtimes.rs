//! Futures on tokio: who drives them, runtimes that end, tasks that are dropped.

#[path = "../../redilock/tests/support/mod.rs"]
mod support;

use std::sync::Mutex;
use std::time::Duration;

use redilock::{Client, ErrorKind};
use support::{is_free, once_in_ten, soon, until, until_waiters, Server, LONG};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

const MINUTE: Duration = Duration::from_secs(60);

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_client_outlives_the_runtime_that_drove_it() {
    let server = Server::new();
    let (holder, client) = (server.client(), server.client());
    let held = holder.lock("job").ttl(MINUTE).acquire().unwrap();
    let (one, two) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    // The first runtime drives; the wait of the second goes on when the first is gone.
    let _ = one.block_on(client.lock("other").ttl(MINUTE).acquire_async()).unwrap();
    let waiter = client.clone();
    let wait = two.spawn(async move { waiter.lock("job").ttl(MINUTE).acquire_async().await });
    until_waiters(&holder, "job", 1);
    drop(one);
    held.release().unwrap();
    let lock = two.block_on(async { timeout(LONG, wait).await.unwrap().unwrap().unwrap() });
    drop(two);
    // And without a runtime, a thread does.
    support::block_on(lock.release_async()).unwrap();
    drop(support::block_on(client.lock("job").ttl(MINUTE).acquire_async()).unwrap());
    until(|| is_free(&holder, "job"));
}

#[test]
fn a_timeout_or_an_abort_leaves_the_queue() {
    let server = Server::new();
    let (holder, client) = (server.client(), server.client());
    let held = holder.lock("job").ttl(MINUTE).acquire().unwrap();
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        let short = timeout(Duration::from_millis(50), client.lock("job").acquire_async());
        assert!(short.await.is_err());
    });
    until_waiters(&holder, "job", 0);
    let waiter = client.clone();
    let task = runtime.spawn(async move { waiter.lock("job").acquire_async().await.map(drop) });
    until_waiters(&holder, "job", 1);
    task.abort();
    until_waiters(&holder, "job", 0);
    let last = client.clone();
    runtime.spawn(async move { last.lock("job").acquire_async().await.map(drop) });
    until_waiters(&holder, "job", 1);
    drop(runtime);
    until_waiters(&holder, "job", 0);
    held.release().unwrap();
}

#[test]
fn the_last_of_a_client_may_end_in_its_runtime() {
    let server = Server::new();
    let other = server.client();
    let runtime = one_thread();
    assert!(once_in_ten(|name| {
        let lock = server.client().lock(name).ttl(MINUTE);
        drop(runtime.block_on(lock.acquire_async()).unwrap());
        // The task that drives ends when the runtime runs.
        soon(|| runtime.block_on(async { is_free(&other, name) }))
    }));
}

#[test]
fn a_closed_client_releases_what_is_dropped_until_it_is_gone() {
    let server = Server::new();
    let other = server.client();
    assert!(once_in_ten(|name| {
        one_thread().block_on(async {
            let client = server.client();
            let lock = client.lock(name).ttl(MINUTE).acquire_async().await.unwrap();
            client.close();
            let error = lock.release_async().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Closed);
        });
        soon(|| is_free(&other, name))
    }));
}

#[test]
fn a_loss_ends_a_select() {
    let server = Server::new();
    let (one, two) = (server.client(), server.client());
    one_thread().block_on(async {
        let request = one.lock("job").ttl(Duration::from_secs(3)).renew(true);
        let lock = request.acquire_async().await.unwrap();
        assert!(two.lock("job").break_async().await.unwrap());
        tokio::select! {
            error = lock.lost() => assert_eq!(error.kind(), ErrorKind::Lost),
            () = tokio::time::sleep(LONG) => panic!("the loss is not found"),
        }
    });
}

static LINES: Mutex<Vec<(log::Level, String)>> = Mutex::new(Vec::new());
struct Lines;
impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        if record.target() == "redilock" {
            LINES.lock().unwrap().push((record.level(), record.args().to_string()));
        }
    }
    fn flush(&self) {}
}

#[test]
fn log_lines_go_to_the_logger() {
    let server = Server::new();
    log::set_logger(&Lines).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let found = |level, text: &str| {
        let is_it = |line: &(log::Level, String)| line.0 == level && line.1.contains(text);
        LINES.lock().unwrap().iter().any(is_it)
    };
    let quiet = Client::builder().url(server.url()).set("log", 100).build().unwrap();
    quiet.check().unwrap();
    assert!(!found(log::Level::Info, "connected"));
    quiet.forward_log();
    assert!(found(log::Level::Info, "connected"));

    let builder = Client::builder().url(server.url()).set("log", 100).set("log_notify", true);
    let client = builder.build().unwrap();
    one_thread().block_on(async {
        let request = client.lock("logged").ttl(Duration::from_secs(3)).renew(true);
        let lock = request.acquire_async().await.unwrap();
        client.lock("logged").break_async().await.unwrap();
        assert_eq!(timeout(LONG, lock.lost()).await.unwrap().kind(), ErrorKind::Lost);
        let notified = async {
            while !found(log::Level::Error, "logged") {
                tokio::task::yield_now().await;
            }
        };
        timeout(LONG, notified).await.unwrap();
    });
}
