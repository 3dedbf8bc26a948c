package io.redilock;

import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

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

  /** {@return a client of the environment's REDILOCK_URL, or else redis://127.0.0.1:6379/0} */
  public static RedilockClient connect() {
    return connect(null);
  }

  /**
   * {@return a client for a server}
   *
   * @param url as for {@link #connect(String, Options)}
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

  /**
   * {@return a lock in the form of {@link java.util.concurrent.locks.Lock}, not acquired yet}
   *
   * @param name the name
   */
  public RedilockLock getLock(String name) {
    return getLock(name, new Options());
  }

  /**
   * {@return a lock in the form of {@link java.util.concurrent.locks.Lock}, not acquired yet}
   *
   * @param name the name
   * @param options of each acquire; "renew" is true unless they set it
   */
  public RedilockLock getLock(String name, Options options) {
    return new RedilockLock(this, Text.bytes(name), options.copy());
  }

  /**
   * {@return the lease of a lock, acquired as {@link #acquire(byte[], Options)} does}
   *
   * @param name the name
   * @throws InterruptedException if the thread was interrupted
   */
  public Lease acquire(String name) throws InterruptedException {
    return acquire(name, new Options());
  }

  /**
   * {@return the lease of a lock, acquired as {@link #acquire(byte[], Options)} does}
   *
   * @param name the name
   * @param options of the acquire
   * @throws InterruptedException if the thread was interrupted
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
   * @throws InterruptedException if the thread was interrupted; it holds no lock then
   * @throws HeldException if "wait" is 0 and another holds the lock
   * @throws TimeoutException if the wait is over
   */
  public Lease acquire(byte[] name, Options options) throws InterruptedException {
    return Acquire.interruptibly(this, name, options);
  }

  /**
   * {@return the lease of a lock, acquired as {@link #acquireAsync(byte[], Options)} does}
   *
   * @param name the name
   * @param options of the acquire
   */
  public CompletableFuture<Lease> acquireAsync(String name, Options options) {
    return Acquire.async(this, name, options);
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
   * {@return a lease of a lock that is held by a token, extended by the option "ttl"} So a program
   * passes its lock to another one, by {@link Lease#detach}. The fence of the lease is 0: pass it
   * along with the token.
   *
   * @param name the name
   * @param token as {@link Lease#token} returns it
   * @param options of the lease
   * @throws InterruptedException if the thread was interrupted before the server answered
   * @throws NotOwnerException if the token does not hold the lock
   */
  public Lease attach(String name, String token, Options options) throws InterruptedException {
    byte[] bytes = Text.bytes(name);
    try (Request request = about(bytes, token, options)) {
      return new Lease(this, bytes, request.callInterruptibly(Core::op_attach));
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
   * Takes a lock away from its holder, who learns of it later, and hands it to the next waiter.
   *
   * @param name the name
   * @throws NotOwnerException if nobody held the lock
   */
  public void breakLock(String name) {
    try (Request request = request(Text.bytes(name), new Options())) {
      request.call(Core::op_break);
    }
  }

  /**
   * {@return who holds a lock and who waits for it, also for a lock that nobody holds}
   *
   * @param name the name
   */
  public LockInfo info(String name) {
    return info(Text.bytes(name));
  }

  /**
   * {@return who holds a lock and who waits for it, also for a lock that nobody holds}
   *
   * @param name the name
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
   * @return in no order; bytes that are no UTF-8 are replaced
   * @throws InterruptedException if the thread was interrupted
   */
  public List<String> list(String pattern) throws InterruptedException {
    byte[] bytes = pattern == null ? null : Text.bytes(pattern);
    return listBytes(bytes).stream().map(Text::of).toList();
  }

  /**
   * {@return the names that {@link #list} returns, as bytes}
   *
   * @param pattern a glob-style pattern; null for all
   * @throws InterruptedException if the thread was interrupted
   */
  public List<byte[]> listBytes(byte[] pattern) throws InterruptedException {
    return Names.all(this, pattern);
  }

  /**
   * Checks that the server can be used: for the start of a program and for health probes. It runs
   * every command that redilock uses, in a way that changes nothing.
   *
   * @return the server's address and version, such as "10.0.0.5:6379: Redis 7.0.15"
   * @throws RedilockException that names the first missing permission, or what else is wrong
   */
  public String check() {
    return check(new Options());
  }

  /**
   * {@return what {@link #check()} returns}
   *
   * @param options such as "name", of a lock whose keys the client may use
   */
  public String check(Options options) {
    try (Request request = request(null, options)) {
      request.call(Core::op_check);
      return request.message();
    }
  }

  /**
   * {@return what the client counts, by the names that {@link Redilock#statistics} describes} Asks
   * no server. After a close these are the last numbers.
   */
  public Map<String, Long> stats() {
    return hub.stats();
  }

  Hub hub() {
    return hub;
  }

  Map<ByteBuffer, Lease> heldByThread() {
    return held.get();
  }

  Request request(byte[] name, Options options) {
    return new Request(this, name, options);
  }

  /**
   * Ends every call that runs on the client with {@link ClosedException}, and takes waiters out of
   * the queue. Held leases run out without renewal. Blocks for about 100 ms at most.
   */
  @Override
  public void close() {
    cleanable.clean();
    hub.awaitEnd();
  }
}
