// What the tests run in processes of their own.

package io.redilock;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

final class Program {
  static final int TIMES = 200;

  private Program() {}

  static Process start(String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path")));
    command.add(Program.class.getName());
    command.addAll(List.of(arguments));
    return Server.start(command.toArray(String[]::new));
  }

  public static void main(String[] args) throws Exception {
    if (args[0].equals("count")) {
      count(args[1], Path.of(args[2]));
    } else {
      compareSignals(args[1]);
    }
  }

  private static void count(String url, Path counter) throws Exception {
    try (RedilockClient client = RedilockClient.connect(url)) {
      for (int i = 0; i < TIMES; i++) {
        try (Lease lease = client.acquire("processes")) {
          int value = Integer.parseInt(Files.readString(counter));
          Files.writeString(counter, Integer.toString(value + (lease.isHeld() ? 1 : 0)));
        }
      }
    }
  }

  /** The signals that the process catches, ignores and blocks; those of a thread besides. */
  private static String signals() throws Exception {
    return Files.readAllLines(Path.of("/proc/thread-self/status")).stream()
        .filter(line -> line.startsWith("Sig") && !line.startsWith("SigQ"))
        .collect(Collectors.joining(" "));
  }

  private static void compareSignals(String url) throws Exception {
    String before = signals();
    try (RedilockClient client = RedilockClient.connect(url);
        Lease lease = client.acquire("signals")) {
      // The machine answers a NULL by SIGSEGV once the method is compiled.
      for (int i = 0; i < 100_000; i++) {
        try {
          lengthOf(i % 100 == 0 ? null : lease.name());
        } catch (NullPointerException expected) {
          continue;
        }
      }
    }
    if (!before.equals(signals())) {
      throw new IllegalStateException("the signals were " + before + " and are " + signals());
    }
  }

  private static int lengthOf(String text) {
    return text.length();
  }
}
