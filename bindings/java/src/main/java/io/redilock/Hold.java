// What a lease, the reader thread and the cleaner share: the handle of a lock, and its loss.

package io.redilock;

import java.util.concurrent.CompletableFuture;
import java.util.function.LongConsumer;
import java.util.function.LongFunction;

/** Does not refer to its Lease, so that the collector can find that. */
final class Hold implements Runnable {
  final Handle lock;

  private final Hub hub;
  private final byte[] name;
  private final CompletableFuture<LostException> lost = new CompletableFuture<>();
  private boolean over;
  private long watch; // the tag; 0 without a watch

  Hold(Hub hub, byte[] name, long lock) {
    this.hub = hub;
    this.name = name;
    this.lock = new Handle(lock, Core::drop_lock);
  }

  /** Calls a function with the handle, which the program may have ended before. */
  <T> T with(LongFunction<T> call) {
    T result = lock.use(call, null);
    if (result == null) {
      String text = "lock \"" + Text.of(name) + "\": it was released or detached before";
      throw RedilockException.of(Core.E_NOT_OWNER, text).about(name, false);
    }
    return result;
  }

  synchronized boolean isOver() {
    return over;
  }

  /** Asks for a completion at the loss, once. */
  synchronized CompletableFuture<LostException> lost() {
    if (watch == 0 && !over) {
      watch = hub.expect(status -> Hub.execute(() -> lose(status)));
      try {
        with(pointer -> Core.lock_watch(pointer, watch));
      } catch (RedilockException failure) {
        hub.forget(watch);
        lost.completeExceptionally(failure.about(name, false));
      }
    }
    return copyOfLost();
  }

  /** A future that a program may end, and that is cancelled when the lease ends. */
  private CompletableFuture<LostException> copyOfLost() {
    CompletableFuture<LostException> copy = new CompletableFuture<>();
    lost.whenComplete(
        (loss, failure) -> {
          if (failure == null) {
            copy.complete(loss);
          } else {
            copy.completeExceptionally(failure); // a CancellationException cancels it
          }
        });
    return copy;
  }

  private void lose(long status) {
    String message = lock.use(Core::lock_message, "");
    RedilockException reason = RedilockException.of(status, message).about(name, false);
    if (reason instanceof LostException) {
      lost.complete((LostException) reason);
    } else {
      lost.completeExceptionally(reason);
    }
  }

  /**
   * The cleaner's task: nobody has the lease any more, so the client releases the lock. What users
   * attached to the future of the loss may block, and runs elsewhere.
   */
  @Override
  public void run() {
    if (isWatched()) {
      Hub.execute(() -> end(Core::drop_lock, null));
    } else {
      end(Core::drop_lock, null);
    }
  }

  private synchronized boolean isWatched() {
    return watch != 0;
  }

  /** Ends the handle once, by a function that frees it. */
  void end(LongConsumer free, LostException loss) {
    synchronized (this) {
      over = true;
      hub.forget(watch);
    }
    lock.free(free);
    if (loss != null) {
      lost.complete(loss);
    } else {
      lost.cancel(false);
    }
  }
}
