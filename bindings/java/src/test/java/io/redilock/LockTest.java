// The form of java.util.concurrent.locks.Lock, with Redisson's verbs.

package io.redilock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class LockTest extends WithServer {
  @Test
  void lockAndUnlock() {
    RedilockLock lock = client.getLock("plain");
    assertFalse(lock.isLocked());
    assertEquals(-2, lock.remainTimeToLive());
    lock.lock();
    assertTrue(lock.isLocked());
    assertTrue(lock.isHeldByCurrentThread());
    assertTrue(lock.fence() > 0);
    assertTrue(lock.remainTimeToLive() > 20_000);
    assertEquals("plain", lock.getName());
    lock.unlock();
    assertFalse(lock.isLocked());
    assertFalse(lock.isHeldByCurrentThread());
  }

  @Test
  void aSecondLockByTheSameThreadIsRefused() {
    RedilockLock lock = client.getLock("again");
    lock.lock();
    InvalidException refused = assertThrows(InvalidException.class, lock::lock);
    assertTrue(refused.getMessage().contains("not reentrant"), refused.getMessage());
    assertEquals("again", refused.lockName());
    assertThrows(InvalidException.class, client.getLock("again")::tryLock);
    lock.unlock();
    assertThrows(IllegalMonitorStateException.class, lock::unlock);
  }

  @Test
  void anotherThreadIsRefusedAndWaits() throws Exception {
    RedilockLock lock = client.getLock("threads");
    lock.lock();
    CompletableFuture<Void> other =
        CompletableFuture.runAsync(
            () -> {
              assertFalse(lock.tryLock());
              assertFalse(lock.isHeldByCurrentThread());
              assertThrows(IllegalMonitorStateException.class, lock::unlock);
              lock.lock();
              lock.unlock();
            });
    untilWaiting("threads", 1);
    lock.unlock();
    other.get();
    assertFalse(lock.isLocked());
  }

  @Test
  void tryLockWithATimeGivesUp() throws Exception {
    try (Lease lease = client.acquire("timed")) {
      RedilockLock lock = client.getLock("timed");
      assertFalse(lock.tryLock(0, TimeUnit.SECONDS));
      assertFalse(lock.tryLock(-1, TimeUnit.SECONDS));
      long begun = System.nanoTime();
      assertFalse(lock.tryLock(50, TimeUnit.MILLISECONDS));
      assertTrue(System.nanoTime() - begun >= 50_000_000);
      untilWaiting("timed", 0);
      assertTrue(lease.isHeld());
    }
    RedilockLock lock = client.getLock("timed");
    assertTrue(lock.tryLock(1, TimeUnit.SECONDS));
    lock.unlock();
  }

  @Test
  void aLeaseTimeEndsTheLockWithoutRenewal() throws Exception {
    RedilockLock lock = client.getLock("leased");
    assertTrue(lock.tryLock(1000, 90_000, TimeUnit.MILLISECONDS));
    assertTrue(lock.remainTimeToLive() > 60_000);
    lock.unlock();
    lock.lock(1, TimeUnit.SECONDS);
    Server.until(() -> !lock.isLocked());
    assertFalse(lock.isHeldByCurrentThread());
    assertThrows(LostException.class, lock::unlock);
    assertThrows(IllegalMonitorStateException.class, lock::unlock);
  }

  @Test
  void aLockIsRenewed() throws Exception {
    RedilockLock lock = client.getLock("renewed", options("ttl", "3s"));
    long before = client.stats().get("renewed");
    lock.lock();
    Server.until(() -> client.stats().get("renewed") > before);
    assertTrue(lock.isHeldByCurrentThread());
    lock.unlock();
  }

  @Test
  void forceUnlockTakesTheLockAway() throws Exception {
    RedilockLock lock = client.getLock("forced");
    assertFalse(lock.forceUnlock());
    lock.lock();
    try (RedilockClient other = server.client()) {
      assertTrue(other.getLock("forced").forceUnlock());
    }
    assertThrows(LostException.class, lock::unlock);
  }

  @Test
  void anInterruptEndsOnlyAnInterruptibleWait() throws Exception {
    RedilockLock lock = client.getLock("interrupted");
    AtomicReference<Boolean> status = new AtomicReference<>();
    try (Lease lease = client.acquire("interrupted")) {
      Thread patient =
          new Thread(
              () -> {
                lock.lock();
                status.set(Thread.currentThread().isInterrupted());
                lock.unlock();
              });
      patient.start();
      untilWaiting("interrupted", 1);
      patient.interrupt();
      Interrupted hasty = new Interrupted(lock::lockInterruptibly);
      untilWaiting("interrupted", 2);
      hasty.interrupt();
      untilWaiting("interrupted", 1);
      lease.release();
      patient.join();
    }
    assertTrue(status.get());
  }

  @Test
  void conditionsAreNotOffered() {
    assertThrows(UnsupportedOperationException.class, client.getLock("none")::newCondition);
  }
}
