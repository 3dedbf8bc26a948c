package io.redilock;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/**
 * A connection to one Redis server, shared by any number of threads and locks.
 *
 * <p>A lock name is 1 to 1024 bytes, any bytes; a text is its UTF-8. All calls throw {@link
 * InvalidException} for a wrong argument or option, {@link UnavailableException} and the like if
 * the server cannot be asked, and {@link ClosedException} after {@link #close}.
 *
 * <p>Waiting takes no thread of the client: one daemon thread serves all waits. Locks are not
 * reentrant.
 */
public final class RedilockClient implements AutoCloseable {
  private final Hub hub;
  private final Cleaner.Cleanable cleanable;

  // What each thread holds by RedilockLock. When a thread ends, its leases can be collected.
  private final ThreadLocal<Map<ByteBuffer, Lease>> held = ThreadLocal.withInitial(HashMap::new);

  private RedilockClient(String url, Options options) {
    hub = new Hub(url, options);
    cleanable = Handle.CLEANER.register(this, hub::close);
  }

  /**
   * Makes a client of the environment's REDILOCK_URL, or else redis://127.0.0.1:6379/0.
   *
   * @return the client
   */
  public static RedilockClient connect() {
    return connect(null);
  }

  /**
   * Makes a client for a server.
   *
   * @param url as for {@link #connect(String, Options)}
   * @return the client
   */
  public static RedilockClient connect(String url) {
    return connect(url, new Options());
  }

  /**
   * Makes a client for a server. It asks the server for nothing: the first call does, and {@link
   * #check} can be that call.
   *
   * @param url "redis://[user[:password]@]host[:port][/db][?option=value&amp;...]", or
   *     "unix:///path/to.sock?db=N"; null for the environment's. What it sets takes precedence over
   *     the options
   * @param options of the client; those that a call reads too are the defaults of the calls
   * @return the client
   */
  public static RedilockClient connect(String url, Options options) {
    return new RedilockClient(url, options);
  }

  Hub hub() {
    return hub;
  }

  Map<ByteBuffer, Lease> heldByThread() {
    return held.get();
  }

  Request request(byte[] name, Options options) {
    return new Request(hub, name, options);
  }

  /**
   * Returns a lock in the form of {@link java.util.concurrent.locks.Lock}. It is renewed while it
   * is held.
   *
   * @param name the name
   * @return the lock, which is not acquired yet
   */
  public RedilockLock getLock(String name) {
    return getLock(name, new Options());
  }

  /**
   * Returns a lock in the form of {@link java.util.concurrent.locks.Lock}.
   *
   * @param name the name
   * @param options of each acquire, such as "ttl" and "label"; the option "renew" is true unless
   *     they set it
   * @return the lock, which is not acquired yet
   */
  public RedilockLock getLock(String name, Options options) {
    return new RedilockLock(this, Text.bytes(name), options.copy());
  }

  /**
   * Acquires a lock with the client's options.
   *
   * @param name the name
   * @return the lease
   * @throws InterruptedException as {@link #acquire(byte[], Options)} does
   */
  public Lease acquire(String name) throws InterruptedException {
    return acquire(name, new Options());
  }

  /**
   * Acquires a lock.
   *
   * @param name the name
   * @param options of the acquire
   * @return the lease
   * @throws InterruptedException as {@link #acquire(byte[], Options)} does
   */
  public Lease acquire(String name, Options options) throws InterruptedException {
    return acquire(Text.bytes(name), options);
  }

  /**
   * Acquires a lock. Waits in the queue until it is granted or the option "wait" is over, which is
   * for ever unless it is set; 0 tries once. Waiters are granted in the order of their arrival at
   * the server.
   *
   * @param name the name
   * @param options of the acquire
   * @return the lease, for a {@code try}-with-resources statement
   * @throws InterruptedException if the thread was interrupted; it holds no lock then, and has left
   *     the queue, or leaves it within moments if the server stands still
   * @throws HeldException if "wait" is 0 and another holds the lock
   * @throws TimeoutException if the wait is over
   */
  public Lease acquire(byte[] name, Options options) throws InterruptedException {
    return Acquire.interruptibly(this, name, options);
  }

  /**
   * Acquires a lock without blocking.
   *
   * @param name the name
   * @param options of the acquire
   * @return as {@link #acquireAsync(byte[], Options)}
   */
  public CompletableFuture<Lease> acquireAsync(String name, Options options) {
    try {
      return acquireAsync(Text.bytes(name), options);
    } catch (InvalidException refused) {
      return CompletableFuture.failedFuture(refused);
    }
  }

  /**
   * Acquires a lock without blocking. The future fails as {@link #acquire(byte[], Options)} does.
   * It completes on a thread of a pool that all clients share.
   *
   * <p>A cancel of the future ends the wait, as does any other end of it, such as by {@link
   * CompletableFuture#orTimeout}: the waiter leaves the queue, and a lock that was just granted is
   * released. A cancel of a future that was derived from it does not.
   *
   * @param name the name
   * @param options of the acquire
   * @return the lease
   */
  public CompletableFuture<Lease> acquireAsync(byte[] name, Options options) {
    return Acquire.async(this, name, options);
  }

