// Locks of Node: LIBRARY PORT NAME SECONDS HOLD_US THINK_US, one line of JSON.
import Redis from 'ioredis';

const [library, port, name, ...numbers] = process.argv.slice(2);
const [seconds, hold, think] = numbers.map(Number);
const redis = new Redis(Number(port), '127.0.0.1');
const pause = (us) => new Promise((resolve) => setTimeout(resolve, us / 1000));

const libraries = {
  async 'node-redlock'() {
    const { default: Redlock } = await import('redlock');
    const redlock = new Redlock([redis], { retryCount: -1 });
    redlock.on('error', () => {});
    return [() => redlock.acquire([name], 30000), (lock) => lock.release()];
  },
  async 'redis-semaphore'() {
    const { Mutex } = (await import('redis-semaphore')).default;
    const acquire = async () => {
      const mutex = new Mutex(redis, name, { lockTimeout: 30000, acquireTimeout: 60000 });
      await mutex.acquire();
      return mutex;
    };
    return [acquire, (mutex) => mutex.release()];
  },
};

const [acquire, release] = await libraries[library]();
const took = [];
let failed = 0;
await pause(Math.max(0, Number(process.env.BENCH_AT ?? 0) * 1000 - Date.now()) * 1000);
const end = performance.now() + seconds * 1000;
while (performance.now() < end) {
  const begun = performance.now();
  let lock;
  try {
    lock = await acquire();
  } catch {
    failed += 1;
    continue;
  }
  if (hold) await pause(hold);
  await release(lock);
  took.push((performance.now() - begun) * 1000);
  if (think) await pause(think);
}
took.sort((a, b) => a - b);
const at = (part) => took[Math.floor(took.length * part)] ?? 0;
console.log(JSON.stringify({ turns: took.length, failed, p50_us: at(0.5), p99_us: at(0.99) }));
process.exit(0);
