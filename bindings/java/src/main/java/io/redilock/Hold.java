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
  private CompletableFuture<LostException> lost; // null until somebody watches
  private long watch; // its tag
  private boolean over;
  private LostException loss; // that the end of the lease found

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

  /** Returns a future that a program may end, and that is cancelled when the lease ends. */
  CompletableFuture<LostException> lost() {
    CompletableFuture<LostException> copy = new CompletableFuture<>();
    watched()
        .whenComplete(
            (reason, failure) -> {
              if (failure == null) {
                copy.complete(reason);
              } else {
                copy.completeExceptionally(failure); // a CancellationException cancels it
              }
            });
    return copy;
  }

  /** Asks for a completion at the loss, once. */
  private synchronized CompletableFuture<LostException> watched() {
    if (lost != null) {
      return lost;
    }
    lost = new CompletableFuture<>();
    if (over) {
      finish(lost, loss);
      return lost;
    }
    watch = hub.expect(status -> Hub.execute(() -> lose(status)));
    try {
      with(pointer -> Core.lock_watch(pointer, watch));
    } catch (RedilockException failure) {
      hub.forget(watch);
      lost.completeExceptionally(failure.about(name, false));
    }
    return lost;
  }

  /** What the completion of the watch starts, on a thread of the pool. */
  private void lose(long status) {
    String message = lock.use(Core::lock_message, "");
    RedilockException reason = RedilockException.of(status, message).about(name, false);
    if (reason instanceof LostException) {
      lost.complete((LostException) reason);
    } else {
      lost.completeExceptionally(reason);
    }
  }

  private static void finish(CompletableFuture<LostException> lost, LostException loss) {
    if (loss != null) {
      lost.complete(loss);
    } else {
      lost.cancel(false);
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
    return lost != null;
  }

  /** Ends the handle once, by a function that frees it. */
  void end(LongConsumer free, LostException reason) {
    CompletableFuture<LostException> watched;
    synchronized (this) {
      if (over) {
        return;
      }
      over = true;
      loss = reason;
      watched = lost;
    }
    lock.free(free);
    if (watched != null) {
      hub.forget(watch);
      finish(watched, reason);
    }
  }
}
