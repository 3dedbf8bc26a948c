package io.redilock;

/**
 * A call that failed. The message is the library's: it names the lock, and the holder, the server
 * or the cause. A status that has no class of its own has this one.
 */
public class RedilockException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The status as the number of the C ABI. */
  private final int code;

  /** The name of the lock; "" if the call is not about one. */
  private String lockName = "";

  /** Whether the same call may succeed later. */
  private boolean retriable;

  RedilockException(int code, String message) {
    super(message);
    this.code = code;
  }

  /** Makes the exception of a status. The JNI library calls it too. */
  static RedilockException of(int code, byte[] message) {
    return of(code, Text.of(message));
  }

  static RedilockException of(long code, String message) {
    String text = message.isEmpty() ? Core.strerror(code) : message;
    switch ((int) code) {
      case Core.E_HELD:
        return new HeldException(text);
      case Core.E_TIMEOUT:
        return new TimeoutException(text);
      case Core.E_CANCELLED:
        return new CancelledException(text);
      case Core.E_LOST:
        return new LostException(text);
      case Core.E_NOT_OWNER:
        return new NotOwnerException(text);
      case Core.E_UNKNOWN:
        return new UnknownOutcomeException(text);
      case Core.E_UNAVAILABLE:
        return new UnavailableException(text);
      case Core.E_INVALID:
        return new InvalidException(text);
      case Core.E_CLOSED:
        return new ClosedException(text);
      default:
        return new RedilockException((int) code, text);
    }
  }

  /** Adds what only the operation knows. */
  RedilockException about(byte[] name, boolean retriable) {
    this.lockName = Text.of(name);
    this.retriable = retriable;
    return this;
  }

  /**
   * Returns the status by the library's name.
   *
   * @return such as "HELD" or "AUTH"; "?" for one that this library does not know
   */
  public final String status() {
    return Core.status_name(code).substring("REDILOCK_E_".length());
  }

  /**
   * Returns the status as the number of the C ABI.
   *
   * @return a negative number
   */
  public final int code() {
    return code;
  }

  /**
   * Returns the name of the lock.
   *
   * @return the name; "" if the call is not about one
   */
  public final String lockName() {
    return lockName;
  }

  /**
   * Says whether the same call may succeed later.
   *
   * @return true if it may
   */
  public final boolean retriable() {
    return retriable;
  }
}
