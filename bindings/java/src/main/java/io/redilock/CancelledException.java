package io.redilock;

/** A cancel ended the call. */
public final class CancelledException extends RedilockException {
  private static final long serialVersionUID = 1L;

  CancelledException(String message) {
    super(Core.E_CANCELLED, message);
  }
}
