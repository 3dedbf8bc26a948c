//! The uncontended pair (acquire, release) on a server of its own: through redilock, by raw commands of the crate
//! redis, and by rslock. All take turns, in a new order each round; the ratios are of the same round.
//!
//! cargo run --release [ROUNDS [PAIRS]]

#[path = "../../redilock/tests/support/mod.rs"]
mod support;

use std::future::Future;
use std::time::{Duration, Instant};

use redis::Script;
use support::Server;

const TTL: Duration = Duration::from_secs(30);
const RELEASE: &str =
    "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0";
const NAMES: [&str; 5] = [
    "raw commands, blocking",
    "redilock, blocking",
    "raw commands, futures",
    "redilock, futures",
    "rslock, futures",
];
/// What each of them is compared with.
const BASES: [usize; 5] = [0, 0, 2, 2, 2];

/// Microseconds for a pair.
fn timed(pairs: u32, mut pair: impl FnMut()) -> f64 {
    let began = Instant::now();
    (0..pairs).for_each(|_| pair());
    began.elapsed().as_secs_f64() * 1e6 / f64::from(pairs)
}

async fn timed_async<F: Future<Output = ()>>(pairs: u32, mut pair: impl FnMut() -> F) -> f64 {
    let began = Instant::now();
    for _ in 0..pairs {
        pair().await;
    }
    began.elapsed().as_secs_f64() * 1e6 / f64::from(pairs)
}

fn set(key: &str, token: &str) -> redis::Cmd {
    let mut set = redis::cmd("SET");
    set.arg(key).arg(token).arg("NX").arg("PX").arg(TTL.as_millis() as u64);
    set
}

/// The value at a part of a sorted list, such as 0.5 for the median.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * part).round() as usize]
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn main() {
    let mut numbers = std::env::args().skip(1).map(|word| word.parse().expect("a number"));
    let (rounds, pairs) = (numbers.next().unwrap_or(40), numbers.next().unwrap_or(500));
    let server = Server::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let redis = redis::Client::open(server.url()).unwrap();
    let mut connection = redis.get_connection().unwrap();
    let shared = runtime.block_on(redis.get_multiplexed_async_connection()).unwrap();
    let (client, client_async) = (server.client(), server.client());
    let manager = rslock::LockManager::new(vec![server.url()]);
    let script = Script::new(RELEASE);

    let mut round = |which: usize, pairs: u32| match which {
        0 => timed(pairs, || {
            set("raw", "token").exec(&mut connection).unwrap();
            let _: i32 = script.key("raw").arg("token").invoke(&mut connection).unwrap();
        }),
        1 => timed(pairs, || client.lock("job").ttl(TTL).acquire().unwrap().release().unwrap()),
        2 => runtime.block_on(timed_async(pairs, || async {
            let mut connection = shared.clone();
            set("raw", "token").exec_async(&mut connection).await.unwrap();
            let mut release = script.key("raw");
            let _: i32 = release.arg("token").invoke_async(&mut connection).await.unwrap();
        })),
        3 => runtime.block_on(timed_async(pairs, || async {
            let lock = client_async.lock("job-async").ttl(TTL).acquire_async().await.unwrap();
            lock.release_async().await.unwrap();
        })),
        _ => runtime.block_on(timed_async(pairs, || async {
            let lock = manager.lock("rslock", TTL).await.unwrap();
            manager.unlock(&lock).await;
        })),
    };
    for which in 0..5 {
        round(which, 50);
    }
    let mut times = Vec::new();
    for number in 0..rounds {
        let mut of_round = [0.0; 5];
        for place in 0..5 {
            let which = (number as usize + place * 2) % 5;
            of_round[which] = round(which, pairs);
        }
        times.push(of_round);
    }
    println!("{rounds} rounds of {pairs} pairs each: median (quartiles)");
    for (which, name) in NAMES.iter().enumerate() {
        let each = sorted(times.iter().map(|of| of[which]));
        let ratios = sorted(times.iter().map(|of| of[which] / of[BASES[which]]));
        let [low, middle, high] = [0.25, 0.5, 0.75].map(|part| quantile(&ratios, part));
        println!(
            "{name:24} {:7.1} us  {middle:5.2} ({low:.2} to {high:.2}) times {}",
            quantile(&each, 0.5),
            NAMES[BASES[which]]
        );
    }
}
