// Many at once: waiters without threads, a pool of threads, several processes, forgotten leases.

package io.redilock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class ManyTest extends WithServer {
  private static final int WAITERS = 10_000;
  private static final int NAMES = 100;

  private static int threads() {
    return ManagementFactory.getThreadMXBean().getThreadCount();
  }

  private static long statusOf(String field) throws Exception {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith(field + ":"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void tenThousandWaitersTakeNoThreads() throws Exception {
    List<Lease> held = new ArrayList<>();
    for (int i = 0; i < NAMES; i++) {
      held.add(client.acquire("many:" + i, options("ttl", "10m")));
    }
    System.gc();
    long memory = statusOf("VmRSS");
    int javaThreads = threads();
    long allThreads = statusOf("Threads");
    List<CompletableFuture<Void>> served = new ArrayList<>();
    for (int i = 0; i < WAITERS; i++) {
      served.add(
          client
              .acquireAsync("many:" + i % NAMES, options("ttl", "10m"))
              .thenCompose(Lease::releaseAsync));
    }
    Server.until(() -> client.stats().get("queued_now") == WAITERS);
    System.out.printf(
        "%d waiters: %d more threads of Java, %d more of all, %d MiB more%n",
        WAITERS,
        threads() - javaThreads,
        statusOf("Threads") - allThreads,
        (statusOf("VmRSS") - memory) / 1024);
    assertTrue(threads() - javaThreads <= Runtime.getRuntime().availableProcessors());
    held.forEach(Lease::close);
    CompletableFuture.allOf(served.toArray(CompletableFuture[]::new)).get();
    assertEquals(0, client.stats().get("queued_now"));
  }

  @Test
  void aPoolOfThreadsCountsExactly() throws Exception {
    int[] counter = {0}; // not atomic: the lock guards it
    ExecutorService pool = Executors.newFixedThreadPool(32);
    List<Future<?>> requests = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      int request = i;
      requests.add(pool.submit(() -> count(request, counter)));
    }
    for (Future<?> request : requests) {
      request.get();
    }
    pool.shutdown();
    assertEquals(2000, counter[0]);
    untilFree("pool");
  }

  private static Object count(int request, int[] counter) throws InterruptedException {
    if (request % 2 == 0) {
      try (Lease lease = client.acquire("pool")) {
        return counter[0]++;
      }
    }
    RedilockLock lock = client.getLock("pool");
    lock.lock();
    try {
      return counter[0]++;
    } finally {
      lock.unlock();
    }
  }

  @Test
  void severalProcessesCountExactly() throws Exception {
    Path counter = Files.createTempFile("redilock-java", "");
    Files.writeString(counter, "0");
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      processes.add(Program.start("count", server.url(), counter.toString()));
    }
    for (Process process : processes) {
      assertEquals(0, process.waitFor());
    }
    assertEquals(3 * Program.TIMES, Integer.parseInt(Files.readString(counter)));
    Files.delete(counter);
  }

  @Test
  void theSignalsOfTheMachineStayAsTheyAre() throws Exception {
    assertEquals(0, Program.start("signals", server.url()).waitFor());
  }

  @Test
  void aForgottenLeaseIsReleasedByTheCollector() throws Exception {
    forget("forgotten");
    Server.until(() -> collected("forgotten"));
  }

  private static void forget(String name) throws InterruptedException {
    assertTrue(client.acquire(name, options("renew", "yes")).isHeld());
  }

  @Test
  void theLockOfAThreadThatEndedIsReleasedByTheCollector() throws Exception {
    Thread thread = new Thread(() -> client.getLock("ended").lock());
    thread.start();
    thread.join();
    assertTrue(client.getLock("ended").isLocked());
    thread = null;
    Server.until(() -> collected("ended"));
  }

  @Test
  void aForgottenClientIsClosedByTheCollector() throws Exception {
    long before = threads();
    for (int i = 0; i < 20; i++) {
      server.client().acquire("client:" + i).release();
    }
    Server.until(
        () -> {
          System.gc();
          return threads() < before + 10;
        });
  }

  private static boolean collected(String name) {
    System.gc();
    return client.info(name).state() == LockInfo.State.FREE;
  }
}
