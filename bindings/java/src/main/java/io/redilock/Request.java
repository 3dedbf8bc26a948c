// A request: an operation of the C library, how its call ends, and how it is cancelled.

package io.redilock;

import java.lang.ref.Reference;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** One request about a lock. Its owner closes it at once when it has ended. */
final class Request implements AutoCloseable {
  /** For how long a call outlives an interrupt, for the server to confirm the end of the wait. */
  private static final long CONFIRM_MS = 100;

  private final RedilockClient client;
  private final Hub hub;
  private final byte[] name;
  private final Handle op;
  private final CompletableFuture<Long> ended = new CompletableFuture<>();
  private long tag;

  /** A call of an operation, which returns a handle, or 0. */
  interface Call {
    long run(long op);
  }

  /** A call that submits the operation. */
  interface Submit {
    long run(long op, long tag);
  }

  /** Makes a request about the lock of a name; null where the call is about none. */
  Request(RedilockClient client, byte[] name, Options options) {
    this.client = client;
    this.hub = client.hub();
    this.name = name == null ? new byte[0] : name;
    this.op = new Handle(hub.make(Core::op_new), Core::delete_Op);
    try {
      if (name != null) {
        set("name", name);
      }
      options.apply(target());
    } catch (RuntimeException refused) {
      close();
      throw refused;
    }
  }

  private Options.Target target() {
    return new Options.Target() {
      @Override
      public void bytes(String option, byte[] value) {
        set(option, value);
      }

      @Override
      public void number(String option, long value) {
        set(option, value);
      }
    };
  }

  Request set(String option, byte[] value) {
    call(op -> Core.op_set_bytes(op, option, value));
    return this;
  }

  Request set(String option, long value) {
    call(op -> Core.op_set_int(op, option, value));
    return this;
  }

  /** Runs a call that ends soon, on this thread. */
  long call(Call call) {
    return op.use(
        pointer -> {
          try {
            return call.run(pointer);
          } catch (RedilockException failure) {
            throw failure.about(name, Core.op_retriable(pointer) == 1);
          }
        },
        0L);
  }

  /** Runs a call that an interrupt cancels; the interrupt status stays set. */
  private long callCancellably(Call call) {
    return Interruption.during(() -> call(call), this::cancel);
  }

  /** Runs a call that an interrupt ends. */
  long callInterruptibly(Call call) throws InterruptedException {
    try {
      return callCancellably(call);
    } catch (RedilockException failure) {
      if (Thread.interrupted()) {
        throw new InterruptedException(failure.getMessage());
      }
      throw failure;
    }
  }

  /** Submits the operation; the future has the status of its completion. */
  CompletableFuture<Long> submit(Submit submit) {
    tag = hub.expect(ended::complete);
    try {
      call(op -> submit.run(op, tag));
    } catch (RuntimeException failure) {
      hub.forget(tag);
      throw failure;
    }
    return ended;
  }

  /**
   * Begins an acquire: on this thread, which has a free lock soonest, unless many threads do that.
   * An interrupt cancels it, and leaves the interrupt status set.
   *
   * @return the lock, or 0 if a completion will say how the acquire ends
   */
  long beginAcquire(boolean interruptible) {
    tag = hub.expect(ended::complete);
    boolean direct = hub.enterDirect();
    Call begin = op -> direct ? Core.op_begin_acquire(op, tag) : Core.op_submit_acquire(op, tag);
    boolean underWay = false;
    try {
      long lock = interruptible ? callCancellably(begin) : call(begin);
      underWay = lock == 0;
      return lock;
    } finally {
      if (direct) {
        hub.exitDirect();
      }
      if (!underWay) {
        hub.forget(tag);
      }
    }
  }

  /** Releases a lock, and waits for the answer. */
  void release(long lock) {
    if (!hub.enterDirect()) {
      check(submit((op, tag) -> Core.op_submit_release(op, lock, tag)).join());
      return;
    }
    try {
      call(op -> Core.op_release(op, lock));
    } finally {
      hub.exitDirect();
    }
  }

  /** Waits for the lock that the completion grants. */
  long awaitLock(boolean interruptible) throws InterruptedException {
    if (!interruptible) {
      return takeLock(ended.join());
    }
    try {
      return takeLock(ended.get());
    } catch (InterruptedException interrupted) {
      leave();
      throw interrupted;
    } catch (ExecutionException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /** Ends a wait. If the server confirms nothing, the client goes on by itself. */
  private void leave() {
    cancel();
    try {
      ended.get(CONFIRM_MS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException again) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException unconfirmed) {
      // A lock that is granted later is released, because the operation is freed.
    }
    hub.forget(tag);
  }

  /** Returns the lock that a completion granted, or throws why none was granted. */
  long takeLock(long status) {
    check(status);
    return call(Core::op_take_lock);
  }

  /** Throws unless a completion says that the request succeeded. */
  void check(long status) {
    if (status != Core.OK) {
      boolean retriable = op.use(pointer -> Core.op_retriable(pointer) == 1, false);
      throw RedilockException.of(status, message()).about(name, retriable);
    }
  }

  String message() {
    return op.use(Core::op_message, "");
  }

  /** Cancels the wait; any thread may call it, also after the end. */
  void cancel() {
    op.use(
        pointer -> {
          Core.op_cancel(pointer);
          return null;
        },
        null);
  }

  /**
   * Frees the operation. A lock that was granted and not taken is released in the background. The
   * client is not collected, and so not closed, before its requests end.
   */
  @Override
  public void close() {
    op.free();
    Reference.reachabilityFence(client);
  }
}
