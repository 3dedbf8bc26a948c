package io.redilock;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What was known of one lock name at one moment. */
public final class LockInfo {
  /** The state of a lock. */
  public enum State {
    /** Nobody holds it. */
    FREE,
    /** A client of redilock holds it. */
    HELD,
    /** Another kind of client holds it, by a plain SET NX PX or a key of any kind. */
    FOREIGN
  }

  /**
   * A waiter in the queue.
   *
   * @param label who waits, such as "host/1234"
   * @param waited for how long, by the server's clock; null if that is not known
   * @param polls whether its client polls, because no notification reaches it
   */
  public record Waiter(String label, Duration waited, boolean polls) {}

  private final Handle info;
  private final State state;
  private final String label;
  private final Duration remaining;
  private final long waiting;
  private final List<Waiter> waiters;

  LockInfo(long pointer) {
    state = stateOf(Core.info_state(pointer));
    label = Core.info_label(pointer);
    long ms = Core.info_remaining_ms(pointer);
    remaining = ms < 0 ? null : Duration.ofMillis(ms);
    waiting = Core.info_waiters(pointer);
    waiters = waitersOf(pointer);
    Handle handle = new Handle(pointer, Core::delete_Info);
    info = handle;
    Handle.CLEANER.register(this, handle::free);
  }

  private static State stateOf(long state) {
    if (state == Core.STATE_FREE) {
      return State.FREE;
    }
    return state == Core.STATE_FOREIGN ? State.FOREIGN : State.HELD;
  }

  private static List<Waiter> waitersOf(long info) {
    List<Waiter> waiters = new ArrayList<>();
    while (true) {
      long place = waiters.size();
      String label = Core.info_waiter_label(info, place);
      if (label == null) {
        return List.copyOf(waiters);
      }
      long ms = Core.info_waiter_since_ms(info, place);
      Duration waited = ms < 0 ? null : Duration.ofMillis(ms);
      waiters.add(new Waiter(label, waited, Core.info_waiter_polls(info, place) == 1));
    }
  }

  /**
   * Returns the state of the lock.
   *
   * @return a state of a later library counts as held
   */
  public State state() {
    return state;
  }

  /**
   * Returns who holds the lock.
   *
   * @return the label of a holder with redilock, such as "host/1234"; "" for others
   */
  public String label() {
    return label;
  }

  /**
   * Returns what remains of the lease, by the server's clock.
   *
   * @return zero if the lock is free, null for a key that never expires
   */
  public Duration remaining() {
    return remaining;
  }

  /**
   * Returns how many wait.
   *
   * @return the length of the queue, with waiters that have died and were not noticed yet
   */
  public long waiting() {
    return waiting;
  }

  /**
   * Returns who waits, in the order of the queue.
   *
   * @return the first hundred
   */
  public List<Waiter> waiters() {
    return waiters;
  }

  /**
   * Says whether a token held the lock.
   *
   * @param token as {@link Lease#token} returns it
   * @return true if it did
   */
  public boolean isHeldBy(String token) {
    byte[] bytes = Text.bytes(token);
    return info.use(pointer -> Core.info_is(pointer, bytes) == 1, false);
  }
}
