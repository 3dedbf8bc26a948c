package io.redilock;

import java.util.List;
import java.util.function.LongFunction;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/** What the C library says about itself. */
public final class Redilock {
  /**
   * An option.
   *
   * @param name for {@link Options}
   * @param type "duration", "integer", "boolean", "text" or "bytes"
   * @param preset the default; "" for none
   * @param scope "client", "operation" or "both"
   * @param calls which calls read it, such as "acquire, extend"; "" for one of a client
   * @param doc what it does
   */
  public record Option(
      String name, String type, String preset, String scope, String calls, String doc) {}

  /**
   * A number of {@link RedilockClient#stats}.
   *
   * @param name its name
   * @param type "counter" for a number that only grows, "gauge" for one of now
   * @param doc what it counts
   */
  public record Statistic(String name, String type, String doc) {}

  private Redilock() {}

  /**
   * Returns the version of the library that runs.
   *
   * @return such as "0.2.0"
   */
  public static String version() {
    return Core.version();
  }

  /**
   * Says whether the library that runs can do something.
   *
   * @param feature such as "tls"
   * @return false also for a name that it does not know
   */
  public static boolean has(String feature) {
    return Core.has(feature) == 1;
  }

  /**
   * Lists the options of the library that runs.
   *
   * @return all options
   */
  public static List<Option> options() {
    return listed(
        Core.option_count(),
        i ->
            new Option(
                Core.option_name(i),
                Core.option_type(i),
                Core.option_default(i),
                Core.option_scope(i),
                Core.option_calls(i),
                Core.option_doc(i)));
  }

  /**
   * Lists what a client of the library that runs counts.
   *
   * @return all numbers
   */
  public static List<Statistic> statistics() {
    return listed(
        Core.stat_count(),
        i -> new Statistic(Core.stat_name(i), Core.stat_type(i), Core.stat_doc(i)));
  }

  private static <T> List<T> listed(long count, LongFunction<T> at) {
    return LongStream.range(0, count).mapToObj(at).collect(Collectors.toUnmodifiableList());
  }
}
