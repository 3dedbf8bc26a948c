//! The runner of Rust: each acquire and each wait for a loss is a future that a thread polls; all else blocks.

use std::collections::HashMap;
use std::future::Future;
use std::io::{BufRead, Write};
use std::process::exit;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use redilock::{Client, Error, Info, Lock, Request, State, WaitHandle};

extern "C" {
    fn fork() -> i32;
    fn waitpid(process: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(code: i32) -> !;
}

#[derive(Default)]
struct Runner {
    clients: HashMap<String, Client>,
    locks: Arc<Mutex<HashMap<String, Arc<Lock>>>>,
    waits: HashMap<String, WaitHandle>,
}

/// The values of a reply, or how a call failed. `None` is a verb that Rust does not have.
type Reply = Option<Result<String, Error>>;

fn main() {
    let mut runner = Runner::default();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let mut words = line.split(' ').map(str::to_owned);
        let mut next = || words.next().unwrap_or_default();
        let (number, verb, object) = (next(), next(), next());
        if verb == "acquire" {
            let name = next();
            runner.acquire(number, &object, name, Words(words.collect()));
        } else if verb == "lost" {
            let lock = runner.lock(&object);
            thread::spawn(move || reply(&number, Some(Err(block_on(lock.lost())))));
        } else {
            reply(&number, runner.serve(&verb, &object, Words(words.collect())));
        }
    }
    exit(0); // threads may still wait
}

impl Runner {
    fn client(&self, name: &str) -> &Client {
        &self.clients[name]
    }

    fn lock(&self, name: &str) -> Arc<Lock> {
        Arc::clone(&self.locks.lock().unwrap()[name])
    }

    fn acquire(&mut self, number: String, client: &str, lock: String, mut words: Words) {
        let request = words.request(self.client(client));
        self.waits.insert(number.clone(), request.handle());
        let locks = Arc::clone(&self.locks);
        thread::spawn(move || {
            let acquired =
                block_on(request.acquire_async()).map(|granted| keep(&locks, lock, granted));
            reply(&number, Some(acquired));
        });
    }

    fn serve(&mut self, verb: &str, object: &str, mut words: Words) -> Reply {
        let none = |()| String::new();
        Some(match verb {
            "client" => words.client().map(|client| {
                self.clients.insert(object.into(), client);
                String::new()
            }),
            "cancel" => {
                self.waits[object].cancel();
                Ok(String::new())
            }
            "close" => {
                self.client(object).close();
                Ok(String::new())
            }
            "fork" => in_child_of_fork(self.client(object)),
            "list" => self.list(object, &words.take("pattern").unwrap_or_else(|| "*".into())),
            "check" => words
                .request_for(self.client(object), "redilock-check")
                .check()
                .map(|_| String::new()),
            "attach" => {
                let (name, token) = (words.0.remove(0), words.token());
                let attached = words.request(self.client(object)).attach(token);
                attached.map(|lock| keep(&self.locks, name, lock)).map(|_| String::new())
            }
            "break" => return Some(broken(words.request(self.client(object)))),
            "release_token" => {
                let token = words.token();
                words.request(self.client(object)).release_token(token).map(none)
            }
            "extend_token" => {
                let token = words.token();
                words.request(self.client(object)).extend_token(token).map(none)
            }
            "info" => {
                let token = words.token();
                words.request(self.client(object)).info().map(|info| described(&info, &token))
            }
            "release" => self.lock(object).release().map(none),
            "extend" => {
                let ttl = words.take("ttl").expect("a ttl");
                let ttl = String::from_utf8(ttl).expect("text").parse().expect("a number");
                self.lock(object).extend(Duration::from_millis(ttl)).map(none)
            }
            "look" => Ok(look(&self.lock(object))),
            "drop" | "detach" => {
                let lock = self.locks.lock().unwrap().remove(object).expect("a lock");
                let lock = Arc::try_unwrap(lock).expect("nobody waits for its loss");
                if verb == "detach" {
                    lock.detach();
                }
                Ok(String::new())
            }
            _ => return None,
        })
    }

    fn list(&self, client: &str, pattern: &[u8]) -> Result<String, Error> {
        let names: Result<Vec<_>, _> = self.client(client).names(pattern)?.collect();
        let names: Vec<_> = names?.iter().map(|name| encoded(name)).collect();
        Ok(format!(" names={}", names.join(",")))
    }
}

