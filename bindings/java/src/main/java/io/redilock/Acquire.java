// How a lease is acquired: by a call that waits, and by a future.

package io.redilock;

import java.util.concurrent.CompletableFuture;

/** One acquire of a client. */
final class Acquire {
  private final RedilockClient client;
  private final byte[] name;
  private final Request request;

  private Acquire(RedilockClient client, byte[] name, Options options) {
    this.client = client;
    this.name = Text.copy(name);
    this.request = client.request(this.name, options);
  }

  /** Acquires, and lets an interrupt end the wait. */
  static Lease interruptibly(RedilockClient client, byte[] name, Options options)
      throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("interrupted before the lock was asked for");
    }
    return new Acquire(client, name, options).run(true);
  }

  /** Acquires without regard to interrupts; the interrupt status stays. */
  static Lease uninterruptibly(RedilockClient client, byte[] name, Options options) {
    try {
      return new Acquire(client, name, options).run(false);
    } catch (InterruptedException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private Lease run(boolean interruptible) throws InterruptedException {
    try (request) {
      long lock = request.beginAcquire(interruptible);
      if (lock == 0) {
        lock = request.awaitLock(interruptible);
      }
      if (interruptible && Thread.interrupted()) {
        Core.drop_lock(lock);
        throw new InterruptedException("interrupted when the lock was granted; it is released");
      }
      return new Lease(client, name, lock);
    } catch (RedilockException failure) {
      // The interrupt cancelled the first request, or its completion came before the wait.
      if (interruptible && Thread.interrupted()) {
        throw new InterruptedException(failure.getMessage());
      }
      throw failure;
    }
  }

  /** Acquires without blocking. */
  static CompletableFuture<Lease> async(RedilockClient client, String name, Options options) {
    try {
      return async(client, Text.bytes(name), options);
    } catch (InvalidException refused) {
      return CompletableFuture.failedFuture(refused);
    }
  }

  /** Acquires without blocking. */
  static CompletableFuture<Lease> async(RedilockClient client, byte[] name, Options options) {
    try {
      return new Acquire(client, name, options).submit();
    } catch (RedilockException failure) {
      return CompletableFuture.failedFuture(failure);
    }
  }

  private CompletableFuture<Lease> submit() {
    CompletableFuture<Lease> result = new CompletableFuture<>();
    try {
      request
          .submit(Core::op_submit_acquire)
          .thenAcceptAsync(status -> grant(status, result), Hub::execute);
    } catch (RedilockException failure) {
      request.close();
      throw failure;
    }
    result.whenComplete((lease, failure) -> request.cancel()); // of no effect after the grant
    return result;
  }

  /** Hands a granted lock to the program, unless that has ended the future. */
  private void grant(long status, CompletableFuture<Lease> result) {
    try (request) {
      if (result.isDone()) {
        return; // the client releases a lock that nobody takes
      }
      Lease lease = new Lease(client, name, request.takeLock(status));
      if (!result.complete(lease)) {
        lease.drop();
      }
    } catch (RuntimeException failure) {
      result.completeExceptionally(failure);
    }
  }
}
