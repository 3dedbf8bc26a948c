// What the callers of a client and its reader thread share.

package io.redilock;

import java.lang.System.Logger;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;

/**
 * Hands each completion of a client to the one that expects it. One daemon thread takes them, frees
 * the client after the last, and runs nothing of users, who could block it.
 */
final class Hub implements Runnable {
  private static final Logger LOGGER = System.getLogger("io.redilock");

  // Not the common pool: with two processors or fewer, the JDK starts a thread for each task. The
  // threads are daemons; more of them start while some wait for futures, and idle ones end.
  private static final ForkJoinPool POOL =
      new ForkJoinPool(
          Math.max(2, Runtime.getRuntime().availableProcessors()),
          ForkJoinPool.defaultForkJoinWorkerThreadFactory,
          null,
          true);

  /**
   * How many threads ask on connections of their own; requests of more share the client's. As many
   * connections are kept by default, by the option "pool".
   */
  private static final int DIRECT = 8;

  private final Handle client;
  private final Semaphore direct = new Semaphore(DIRECT);
  private final AtomicLong lastTag = new AtomicLong();
  private final Map<Long, LongConsumer> expected = new ConcurrentHashMap<>();
  private final AtomicBoolean logging = new AtomicBoolean();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Thread reader;
  private volatile Map<String, Long> lastStats = Map.of();

  Hub(String url, Options options) {
    client = new Handle(open(url, options), Core::delete_Client);
    reader = new Thread(this, "redilock-reader");
    reader.setDaemon(true);
    reader.start();
  }

  private static long open(String url, Options options) {
    Handle set = new Handle(Core.options_new(), Core::delete_Options);
    try {
      return set.use(
          pointer -> {
            Core.options_set_int(pointer, "log_notify", 1); // of lines, if "log" asks for some
            options.apply(target(pointer));
            return Core.client_new(url, pointer);
          },
          0L);
    } finally {
      set.free();
    }
  }

  private static Options.Target target(long options) {
    return new Options.Target() {
      @Override
      public void bytes(String name, byte[] value) {
        Core.options_set_bytes(options, name, value);
      }

      @Override
      public void number(String name, long value) {
        Core.options_set_int(options, name, value);
      }
    };
  }

  /** Makes an object of the library that belongs to the client, such as an operation. */
  long make(Maker maker) {
    long made = client.use(maker::make, 0L);
    if (made == 0) {
      throw RedilockException.of(Core.E_CLOSED, "");
    }
    return made;
  }

  /** A function that makes an object of a client. */
  interface Maker {
    long make(long client);
  }

  /** Registers what takes the status of a completion, before the request is submitted. */
  long expect(LongConsumer onStatus) {
    long tag = lastTag.incrementAndGet();
    expected.put(tag, onStatus);
    return tag;
  }

  void forget(long tag) {
    expected.remove(tag);
  }

  /** Says whether this thread may ask on a connection of its own, until {@link #exitDirect}. */
  boolean enterDirect() {
    return direct.tryAcquire();
  }

  void exitDirect() {
    direct.release();
  }

  /** Runs what may block, or what users gave, on another thread than the reader. */
  static void execute(Runnable task) {
    POOL.execute(task);
  }

  /** Asks everything to end; never blocks. */
  void close() {
    client.use(
        pointer -> {
          Core.client_close(pointer);
          return null;
        },
        null);
  }

  /** Waits until the client is freed. An interrupt ends this wait alone. */
  void awaitEnd() {
    try {
      ended.await(2, TimeUnit.SECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  Map<String, Long> stats() {
    Map<String, Long> stats = client.use(Hub::statsOf, null);
    return stats == null ? lastStats : stats;
  }

  private static Map<String, Long> statsOf(long client) {
    Map<String, Long> stats = new LinkedHashMap<>();
    for (long i = 0; i < Core.stat_count(); i++) {
      String name = Core.stat_name(i);
      stats.put(name, Core.client_stat(client, name));
    }
    return stats;
  }

  @Override
  public void run() {
    client.use(
        pointer -> {
          try {
            read(pointer);
          } catch (RedilockException closed) {
            // Or no descriptor is left: then the client is of no use any more.
          } finally {
            Core.client_close(pointer);
            lastStats = statsOf(pointer);
            log(pointer);
            client.free();
          }
          return null;
        },
        null);
    // Those that watch for a loss get no completion.
    expected.keySet().forEach(tag -> complete(tag, Core.E_CLOSED));
    ended.countDown();
  }

  /** Takes completions until the client is closed, which the library throws. */
  private void read(long pointer) {
    long[] tag = new long[1];
    long[] kind = new long[1];
    long[] status = new long[1];
    while (true) {
      Core.client_wait(pointer, Core.WAIT_FOREVER);
      Core.client_next(pointer, tag, kind, status);
      if (kind[0] == Core.COMPLETION_LOG) {
        startLogging();
      } else if (kind[0] != 0) {
        complete(tag[0], status[0]);
      }
    }
  }

  private void complete(long tag, long status) {
    LongConsumer onStatus = expected.remove(tag);
    if (onStatus != null) {
      onStatus.accept(status);
    }
  }

  /** Hands lines to the logger, which may be slow, on another thread, one at a time. */
  private void startLogging() {
    if (logging.compareAndSet(false, true)) {
      execute(
          () -> {
            logging.set(false); // first: lines that come later start another task
            client.use(Hub::log, null);
          });
    }
  }

  private static Void log(long pointer) {
    long[] level = new long[1];
    long[] time = new long[1];
    String line = Core.client_log(pointer, level, time);
    while (level[0] != 0) {
      LOGGER.log(levelOf(level[0]), line);
      line = Core.client_log(pointer, level, time);
    }
    return null;
  }

  private static Logger.Level levelOf(long level) {
    if (level == Core.LOG_ERROR) {
      return Logger.Level.ERROR;
    }
    return level == Core.LOG_WARNING ? Logger.Level.WARNING : Logger.Level.INFO;
  }
}
