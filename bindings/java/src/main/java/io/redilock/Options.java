package io.redilock;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Settings of a client or of a call, by the names of the C library; {@link Redilock#options} lists
 * them. The call that gets the options refuses a wrong name or value by an {@link
 * InvalidException}.
 *
 * <pre>{@code
 * new Options().set("ttl", Duration.ofSeconds(30)).set("wait", "10s").set("renew", true)
 * }</pre>
 *
 * <p>One thread at a time changes a set of options.
 */
public final class Options {
  /** Passes values to the library: to the options of a client or of an operation. */
  interface Target {
    void bytes(String name, byte[] value);

    void number(String name, long value);
  }

  private interface Setting {
    void apply(Target target);
  }

  private final List<Setting> settings = new ArrayList<>();

  /** Makes an empty set of options. */
  public Options() {}

  /** Copies options, so that a later change of these does not affect the copy. */
  Options copy() {
    return new Options().addAll(this);
  }

  Options addAll(Options others) {
    settings.addAll(others.settings);
    return this;
  }

  /**
   * Sets an option by its text, as in a url: "30s", "yes", "forever".
   *
   * @param name the option
   * @param value its value
   * @return these options
   */
  public Options set(String name, String value) {
    return set(name, Text.bytes(value));
  }

  /**
   * Sets an option whose value may hold any byte.
   *
   * @param name the option
   * @param value its value, copied
   * @return these options
   */
  public Options set(String name, byte[] value) {
    byte[] copy = Text.copy(value);
    settings.add(target -> target.bytes(name, copy));
    return this;
  }

  /**
   * Sets a duration, in whole milliseconds: "wait" is rounded up, all others down. A negative
   * "wait" is for ever.
   *
   * @param name the option
   * @param value its value
   * @return these options
   */
  public Options set(String name, Duration value) {
    return set(name, milliseconds(name, value));
  }

  /**
   * Sets a number. A duration is in milliseconds.
   *
   * @param name the option
   * @param value its value
   * @return these options
   */
  public Options set(String name, long value) {
    settings.add(target -> target.number(name, value));
    return this;
  }

  /**
   * Sets a boolean.
   *
   * @param name the option
   * @param value its value
   * @return these options
   */
  public Options set(String name, boolean value) {
    return set(name, value ? 1 : 0);
  }

  void apply(Target target) {
    settings.forEach(setting -> setting.apply(target));
  }

  /** Rounds so that a lease never ends later, and a wait never earlier, than was asked for. */
  static long milliseconds(String name, Duration duration) {
    if (duration.isNegative()) {
      return -1;
    }
    boolean up = name.equals("wait") && duration.getNano() % 1_000_000 != 0;
    try {
      return duration.toMillis() + (up ? 1 : 0);
    } catch (ArithmeticException tooLong) {
      return Long.MAX_VALUE;
    }
  }
}
