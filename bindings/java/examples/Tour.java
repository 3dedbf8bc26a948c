// What README.md shows: locks of java.util.concurrent, leases, loss, futures, look-ups.
import io.redilock.HeldException;
import io.redilock.Lease;
import io.redilock.LockInfo;
import io.redilock.LostException;
import io.redilock.Options;
import io.redilock.RedilockClient;
import io.redilock.RedilockLock;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

class Tour {
  private static void book() {
    System.out.println("booked");
  }

  private static void locks(RedilockClient client) throws InterruptedException {
    RedilockLock lock = client.getLock("room:7");
    if (lock.tryLock(5, TimeUnit.SECONDS)) {
      try {
        book();
      } finally {
        lock.unlock(); // throws LostException if another may have booked it too
      }
    }
    if (lock.tryLock(5, 30, TimeUnit.SECONDS)) { // not renewed: at most 30 s
      lock.unlock();
    }
  }

  private static void leases(RedilockClient client) throws InterruptedException {
    Options options = new Options().set("ttl", Duration.ofSeconds(30)).set("wait", "0");
    try (Lease lease = client.acquire("leader", options)) {
      lease.onLost(Thread.currentThread()::interrupt);
      System.out.println(lease.fence() + " " + lease.isHeld() + " " + lease.remaining());
      lease.extend(Duration.ofMinutes(5));
    } catch (HeldException held) {
      System.out.println("another one leads: " + held.getMessage());
    } catch (LostException lost) {
      System.out.println("another one may have led too: " + lost.getMessage());
    }
  }

  private static void futures(RedilockClient client) {
    CompletableFuture<Lease> future = client.acquireAsync("import", new Options());
    future.thenCompose(lease -> {
      System.out.println("import with fence " + lease.fence());
      return lease.releaseAsync();
    }).join();
  }

  private static void passOn(RedilockClient client) throws InterruptedException {
    String token = client.acquire("upload").detach();
    // In another process:
    Lease lease = client.attach("upload", token, new Options().set("ttl", "1m").set("renew", true));
    lease.close();
  }

  private static void look(RedilockClient client) throws InterruptedException {
    LockInfo info = client.info("till");
    System.out.println(info.state() + " " + info.label() + " " + info.waiting());
    info.waiters().forEach(waiter -> System.out.println(waiter.label() + " " + waiter.waited()));
    System.out.println(client.list("room:*") + " " + client.check());
  }

  public static void main(String[] args) throws InterruptedException {
    try (RedilockClient client = RedilockClient.connect()) {
      locks(client);
      leases(client);
      futures(client);
      passOn(client);
      look(client);
    }
  }
}
