package io.redilock;

/** The server could not be reached, or did not answer in time. */
public final class UnavailableException extends RedilockException {
  private static final long serialVersionUID = 1L;

  UnavailableException(String message) {
    super(Core.E_UNAVAILABLE, message);
  }
}
