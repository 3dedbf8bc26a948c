// Many tasks of one program import files, one at a time in all programs; a lock that is lost ends its import.
use redilock::{Client, Error, ErrorKind};
use std::time::Duration;

async fn import(client: Client, number: u32) -> Result<(), Error> {
    let lock = client.lock("import").ttl(Duration::from_secs(30)).renew(true);
    let lock = lock.acquire_async().await?; // no thread waits; a drop of the future leaves the queue
    let work = async { println!("import {number} with fence {}", lock.fence()) };
    match lock.while_held(work).await {
        Err(error) if error.kind() == ErrorKind::Lost => println!("import {number}: {error}"),
        other => other?,
    }
    lock.release_async().await
}

fn main() -> Result<(), Error> {
    let client = Client::from_env()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let tasks: Vec<_> = (1..=3).map(|n| tokio::spawn(import(client.clone(), n))).collect();
        for task in tasks {
            task.await.expect("it does not panic")?;
        }
        Ok(())
    })
}
