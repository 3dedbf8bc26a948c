/*
 * python.i - how Python sees redilock.h: str and bytes go in, bytes and int come out, a failure is
 * an exception that redilock.errors makes, and the interpreter lock is let go while a call blocks.
 * The package is written on the module _core that comes out of it; nobody else imports that.
 */

/* ---------------------------------------------------------------- failures */

%{
static PyObject *redilock_error_of = NULL;

/* Raises what the package makes of a status; NULL is for the status' own words. */
static void redilock_raise(int32_t status, const char *message) {
  PyObject *text, *error;
  if (status == REDILOCK_E_INTERRUPTED && PyErr_CheckSignals() != 0) return;
  if (status == REDILOCK_E_NO_MEMORY) {
    PyErr_NoMemory();
    return;
  }
  if (message == NULL || *message == '\0') message = redilock_strerror(status);
  text = PyUnicode_DecodeUTF8(message, (Py_ssize_t)strlen(message), "replace");
  if (text == NULL) return;
  error = redilock_error_of == NULL ? NULL
                                    : PyObject_CallFunction(redilock_error_of, "iO", status, text);
  if (error != NULL) {
    PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_DECREF(error);
  } else if (!PyErr_Occurred()) {
    PyErr_SetObject(PyExc_RuntimeError, text);
  }
  Py_DECREF(text);
}
%}

%define REDILOCK_FAILED(status, message)
redilock_raise(status, message);
SWIG_fail
%enddef

%define REDILOCK_NOTHING
SWIG_Py_Void()
%enddef

%define REDILOCK_BLOCKS(function)
%exception function {
  Py_BEGIN_ALLOW_THREADS
  $action
  Py_END_ALLOW_THREADS
}
%enddef

/* ---------------------------------------------------------------- what goes in */

%typemap(in) (const char *bytes, size_t bytes_len) {
  Py_ssize_t size = 0;
  if (PyBytes_Check($input)) {
    $1 = PyBytes_AS_STRING($input);
    size = PyBytes_GET_SIZE($input);
  } else if (PyUnicode_Check($input)) {
    $1 = ($1_ltype)PyUnicode_AsUTF8AndSize($input, &size);
    if ($1 == NULL) SWIG_fail;
  } else {
    PyErr_Format(PyExc_TypeError, "$1_name: str or bytes, not %.100s", Py_TYPE($input)->tp_name);
    SWIG_fail;
  }
  $2 = ($2_ltype)size;
}

/* A NUL would end it early. */
%typemap(in) const char *TEXT {
  if ($input == Py_None) {
    $1 = NULL;
  } else {
    Py_ssize_t size = 0;
    if (PyBytes_Check($input)) {
      $1 = PyBytes_AS_STRING($input);
      size = PyBytes_GET_SIZE($input);
    } else {
      $1 = ($1_ltype)PyUnicode_AsUTF8AndSize($input, &size);
      if ($1 == NULL) SWIG_fail;
    }
    if (strlen($1) != (size_t)size) {
      PyErr_SetString(PyExc_ValueError, "$1_name: it has a NUL");
      SWIG_fail;
    }
  }
}

%typemap(in, numinputs=0) (char *message, size_t message_size) (char message[512]) {
  message[0] = '\0';
  $1 = message;
  $2 = sizeof message;
}

/* ---------------------------------------------------------------- what comes out */

%typemap(in, numinputs=0) SWIGTYPE **handle ($*1_ltype made = NULL) "$1 = &made;"
%typemap(argout) SWIGTYPE **handle {
  Py_DECREF($result);
  $result = SWIG_NewPointerObj(*$1, $*1_descriptor, SWIG_POINTER_OWN);
}

%{
/* A signal came while the lock was acquired, and its handler raised: nobody hears of the lock. */
static int redilock_gave_back(redilock_lock_t *lock) {
  PyObject *type, *value, *trace;
  if (PyErr_CheckSignals() == 0) return 0;
  PyErr_Fetch(&type, &value, &trace);
  Py_BEGIN_ALLOW_THREADS
  redilock_release(lock);
  redilock_lock_free(lock);
  Py_END_ALLOW_THREADS
  PyErr_Restore(type, value, trace);
  return 1;
}
%}

