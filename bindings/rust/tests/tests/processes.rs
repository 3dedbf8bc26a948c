//! Processes that fight for one lock: of Rust, of the command, and a service.

#[path = "../../redilock/tests/support/mod.rs"]
mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use support::{is_free, until_waiters, Server, LONG};

const MINUTE: Duration = Duration::from_secs(60);

/// A process that is killed with this value, if it has not ended.
struct Process(Child);

impl Process {
    fn start(server: &Server, program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).env("REDILOCK_URL", server.url()).stdout(Stdio::piped());
        Self(command.spawn().expect(program))
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.0.stdout.as_mut().expect("output"))
            .read_line(&mut line)
            .expect("a line");
        line.trim().to_owned()
    }

    fn ends_well(mut self) {
        let status = self.0.wait().expect("a status");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Counter(PathBuf);

impl Counter {
    fn new(name: &str) -> Self {
        let file = format!("redilock-rust-counter.{}.{name}", std::process::id());
        let path = std::env::temp_dir().join(file);
        fs::write(&path, "0\n").expect("a file");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("text")
    }

    fn value(&self) -> u64 {
        fs::read_to_string(&self.0).expect("a file").trim().parse().expect("a number")
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn redilock() -> String {
    std::env::var("REDILOCK_CLI").unwrap_or_else(|_| "redilock".into())
}

#[test]
fn processes_of_two_languages_count_exactly() {
    let server = Server::new();
    let counter = Counter::new("fight");
    let fighter = env!("CARGO_BIN_EXE_fighter");
    let fighters: Vec<_> =
        (0..4).map(|_| Process::start(&server, fighter, &[counter.path(), "200", "60s"])).collect();
    let script = format!("read n <{0}; echo $((n + 1)) >{0}", counter.path());
    let run = ["run", "--ttl=60s", "counter", "--", "sh", "-c", &script];
    for _ in 0..20 {
        Process::start(&server, &redilock(), &run).ends_well();
    }
    fighters.into_iter().for_each(Process::ends_well);
    assert_eq!(counter.value(), 4 * 200 + 20);
}

#[test]
fn the_lock_of_a_killed_process_ends_with_its_lease() {
    let server = Server::new();
    let client = server.client();
    let counter = Counter::new("kill");
    let fighter = env!("CARGO_BIN_EXE_fighter");
    let rounds = "1000000000";
    let mut killed = Process::start(&server, fighter, &[counter.path(), rounds, "5s"]);
    assert_eq!(killed.line(), "begun");
    let wait = thread::spawn(move || {
        let lock = client.lock("counter").ttl(MINUTE).acquire().unwrap();
        (lock, client)
    });
    killed.0.kill().unwrap();
    let (lock, client) = wait.join().unwrap();
    // Nobody writes now, whether the process died with the lock or without.
    fs::write(counter.path(), "5\n").unwrap();
    lock.release().unwrap();
    Process::start(&server, fighter, &[counter.path(), "10", "60s"]).ends_well();
    assert_eq!(counter.value(), 15);
    assert!(is_free(&client, "counter"));
}

#[test]
fn waiters_of_two_languages_are_served_in_their_order() {
    let server = Server::new();
    let client = server.client();
    let order = Counter::new("order");
    fs::write(order.path(), "").unwrap();
    let held = client.lock("job").ttl(MINUTE).acquire().unwrap();
    let (mut threads, mut processes) = (Vec::new(), Vec::new());
    for place in 0..6 {
        if place % 2 == 0 {
            let (client, file) = (client.clone(), order.0.clone());
            threads.push(thread::spawn(move || {
                client.lock("job").ttl(MINUTE).with(|_| append(&file, place)).unwrap();
            }));
        } else {
            let script = format!("echo {place} >>{}", order.path());
            let run = ["run", "--ttl=60s", "job", "--", "sh", "-c", &script];
            processes.push(Process::start(&server, &redilock(), &run));
        }
        until_waiters(&client, "job", place + 1);
    }
    held.release().unwrap();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    processes.into_iter().for_each(Process::ends_well);
    assert_eq!(fs::read_to_string(order.path()).unwrap(), "0\n1\n2\n3\n4\n5\n");
}

fn append(file: &Path, place: u64) {
    let mut file = fs::OpenOptions::new().append(true).open(file).expect("a file");
    writeln!(file, "{place}").expect("a line");
}

#[test]
fn a_service_of_two_processes_counts_exactly_and_ends_in_the_middle() {
    let server = Server::new();
    let client = server.client();
    let counter = Counter::new("service");
    let start = || {
        let mut service = Process::start(&server, env!("CARGO_BIN_EXE_service"), &[counter.path()]);
        let port: u16 = service.line().parse().expect("a port");
        (service, port)
    };
    let services = [start(), start()];
    let users: Vec<_> = (0..20)
        .map(|user: usize| {
            let port = services[user % 2].1;
            thread::spawn(move || (0..10).for_each(|_| assert!(ask(port) > 0)))
        })
        .collect();
    users.into_iter().for_each(|user| user.join().unwrap());
    assert_eq!(counter.value(), 200);

    let held = client.lock("service").ttl(MINUTE).acquire().unwrap();
    let waiting: Vec<_> = (0..10).map(|user: usize| send(services[user % 2].1)).collect();
    until_waiters(&client, "service", 10);
    for (service, _) in services {
        let id = service.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        service.ends_well();
    }
    // Their waits have left the queue, or else those that follow are served a little later.
    held.release().unwrap();
    drop(waiting);
    client.lock("service").ttl(MINUTE).wait(LONG).acquire().unwrap().release().unwrap();
    assert_eq!(counter.value(), 200);
}

fn send(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    stream.write_all(b"add\n").expect("a request");
    stream
}

fn ask(port: u16) -> u64 {
    let stream = send(port);
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line).expect("an answer");
    line.trim().parse().expect("a number")
}
