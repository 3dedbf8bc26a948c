// One of many processes writes the report of the day; the others wait, and give up after a minute.
import io.redilock.Lease;
import io.redilock.Options;
import io.redilock.RedilockClient;

class Report {
  public static void main(String[] args) throws InterruptedException {
    Options options = new Options().set("ttl", "30s").set("wait", "1m").set("renew", true);
    try (RedilockClient client = RedilockClient.connect(); // of REDILOCK_URL
        Lease lease = client.acquire("report", options)) {
      System.out.println("report written with fence " + lease.fence());
    } // throws LostException if another may have written it too
  }
}
