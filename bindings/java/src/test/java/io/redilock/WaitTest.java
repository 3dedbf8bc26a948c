// Waits: their order, and how interrupts, cancels, timeouts and a close end them.

package io.redilock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class WaitTest extends WithServer {
  @Test
  void waitersAreServedInTheOrderOfTheirArrival() throws Exception {
    List<Integer> served = Collections.synchronizedList(new ArrayList<>());
    List<CompletableFuture<Void>> waiters = new ArrayList<>();
    try (Lease lease = client.acquire("order")) {
      for (int i = 0; i < 10; i++) {
        int place = i;
        waiters.add(
            i % 2 == 0
                ? CompletableFuture.runAsync(() -> serve(place, served), Server::onThread)
                : client
                    .acquireAsync("order", new Options())
                    .thenAccept(granted -> serve(place, served, granted)));
        untilWaiting("order", i + 1);
      }
      assertTrue(served.isEmpty());
      assertTrue(lease.isHeld());
    }
    CompletableFuture.allOf(waiters.toArray(CompletableFuture[]::new)).get();
    assertEquals(IntStream.range(0, 10).boxed().collect(Collectors.toList()), served);
  }

  private static void serve(int place, List<Integer> served) {
    try {
      serve(place, served, client.acquire("order"));
    } catch (InterruptedException failure) {
      throw new IllegalStateException(failure);
    }
  }

  private static void serve(int place, List<Integer> served, Lease lease) {
    served.add(place);
    lease.close();
  }

  @Test
  void theCommandWaitsInTheSameQueue() throws Exception {
    String command = System.getenv("REDILOCK_CLI");
    assumeTrue(command != null, "there is no REDILOCK_CLI");
    Path ran = Files.createTempFile("redilock-java", "");
    Files.delete(ran);
    CompletableFuture<Lease> after;
    Process process;
    String[] run = {command, "run", "--url", server.url(), "command", "--", "touch", "" + ran};
    try (Lease lease = client.acquire("command")) {
      process = Server.start(run);
      untilWaiting("command", 1);
      after = client.acquireAsync("command", new Options());
      untilWaiting("command", 2);
      assertTrue(lease.isHeld());
    }
    after.get().close();
    assertTrue(Files.deleteIfExists(ran));
    assertEquals(0, process.waitFor());
  }

  @Test
  void anInterruptEndsAWait() throws Exception {
    try (Lease lease = client.acquire("interrupt")) {
      Interrupted waiter = new Interrupted(() -> client.acquire("interrupt"));
      untilWaiting("interrupt", 1);
      System.out.println("interrupt of a wait: " + waiter.interrupt() + " ms");
      untilWaiting("interrupt", 0);
      assertTrue(lease.isHeld());
    }
    assertEquals(LockInfo.State.FREE, client.info("interrupt").state());
  }

  @Test
  void anInterruptAtAnyMomentEndsAWait() throws Exception {
    try (Lease lease = client.acquire("moment", options("ttl", "10m"))) {
      for (int i = 0; i < 300; i++) {
        long moment = System.nanoTime() + i * 2000; // up to 0.6 ms, when the waiter has its place
        Interrupted waiter = new Interrupted(() -> client.acquire("moment"));
        while (System.nanoTime() < moment) {
          Thread.onSpinWait();
        }
        waiter.interrupt();
      }
      untilWaiting("moment", 0);
      assertTrue(lease.isHeld());
    }
    untilFree("moment");
  }

  @Test
  void anInterruptBeforeTheCallEndsIt() {
    Thread.currentThread().interrupt();
    assertThrows(InterruptedException.class, () -> client.acquire("early"));
    assertEquals(LockInfo.State.FREE, client.info("early").state());
  }

  @Test
  void anInterruptEndsACallOnAServerThatStandsStill() throws Exception {
    try (Server own = new Server();
        RedilockClient slow = RedilockClient.connect(own.url(), options("timeout", "1h"))) {
      slow.acquire("held");
      Interrupted waiter = new Interrupted(() -> slow.acquire("held"));
      Server.until(() -> slow.info("held").waiting() == 1);
      own.signal("STOP");
      Interrupted first = new Interrupted(() -> slow.acquire("free"));
      Interrupted list = new Interrupted(() -> slow.list(null));
      first.awaitNativeCall();
      list.awaitNativeCall();
      System.out.println(
          "interrupt on a server that stands still: of a wait " + waiter.interrupt()
              + " ms, of a first request " + first.interrupt() + " ms, of a list "
              + list.interrupt() + " ms");
      own.signal("CONT");
      Server.until(() -> slow.info("free").state() == LockInfo.State.FREE);
      Server.until(() -> slow.info("held").waiting() == 0);
    }
  }

  @Test
  void aCancelledFutureLeavesTheQueue() throws Exception {
    try (Lease lease = client.acquire("cancel")) {
      CompletableFuture<Lease> future = client.acquireAsync("cancel", new Options());
      untilWaiting("cancel", 1);
      assertTrue(future.cancel(true));
      untilWaiting("cancel", 0);
      assertThrows(CancellationException.class, future::get);
      CompletableFuture<Lease> late =
          client.acquireAsync("cancel", new Options()).orTimeout(20, TimeUnit.MILLISECONDS);
      assertThrows(ExecutionException.class, late::get);
      untilWaiting("cancel", 0);
      assertTrue(lease.isHeld());
    }
  }

  @Test
  void aLockThatIsGrantedDuringACancelIsReleased() throws Exception {
    for (int i = 0; i < 200; i++) {
      CompletableFuture<Lease> future = client.acquireAsync("race", options("ttl", "10m"));
      if (!future.cancel(true)) { // it was granted before
        future.get().close();
      }
    }
    try (Lease lease = client.acquire("race", options("wait", "60s"))) {
      assertTrue(lease.isHeld());
      untilWaiting("race", 0);
    }
    untilFree("race");
  }

  @Test
  void aWaitTimesOut() throws Exception {
    try (Lease lease = client.acquire("timeout")) {
      TimeoutException timeout =
          assertThrows(
              TimeoutException.class, () -> client.acquire("timeout", options("wait", "50ms")));
      assertEquals("TIMEOUT", timeout.status());
      assertEquals("timeout", timeout.lockName());
      assertTrue(timeout.retriable());
      assertThrows(HeldException.class, () -> client.acquire("timeout", options("wait", "0")));
      CompletableFuture<Lease> async = client.acquireAsync("timeout", options("wait", "50ms"));
      Throwable cause = assertThrows(ExecutionException.class, async::get).getCause();
      assertInstanceOf(TimeoutException.class, cause);
      assertTrue(lease.isHeld());
    }
  }

  @Test
  void aCloseEndsAllWaits() throws Exception {
    RedilockClient closed = server.client();
    CompletableFuture<Lease> async;
    CompletableFuture<Object> blocking;
    try (Lease lease = client.acquire("close")) {
      async = closed.acquireAsync("close", new Options());
      blocking = CompletableFuture.supplyAsync(() -> failureOf(closed), Server::onThread);
      untilWaiting("close", 2);
      closed.close();
      untilWaiting("close", 0);
      assertTrue(lease.isHeld());
    }
    assertInstanceOf(ClosedException.class, blocking.get());
    Throwable cause = assertThrows(ExecutionException.class, async::get).getCause();
    assertInstanceOf(ClosedException.class, cause);
    assertThrows(ClosedException.class, () -> closed.acquire("close"));
    assertTrue(closed.acquireAsync("close", new Options()).isCompletedExceptionally());
    assertEquals(0, closed.stats().get("acquired"));
    closed.close();
  }

  private static Object failureOf(RedilockClient client) {
    try {
      return client.acquire("close");
    } catch (RedilockException | InterruptedException failure) {
      return failure;
    }
  }
}
