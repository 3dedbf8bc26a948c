// One of many processes writes the report of the day; the others wait, and give up after a minute.
use redilock::{Client, Error};
use std::time::Duration;

fn main() -> Result<(), Error> {
    let client = Client::from_env()?; // REDILOCK_URL, or else 127.0.0.1:6379
    let request = client.lock("report").ttl(Duration::from_secs(30)).renew(true);
    let lock = request.wait(Duration::from_secs(60)).acquire()?;
    println!("report written with fence {}", lock.fence());
    lock.release() // says if the lock was lost, and somebody else may have written it too
}
