package io.redilock;

/** An argument or option is wrong. The message names it. */
public final class InvalidException extends RedilockException {
  private static final long serialVersionUID = 1L;

  InvalidException(String message) {
    super(Core.E_INVALID, message);
  }
}
