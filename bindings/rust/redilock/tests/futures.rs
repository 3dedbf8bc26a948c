//! Futures without a runtime: any executor polls them, and one thread for each client drains.

mod support;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use redilock::{ErrorKind, State, Submitted};
use support::{block_on, is_free, once_in_ten, poll_once, soon, until, until_waiters, Server};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn every_request_has_a_future() {
    let server = Server::new();
    let client = server.client();
    block_on(async {
        let lock = client.lock("job").ttl(MINUTE).acquire_async().await.unwrap();
        let info = client.lock("job").info_async().await.unwrap();
        assert!(info.state() == State::Held && info.is_held_by(lock.token()));
        assert!(client.lock("job").try_acquire_async().await.unwrap().is_none());
        let wait = Duration::from_millis(5);
        assert!(client.lock("job").try_acquire_for_async(wait).await.unwrap().is_none());
        lock.extend_async(2 * MINUTE).await.unwrap();
        assert!(lock.remaining() > MINUTE);
        lock.release_async().await.unwrap();
        let error = lock.release_async().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotOwner);

        let lock = client.lock("job").try_acquire_async().await.unwrap().expect("it is free");
        let token = lock.token().to_vec();
        lock.detach();
        client.lock("job").ttl(MINUTE).extend_token_async(&token).await.unwrap();
        client.lock("job").release_token_async(&token).await.unwrap();
        assert!(!client.lock("job").break_async().await.unwrap());
        let error = client.lock("job").set("no_such", 1).acquire_async().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    });
}

#[test]
fn waits_are_granted_in_their_order_and_a_dropped_one_leaves() {
    let server = Server::new();
    let (holder, client) = (server.client(), server.client());
    let lock = holder.lock("job").ttl(MINUTE).acquire().unwrap();
    let mut waits: Vec<Option<Submitted<_>>> = Vec::new();
    for _ in 0..20 {
        let mut wait = client.lock("job").ttl(MINUTE).acquire_async();
        assert!(poll_once(&mut wait).is_pending());
        waits.push(Some(wait));
    }
    until_waiters(&holder, "job", 20);
    assert!(support::readers() >= 1);
    waits[7] = None;
    until_waiters(&holder, "job", 19);
    let cancelled = waits[3].take().unwrap();
    until(|| cancelled.handle().position() == 4);
    cancelled.handle().cancel();
    assert_eq!(block_on(cancelled).unwrap_err().kind(), ErrorKind::Cancelled);
    let mut fence = lock.fence();
    lock.release().unwrap();
    for wait in waits.into_iter().flatten() {
        let lock = block_on(wait).unwrap();
        assert!(lock.fence() > fence);
        fence = lock.fence();
    }
    until(|| is_free(&holder, "job"));
}

#[test]
fn a_grant_that_nobody_takes_is_given_back() {
    let server = Server::new();
    let (holder, client) = (server.client(), server.client());
    let lock = holder.lock("job").ttl(MINUTE).acquire().unwrap();
    let mut wait = client.lock("job").ttl(MINUTE).acquire_async();
    assert!(poll_once(&mut wait).is_pending());
    until_waiters(&holder, "job", 1);
    lock.release().unwrap();
    let granted = |stat: &redilock::Stat| stat.name == "acquired" && stat.value == 1;
    until(|| client.stats().unwrap().iter().any(granted));
    drop(wait);
    until(|| is_free(&holder, "job"));
}

#[test]
fn a_loss_ends_the_guarded_work_and_wakes_all_who_wait() {
    let server = Server::new();
    let client = server.client();
    let request = client.lock("job").ttl(Duration::from_secs(3)).renew(true);
    let lock = Arc::new(block_on(request.acquire_async()).unwrap());
    let worker = Arc::clone(&lock);
    let other = thread::spawn(move || block_on(worker.lost()));
    assert_eq!(block_on(lock.while_held(async { 7 })).unwrap(), 7);
    assert!(poll_once(&mut lock.lost()).is_pending());

    struct Stopped(std::sync::mpsc::Sender<()>);
    impl Drop for Stopped {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
        }
    }
    let (send, receive) = std::sync::mpsc::channel();
    let work = async {
        let _stopped = Stopped(send);
        client.lock("job").break_async().await.unwrap();
        std::future::pending::<()>().await;
    };
    let error = block_on(lock.while_held(work)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost);
    assert!(error.to_string().contains("job"), "{error}");
    receive.try_recv().expect("the work was dropped");
    assert_eq!(other.join().unwrap().kind(), ErrorKind::Lost);
    assert_eq!(lock.release().unwrap_err().kind(), ErrorKind::Lost);
}

#[test]
fn a_release_or_a_close_ends_the_wait_for_a_loss() {
    let server = Server::new();
    let client = server.client();
    let lock = client.lock("job").ttl(MINUTE).acquire().unwrap();
    let mut lost = lock.lost();
    assert!(poll_once(&mut lost).is_pending());
    lock.release().unwrap();
    assert_eq!(block_on(lost).kind(), ErrorKind::NotOwner);

    let lock = client.lock("job").ttl(MINUTE).acquire().unwrap();
    let mut lost = lock.lost();
    assert!(poll_once(&mut lost).is_pending());
    let mut wait = client.lock("job").acquire_async();
    assert!(poll_once(&mut wait).is_pending());
    client.close();
    assert_eq!(block_on(lost).kind(), ErrorKind::Closed);
    assert_eq!(block_on(wait).unwrap_err().kind(), ErrorKind::Closed);
    let error = block_on(client.lock("job").acquire_async()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[test]
fn a_client_ends_with_the_last_of_its_futures() {
    let server = Server::new();
    let other = server.client();
    assert!(once_in_ten(|name| {
        let _lock = other.lock(name).ttl(MINUTE).acquire().unwrap();
        let mut wait = server.client().lock(name).ttl(MINUTE).acquire_async();
        assert!(poll_once(&mut wait).is_pending());
        until_waiters(&other, name, 1);
        drop(wait);
        soon(|| other.lock(name).info().unwrap().waiters() == 0)
    }));
}
