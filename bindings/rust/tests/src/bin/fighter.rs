//! fighter COUNTER ROUNDS TTL: adds 1 to the number in a file, ROUNDS times, under the lock "counter".
//! Every other round waits by a future. Says "begun" after the first round.

use redilock::{Client, Error};

fn add(counter: &str) {
    let number: u64 =
        std::fs::read_to_string(counter).expect("a file").trim().parse().expect("a number");
    std::fs::write(counter, format!("{}\n", number + 1)).expect("a file");
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let counter = arguments.next().expect("a file");
    let rounds: u64 = arguments.next().expect("rounds").parse().expect("a number");
    let ttl = arguments.next().expect("a ttl");
    let client = Client::from_env()?;
    for round in 0..rounds {
        let request = client.lock("counter").set("ttl", &ttl).renew(true);
        if round % 2 == 0 {
            request.with(|_| add(&counter))?;
        } else {
            let lock = request.acquire_async().await?;
            add(&counter);
            lock.release_async().await?;
        }
        if round == 0 {
            println!("begun");
        }
    }
    Ok(())
}
