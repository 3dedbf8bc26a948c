//! The calls that block.

mod support;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use redilock::{Client, ErrorKind, Lock, LogLevel, Request, State, Submitted, WaitHandle};
use support::{is_free, once_in_ten, soon, until, until_waiters, Server, LONG};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_lock_is_acquired_and_released() {
    let server = Server::new();
    let (one, two) = (server.client(), server.client());
    let lock = one.lock("job").ttl(MINUTE).acquire().unwrap();
    assert!(lock.is_held());
    assert!(lock.remaining() > MINUTE / 2 && lock.remaining() <= MINUTE);
    assert_eq!(lock.name(), b"job");
    assert!(two.lock("job").try_acquire().unwrap().is_none());
    assert!(two.lock("job").try_acquire_for(Duration::from_millis(5)).unwrap().is_none());
    let error = two.lock("job").wait(Duration::ZERO).acquire().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Held);
    assert_eq!((error.status(), error.status_name()), (-1, "REDILOCK_E_HELD"));
    assert!(error.is_retriable() && error.to_string().contains("job"), "{error}");
    lock.release().unwrap();
    assert!(!lock.is_held() && lock.remaining().is_zero());
    let next = two.lock("job").try_acquire().unwrap().expect("it is free");
    assert!(next.fence() > lock.fence());
    assert_eq!(lock.release().unwrap_err().kind(), ErrorKind::NotOwner);
}

#[test]
fn a_dropped_lock_is_released_in_the_background() {
    let server = Server::new();
    let client = server.client();
    drop(client.lock("job").ttl(MINUTE).acquire().unwrap());
    // Its lease would end after the wait.
    client.lock("job").wait(MINUTE / 2).acquire().unwrap().release().unwrap();
}

#[test]
fn a_lock_outlives_its_client_and_its_drop_releases_it() {
    let server = Server::new();
    let other = server.client();
    assert!(once_in_ten(|name| {
        let lock = server.client().lock(name).ttl(MINUTE).acquire().unwrap();
        lock.extend(2 * MINUTE).unwrap();
        assert!(lock.remaining() > MINUTE);
        drop(lock); // the last one of its client
        soon(|| is_free(&other, name))
    }));
}

#[test]
fn the_last_clone_of_a_client_releases_before_it_is_gone() {
    let server = Server::new();
    let other = server.client();
    assert!(once_in_ten(|name| {
        let client = server.client();
        let clone = client.clone();
        drop(client);
        drop(clone.lock(name).ttl(MINUTE).acquire().unwrap());
        drop(clone);
        is_free(&other, name)
    }));
}

#[test]
fn a_block_releases_the_lock_also_if_it_panics() {
    let server = Server::new();
    let client = server.client();
    let fence = client.lock("job").ttl(MINUTE).with(Lock::fence).unwrap();
    assert!(fence > 0 && is_free(&client, "job"));
    let result = std::panic::catch_unwind(|| {
        client.lock("job").ttl(MINUTE).with(|_| std::panic::resume_unwind(Box::new("oops")))
    });
    assert!(result.is_err());
    until(|| is_free(&client, "job"));
    let lost = client.lock("job").ttl(MINUTE).with(|_| client.lock("job").break_lock());
    assert_eq!(lost.unwrap_err().kind(), ErrorKind::Lost);
}

