// The lock of Rust, rslock: LIBRARY PORT NAME SECONDS HOLD_US THINK_US, one line of JSON.
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

async fn wait_for_begin() {
    if let Ok(begin) = std::env::var("BENCH_AT") {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        let left = begin.parse::<f64>().unwrap() - now;
        tokio::time::sleep(Duration::from_secs_f64(left.max(0.0))).await;
    }
}

async fn pause(span: Duration) {
    if !span.is_zero() {
        tokio::time::sleep(span).await;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, _, port, name, seconds, hold, think] = &arguments[..] else {
        panic!("LIBRARY PORT NAME SECONDS HOLD_US THINK_US");
    };
    let micros = |text: &str| Duration::from_micros(text.parse().unwrap());
    let (hold, think) = (micros(hold), micros(think));
    let mut locks = rslock::LockManager::new(vec![format!("redis://127.0.0.1:{port}/")]);
    locks.set_retry(1_000_000, Duration::from_millis(200));
    wait_for_begin().await;
    let end = Instant::now() + Duration::from_secs_f64(seconds.parse().unwrap());
    let (mut took, mut failed) = (Vec::<f64>::new(), 0);
    while Instant::now() < end {
        let begun = Instant::now();
        match locks.lock(name.as_bytes(), Duration::from_secs(30)).await {
            Ok(lock) => {
                pause(hold).await;
                locks.unlock(&lock).await;
                took.push(begun.elapsed().as_secs_f64() * 1e6);
            }
            Err(_) => failed += 1,
        }
        pause(think).await;
    }
    took.sort_by(f64::total_cmp);
    let at = |part: f64| took.get((took.len() as f64 * part) as usize).copied().unwrap_or(0.0);
    println!(
        "{{\"turns\":{},\"failed\":{failed},\"p50_us\":{:.1},\"p99_us\":{:.1}}}",
        took.len(),
        at(0.5),
        at(0.99)
    );
}
