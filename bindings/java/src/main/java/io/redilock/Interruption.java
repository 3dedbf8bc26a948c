// Lets an interrupt of the calling thread cancel a blocking call of the C library.

package io.redilock;

import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.spi.AbstractInterruptibleChannel;
import java.util.function.Supplier;

/** A channel whose one blocking call is a call of the library: an interrupt closes the channel. */
final class Interruption extends AbstractInterruptibleChannel {
  private final Runnable cancel;

  private Interruption(Runnable cancel) {
    this.cancel = cancel;
  }

  /**
   * Runs a call. An interrupt of this thread runs {@code cancel} on the thread that interrupts; it
   * leaves the interrupt status set and the outcome of the call as it is.
   */
  static <T> T during(Supplier<T> call, Runnable cancel) {
    Interruption interruption = new Interruption(cancel);
    try {
      interruption.begin();
      return call.get();
    } finally {
      interruption.finish();
    }
  }

  private void finish() {
    try {
      end(true);
    } catch (AsynchronousCloseException interrupted) {
      // The interrupt status says so.
    }
  }

  @Override
  protected void implCloseChannel() {
    cancel.run();
  }
}