  /**
   * Makes a lease of a lock that is held by a token, and extends it by the option "ttl". So a
   * program passes its lock to another one, by {@link Lease#detach}. The fence of the lease is 0:
   * pass it along with the token.
   *
   * @param name the name
   * @param token as {@link Lease#token} returns it
   * @param options of the lease
   * @return the lease
   * @throws InterruptedException if the thread was interrupted before the server answered
   * @throws NotOwnerException if the token does not hold the lock
   */
  public Lease attach(String name, String token, Options options) throws InterruptedException {
    byte[] bytes = Text.bytes(name);
    try (Request request = about(bytes, token, options)) {
      long lock = request.callInterruptibly(Core::op_attach);
      return new Lease(this, bytes, lock);
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  private Request about(byte[] name, String token, Options options) {
    return request(name, options.copy().set("token", token));
  }

  /**
   * Releases a lock by its token.
   *
   * @param name the name
   * @param token as {@link Lease#token} returns it
   * @throws NotOwnerException if the token does not hold the lock
   */
  public void release(String name, String token) {
    try (Request request = about(Text.bytes(name), token, new Options())) {
      request.call(op -> Core.op_release(op, 0));
    }
  }

  /**
   * Extends a lock by its token to last at least a time from now.
   *
   * @param name the name
   * @param token as {@link Lease#token} returns it
   * @param ttl 1 ms to 365 days, rounded down to milliseconds
   * @throws NotOwnerException if the token does not hold the lock
   */
  public void extend(String name, String token, Duration ttl) {
    Options options = new Options().set("ttl", ttl);
    try (Request request = about(Text.bytes(name), token, options)) {
      request.call(op -> Core.op_extend(op, 0));
    }
  }

  /**
   * Takes a lock away from its holder, and hands it to the next waiter. The holder learns of it at
   * its next renewal or extension.
   *
   * @param name the name
   * @throws NotOwnerException if nobody held the lock
   */
  public void breakLock(String name) {
    breakLock(Text.bytes(name));
  }

  void breakLock(byte[] name) {
    try (Request request = request(name, new Options())) {
      request.call(Core::op_break);
    }
  }

  /**
   * Looks up who holds a lock and who waits for it.
   *
   * @param name the name
   * @return what the server replied, also for a lock that nobody holds
   */
  public LockInfo info(String name) {
    return info(Text.bytes(name));
  }

  /**
   * Looks up who holds a lock and who waits for it.
   *
   * @param name the name
   * @return what the server replied, also for a lock that nobody holds
   */
  public LockInfo info(byte[] name) {
    try (Request request = request(name, new Options())) {
      return new LockInfo(request.call(Core::op_info));
    }
  }

  /**
   * Lists the names of the locks that are held or waited for. A database with many other keys may
   * take many requests.
   *
   * @param pattern a glob-style pattern such as "job:*"; null for all
   * @return the names in no order; bytes that are no UTF-8 are replaced
   * @throws InterruptedException if the thread was interrupted
   */
  public List<String> list(String pattern) throws InterruptedException {
    byte[] bytes = pattern == null ? null : Text.bytes(pattern);
    return listBytes(bytes).stream().map(Text::of).collect(Collectors.toList());
  }

  /**
   * Lists the names of the locks that are held or waited for, as bytes.
   *
   * @param pattern a glob-style pattern; null for all
   * @return the names in no order
   * @throws InterruptedException if the thread was interrupted
   */
  public List<byte[]> listBytes(byte[] pattern) throws InterruptedException {
    List<byte[]> names = new ArrayList<>();
    try (Names list = new Names(hub, pattern)) {
      for (byte[] name = list.next(); name != null; name = list.next()) {
        names.add(name);
      }
    } finally {
      Reference.reachabilityFence(this);
    }
    return names;
  }

  /**
   * Checks that the server can be used: for the start of a program and for health probes. It runs
   * every command that redilock uses, in a way that changes nothing.
   *
   * @return the server's address and version, such as "10.0.0.5:6379: Redis 7.0.15"
   * @throws RedilockException with the status AUTH and the name of the first missing permission, or
   *     UNSUPPORTED, SERVER and the like
   */
  public String check() {
    return check(new Options());
  }

  /**
   * Checks that the server can be used, with options.
   *
   * @param options such as "name", of a lock whose keys the client may use
   * @return as {@link #check()}
   */
  public String check(Options options) {
    try (Request request = request(null, options)) {
      request.call(Core::op_check);
      return request.message();
    }
  }

  /**
   * Returns what the client counts; {@link Redilock#statistics} describes each number. Asks no
   * server. After a close it returns the last numbers.
   *
   * @return the numbers by their names
   */
  public Map<String, Long> stats() {
    return hub.stats();
  }

  /**
   * Ends every call that runs on the client with {@link ClosedException}, and takes waiters out of
   * the queue. Leases that are still held are not released: they run out, and their renewal ends.
   * Blocks for about 100 ms at most. May be called more than once.
   */
  @Override
  public void close() {
    cleanable.clean();
    hub.awaitEnd();
  }
}
