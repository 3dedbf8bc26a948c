package io.redilock;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;

/**
 * A lock in the form of {@link Lock}, with the verbs of Redisson's RLock. A thread holds it: the
 * thread that locked it unlocks it. {@link RedilockClient#acquire(String, Options)} has leases that
 * may pass from thread to thread.
 *
 * <p>A held lock is renewed until it is unlocked, for at most the option "max_hold", unless it was
 * locked for a {@code leaseTime}. Waiters are served in the order of their arrival, whatever their
 * language.
 *
 * <p>Unlike Redisson's, the lock is not reentrant: an attempt by the thread that holds it throws
 * {@link InvalidException}, also by another object of the same name and client. When a thread ends
 * without an unlock, the garbage collector finds the lock, and it is released.
 */
public final class RedilockLock implements Lock {
  private static final Duration FOREVER = Duration.ofMillis(-1);

  private final RedilockClient client;
  private final byte[] name;
  private final ByteBuffer key;
  private final Options options;

  RedilockLock(RedilockClient client, byte[] name, Options options) {
    this.client = client;
    this.name = name;
    this.key = ByteBuffer.wrap(name);
    this.options = options;
  }

  /** {@return the name of the lock} */
  public String getName() {
    return Text.of(name);
  }

  /** Acquires the lock, and waits for as long as that takes. An interrupt does not end the wait. */
  @Override
  public void lock() {
    lockUninterruptibly(FOREVER, null);
  }

  /**
   * Acquires the lock for a time, and waits for as long as that takes. The lock is not renewed.
   *
   * @param leaseTime after which the lock ends by itself; -1 for {@link #lock()}
   * @param unit of the time
   */
  public void lock(long leaseTime, TimeUnit unit) {
    lockUninterruptibly(FOREVER, lease(leaseTime, unit));
  }

  @Override
  public void lockInterruptibly() throws InterruptedException {
    lockInterruptibly(FOREVER, null);
  }

  /**
   * Acquires the lock if it is free and nobody waits for it.
   *
   * @return whether this thread holds it now
   */
  @Override
  public boolean tryLock() {
    try {
      lockUninterruptibly(Duration.ZERO, null);
      return true;
    } catch (HeldException held) {
      return false;
    }
  }

  @Override
  public boolean tryLock(long time, TimeUnit unit) throws InterruptedException {
    return tryLock(time, -1, unit);
  }

  /**
   * Acquires the lock for a time, and waits up to a time. The lock is not renewed.
   *
   * @param waitTime for how long to wait; 0 or less tries once
   * @param leaseTime after which the lock ends by itself; -1 renews it until the unlock
   * @param unit of both
   * @return whether this thread holds it now
   * @throws InterruptedException if the thread was interrupted; it has left the queue then
   */
  public boolean tryLock(long waitTime, long leaseTime, TimeUnit unit)
      throws InterruptedException {
    try {
      lockInterruptibly(duration(Math.max(waitTime, 0), unit), lease(leaseTime, unit));
      return true;
    } catch (HeldException | TimeoutException held) {
      return false;
    }
  }

  private static Duration duration(long time, TimeUnit unit) {
    return Duration.of(time, unit.toChronoUnit());
  }

  /** Returns null for a lock that is renewed. */
  private static Duration lease(long time, TimeUnit unit) {
    return time == -1 ? null : duration(time, unit);
  }

  private void lockUninterruptibly(Duration wait, Duration lease) {
    refuseAgain();
    keep(Acquire.uninterruptibly(client, name, optionsOf(wait, lease)));
  }

  private void lockInterruptibly(Duration wait, Duration lease) throws InterruptedException {
    refuseAgain();
    keep(Acquire.interruptibly(client, name, optionsOf(wait, lease)));
  }

  private void keep(Lease lease) {
    client.heldByThread().put(key, lease);
  }

  private Options optionsOf(Duration wait, Duration lease) {
    Options all = new Options().set("renew", lease == null);
    all.addAll(options);
    if (lease != null) {
      all.set("renew", false).set("ttl", lease);
    }
    return all.set("wait", wait);
  }

  private void refuseAgain() {
    if (client.heldByThread().containsKey(key)) {
      String text = ": this thread has locked it and not unlocked it; locks are not reentrant";
      throw new InvalidException("lock \"" + getName() + "\"" + text).about(name, false);
    }
  }

  /**
   * Releases the lock and hands it to the next waiter. After a failure the client goes on in the
   * background.
   *
   * @throws IllegalMonitorStateException if this thread has not locked it
   * @throws LostException if the lock was lost before: another may have held it during the work
   */
  @Override
  public void unlock() {
    Lease lease = client.heldByThread().remove(key);
    if (lease == null) {
      String text = "lock \"" + getName() + "\": this thread has not locked it";
      throw new IllegalMonitorStateException(text);
    }
    try {
      lease.release();
    } finally {
      lease.drop();
    }
  }

  /**
   * Takes the lock away from its holder, also another process, and hands it to the next waiter.
   *
   * @return false if nobody held it
   */
  public boolean forceUnlock() {
    try {
      client.breakLock(getName());
      return true;
    } catch (NotOwnerException free) {
      return false;
    }
  }

  /**
   * Asks the server whether the lock is held.
   *
   * @return true if anybody holds it
   */
  public boolean isLocked() {
    return client.info(name).state() != LockInfo.State.FREE;
  }

  /**
   * Says whether this thread surely holds the lock now, by the local clock. Asks no server.
   *
   * @return false also once the lock is lost
   */
  public boolean isHeldByCurrentThread() {
    Lease lease = client.heldByThread().get(key);
    return lease != null && lease.isHeld();
  }

  /**
   * Returns the fence of the lock that this thread holds: pass it with each write.
   *
   * @return the fence; 0 if this thread has not locked it
   */
  public long fence() {
    Lease lease = client.heldByThread().get(key);
    return lease == null ? 0 : lease.fence();
  }

  /**
   * Asks the server for how much longer the lock is held.
   *
   * @return milliseconds; -1 for a key that never expires, -2 if nobody holds the lock
   */
  public long remainTimeToLive() {
    LockInfo info = client.info(name);
    if (info.state() == LockInfo.State.FREE) {
      return -2;
    }
    return info.remaining() == null ? -1 : info.remaining().toMillis();
  }

  /**
   * Is not offered: a condition would be of this process alone.
   *
   * @throws UnsupportedOperationException always
   */
  @Override
  public Condition newCondition() {
    throw new UnsupportedOperationException("a lock of redilock has no conditions");
  }
}
