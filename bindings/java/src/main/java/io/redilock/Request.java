// A request: an operation of the C library, how its call ends, and how it is cancelled.

package io.redilock;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** One request about a lock. Its owner closes it at once when it has ended. */
final class Request implements AutoCloseable {
  /** For how long a call outlives an interrupt, for the server to confirm the end of the wait. */
  private static final long CONFIRM_MS = 100;

  private final Hub hub;
  private final byte[] name;
  private final Handle op;
  private final CompletableFuture<Long> ended = new CompletableFuture<>();

  /** A call of an operation, which returns a handle, or 0. */
  interface Call {
    long run(long op);
  }

  /** A call that submits the operation. */
  interface Submit {
    long run(long op, long tag);
  }

  /** Makes a request about the lock of a name; null where the call is about none. */
  Request(Hub hub, byte[] name, Options options) {
    this.hub = hub;
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

  /** Runs a call that an interrupt cancels. */
  long callInterruptibly(Call call) throws InterruptedException {
    try {
      return Interruption.during(() -> call(call), this::cancel);
    } catch (RedilockException failure) {
      if (Thread.interrupted()) {
        throw new InterruptedException(failure.getMessage());
      }
      throw failure;
    }
  }

  /** Submits the operation; the future has the status of its completion. */
  CompletableFuture<Long> submit(Submit submit) {
    long tag = hub.expect(ended::complete);
    try {
      call(op -> submit.run(op, tag));
    } catch (RuntimeException failure) {
      hub.forget(tag);
      throw failure;
    }
    return ended;
  }

  /** Acquires: a free lock on this thread, and one that is held by a completion. */
  long acquire(boolean interruptible) throws InterruptedException {
    if (interruptible && Thread.interrupted()) {
      throw new InterruptedException("interrupted before the lock was asked for");
    }
    long tag = hub.expect(ended::complete);
    long lock = 0;
    boolean waits = false;
    try {
      Call begin = op -> Core.op_begin_acquire(op, tag);
      lock = interruptible ? callInterruptibly(begin) : call(begin);
      waits = lock == 0;
    } finally {
      if (!waits) {
        hub.forget(tag);
      }
    }
    if (waits) {
      return takeLock(interruptible ? await(tag) : ended.join());
    }
    if (interruptible && Thread.interrupted()) {
      Core.drop_lock(lock);
      throw new InterruptedException("interrupted when the lock was granted; it is released");
    }
    return lock;
  }

  private long await(long tag) throws InterruptedException {
    try {
      return ended.get();
    } catch (InterruptedException interrupted) {
      leave();
      hub.forget(tag);
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
  }

  /** Returns the lock that a completion granted, or throws why none was granted. */
  long takeLock(long status) {
    check(status);
    return call(Core::op_take_lock);
  }

  /** Throws unless a completion says that the request succeeded. */
  void check(long status) {
    if (status != Core.OK) {
      String message = op.use(Core::op_message, "");
      boolean retriable = op.use(pointer -> Core.op_retriable(pointer) == 1, false);
      throw RedilockException.of(status, message).about(name, retriable);
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

  /** Frees the operation. A lock that was granted and not taken is released in the background. */
  @Override
  public void close() {
    op.free();
  }
}
