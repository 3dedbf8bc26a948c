// A thread whose call is expected to end by an interrupt.

package io.redilock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

final class Interrupted {
  /** A call that may be interrupted. */
  interface Call {
    void run() throws Exception;
  }

  private final CompletableFuture<String> ended = new CompletableFuture<>();
  private final Thread thread;

  Interrupted(Call call) {
    thread = new Thread(() -> ended.complete(outcome(call)));
    thread.start();
  }

  private static String outcome(Call call) {
    try {
      call.run();
      return "it returned";
    } catch (InterruptedException expected) {
      assertFalse(Thread.currentThread().isInterrupted());
      return "interrupted";
    } catch (Exception failure) {
      return failure.toString();
    }
  }

  /** Waits until the thread is in a call of the C library. */
  void awaitNativeCall() throws Exception {
    Server.until(
        () -> {
          StackTraceElement[] stack = thread.getStackTrace();
          return stack.length > 0 && stack[0].isNativeMethod();
        });
  }

  /** Interrupts the call, and returns after how many milliseconds it ended. */
  long interrupt() throws Exception {
    long begun = System.nanoTime();
    thread.interrupt();
    String outcome = ended.get(Server.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    assertEquals("interrupted", outcome);
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun);
  }
}