/// The words of a request that are "name=value". One that is taken is no option of the call.
struct Words(Vec<String>);

impl Words {
    fn take(&mut self, name: &str) -> Option<Vec<u8>> {
        let is_it = |word: &String| word.split_once('=').map_or(false, |(start, _)| start == name);
        let place = self.0.iter().position(is_it)?;
        let word = self.0.remove(place);
        Some(decoded(&word[name.len() + 1..]))
    }

    fn token(&mut self) -> Vec<u8> {
        self.take("token").unwrap_or_default()
    }

    fn options(&self) -> impl Iterator<Item = (&str, Vec<u8>)> {
        let options = self.0.iter().filter_map(|word| word.split_once('='));
        options.map(|(name, value)| (name, decoded(value)))
    }

    fn request(&mut self, client: &Client) -> Request {
        self.request_for(client, "")
    }

    /// A request with the rest of the words as options.
    fn request_for(&mut self, client: &Client, default_name: &str) -> Request {
        let name = self.take("name").unwrap_or_else(|| default_name.into());
        let mut request = client.lock(name);
        for (name, value) in self.options() {
            request = request.set(name, value);
        }
        request
    }

    fn client(&mut self) -> Result<Client, Error> {
        let mut builder = Client::builder();
        if let Some(url) = self.take("url") {
            builder = builder.url(String::from_utf8(url).expect("text"));
        }
        for (name, value) in self.options() {
            builder = builder.set(name, value);
        }
        builder.build()
    }
}

fn keep(locks: &Mutex<HashMap<String, Arc<Lock>>>, name: String, lock: Lock) -> String {
    let fence = format!(" fence={}", lock.fence());
    locks.lock().unwrap().insert(name, Arc::new(lock));
    fence
}

fn look(lock: &Lock) -> String {
    let (held, remaining) = (u8::from(lock.is_held()), lock.remaining().as_millis());
    let (fence, token) = (lock.fence(), encoded(lock.token()));
    format!(" held={held} remaining={remaining} fence={fence} token={token}")
}

fn described(info: &Info, token: &[u8]) -> String {
    let state = match info.state() {
        State::Free => "free",
        State::Foreign => "foreign",
        _ => "held",
    };
    let (waiters, label) = (info.waiters(), encoded(info.label().as_bytes()));
    format!(
        " state={state} waiters={waiters} is={} label={label}",
        u8::from(info.is_held_by(token))
    )
}

/// A break says whether somebody held the lock; here it is a status.
fn broken(request: Request) -> Result<String, Error> {
    match request.break_lock() {
        Ok(true) => Ok(String::new()),
        Ok(false) => Ok("NOT_OWNER".into()),
        Err(error) => Err(error),
    }
}

fn in_child_of_fork(client: &Client) -> Result<String, Error> {
    let child = unsafe { fork() };
    if child == 0 {
        let code = client.lock("forked").try_acquire().map_or_else(|error| -error.status(), |_| 0);
        unsafe { _exit(code) }
    }
    let mut status = 0;
    assert_eq!(unsafe { waitpid(child, &mut status, 0) }, child);
    Ok(match (status >> 8) & 0xff {
        14 => "FORKED".into(),
        code => format!("CODE_{code}"),
    })
}

fn reply(number: &str, reply: Reply) {
    let text = match reply {
        None => "UNABLE".into(),
        Some(Ok(values)) if values.is_empty() || values.starts_with(' ') => format!("OK{values}"),
        Some(Ok(status)) => status,
        Some(Err(error)) => error.status_name().replace("REDILOCK_", "").replace("E_", ""),
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{number} {text}").and_then(|()| out.flush()).expect("output");
}

fn encoded(bytes: &[u8]) -> String {
    let encode = |byte: &u8| match byte {
        b'%' | b'=' | b',' => format!("%{byte:02X}"),
        b'!'..=b'~' => char::from(*byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    bytes.iter().map(encode).collect()
}

fn decoded(word: &str) -> Vec<u8> {
    let mut parts = word.split('%');
    let mut bytes = parts.next().unwrap_or("").as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).expect("a byte"));
        bytes.extend_from_slice(part[2..].as_bytes());
    }
    bytes
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = Box::pin(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
