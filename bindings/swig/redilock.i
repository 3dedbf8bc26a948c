/*
 * redilock.i - redilock.h for SWIG: which call gives what, said once for all languages. redilock.h
 * itself is what gets wrapped; here stand only the roles of its parameters and results.
 *
 * A language's own file is included below. It defines, before the calls are listed:
 *   - typemaps `(const char *bytes, size_t bytes_len)`: text or bytes in, any byte may occur;
 *     `const char *TEXT`: text in, where nothing stands for NULL;
 *     `(char *message, size_t message_size)`: a buffer that the caller does not see
 *   - typemaps `SWIGTYPE **handle`, `SWIGTYPE **lock` (a handle to give back if the program cannot
 *     be given it; nothing where it is NULL), `SWIGTYPE **under_way` (the operation that is the
 *     result instead of a lock, where it is not NULL), `int32_t *number`, `int64_t *number` and
 *     `(const char **bytes, size_t *bytes_len)`: the
 *     result of the call, which has no other; `size_t *bytes_len`: the length of a `const char *`
 *     result
 *   - REDILOCK_FAILED(status, message): how a failure is raised, REDILOCK_NOTHING: no result
 *   - REDILOCK_BLOCKS(function): how other threads run during it
 * So a status is never seen by a program: a call returns what it is for, or raises.
 */
#if defined(SWIGPERL)
%module "Redilock::Core"
#elif defined(SWIGJAVA)
%module Core
#else
%module(package="redilock") core
#endif

%{
#include <redilock/redilock.h>
%}

%include <stdint.i>

/* Handles are freed by the language's collector, through these. A lock that is held is released
   then, in the background: an exception may have kept it from the program that wanted it. */
%define REDILOCK_HANDLE(type, Name, free)
%rename(Name) type;
%nodefaultctor type;
struct type {};
%extend type {
  ~type() { free($self); }
}
%ignore free;
%enddef

%rename("%(strip:[redilock_])s", %$isfunction) "";
%rename("%(strip:[REDILOCK_])s", %$isenumitem) "";
%rename("%(strip:[REDILOCK_])s", %$isconstant) "";

/* These have no use where constants are wrapped and a library is linked. */
%ignore redilock_constant;
%ignore REDILOCK_API;
%ignore REDILOCK_CHECK;
%ignore REDILOCK_TTL_MAX;
%constant int64_t TTL_MAX = REDILOCK_TTL_MAX;

/* How a call fails: with the words of the operation, lock or list, of its own buffer, or of the
   status. */
%define REDILOCK_STATUS(function, message)
%typemap(out) int32_t function {
  if ($1 != REDILOCK_OK) {
    REDILOCK_FAILED($1, message);
  }
  $result = REDILOCK_NOTHING;
}
%enddef
%define REDILOCK_CALL(function)
REDILOCK_STATUS(function, NULL)
%enddef
%define REDILOCK_CALL_WITH_MESSAGE(function, copy_message)
%typemap(out) int32_t function {
  if ($1 != REDILOCK_OK) {
    char message[512];
    copy_message(arg1, message, sizeof message);
    REDILOCK_FAILED($1, message);
  }
  $result = REDILOCK_NOTHING;
}
%enddef
%define REDILOCK_CALL_OF_OP(function)
REDILOCK_CALL_WITH_MESSAGE(function, redilock_op_message)
%enddef
%define REDILOCK_CALL_OF_LIST(function)
REDILOCK_CALL_WITH_MESSAGE(function, redilock_list_message)
%enddef

#if defined(SWIGPYTHON)
%include "python.i"
#elif defined(SWIGLUA)
%include "lua.i"
#elif defined(SWIGPERL)
%include "perl.i"
#elif defined(SWIGJAVA)
%include "java.i"
#else
#error "there is no file for this language yet"
#endif

REDILOCK_HANDLE(redilock_options, Options, redilock_options_free)
REDILOCK_HANDLE(redilock_client, Client, redilock_free)
REDILOCK_HANDLE(redilock_op, Op, redilock_op_free)
REDILOCK_HANDLE(redilock_lock, Lock, redilock_lock_drop)
%ignore redilock_lock_free;
REDILOCK_HANDLE(redilock_info, Info, redilock_info_free)
REDILOCK_HANDLE(redilock_list, List, redilock_list_free)

%apply (const char *bytes, size_t bytes_len) {
  (const char *name, size_t name_len),
  (const char *token, size_t token_len),
  (const char *pattern, size_t pattern_len),
  (const char *value, size_t value_len)
};
%apply const char *TEXT { const char *url, const char *name, const char *value };
%apply (char *message, size_t message_size) { (char *error, size_t error_size) };
%apply SWIGTYPE **handle {
  redilock_options_t **out,
  redilock_client_t **out,
  redilock_op_t **out,
  redilock_info_t **out,
  redilock_list_t **out
};
%apply SWIGTYPE **lock { redilock_lock_t **out };
%apply int32_t *number { int32_t *out };
%apply int64_t *number { int64_t *out };
%apply size_t *bytes_len { size_t *len };
%apply (const char **bytes, size_t *bytes_len) { (const char **name, size_t *len) };

