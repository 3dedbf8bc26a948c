// A redis-server of the tests, on a unix socket of its own.

package io.redilock;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;

final class Server implements AutoCloseable {
  /** For what takes milliseconds on an idle machine. */
  static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Path folder = Files.createTempDirectory("redilock-java");
  private Process process;

  Server() throws Exception {
    start();
  }

  private void start() throws Exception {
    Files.deleteIfExists(socket());
    List<String> command =
        List.of("redis-server", "--port", "0", "--unixsocket", socket().toString(), "--save", "");
    process =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
    until(() -> Files.exists(socket()));
  }

  private Path socket() {
    return folder.resolve("redis.sock");
  }

  String url() {
    return "unix://" + socket();
  }

  RedilockClient client() {
    return RedilockClient.connect(url());
  }

  /** Ends the server with all that it had, and starts another. */
  void restart() throws Exception {
    kill();
    start();
  }

  void kill() {
    process.destroyForcibly().onExit().join();
  }

  /** Stops and resumes the server by signals, so that it is there and answers nothing. */
  void signal(String name) throws Exception {
    if (start("kill", "-" + name, Long.toString(process.pid())).waitFor() != 0) {
      throw new IllegalStateException("no SIG" + name + " was sent");
    }
  }

  /** Sends the server a command that it answers by OK. */
  void ask(String command) throws IOException {
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket()))) {
      channel.write(UTF_8.encode(command + "\r\n"));
      ByteBuffer reply = ByteBuffer.allocate(5);
      while (reply.hasRemaining() && channel.read(reply) >= 0) {}
      if (!UTF_8.decode(reply.flip()).toString().equals("+OK\r\n")) {
        throw new IllegalStateException(command + " failed");
      }
    }
  }

  /** Starts a program whose output is of no interest, unless it is an error. */
  static Process start(String... command) throws IOException {
    return new ProcessBuilder(command)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  /** An executor of a thread for each task. */
  static void onThread(Runnable task) {
    new Thread(task).start();
  }

  /** Asks again until it is so. */
  static void until(Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.call()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("it never became so");
      }
      Thread.sleep(5);
    }
  }

  @Override
  public void close() throws IOException {
    kill();
    try (Stream<Path> files = Files.walk(folder)) {
      files.sorted(Comparator.reverseOrder()).forEach(Server::delete);
    }
  }

  private static void delete(Path file) {
    try {
      Files.delete(file);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
