package io.redilock;

import java.lang.ref.Cleaner;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * A lock that was granted. Any thread may use it, also another than the one that acquired it.
 *
 * <p>A lease that is forgotten without {@link #close} or {@link #detach} is released in the
 * background when the garbage collector finds it. That may be late: use a {@code
 * try}-with-resources statement.
 */
public final class Lease implements AutoCloseable {
  private final RedilockClient client; // not collected, and so not closed, before its leases
  private final byte[] name;
  private final byte[] token;
  private final long fence;
  private final Hold hold;
  private final Cleaner.Cleanable cleanable;

  Lease(RedilockClient client, byte[] name, long lock) {
    this.client = client;
    this.name = name;
    this.token = Core.lock_token(lock);
    this.fence = Core.lock_fence(lock);
    this.hold = new Hold(client.hub(), name, lock);
    this.cleanable = Handle.CLEANER.register(this, hold);
  }

  /**
   * Returns the name of the lock.
   *
   * @return the name; bytes that are no UTF-8 are replaced
   */
  public String name() {
    return Text.of(name);
  }

  /**
   * Returns the name of the lock as it is on the server, without the prefix.
   *
   * @return a copy of 1 to 1024 bytes
   */
  public byte[] nameBytes() {
    return name.clone();
  }

  /**
   * Returns the number of the grant. It is larger than that of every earlier grant of the name.
   * Pass it with each write, and let the store refuse what comes with a smaller one.
   *
   * @return 1 to 2^53 - 1; 0 for a lock from {@link RedilockClient#attach}, and if the option
   *     "fence" was off
   */
  public long fence() {
    return fence;
  }

  /** {@return the secret by which any process can release, extend or attach the lock} */
  public String token() {
    return Text.of(token);
  }

  /**
   * Says whether the lock is surely held now, by the local clock. Asks no server.
   *
   * @return false once the lock is lost, released or detached
   */
  public boolean isHeld() {
    return hold.lock.use(lock -> Core.lock_is_held(lock) == 1, false);
  }

  /**
   * Returns for how much longer the lock is surely held, by the local clock. Asks no server.
   *
   * @return whole milliseconds; zero if the lock is not held
   */
  public Duration remaining() {
    return Duration.ofMillis(hold.lock.use(Core::lock_remaining_ms, 0L));
  }

  /**
   * Makes the lock last at least a time from now. It is never shortened, and its fence stays.
   * Blocks for at most the client's option "timeout".
   *
   * @param ttl 1 ms to 365 days, rounded down to milliseconds
   * @throws LostException if the lock was lost. After other failures the old lease still counts
   */
  public void extend(Duration ttl) {
    Options options = new Options().set("ttl", ttl);
    try (Request request = client.request(name, options)) {
      hold.with(lock -> request.call(op -> Core.op_extend(op, lock)));
    }
  }

  /**
   * Returns a future that completes when the lock is lost, with the reason. It is cancelled when
   * the lock is released or detached, and fails with a {@link ClosedException} when the client is
   * closed. A renewed lock is found lost by a renewal, each third of its ttl; any other when its
   * lease ends. The future does not keep the lease from being collected.
   *
   * @return a future of the caller's own
   */
  public CompletableFuture<LostException> lost() {
    return hold.lost();
  }

  /**
   * Runs a task when the lock is lost, on a thread of a pool. A task that refers to this lease
   * keeps it from being collected. A close of the client is no loss.
   *
   * @param task what to run, at most once
   */
  public void onLost(Runnable task) {
    lost().thenRunAsync(task, Hub::execute);
  }

  /**
   * Releases the lock and hands it to the next waiter. Blocks for at most the client's option
   * "timeout".
   *
   * @throws LostException if the lock was lost before: another may have held it during the work
   * @throws NotOwnerException if it was released or detached before
   * @throws UnavailableException if the server could not be reached, and {@link
   *     UnknownOutcomeException} if it did not answer: call again, or let the lease run out
   */
  public void release() {
    try (Request request = client.request(name, new Options())) {
      hold.with(
          lock -> {
            request.release(lock);
            return true;
          });
      settle(null);
    } catch (RedilockException failure) {
      settleIfOver(failure);
      throw failure;
    }
  }

  /**
   * Releases the lock without blocking.
   *
   * @return a future that fails as {@link #release} does
   */
  public CompletableFuture<Void> releaseAsync() {
    try {
      return submitRelease(client.request(name, new Options()));
    } catch (RedilockException failure) {
      return CompletableFuture.failedFuture(failure);
    }
  }

  private CompletableFuture<Void> submitRelease(Request request) {
    try {
      return hold.with(lock -> request.submit((op, tag) -> Core.op_submit_release(op, lock, tag)))
          .thenAcceptAsync(status -> finishRelease(request, status), Hub::execute);
    } catch (RedilockException failure) {
      request.close();
      throw failure;
    }
  }

  private void finishRelease(Request request, long status) {
    try (request) {
      request.check(status);
      settle(null);
    } catch (RedilockException failure) {
      settleIfOver(failure);
      throw failure;
    }
  }

  /**
   * Releases the lock as {@link #release} does. Does nothing if it was released, detached or
   * dropped before. After a failure the client goes on in the background.
   *
   * @throws LostException if the lock was lost before: another may have held it during the work
   */
  @Override
  public void close() {
    if (hold.isOver()) {
      return;
    }
    try {
      release();
    } finally {
      drop();
    }
  }

  /** Releases the lock in the background, and never blocks. */
  public void drop() {
    cleanable.clean();
  }

  /**
   * Leaves the lock held on the server, for another process that calls {@link
   * RedilockClient#attach} or {@link RedilockClient#release} with the token. Ends the renewal.
   *
   * @return the token
   */
  public String detach() {
    settle(null);
    return token();
  }

  private void settleIfOver(RedilockException failure) {
    if (failure instanceof LostException) {
      settle((LostException) failure);
    } else if (failure instanceof NotOwnerException) {
      settle(null);
    }
  }

  /** Frees the handle of a lock that needs no release any more. */
  private void settle(LostException loss) {
    hold.end(Core::leave_lock, loss);
    cleanable.clean();
  }
}
