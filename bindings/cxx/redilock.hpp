/// @file
/// redilock for C++17: a distributed lock kept in Redis. Header-only, over the C ABI of redilock.h.
///
///     redilock::Client client("redis://127.0.0.1:6379");
///     redilock::Lock lock = client.acquire("report", {{"ttl", 30s}, {"wait", 5s}});
///     write_report(lock.fence());
///     lock.release();
///
/// Each call has two forms. The plain one throws redilock::Error. The one whose first argument is
/// std::nothrow returns a redilock::Result, and throws nothing but std::bad_alloc.
///
/// Options are those of the library, by name and value: `redilock help options` and redilock(3)
/// list them. The binding passes those of later libraries on.
///
/// Any thread may use any object at any time, unless its comment says otherwise. An object is
/// destroyed once no other call runs on it.
#ifndef REDILOCK_REDILOCK_HPP
#define REDILOCK_REDILOCK_HPP

#include "cxx/client.hpp"
#include "cxx/error.hpp"
#include "cxx/info.hpp"
#include "cxx/lock.hpp"
#include "cxx/mutex.hpp"
#include "cxx/options.hpp"
#include "cxx/report.hpp"
#include "cxx/requests.hpp"

#endif  // REDILOCK_REDILOCK_HPP
