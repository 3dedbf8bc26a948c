// A pointer of the C library, which is freed once, after the last call on it.

package io.redilock;

import java.lang.ref.Cleaner;
import java.util.function.LongConsumer;
import java.util.function.LongFunction;

final class Handle {
  /** Its one daemon thread serves all clients; what it runs never blocks. */
  static final Cleaner CLEANER = Cleaner.create();

  private final long pointer;
  private LongConsumer free;
  private boolean owned = true;
  private int calls;

  Handle(long pointer, LongConsumer free) {
    this.pointer = pointer;
    this.free = free;
  }

  /** Calls a function with the pointer, which is not freed during the call. */
  <T> T use(LongFunction<T> call, T whenFreed) {
    if (!enter()) {
      return whenFreed;
    }
    try {
      return call.apply(pointer);
    } finally {
      exit();
    }
  }

  private synchronized boolean enter() {
    if (owned) {
      calls++;
    }
    return owned;
  }

  private void exit() {
    boolean last;
    synchronized (this) {
      calls--;
      last = !owned && calls == 0;
    }
    if (last) {
      free.accept(pointer);
    }
  }

  /** Frees the pointer when no call uses it any more. */
  void free() {
    free(null);
  }

  /** Frees it by another function than usual, unless it is freed already. */
  void free(LongConsumer otherwise) {
    synchronized (this) {
      if (!owned) {
        return;
      }
      owned = false;
      free = otherwise == null ? free : otherwise;
      if (calls > 0) {
        return;
      }
    }
    free.accept(pointer);
  }
}
