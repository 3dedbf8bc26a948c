// What the tests share: a server and a client for each class.

package io.redilock;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

abstract class WithServer {
  static Server server;
  static RedilockClient client;

  @BeforeAll
  static void start() throws Exception {
    server = new Server();
    client = server.client();
  }

  @AfterAll
  static void end() throws Exception {
    client.close();
    server.close();
  }

  static Options options(String name, String value) {
    return new Options().set(name, value);
  }

  static void untilWaiting(String name, long waiters) throws Exception {
    Server.until(() -> client.info(name).waiting() == waiters);
  }

  static void untilFree(String name) throws Exception {
    Server.until(() -> client.info(name).state() == LockInfo.State.FREE);
  }
}