#[test]
fn names_may_be_bytes_and_waits_are_cancelled_from_other_threads() {
    let server = Server::new();
    let client = server.client();
    let name: &[u8] = b"a\0\xFF";
    let lock = client.lock(name).ttl(MINUTE).acquire().unwrap();
    assert_eq!(lock.name(), name);
    let names: Vec<_> = client.names("*").unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(names, [name.to_vec()]);
    assert_eq!(client.names("other*").unwrap().count(), 0);

    let request = client.lock(name).ttl(MINUTE);
    let handle = request.handle();
    let waiter = thread::spawn(move || request.acquire());
    until(|| handle.position() == 1);
    handle.cancel();
    assert_eq!(waiter.join().unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(handle.position(), 0);
    handle.cancel(); // of nothing
    lock.release().unwrap();
}

#[test]
fn a_token_releases_extends_and_attaches() {
    let server = Server::new();
    let (one, two) = (server.client(), server.client());
    let lock = one.lock("job").ttl(MINUTE).acquire().unwrap();
    let token = lock.token().to_vec();
    lock.detach();
    two.lock("job").ttl(2 * MINUTE).extend_token(&token).unwrap();
    let attached = two.lock("job").ttl(MINUTE).renew(true).attach(&token).unwrap();
    assert_eq!((attached.token(), attached.fence()), (token.as_slice(), 0));
    attached.release().unwrap();
    let kind = |result: Result<(), redilock::Error>| result.unwrap_err().kind();
    assert_eq!(kind(one.lock("job").release_token(&token)), ErrorKind::NotOwner);
    let again = one.lock("job").ttl(MINUTE).acquire().unwrap();
    two.lock("job").release_token(again.token()).unwrap();
    assert_eq!(kind(again.release()), ErrorKind::Lost);
    assert_eq!(two.lock("job").attach(&token).unwrap_err().kind(), ErrorKind::NotOwner);
}

#[test]
fn info_tells_the_holder_and_the_queue() {
    let server = Server::new();
    let client = server.client();
    let info = client.lock("job").info().unwrap();
    assert_eq!((info.state(), info.remaining()), (State::Free, Some(Duration::ZERO)));
    let lock = client.lock("job").ttl(MINUTE).set("label", "me").acquire().unwrap();
    let request = client.lock("job").ttl(MINUTE).set("label", "next");
    let handle = request.handle();
    let waiter = thread::spawn(move || request.acquire());
    until_waiters(&client, "job", 1);
    let info = client.lock("job").info().unwrap();
    assert_eq!((info.state(), info.label(), info.waiters()), (State::Held, "me", 1));
    assert!(info.remaining().unwrap() > MINUTE / 2);
    assert!(info.is_held_by(lock.token()) && !info.is_held_by("x"));
    let queue: Vec<_> = info.queue().collect();
    assert_eq!((queue.len(), queue[0].label.as_str(), queue[0].polls), (1, "next", false));
    assert!(queue[0].waited.is_some());
    handle.cancel();
    assert!(waiter.join().unwrap().is_err());
}

#[test]
fn a_loss_is_found_and_told() {
    let server = Server::new();
    let (one, two) = (server.client(), server.client());
    let lock = one.lock("job").ttl(Duration::from_secs(3)).renew(true).acquire().unwrap();
    assert!(!lock.wait_lost(Duration::ZERO).unwrap());
    assert!(two.lock("job").break_lock().unwrap());
    assert!(!two.lock("job").break_lock().unwrap());
    assert!(lock.wait_lost(LONG).unwrap());
    assert!(!lock.is_held());
    assert_eq!(lock.release().unwrap_err().kind(), ErrorKind::Lost);
    assert!(lock.message().contains("job"), "{}", lock.message());
}

#[test]
fn wrong_urls_and_options_are_refused_without_a_password() {
    let kind = |result: Result<Client, redilock::Error>| {
        let error = result.unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        error.kind()
    };
    assert_eq!(kind(Client::new("nonsense://:secret@host")), ErrorKind::Invalid);
    assert_eq!(kind(Client::new("redis://h/0\0:secret")), ErrorKind::Invalid);
    assert_eq!(kind(Client::new("rediss://:secret@host")), ErrorKind::Unsupported);
    let builder = || Client::builder().set("password", "secret");
    assert_eq!(kind(builder().set("no_such_option", 1).build()), ErrorKind::Invalid);
    assert_eq!(kind(builder().set("a\0b", 1).build()), ErrorKind::Invalid);
    assert_eq!(kind(builder().set("timeout", "soon").build()), ErrorKind::Invalid);
    let client = Client::from_env().unwrap(); // asks no server
    let error = |request: Request| request.acquire().unwrap_err();
    assert_eq!(error(client.lock("")).kind(), ErrorKind::Invalid);
    assert_eq!(error(client.lock("job").set("a\0b", true)).kind(), ErrorKind::Invalid);
    let error = error(client.lock("job").set("renew", "perhaps"));
    assert!(error.kind() == ErrorKind::Invalid && error.to_string().contains("renew"), "{error}");
}

#[test]
fn a_close_ends_waits_and_later_calls() {
    let server = Server::new();
    let (one, two) = (server.client(), server.client());
    let lock = one.lock("job").ttl(MINUTE).acquire().unwrap();
    let clone = two.clone();
    let waiter = thread::spawn(move || clone.lock("job").acquire().unwrap_err().kind());
    until_waiters(&one, "job", 1);
    two.close();
    assert_eq!(waiter.join().unwrap(), ErrorKind::Closed);
    assert_eq!(two.lock("job").acquire().unwrap_err().kind(), ErrorKind::Closed);
    lock.release().unwrap();
}

#[test]
fn an_unreachable_server_is_unavailable() {
    let mut server = Server::new();
    let builder = Client::builder().url(server.url()).set("timeout", Duration::from_secs(3));
    let client = builder.build().unwrap();
    let lock = client.lock("job").ttl(MINUTE).acquire().unwrap();
    server.kill();
    let error = lock.release().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Unknown), "{error}");
    assert!(error.is_retriable());
    let error = client.check().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[test]
