/*
 * lua.i - how Lua 5.1 to 5.4 and LuaJIT see redilock.h: strings hold any byte, numbers come out as
 * integers, and a failure raises a table with the status and the message. The module redilock.lua
 * is written on redilock.core, which comes out of this.
 */

/* ---------------------------------------------------------------- failures */

%{
#define REDILOCK_ERROR_TYPE "redilock.Error"

/* Leaves an error on the stack, for lua_error; a NULL message is for the status' own words. */
static void redilock_push_error(lua_State *L, int32_t status, const char *message) {
  if (message == NULL || *message == '\0') message = redilock_strerror(status);
  lua_newtable(L);
  lua_pushstring(L, redilock_status_name(status) + strlen("REDILOCK_E_"));
  lua_setfield(L, -2, "status");
  lua_pushinteger(L, status);
  lua_setfield(L, -2, "code");
  lua_pushstring(L, message);
  lua_setfield(L, -2, "message");
  luaL_newmetatable(L, REDILOCK_ERROR_TYPE);
  lua_setmetatable(L, -2);
}
%}

%define REDILOCK_FAILED(status, message)
redilock_push_error(L, status, message);
SWIG_fail
%enddef

/* SWIG writes `result = ` before it; results are what is on the stack. */
%define REDILOCK_NOTHING
0
%enddef

/* Lua has one thread. */
%define REDILOCK_BLOCKS(function)
%enddef

/* ---------------------------------------------------------------- what goes in */

%typemap(in) (const char *bytes, size_t bytes_len) {
  if (lua_type(L, $input) != LUA_TSTRING) {
    REDILOCK_FAILED(REDILOCK_E_INVALID, "$1_name: it has to be a string");
  }
  $1 = ($1_ltype)lua_tolstring(L, $input, &$2);
}

/* A NUL would end it early. */
%typemap(in) const char *TEXT {
  size_t size = 0;
  $1 = NULL;
  if (!lua_isnil(L, $input)) {
    if (lua_type(L, $input) != LUA_TSTRING) {
      REDILOCK_FAILED(REDILOCK_E_INVALID, "$1_name: it has to be a string");
    }
    $1 = ($1_ltype)lua_tolstring(L, $input, &size);
    if (strlen($1) != size) {
      REDILOCK_FAILED(REDILOCK_E_INVALID, "$1_name: it has a NUL");
    }
  }
}

%typemap(in) int32_t, int64_t, uint64_t, size_t {
  const lua_Number number = lua_tonumber(L, $input);
  if (lua_type(L, $input) != LUA_TNUMBER || !(number > -9e15 && number < 9e15)) {
    REDILOCK_FAILED(REDILOCK_E_INVALID, "$1_name: it has to be a number below 2^53");
  }
  $1 = ($1_ltype)(int64_t)number;
}

%typemap(in, numinputs=0) (char *message, size_t message_size) (char message[512]) {
  message[0] = '\0';
  $1 = message;
  $2 = sizeof message;
}

/* ---------------------------------------------------------------- what comes out */

%typemap(out) int32_t, int64_t, uint64_t, size_t {
  lua_pushinteger(L, (lua_Integer)$1);
  ++SWIG_arg;
}

%typemap(consttab) int64_t {SWIG_LUA_CONSTTAB_INT("$symname", $value)}

%typemap(in, numinputs=0) SWIGTYPE **handle ($*1_ltype made = NULL) "$1 = &made;"
%typemap(argout) SWIGTYPE **handle {
  SWIG_NewPointerObj(L, *$1, $*1_descriptor, 1);
  ++SWIG_arg;
}

%typemap(in, numinputs=0) SWIGTYPE **lock ($*1_ltype made = NULL) "$1 = &made;"
%typemap(argout) SWIGTYPE **lock {
  if (*$1 != NULL) {
    SWIG_NewPointerObj(L, *$1, $*1_descriptor, 1);
    ++SWIG_arg;
  }
}
%apply SWIGTYPE **lock { SWIGTYPE **under_way };

%typemap(in, numinputs=0) int32_t *number ($*1_ltype made = 0) "$1 = &made;"
%typemap(in, numinputs=0) int64_t *number ($*1_ltype made = 0) "$1 = &made;"
%typemap(argout) int32_t *number, int64_t *number {
  lua_pushinteger(L, (lua_Integer)*$1);
  ++SWIG_arg;
}

%typemap(in, numinputs=0) (const char **bytes, size_t *bytes_len)
    ($*1_ltype made = NULL, size_t made_len = 0) "$1 = &made; $2 = &made_len;"
%typemap(argout) (const char **bytes, size_t *bytes_len) {
  if (*$1 != NULL) {
    lua_pushlstring(L, *$1, *$2);
    ++SWIG_arg;
  }
}

%typemap(in, numinputs=0) size_t *bytes_len (size_t made = 0) "$1 = &made;"
%typemap(argout) size_t *bytes_len {
  lua_pushlstring(L, result, *$1);
  ++SWIG_arg;
}
%typemap(out) const char *redilock_lock_token, const char *redilock_lock_name ""

/* A completion is three results: tag, kind (0 for no completion) and status. */
%typemap(in, numinputs=0) uint64_t *tag ($*1_ltype made = 0) "$1 = &made;"
%typemap(argout) uint64_t *tag {
  lua_pushinteger(L, (lua_Integer)*$1);
  ++SWIG_arg;
}
%apply int32_t *number { int32_t *kind, int32_t *status, int32_t *level };
%apply int64_t *number { int64_t *time_ms };

/* A text that is copied out: a message, and a line of the log. */
%typemap(in, numinputs=0) (char *buffer, size_t size) (char text[1024]) {
  text[0] = '\0';
  $1 = text;
  $2 = sizeof text;
}
%typemap(argout) (char *buffer, size_t size) {
  lua_pushstring(L, $1);
  ++SWIG_arg;
}
%typemap(out) size_t redilock_op_message, size_t redilock_lock_message,
              size_t redilock_list_message "(void)$1;"

/* ---------------------------------------------------------------- what Lua has besides */

%native(error_type) int redilock_error_type(lua_State *L);
%native(make_error) int redilock_make_error(lua_State *L);
%{
/* The metatable of errors. */
static int redilock_error_type(lua_State *L) {
  luaL_newmetatable(L, REDILOCK_ERROR_TYPE);
  return 1;
}

/* An error of a status and a message. */
static int redilock_make_error(lua_State *L) {
  redilock_push_error(L, (int32_t)luaL_checkinteger(L, 1), luaL_optstring(L, 2, NULL));
  return 1;
}
%}

%wrapper %{
SWIGEXPORT int SWIG_init(lua_State *L);

/* What require "redilock.core" calls. SWIG's own opening also sets globals. */
SWIGEXPORT int luaopen_redilock_core(lua_State *L) {
  const char *const globals[] = {"swig_type", "swig_equals"};
  SWIG_init(L);
  for (size_t i = 0; i < sizeof globals / sizeof *globals; ++i) {
    lua_pushnil(L);
    lua_setglobal(L, globals[i]);
  }
  return 1;
}
%}
