// The processes that a process has started, and those that they have started.
#pragma once

#include <sys/types.h>

namespace cli {

// Sends a signal to every descendant of this process that it can find in /proc. One that is started
// just then may be missed: a caller that needs them all calls again while has_children().
void signal_descendants(int signal);

// Whether this process has a child, one that has ended and was not waited for included. Orphaned
// descendants are children if this process is their subreaper.
bool has_children();

// 'R', 'S', 'T', ... as in /proc/PID/stat; 0 if there is no such process.
char process_state(pid_t pid);

}  // namespace cli
