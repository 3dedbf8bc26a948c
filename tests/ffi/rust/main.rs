// Uses redilock from Rust by extern "C": waits on a descriptor, cancels, sees a loss, drops a lock, closes a
// client. It is linked with what pkg-config says, prints each step, and ends with an error where a step goes
// wrong.
use std::ffi::{CStr, CString};
use std::fmt::Debug;
use std::os::raw::{c_char, c_int, c_short, c_ulong};
use std::process::exit;
use std::ptr::{null, null_mut};

const WAITS: u64 = 50;
const CANCELLED: u64 = 20;
const MINUTE: i64 = 60_000;

#[repr(C)]
struct PollFd {
    fd: c_int,
    events: c_short,
    revents: c_short,
}
const POLLIN: c_short = 1;

// The numbers of the header, which never change.
const OK: i32 = 0;
const E_CANCELLED: i32 = -3;
const E_LOST: i32 = -5;
const E_CLOSED: i32 = -15;
const ACQUIRE: i32 = 1;
const RELEASE: i32 = 2;
const LOSS: i32 = 4;

// Opaque types of the library.
enum RawClient {}
enum RawOp {}
enum RawLock {}

extern "C" {
    fn poll(fds: *mut PollFd, count: c_ulong, timeout: c_int) -> c_int;
    fn redilock_strerror(status: i32) -> *const c_char;
    fn redilock_new(url: *const c_char, options: *const u8, out: *mut *mut RawClient, error: *mut c_char,
                    error_size: usize) -> i32;
    fn redilock_client_close(client: *mut RawClient);
    fn redilock_free(client: *mut RawClient);
    fn redilock_acquire(client: *mut RawClient, name: *const c_char, name_len: usize, ttl_ms: i64,
                        wait_ms: i64, out: *mut *mut RawLock, error: *mut c_char, error_size: usize) -> i32;
    fn redilock_extend(lock: *mut RawLock, ttl_ms: i64) -> i32;
    fn redilock_release(lock: *mut RawLock) -> i32;
    fn redilock_op_new(client: *mut RawClient, out: *mut *mut RawOp) -> i32;
    fn redilock_op_set(op: *mut RawOp, name: *const c_char, value: *const c_char) -> i32;
    fn redilock_op_set_int(op: *mut RawOp, name: *const c_char, value: i64) -> i32;
    fn redilock_op_break(op: *mut RawOp) -> i32;
    fn redilock_op_cancel(op: *mut RawOp);
    fn redilock_op_free(op: *mut RawOp);
    fn redilock_op_submit_acquire(op: *mut RawOp, tag: u64) -> i32;
    fn redilock_op_submit_release(op: *mut RawOp, lock: *mut RawLock, tag: u64) -> i32;
    fn redilock_op_take_lock(op: *mut RawOp, out: *mut *mut RawLock) -> i32;
    fn redilock_client_fd(client: *mut RawClient, out: *mut i32) -> i32;
    fn redilock_client_next(client: *mut RawClient, tag: *mut u64, kind: *mut i32, status: *mut i32) -> i32;
    fn redilock_lock_watch(lock: *mut RawLock, tag: u64) -> i32;
    fn redilock_lock_message(lock: *const RawLock, buffer: *mut c_char, size: usize) -> usize;
    fn redilock_lock_fence(lock: *const RawLock) -> i64;
    fn redilock_lock_drop(lock: *mut RawLock);
}

fn fail(what: &str, text: &str) -> ! {
    eprintln!("{}: {}", what, text);
    exit(1)
}

fn expect<T: PartialEq + Debug>(what: &str, got: T, wanted: T) {
    if got != wanted {
        fail(what, &format!("{:?} instead of {:?}", got, wanted));
    }
}

