import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.redisson.Redisson;
import org.redisson.api.RLock;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;

/** Locks of Redisson: LIBRARY PORT NAME SECONDS HOLD_US THINK_US, one line of JSON. */
public final class Turns {
  private static final int WARM_UP = 3000; // pairs until the machine code is there

  private static RLock lock(RedissonClient client, String library, String name) {
    return library.equals("RFairLock") ? client.getFairLock(name) : client.getLock(name);
  }

  private static void pause(long micros) throws InterruptedException {
    if (micros > 0) TimeUnit.MICROSECONDS.sleep(micros);
  }

  private static void waitForBegin() throws InterruptedException {
    String begin = System.getenv("BENCH_AT");
    if (begin == null) return;
    long left = (long) (Double.parseDouble(begin) * 1000) - System.currentTimeMillis();
    if (left < 0) System.err.println("began " + -left + " ms late");
    Thread.sleep(Math.max(0, left));
  }

  public static void main(String[] arguments) throws Exception {
    String library = arguments[0];
    double seconds = Double.parseDouble(arguments[3]);
    long hold = Long.parseLong(arguments[4]);
    long think = Long.parseLong(arguments[5]);
    Config config = new Config();
    config.setThreads(2).setNettyThreads(2);
    config.useSingleServer().setAddress("redis://127.0.0.1:" + arguments[1])
        .setConnectionMinimumIdleSize(2).setConnectionPoolSize(4)
        .setSubscriptionConnectionMinimumIdleSize(1);
    RedissonClient client = Redisson.create(config);
    RLock warm = lock(client, library, "warm " + ProcessHandle.current().pid());
    int pairs = Integer.parseInt(System.getenv().getOrDefault("BENCH_WARM_UP", "" + WARM_UP));
    for (int i = 0; i < pairs; i++) {
      warm.lock(30, TimeUnit.SECONDS);
      warm.unlock();
    }
    RLock lock = lock(client, library, arguments[2]);
    waitForBegin();
    List<Double> took = new ArrayList<>();
    long end = System.nanoTime() + (long) (seconds * 1e9);
    while (System.nanoTime() < end) {
      long begun = System.nanoTime();
      lock.lock(30, TimeUnit.SECONDS);
      pause(hold);
      lock.unlock();
      took.add((System.nanoTime() - begun) / 1e3);
      pause(think);
    }
    Collections.sort(took);
    int turns = took.size();
    double p50 = turns == 0 ? 0 : took.get(turns / 2);
    double p99 = turns == 0 ? 0 : took.get((int) (turns * .99));
    System.out.printf(Locale.ROOT, "{\"turns\":%d,\"failed\":0,\"p50_us\":%.1f,\"p99_us\":%.1f}%n",
        turns, p50, p99);
    System.exit(0);
  }
}
