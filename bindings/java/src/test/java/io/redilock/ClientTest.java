// Clients: what they refuse, look up and report.

package io.redilock;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class ClientTest extends WithServer {
  private static final String NOWHERE = "unix:///nowhere/redis.sock?timeout=50ms";

  private static InvalidException refused(Executable call) {
    return assertThrows(InvalidException.class, call);
  }

  @Test
  void wrongInputIsRefused() {
    refused(() -> RedilockClient.connect("nonsense://"));
    refused(() -> RedilockClient.connect("redis://\0"));
    refused(() -> RedilockClient.connect(server.url(), options("no_such_option", "1")));
    refused(() -> client.acquire(""));
    refused(() -> client.acquire((String) null));
    refused(() -> client.acquire((byte[]) null, new Options()));
    refused(() -> client.acquire("job", new Options().set("label", (byte[]) null)));
    refused(() -> client.acquire("redilock:1"));
    refused(() -> client.acquire("x".repeat(1025)));
    refused(() -> client.acquire("\ud800"));
    refused(() -> client.acquire("job", options("ttl", "5")));
    refused(() -> client.acquire("job", options("no_such_option", "1")));
    refused(() -> client.acquire("job", options("tt\0l", "5s")));
    refused(() -> client.acquire("job", options("ttl", null)));
    refused(() -> client.acquire("job", new Options().set("ttl", Duration.ofNanos(1))));
    refused(() -> client.acquire("job", new Options().set("ttl", Duration.ofSeconds(-1))));
    refused(() -> client.acquire("job", new Options().set("ttl", Duration.ofSeconds(1L << 62))));
    assertTrue(client.acquireAsync("", new Options()).isCompletedExceptionally());
    assertTrue(client.acquireAsync("\ud800", new Options()).isCompletedExceptionally());
    assertEquals("ttl", refused(() -> client.acquire("job", options("ttl", "x"))).getMessage()
        .substring(0, 3));
    RedilockException tls =
        assertThrows(
            RedilockException.class, () -> RedilockClient.connect("rediss://127.0.0.1"));
    assertEquals("UNSUPPORTED", tls.status());
    assertEquals(LockInfo.State.FREE, client.info("job").state());
  }

  @Test
  void aServerThatIsNotThereIsUnavailable() {
    try (RedilockClient nowhere = RedilockClient.connect(NOWHERE)) {
      UnavailableException failure =
          assertThrows(UnavailableException.class, () -> nowhere.acquire("job"));
      assertTrue(failure.retriable());
      assertEquals("job", failure.lockName());
      assertThrows(UnavailableException.class, nowhere::check);
      assertThrows(UnavailableException.class, () -> nowhere.list(null));
    }
  }

  @Test
  void aNameIsBytes() throws Exception {
    byte[] name = {0, (byte) 0xff, 'a', ' ', '\n'};
    try (Lease lease = client.acquire(name, new Options())) {
      assertArrayEquals(name, lease.nameBytes());
      assertEquals(LockInfo.State.HELD, client.info(name).state());
      List<byte[]> names = client.listBytes(new byte[] {0, '*'});
      assertEquals(1, names.size());
      assertArrayEquals(name, names.get(0));
    }
    try (Lease lease = client.acquire("größe 😀")) {
      assertEquals(LockInfo.State.HELD, client.info("größe 😀".getBytes(UTF_8)).state());
      assertEquals(List.of("größe 😀"), client.list("gr*"));
      assertEquals("größe 😀", lease.name());
    }
  }

  @Test
  void aLookUpSaysWhoHoldsAndWaits() throws Exception {
    LockInfo free = client.info("look");
    assertEquals(LockInfo.State.FREE, free.state());
    assertEquals(Duration.ZERO, free.remaining());
    CompletableFuture<Lease> waiter;
    try (Lease lease = client.acquire("look", options("label", "here"))) {
      waiter = client.acquireAsync("look", options("label", "there"));
      untilWaiting("look", 1);
      LockInfo info = client.info("look");
      assertEquals(LockInfo.State.HELD, info.state());
      assertEquals("here", info.label());
      assertTrue(info.remaining().compareTo(Duration.ofSeconds(1)) > 0);
      assertEquals("there", info.waiters().get(0).label());
      assertFalse(info.waiters().get(0).waited().isNegative());
      assertFalse(info.waiters().get(0).polls());
      assertTrue(info.isHeldBy(lease.token()));
      assertFalse(info.isHeldBy("another"));
      assertEquals(List.of("look"), client.list("lo?k"));
    }
    waiter.get().close();
  }

  @Test
  void anotherKindOfLockIsForeign() throws Exception {
    server.ask("SET foreign 1");
    LockInfo info = client.info("foreign");
    assertEquals(LockInfo.State.FOREIGN, info.state());
    assertNull(info.remaining());
    assertEquals(-1, client.getLock("foreign").remainTimeToLive());
    assertFalse(client.getLock("foreign").tryLock());
  }

  @Test
  void aCheckNamesTheServer() {
    assertTrue(client.check().contains(".sock: "), client.check());
    assertTrue(client.check(options("name", "job")).contains(".sock: "));
  }

  @Test
  void theLibraryDescribesItself() {
    assertTrue(Redilock.version().matches("\\d+\\.\\d+\\.\\d+"));
    assertTrue(Redilock.has("async"));
    assertFalse(Redilock.has("no such feature"));
    assertTrue(Redilock.options().stream().anyMatch(option -> option.name().equals("ttl")));
    Redilock.statistics().forEach(stat -> assertTrue(client.stats().containsKey(stat.name())));
  }

  @Test
  void theNumbersGrow() throws Exception {
    long before = client.stats().get("acquired");
    client.acquire("numbers").close();
    assertEquals(before + 1, client.stats().get("acquired"));
  }

  @Test
  void linesOfTheLogGoToTheLogger() throws Exception {
    List<String> lines = new CopyOnWriteArrayList<>();
    Logger logger = Logger.getLogger("io.redilock");
    Lines handler = new Lines(lines);
    logger.addHandler(handler);
    logger.setUseParentHandlers(false);
    try (RedilockClient logged = RedilockClient.connect(server.url(), options("log", "64"))) {
      logged.check();
      logged.acquire("logged").close();
      Server.until(() -> lines.stream().anyMatch(line -> line.contains("connected")));
    } finally {
      logger.removeHandler(handler);
    }
  }

  private static final class Lines extends java.util.logging.Handler {
    private final List<String> lines;

    Lines(List<String> lines) {
      this.lines = lines;
    }

    @Override
    public void publish(LogRecord line) {
      lines.add(line.getMessage());
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }
}
