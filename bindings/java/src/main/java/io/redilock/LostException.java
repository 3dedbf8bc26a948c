package io.redilock;

/** The lock was held and is lost: another may have done the same work. */
public final class LostException extends RedilockException {
  private static final long serialVersionUID = 1L;

  LostException(String message) {
    super(Core.E_LOST, message);
  }
}