fn text_of(text: *const c_char) -> String {
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

fn check(what: &str, status: i32) {
    if status != OK {
        fail(what, &text_of(unsafe { redilock_strerror(status) }));
    }
}

// A lock that is released in the background where it was not released: drop() must not block.
struct Lock(*mut RawLock);

impl Lock {
    fn release(&self) {
        check("release", unsafe { redilock_release(self.0) });
    }
    fn fence(&self) -> i64 {
        unsafe { redilock_lock_fence(self.0) }
    }
    fn message(&self) -> String {
        let size = unsafe { redilock_lock_message(self.0, null_mut(), 0) } + 1;
        let mut buffer = vec![0 as c_char; size];
        unsafe { redilock_lock_message(self.0, buffer.as_mut_ptr(), size) };
        text_of(buffer.as_ptr())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        unsafe { redilock_lock_drop(self.0) }
    }
}

struct Op(*mut RawOp);

impl Op {
    fn submit_release(&self, lock: &Lock, tag: u64) {
        check("submit_release", unsafe { redilock_op_submit_release(self.0, lock.0, tag) });
    }
    fn take_lock(&self) -> Lock {
        let mut lock = null_mut();
        check("take_lock", unsafe { redilock_op_take_lock(self.0, &mut lock) });
        Lock(lock)
    }
}

impl Drop for Op {
    fn drop(&mut self) {
        unsafe { redilock_op_free(self.0) }
    }
}

struct Client(*mut RawClient);

impl Client {
    fn new() -> Client {
        let url = CString::new(std::env::args().nth(1).expect("a url")).expect("no NUL");
        let (mut client, mut error) = (null_mut(), [0 as c_char; 256]);
        let status = unsafe {
            redilock_new(url.as_ptr(), null(), &mut client, error.as_mut_ptr(), error.len())
        };
        if status != OK {
            fail("new", &text_of(error.as_ptr()));
        }
        Client(client)
    }

    fn acquire(&self, name: &str) -> Lock {
        let (mut lock, mut error) = (null_mut(), [0 as c_char; 256]);
        let status = unsafe {
            redilock_acquire(self.0, name.as_ptr().cast(), name.len(), MINUTE, MINUTE / 2, &mut lock,
                             error.as_mut_ptr(), error.len())
        };
        if status != OK {
            fail("acquire", &text_of(error.as_ptr()));
        }
        Lock(lock)
    }

    fn new_op(&self, name: &str) -> Op {
        let mut op = null_mut();
        let value = CString::new(name).expect("no NUL");
        check("op_new", unsafe { redilock_op_new(self.0, &mut op) });
        // A failure comes back from the call that follows.
        unsafe { redilock_op_set(op, b"name\0".as_ptr().cast(), value.as_ptr()) };
        Op(op)
    }

    fn submit(&self, name: &str, tag: u64) -> Op {
        let op = self.new_op(name);
        unsafe { redilock_op_set_int(op.0, b"ttl\0".as_ptr().cast(), MINUTE) };
        check("submit_acquire", unsafe { redilock_op_submit_acquire(op.0, tag) });
        op
    }

    // Waits on the descriptor; the tag, the kind and the status, or None after the last one of a client.
    fn next(&self) -> Option<(u64, i32, i32)> {
        let (mut tag, mut kind, mut status) = (0, 0, 0);
        let mut ready = PollFd { fd: -1, events: POLLIN, revents: 0 };
        check("fd", unsafe { redilock_client_fd(self.0, &mut ready.fd) });
        loop {
            let result = unsafe { redilock_client_next(self.0, &mut tag, &mut kind, &mut status) };
            if result == E_CLOSED {
                return None;
            }
            check("next", result);
            if kind != 0 {
                return Some((tag, kind, status));
            }
            expect("no completion within 30 s", unsafe { poll(&mut ready, 1, 30_000) }, 1);
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        unsafe { redilock_free(self.0) }
    }
}

// Many waits on one descriptor, one of them cancelled; the tags say which completion is whose.
fn wait_in_one_queue(holder: &Client, client: &Client) {
    let first = holder.acquire("ffi");
    let mut fence = first.fence();
    println!("fence {}", fence);
    let ops: Vec<Op> = (0..WAITS).map(|tag| client.submit("ffi", tag)).collect();
    unsafe { redilock_op_cancel(ops[CANCELLED as usize].0) };
    expect("cancel", client.next(), Some((CANCELLED, ACQUIRE, E_CANCELLED)));
    println!("cancel: one of the waits has left the queue");

    first.release();
    let mut locks: Vec<Option<Lock>> = (0..WAITS).map(|_| None).collect();
    let (mut granted, mut released) = (Vec::new(), 0);
    while released < WAITS - 1 {
        let (tag, kind, status) = client.next().expect("a completion");
        check("completion", status);
        let op = &ops[tag as usize];
        if kind == ACQUIRE {
            let lock = op.take_lock();
            granted.push(tag);
            expect("the fence rises", lock.fence() > fence, true);
            fence = lock.fence();
            op.submit_release(&lock, tag);
            locks[tag as usize] = Some(lock);
        } else if kind == RELEASE {
            locks[tag as usize] = None;
            released += 1;
        }
    }
    expect("order", &granted, &(0..WAITS).filter(|tag| *tag != CANCELLED).collect());
    println!("waits: {} granted in the order in which they were submitted", granted.len());
}

fn lose(holder: &Client, client: &Client) {
    let lock = client.acquire("ffi");
    check("watch", unsafe { redilock_lock_watch(lock.0, 1000) });
    check("break", unsafe { redilock_op_break(holder.new_op("ffi").0) });
    expect("extend", unsafe { redilock_extend(lock.0, MINUTE) }, E_LOST);
    expect("loss", client.next(), Some((1000, LOSS, E_LOST)));
    expect("message", lock.message().is_empty(), false);
    println!("loss: {}", lock.message());
}

// Nothing else releases the first lock before its lease ends, which is after the wait of the second.
fn drop_lock(client: &Client) {
    drop(client.acquire("ffi"));
    client.acquire("ffi").release();
    println!("drop: released in the background");
}

fn close(holder: &Client, client: &Client) {
    let lock = holder.acquire("ffi");
    let _op = client.submit("ffi", 7);
    unsafe { redilock_client_close(client.0) };
    expect("close", client.next(), Some((7, ACQUIRE, E_CLOSED)));
    expect("after the last completion", client.next(), None);
    lock.release();
    println!("close: the wait has ended, and no completion follows");
}

fn main() {
    let (holder, client) = (Client::new(), Client::new());
    wait_in_one_queue(&holder, &client);
    lose(&holder, &client);
    drop_lock(&client);
    close(&holder, &client);
}
