//! The requests under way, by their tags, and the tasks that wait for them.

use std::collections::HashMap;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

#[derive(Default)]
pub(crate) struct Pending(Mutex<Table>);

#[derive(Default)]
struct Table {
    last_tag: u64,
    requests: HashMap<u64, Request>,
}

#[derive(Default)]
struct Request {
    status: Option<i32>,
    /// Of the futures that wait for it. A loss may have several.
    wakers: Vec<(u64, Waker)>,
}

impl Pending {
    /// A number that no request and no future has; never 0, which is the tag of the log.
    pub(crate) fn new_tag(&self) -> u64 {
        let mut table = self.0.lock().unwrap();
        table.last_tag += 1;
        table.last_tag
    }

    /// To be called before the request is submitted: another thread may drain at once.
    pub(crate) fn add(&self, tag: u64) {
        self.0.lock().unwrap().requests.insert(tag, Request::default());
    }

    pub(crate) fn remove(&self, tag: u64) {
        let removed = self.0.lock().unwrap().requests.remove(&tag);
        drop(removed); // outside of the lock, as all wakers: they may run foreign code
    }

    /// The status of a request that has ended; else the future of this number is woken by its end.
    pub(crate) fn poll(&self, tag: u64, future: u64, context: &Context<'_>) -> Poll<i32> {
        let mut table = self.0.lock().unwrap();
        let request = table.requests.entry(tag).or_default();
        if let Some(status) = request.status {
            return Poll::Ready(status);
        }
        let waker = context.waker();
        match request.wakers.iter_mut().find(|(number, _)| *number == future) {
            Some((_, kept)) if kept.will_wake(waker) => {}
            Some((_, kept)) => {
                let old = std::mem::replace(kept, waker.clone());
                drop(table);
                drop(old);
            }
            None => request.wakers.push((future, waker.clone())),
        }
        Poll::Pending
    }

    /// A future that waited for the request was dropped.
    pub(crate) fn forget(&self, tag: u64, future: u64) {
        let mut table = self.0.lock().unwrap();
        let wakers = table.requests.get_mut(&tag).map(|request| &mut request.wakers);
        let forgotten = wakers.and_then(|wakers| {
            let place = wakers.iter().position(|(number, _)| *number == future)?;
            Some(wakers.swap_remove(place))
        });
        drop(table);
        drop(forgotten);
    }

    pub(crate) fn end(&self, tag: u64, status: i32) {
        let mut table = self.0.lock().unwrap();
        let request = match table.requests.get_mut(&tag) {
            Some(request) => request,
            None => return,
        };
        request.status.get_or_insert(status);
        let wakers = std::mem::take(&mut request.wakers);
        drop(table);
        wake(wakers);
    }

    /// Ends whatever has not ended: no more completions will come.
    pub(crate) fn end_all(&self, status: i32) {
        self.wake_all(Some(status));
    }

    /// Wakes all futures that wait, with or without a status.
    pub(crate) fn wake_all(&self, status: Option<i32>) {
        let mut wakers = Vec::new();
        for request in self.0.lock().unwrap().requests.values_mut() {
            request.status = request.status.or(status);
            wakers.append(&mut request.wakers);
        }
        wake(wakers);
    }
}

fn wake(wakers: Vec<(u64, Waker)>) {
    for (_, waker) in wakers {
        waker.wake();
    }
}