%typemap(in, numinputs=0) SWIGTYPE **lock ($*1_ltype made = NULL) "$1 = &made;"
%typemap(argout) SWIGTYPE **lock {
  if (*$1 != NULL) { /* else it has to be waited for */
    Py_DECREF($result);
    $result = NULL;
    if (redilock_gave_back(*$1)) SWIG_fail;
    $result = SWIG_NewPointerObj(*$1, $*1_descriptor, SWIG_POINTER_OWN);
  }
}

%typemap(in, numinputs=0) SWIGTYPE **under_way ($*1_ltype made = NULL) "$1 = &made;"
%typemap(argout) SWIGTYPE **under_way {
  if (*$1 != NULL) {
    Py_DECREF($result);
    $result = SWIG_NewPointerObj(*$1, $*1_descriptor, SWIG_POINTER_OWN);
  }
}

%typemap(in, numinputs=0) int32_t *number ($*1_ltype made = 0) "$1 = &made;"
%typemap(argout) int32_t *number {
  Py_DECREF($result);
  $result = PyLong_FromLong(*$1);
}

%typemap(in, numinputs=0) int64_t *number ($*1_ltype made = 0) "$1 = &made;"
%typemap(argout) int64_t *number {
  Py_DECREF($result);
  $result = PyLong_FromLongLong(*$1);
}

%typemap(in, numinputs=0) (const char **bytes, size_t *bytes_len)
    ($*1_ltype made = NULL, size_t made_len = 0) "$1 = &made; $2 = &made_len;"
%typemap(argout) (const char **bytes, size_t *bytes_len) {
  if (*$1 != NULL) {
    Py_DECREF($result);
    $result = PyBytes_FromStringAndSize(*$1, (Py_ssize_t)*$2);
  }
}

%typemap(in, numinputs=0) size_t *bytes_len (size_t made = 0) "$1 = &made;"
%typemap(argout) size_t *bytes_len "$result = PyBytes_FromStringAndSize(result, (Py_ssize_t)*$1);"
%typemap(out) const char *redilock_lock_token, const char *redilock_lock_name ""

/* ---------------------------------------------------------------- what Python has besides */

%ignore redilock_client_next;
%ignore redilock_client_log;
%ignore redilock_op_message;
%ignore redilock_lock_message;
%ignore redilock_list_message;
%ignore redilock_op_set;

%{
/* Adds the next completion to a list; 0 where there was none, -1 with an exception. */
static int redilock_append_next(PyObject *list, redilock_client_t *client) {
  uint64_t tag = 0;
  int32_t kind = 0, ended = 0;
  PyObject *next;
  int failed;
  const int32_t status = redilock_client_next(client, &tag, &kind, &ended);
  if (status == REDILOCK_E_CLOSED) return 0; /* none comes any more */
  if (status != REDILOCK_OK) {
    redilock_raise(status, NULL);
    return -1;
  }
  if (kind == 0) return 0;
  next = Py_BuildValue("Kii", (unsigned long long)tag, kind, ended);
  if (next == NULL) return -1;
  failed = PyList_Append(list, next);
  Py_DECREF(next);
  return failed != 0 ? -1 : 1;
}
%}

%inline %{
/* What is called with a status and a message to make an exception. */
void set_errors(PyObject *factory) {
  Py_XINCREF(factory);
  Py_XDECREF(redilock_error_of);
  redilock_error_of = factory;
}

/* Up to `limit` completions that wait to be taken: (tag, kind, status). */
PyObject *completions(redilock_client_t *client, int limit) {
  PyObject *list = PyList_New(0);
  int more = list == NULL ? -1 : 1;
  for (int i = 0; more > 0 && i < limit; ++i) more = redilock_append_next(list, client);
  if (more < 0) Py_CLEAR(list);
  return list;
}

/* What a check found, and why a lock was lost. */
PyObject *op_message(redilock_op_t *op) {
  char message[512];
  redilock_op_message(op, message, sizeof message);
  return PyUnicode_DecodeUTF8(message, (Py_ssize_t)strlen(message), "replace");
}

PyObject *lock_message(redilock_lock_t *lock) {
  char message[512];
  redilock_lock_message(lock, message, sizeof message);
  return PyUnicode_DecodeUTF8(message, (Py_ssize_t)strlen(message), "replace");
}

/* How the last call of an operation ended, raised where it was not well. */
PyObject *op_raise(redilock_op_t *op) {
  char message[512];
  const int32_t status = redilock_op_status(op);
  if (status == REDILOCK_OK) Py_RETURN_NONE;
  redilock_op_message(op, message, sizeof message);
  redilock_raise(status, message);
  return NULL;
}
%}
