// The uncontended pair of an acquire and a release by redilock, by Redisson, and by raw commands of
// Jedis (SET NX PX, and a compare-and-delete script): interleaved rounds against one server, as
// ratios to the raw commands of the same round. ./run.sh runs it.
import io.redilock.Lease;
import io.redilock.Options;
import io.redilock.RedilockClient;
import io.redilock.RedilockLock;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.redisson.Redisson;
import org.redisson.api.RLock;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.params.SetParams;

class Bench {
  private static final int WARM_UP = Integer.getInteger("warmUp", 20_000);
  private static final int ROUNDS = 31;
  private static final int PAIRS = 500; // of each in a round
  private static final String RELEASE =
      "if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end "
          + "return redis.call('del', KEYS[1])";

  private interface Pair {
    void run() throws Exception;
  }

  private record Candidate(String name, Pair pair) {}

  private static Pair raw(Jedis jedis) {
    String sha = jedis.scriptLoad(RELEASE);
    SetParams held = new SetParams().nx().px(30_000);
    return () -> {
      String set = jedis.set("raw", "token", held);
      Object deleted = jedis.evalsha(sha, List.of("raw"), List.of("token"));
      check("OK".equals(set) && deleted.equals(1L));
    };
  }

  private static Pair byLease(RedilockClient client) {
    Options options = new Options().set("ttl", "30s");
    return () -> {
      try (Lease lease = client.acquire("lease", options)) {
        check(lease.isHeld());
      }
    };
  }

  private static Pair byLock(RedilockClient client) {
    RedilockLock lock = client.getLock("lock");
    return () -> {
      lock.lock(30, TimeUnit.SECONDS);
      lock.unlock();
    };
  }

  private static Pair byRedisson(RedissonClient client) {
    RLock lock = client.getLock("redisson");
    return () -> {
      lock.lock(30, TimeUnit.SECONDS);
      lock.unlock();
    };
  }

  private static void check(boolean ok) {
    if (!ok) {
      throw new IllegalStateException("the lock was not free");
    }
  }

  /** Returns the microseconds of a pair. */
  private static double time(Pair pair, int times) throws Exception {
    long begun = System.nanoTime();
    for (int i = 0; i < times; i++) {
      pair.run();
    }
    return (System.nanoTime() - begun) / 1000.0 / times;
  }

  private static void print(String name, double[] values, String unit) {
    Arrays.sort(values);
    System.out.printf(
        "%-34s %7.2f%s (%.2f..%.2f)%n",
        name, values[values.length / 2], unit, values[0], values[values.length - 1]);
  }

  private static void compare(List<Candidate> candidates) throws Exception {
    for (Candidate candidate : candidates) {
      time(candidate.pair, WARM_UP);
    }
    int count = candidates.size();
    double[][] times = new double[count][ROUNDS];
    double[][] ratios = new double[count][ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
      for (int i = 0; i < count; i++) {
        int turn = (i + round) % count; // each is first in turn
        times[turn][round] = time(candidates.get(turn).pair, PAIRS);
      }
      for (int i = 0; i < count; i++) {
        ratios[i][round] = times[i][round] / times[0][round];
      }
    }
    System.out.printf("%d rounds of %d pairs: medians (min..max)%n", ROUNDS, PAIRS);
    for (int i = 0; i < count; i++) {
      print(candidates.get(i).name, times[i], " µs");
    }
    for (int i = 1; i < count; i++) {
      print(candidates.get(i).name + " / " + candidates.get(0).name, ratios[i], "   ");
    }
  }

  public static void main(String[] args) throws Exception {
    int port = Integer.parseInt(args[0]);
    String url = "redis://127.0.0.1:" + port;
    Config config = new Config();
    config.useSingleServer().setAddress(url);
    RedissonClient redisson = Redisson.create(config);
    try (Jedis jedis = new Jedis("127.0.0.1", port);
        RedilockClient client = RedilockClient.connect(url)) {
      compare(
          List.of(
              new Candidate("Jedis", raw(jedis)),
              new Candidate("redilock Lease", byLease(client)),
              new Candidate("redilock Lock", byLock(client)),
              new Candidate("Redisson RLock", byRedisson(redisson))));
    } finally {
      redisson.shutdown();
    }
  }
}