fn a_client_counts_and_logs() {
    let server = Server::new();
    let client = Client::builder().url(server.url()).set("log", 10).build().unwrap();
    assert!(client.lock("job").check().unwrap().contains("Redis"));
    assert!(client.check().unwrap().contains("Redis"));
    client.lock("job").ttl(MINUTE).acquire().unwrap().release().unwrap();
    let stats = client.stats().unwrap();
    let acquired = stats.iter().find(|stat| stat.name == "acquired").unwrap();
    assert_eq!((acquired.value, acquired.kind), (1, "counter"));
    assert!(!acquired.doc.is_empty());
    let line = client.next_log_line().unwrap().expect("a line");
    assert!(line.level == LogLevel::Info && line.text.contains("connected"), "{line:?}");
}

#[test]
fn the_library_describes_itself() {
    assert!(redilock::version().starts_with("0."));
    assert!(redilock::has("async") && !redilock::has("no such thing") && !redilock::has("\0"));
    let ttl = redilock::options().find(|option| option.name == "ttl").unwrap();
    assert_eq!((ttl.kind, ttl.scope), ("duration", "both"));
    assert!(ttl.calls.contains("acquire") && !ttl.doc.is_empty());
}

#[test]
fn threads_count_one_after_another() {
    let server = Server::new();
    let client = server.client();
    let (send, receive) = mpsc::channel();
    let mut inside = 0;
    let counter = std::ptr::addr_of_mut!(inside) as usize;
    for _ in 0..8 {
        let (client, send) = (client.clone(), send.clone());
        thread::spawn(move || {
            for _ in 0..25 {
                let lock = client.lock("job").ttl(MINUTE).acquire().unwrap();
                // Only the lock keeps the threads apart here.
                let counter = counter as *mut u32;
                unsafe { counter.write_volatile(counter.read_volatile() + 1) };
                lock.release().unwrap();
            }
            send.send(()).unwrap();
        });
    }
    (0..8).for_each(|_| receive.recv_timeout(LONG).expect("it ends"));
    assert_eq!(inside, 200);
}

#[test]
fn all_types_go_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<Client>();
    check::<redilock::ClientBuilder>();
    check::<Request>();
    check::<Lock>();
    check::<Submitted<'static, Lock>>();
    check::<redilock::Lost<'static>>();
    check::<redilock::Info>();
    check::<redilock::Names>();
    check::<WaitHandle>();
    check::<redilock::Error>();
}
