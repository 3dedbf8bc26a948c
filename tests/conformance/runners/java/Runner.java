// The runner of Java. Futures are what an acquire and a loss end with.

import io.redilock.Lease;
import io.redilock.LockInfo;
import io.redilock.Options;
import io.redilock.RedilockClient;
import io.redilock.RedilockException;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

public final class Runner {
  private static final Map<String, RedilockClient> clients = new HashMap<>();
  private static final Map<String, Lease> leases = new ConcurrentHashMap<>();
  private static final Map<String, CompletableFuture<Lease>> acquires = new HashMap<>();

  /** The words of a request that are "name=value". */
  private static final class Words {
    private final Map<String, byte[]> values = new LinkedHashMap<>();

    Words(List<String> words) {
      for (String word : words) {
        String[] pair = word.split("=", 2);
        values.put(pair[0], decoded(pair[1]));
      }
    }

    byte[] bytes(String name) {
      return values.remove(name);
    }

    String text(String name) {
      byte[] value = bytes(name);
      return value == null ? null : new String(value, StandardCharsets.UTF_8);
    }

    Options options() {
      Options options = new Options();
      values.forEach(options::set);
      return options;
    }
  }

  private static byte[] decoded(String word) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 0; i < word.length(); i++) {
      if (word.charAt(i) == '%') {
        bytes.write(Integer.parseInt(word.substring(i + 1, i + 3), 16));
        i += 2;
      } else {
        bytes.write(word.charAt(i));
      }
    }
    return bytes.toByteArray();
  }

  private static String encoded(byte[] bytes) {
    StringBuilder word = new StringBuilder();
    for (byte b : bytes) {
      if (b > ' ' && b < 127 && "%=,".indexOf(b) < 0) {
        word.append((char) b);
      } else {
        word.append(String.format("%%%02X", b & 0xff));
      }
    }
    return word.toString();
  }

  private static String encoded(String text) {
    return encoded(text.getBytes(StandardCharsets.UTF_8));
  }

  private static synchronized void reply(String number, String text) {
    System.out.println(number + " " + text);
  }

  private static String statusOf(Throwable failure) {
    if (failure instanceof CompletionException) {
      return statusOf(failure.getCause());
    }
    if (failure instanceof RedilockException) {
      return ((RedilockException) failure).status();
    }
    return failure instanceof CancellationException ? "CANCELLED" : failure.toString();
  }

  private static int bit(boolean is) {
    return is ? 1 : 0;
  }

  /** Returns a reply, or null if the verb is none of a client or the reply comes later. */
  private static String serveClient(
      String number, String verb, RedilockClient client, List<String> rest) throws Exception {
    boolean makesLock = verb.equals("acquire") || verb.equals("attach");
    Words words = new Words(rest.subList(makesLock ? 1 : 0, rest.size()));
    switch (verb) {
      case "acquire":
        acquire(number, client, rest.get(0), words);
        return null;
      case "attach":
        String name = words.text("name");
        leases.put(rest.get(0), client.attach(name, words.text("token"), words.options()));
        return "OK";
      case "release_token":
        client.release(words.text("name"), words.text("token"));
        return "OK";
      case "extend_token":
        Duration ttl = Duration.parse("PT" + words.text("ttl").toUpperCase(Locale.ROOT));
        client.extend(words.text("name"), words.text("token"), ttl);
        return "OK";
      case "break":
        client.breakLock(words.text("name"));
        return "OK";
      case "info":
        return infoOf(client.info(words.bytes("name")), words.text("token"));
      case "list":
        List<byte[]> names = client.listBytes(words.bytes("pattern"));
        return "OK names=" + names.stream().map(Runner::encoded).collect(Collectors.joining(","));
      case "check":
        client.check(words.options());
        return "OK";
      case "close":
        client.close();
        return "OK";
      default:
        return "UNABLE";
    }
  }

  private static void acquire(String number, RedilockClient client, String name, Words words) {
    byte[] lockName = words.bytes("name");
    CompletableFuture<Lease> future = client.acquireAsync(lockName, words.options());
    acquires.put(number, future);
    future.whenComplete(
        (lease, failure) -> {
          if (failure == null) {
            leases.put(name, lease);
            reply(number, "OK fence=" + lease.fence());
          } else {
            reply(number, statusOf(failure));
          }
        });
  }

  private static String infoOf(LockInfo info, String token) {
    return "OK state=" + info.state().name().toLowerCase(Locale.ROOT)
        + " waiters=" + info.waiting()
        + " is=" + bit(token != null && info.isHeldBy(token))
        + " label=" + encoded(info.label());
  }

  private static String serveLease(String number, String verb, String name, List<String> rest) {
    Lease lease = leases.get(name);
    switch (verb) {
      case "release":
        lease.release();
        return "OK";
      case "extend":
        long ms = Long.parseLong(new Words(rest).text("ttl"));
        lease.extend(Duration.ofMillis(ms));
        return "OK";
      case "drop":
        lease.drop();
        return "OK";
      case "detach":
        lease.detach();
        return "OK";
      case "look":
        return "OK held=" + bit(lease.isHeld())
            + " remaining=" + lease.remaining().toMillis()
            + " fence=" + lease.fence()
            + " token=" + encoded(lease.token());
      case "lost":
        lease.lost().whenComplete(
            (loss, failure) -> reply(number, statusOf(failure == null ? loss : failure)));
        return null;
      default:
        return "UNABLE";
    }
  }

  private static String serve(String number, String verb, List<String> rest) throws Exception {
    String object = rest.get(0);
    List<String> after = rest.subList(1, rest.size());
    if (verb.equals("client")) {
      Words words = new Words(after);
      String url = words.text("url");
      clients.put(object, RedilockClient.connect(url, words.options()));
      return "OK";
    }
    if (verb.equals("cancel")) {
      acquires.get(object).cancel(true);
      return "OK";
    }
    RedilockClient client = clients.get(object);
    return client != null
        ? serveClient(number, verb, client, after)
        : serveLease(number, verb, object, after);
  }

  public static void main(String[] args) throws Exception {
    BufferedReader input =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      List<String> words = new ArrayList<>(Arrays.asList(line.split(" ")));
      String number = words.remove(0);
      String verb = words.remove(0);
      String reply;
      try {
        reply = serve(number, verb, words);
      } catch (RedilockException failure) {
        reply = failure.status();
      }
      if (reply != null) {
        reply(number, reply);
      }
    }
    clients.values().forEach(RedilockClient::close);
  }
}
