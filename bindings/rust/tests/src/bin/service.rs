//! A service of tokio: each line that a client sends adds 1 to the number in a file, under a lock that all
//! processes of the service share, and is answered with the number. SIGTERM ends it: waits leave the queue.
//!
//! service COUNTER: says on which port it listens.

use std::time::Duration;

use redilock::Client;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{signal, SignalKind};
use tokio::task::JoinSet;

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn add(client: &Client, counter: &str) -> Result<u64, Failure> {
    let lock = client.lock("service").ttl(Duration::from_secs(30)).renew(true);
    let lock = lock.acquire_async().await?;
    let work = async {
        let number: u64 = std::fs::read_to_string(counter)?.trim().parse()?;
        tokio::task::yield_now().await; // other tasks of this process run now
        std::fs::write(counter, format!("{}\n", number + 1))?;
        Ok::<_, Failure>(number + 1)
    };
    let number = lock.while_held(work).await??;
    lock.release_async().await?;
    Ok(number)
}

async fn serve(stream: TcpStream, client: Client, counter: String) -> Result<(), Failure> {
    let mut stream = BufStream::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let number = add(&client, &counter).await?;
        stream.write_all(format!("{number}\n").as_bytes()).await?;
        stream.flush().await?;
        line.clear();
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let counter = std::env::args().nth(1).expect("a file");
    let client = Client::from_env()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut end = signal(SignalKind::terminate())?;
    println!("{}", listener.local_addr()?.port());
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                tasks.spawn(serve(accepted?.0, client.clone(), counter.clone()));
            }
            _ = end.recv() => break,
        }
    }
    tasks.shutdown().await; // drops the tasks, their waits and their locks
    Ok(())
}
