package io.redilock;

/** The client was closed. */
public final class ClosedException extends RedilockException {
  private static final long serialVersionUID = 1L;

  ClosedException(String message) {
    super(Core.E_CLOSED, message);
  }
}