REDILOCK_CALL(redilock_options_new)
REDILOCK_STATUS(redilock_options_set, arg4)
REDILOCK_STATUS(redilock_options_set_bytes, arg5)
REDILOCK_STATUS(redilock_options_set_int, arg4)
REDILOCK_STATUS(redilock_new, arg4)
REDILOCK_STATUS(redilock_acquire, arg7)
REDILOCK_CALL_WITH_MESSAGE(redilock_release, redilock_lock_message)
REDILOCK_CALL_WITH_MESSAGE(redilock_extend, redilock_lock_message)
REDILOCK_STATUS(redilock_release_token, arg6)
REDILOCK_CALL(redilock_op_new)
REDILOCK_CALL_OF_OP(redilock_op_set)
REDILOCK_CALL_OF_OP(redilock_op_set_bytes)
REDILOCK_CALL_OF_OP(redilock_op_set_int)
REDILOCK_CALL_OF_OP(redilock_op_acquire)
REDILOCK_CALL_OF_OP(redilock_op_attach)
REDILOCK_CALL_OF_OP(redilock_op_release)
REDILOCK_CALL_OF_OP(redilock_op_extend)
REDILOCK_CALL_OF_OP(redilock_op_break)
REDILOCK_CALL_OF_OP(redilock_op_info)
REDILOCK_CALL_OF_OP(redilock_op_check)
REDILOCK_CALL_OF_OP(redilock_op_submit_acquire)
REDILOCK_CALL_OF_OP(redilock_op_begin_acquire)
REDILOCK_CALL_OF_OP(redilock_op_submit_release)
REDILOCK_CALL_OF_OP(redilock_op_submit_extend)
REDILOCK_CALL_OF_OP(redilock_op_submit_break)
REDILOCK_CALL_OF_OP(redilock_op_submit_info)
REDILOCK_CALL(redilock_op_take_lock)
REDILOCK_CALL(redilock_op_take_info)
REDILOCK_CALL(redilock_client_fd)
REDILOCK_CALL(redilock_client_next)
REDILOCK_CALL(redilock_client_wait)
REDILOCK_CALL(redilock_client_stat)
REDILOCK_CALL(redilock_client_log)
REDILOCK_CALL(redilock_lock_watch)
REDILOCK_CALL(redilock_lock_wait_lost)
REDILOCK_CALL(redilock_list_new)
REDILOCK_CALL_OF_LIST(redilock_list_next)

REDILOCK_BLOCKS(redilock_acquire)
REDILOCK_BLOCKS(redilock_release)
REDILOCK_BLOCKS(redilock_extend)
REDILOCK_BLOCKS(redilock_release_token)
REDILOCK_BLOCKS(redilock_op_acquire)
REDILOCK_BLOCKS(redilock_op_begin_acquire)
REDILOCK_BLOCKS(redilock_op_attach)
REDILOCK_BLOCKS(redilock_op_release)
REDILOCK_BLOCKS(redilock_op_extend)
REDILOCK_BLOCKS(redilock_op_break)
REDILOCK_BLOCKS(redilock_op_info)
REDILOCK_BLOCKS(redilock_op_check)
REDILOCK_BLOCKS(redilock_list_next)
REDILOCK_BLOCKS(redilock_client_wait)
REDILOCK_BLOCKS(redilock_lock_wait_lost)
REDILOCK_BLOCKS(redilock_free)

/* They free the handle, so the object that has it must not: the lock is released at once, or stays
   held for the owner of its token. */
%ignore redilock_lock_drop;
%apply SWIGTYPE *DISOWN { redilock_lock_t *dropped, redilock_lock_t *left };
%inline %{
void redilock_drop_lock(redilock_lock_t *dropped) { redilock_lock_drop(dropped); }
void redilock_leave_lock(redilock_lock_t *left) { redilock_lock_free(left); }
%}

/* redilock_op_begin_acquire, interruptible, with the operation that it needs: in one call, since
   most locks are free. `under_way` is that operation where the lock has to be waited for. */
REDILOCK_STATUS(redilock_begin_acquire, arg9)
REDILOCK_BLOCKS(redilock_begin_acquire)
%inline %{
int32_t redilock_begin_acquire(redilock_client_t *client, const char *name, size_t name_len,
                               int64_t ttl_ms, int64_t wait_ms, uint64_t tag, redilock_lock_t **out,
                               redilock_op_t **under_way, char *error, size_t error_size) {
  redilock_op_t *op;
  int32_t status = redilock_op_new(client, &op);
  if (status != REDILOCK_OK) return status;
  status = redilock_op_set_bytes(op, "name", name, name_len);
  if (status == REDILOCK_OK) status = redilock_op_set_int(op, "ttl", ttl_ms);
  if (status == REDILOCK_OK) status = redilock_op_set_int(op, "wait", wait_ms);
  if (status == REDILOCK_OK) status = redilock_op_set_int(op, "interruptible", 1);
  if (status == REDILOCK_OK) status = redilock_op_begin_acquire(op, tag, out);
  if (status == REDILOCK_OK && *out == NULL) {
    *under_way = op;
    return status;
  }
  if (status != REDILOCK_OK) redilock_op_message(op, error, error_size);
  redilock_op_free(op);
  return status;
}
%}

%include <redilock/redilock.h>
