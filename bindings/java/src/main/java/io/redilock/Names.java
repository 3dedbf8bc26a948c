// The names of locks, while they are read from the server.

package io.redilock;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

final class Names implements AutoCloseable {
  private final Handle list;

  private Names(Hub hub, byte[] pattern) {
    list = new Handle(hub.make(client -> Core.list_new(client, pattern)), Core::delete_List);
  }

  /** Returns all names. */
  static List<byte[]> all(RedilockClient client, byte[] pattern) throws InterruptedException {
    List<byte[]> names = new ArrayList<>();
    try (Names list = new Names(client.hub(), pattern)) {
      for (byte[] name = list.next(); name != null; name = list.next()) {
        names.add(name);
      }
    } finally {
      Reference.reachabilityFence(client);
    }
    return names;
  }

  /** Returns the next name, or null after the last. */
  private byte[] next() throws InterruptedException {
    Supplier<byte[]> call = () -> list.use(Names::nextOf, null);
    try {
      return Interruption.during(call, this::cancel);
    } catch (CancelledException cancelled) {
      Thread.interrupted();
      throw new InterruptedException("interrupted while the names of locks were read");
    }
  }

  private static byte[] nextOf(long list) {
    try {
      return Core.list_next(list);
    } catch (RedilockException failure) {
      throw failure.about(new byte[0], Core.list_retriable(list) == 1);
    }
  }

  private void cancel() {
    list.use(
        pointer -> {
          Core.list_cancel(pointer);
          return null;
        },
        null);
  }

  @Override
  public void close() {
    list.free();
  }
}
