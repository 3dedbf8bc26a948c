// Leases: what they say, how they end, and what is said of a loss.

package io.redilock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LeaseTest extends WithServer {
  private static final Options RENEWED = new Options().set("ttl", "300ms").set("renew", true);

  @Test
  void aLeaseKnowsItselfUntilItIsReleased() throws Exception {
    Lease lease = client.acquire("lease", new Options().set("ttl", Duration.ofSeconds(30)));
    long fence = lease.fence();
    assertTrue(fence > 0);
    assertTrue(lease.isHeld());
    assertEquals("lease", lease.name());
    assertTrue(client.info("lease").isHeldBy(lease.token()));
    lease.extend(Duration.ofMinutes(2));
    assertTrue(lease.remaining().compareTo(Duration.ofMinutes(1)) > 0);
    lease.close();
    lease.close();
    assertFalse(lease.isHeld());
    assertEquals(Duration.ZERO, lease.remaining());
    assertThrows(NotOwnerException.class, lease::release);
    assertThrows(NotOwnerException.class, () -> lease.extend(Duration.ofSeconds(1)));
    try (Lease next = client.acquire("lease")) {
      assertTrue(next.fence() > fence);
    }
  }

  @Test
  void aReleaseNeedNotBlock() throws Exception {
    Lease lease = client.acquire("async");
    lease.releaseAsync().get();
    assertEquals(LockInfo.State.FREE, client.info("async").state());
    Throwable again = assertThrows(ExecutionException.class, lease.releaseAsync()::get).getCause();
    assertInstanceOf(NotOwnerException.class, again);
    Lease broken = client.acquire("async");
    client.breakLock("async");
    Throwable lost = assertThrows(ExecutionException.class, broken.releaseAsync()::get).getCause();
    assertInstanceOf(LostException.class, lost);
    client.acquire("async").drop();
    untilFree("async");
  }

  @Test
  void aBrokenLockIsLost() throws Exception {
    Lease lease = client.acquire("broken", RENEWED);
    CountDownLatch ran = new CountDownLatch(1);
    lease.onLost(ran::countDown);
    CompletableFuture<LostException> lost = lease.lost();
    client.breakLock("broken");
    LostException loss = lost.get(Server.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    assertTrue(loss.getMessage().contains("broken"), loss.getMessage());
    assertTrue(ran.await(Server.PATIENCE.toSeconds(), TimeUnit.SECONDS));
    assertFalse(lease.isHeld());
    assertThrows(LostException.class, lease::close);
    assertThrows(NotOwnerException.class, () -> client.breakLock("broken"));
  }

  @Test
  void aReleaseThatFailsGoesOnInTheBackground() throws Exception {
    Options patience = options("timeout", "1s").set("ttl", "10m");
    try (Server own = new Server();
        RedilockClient slow = RedilockClient.connect(own.url(), patience)) {
      Lease lease = slow.acquire("lease");
      RedilockLock lock = slow.getLock("lock");
      lock.lock();
      own.signal("STOP");
      assertTrue(assertThrows(RedilockException.class, lease::close).retriable());
      assertTrue(assertThrows(RedilockException.class, lock::unlock).retriable());
      assertThrows(IllegalMonitorStateException.class, lock::unlock);
      own.signal("CONT");
      Server.until(() -> slow.list(null).isEmpty());
    }
  }

  @Test
  void aServerWithoutItsDataHasLostTheLock() throws Exception {
    try (Server own = new Server();
        RedilockClient other = own.client()) {
      Lease lease = other.acquire("restart", RENEWED);
      CompletableFuture<LostException> lost = lease.lost();
      own.restart();
      lost.get(Server.PATIENCE.toSeconds(), TimeUnit.SECONDS);
      assertThrows(LostException.class, lease::close);
    }
  }

  @Test
  void aBlockReportsTheLossAlsoBesideAFailure() {
    IllegalStateException failure =
        assertThrows(
            IllegalStateException.class,
            () -> {
              try (Lease lease = client.acquire("both")) {
                client.breakLock(lease.name());
                throw new IllegalStateException("of the work");
              }
            });
    assertInstanceOf(LostException.class, failure.getSuppressed()[0]);
  }

  @Test
  void theFutureOfALossEndsWithTheLease() throws Exception {
    Lease lease = client.acquire("unlost");
    CompletableFuture<LostException> lost = lease.lost();
    lease.release();
    assertThrows(CancellationException.class, lost::get);
    assertThrows(CancellationException.class, lease.lost()::get);
    RedilockClient closed = server.client();
    CompletableFuture<LostException> unknown = closed.acquire("unlost").lost();
    closed.close();
    Throwable cause = assertThrows(ExecutionException.class, unknown::get).getCause();
    assertInstanceOf(ClosedException.class, cause);
  }

  @Test
  void aLockIsPassedToAnotherClient() throws Exception {
    Lease lease = client.acquire("passed");
    String token = lease.detach();
    assertFalse(lease.isHeld());
    lease.close();
    try (RedilockClient other = server.client()) {
      Lease attached = other.attach("passed", token, options("ttl", "90s"));
      assertTrue(attached.remaining().compareTo(Duration.ofSeconds(60)) > 0);
      attached.detach();
      other.extend("passed", token, Duration.ofSeconds(120));
      other.release("passed", token);
      assertThrows(NotOwnerException.class, () -> other.release("passed", token));
      assertThrows(
          NotOwnerException.class, () -> other.attach("passed", token, new Options()));
    }
  }
}
