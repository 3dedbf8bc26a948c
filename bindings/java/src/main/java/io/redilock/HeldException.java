package io.redilock;

/** Another holds the lock, or waits for it: the normal end of a try. */
public final class HeldException extends RedilockException {
  private static final long serialVersionUID = 1L;

  HeldException(String message) {
    super(Core.E_HELD, message);
  }
}
