// A thread of a worker that blocks in nothing but poll(2): it has several calls under way at once,
// cancels some, frees the operations of some, and closes its client under the rest.
#pragma once

#include <redilock/redilock.h>

#include "fault/board.hpp"
#include "fault/history.hpp"
#include "fault/worker.hpp"

namespace fault {

redilock_client_t *new_client(const WorkerSettings &settings);

// `shared`: the client, or null for one of its own, which it closes now and then.
void run_async(const WorkerSettings &settings, const History &history, Board &board, int slot,
               redilock_client_t *shared);

}  // namespace fault
