package io.redilock;

/** The wait ended before the lock was granted. */
public final class TimeoutException extends RedilockException {
  private static final long serialVersionUID = 1L;

  TimeoutException(String message) {
    super(Core.E_TIMEOUT, message);
  }
}
