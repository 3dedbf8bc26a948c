package io.redilock;

/** The server may or may not have executed the request. */
public final class UnknownOutcomeException extends RedilockException {
  private static final long serialVersionUID = 1L;

  UnknownOutcomeException(String message) {
    super(Core.E_UNKNOWN, message);
  }
}
