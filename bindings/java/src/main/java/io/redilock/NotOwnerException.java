package io.redilock;

/** The token does not hold the lock, or no longer. Nothing was changed. */
public final class NotOwnerException extends RedilockException {
  private static final long serialVersionUID = 1L;

  NotOwnerException(String message) {
    super(Core.E_NOT_OWNER, message);
  }
}
