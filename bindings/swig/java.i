/*
 * java.i - how Java sees redilock.h: each function is a static method of the class Core, where a
 * handle and a number are a long, a name is a byte[], and a text is a String in UTF-8 (JNI's own
 * form of UTF-8 is another one). A failure throws what RedilockException.of makes. The package is
 * written on Core, which nobody else sees; it frees the handles.
 */

%include "enumsimple.swg"
%javaconst(1);
%pragma(java) moduleclassmodifiers="final class"
%pragma(java) jniclassclassmodifiers="final class"
%pragma(java) jniclasscode="static { Library.load(); }"

/* ---------------------------------------------------------------- failures */

%{
/* The bytes of a text; NULL with an exception, which the call or a full heap threw. */
static jbyteArray redilock_bytes(JNIEnv *jenv, const char *text, size_t size) {
  jbyteArray bytes;
  if ((*jenv)->ExceptionCheck(jenv)) return NULL;
  bytes = (*jenv)->NewByteArray(jenv, (jsize)size);
  if (bytes != NULL) {
    (*jenv)->SetByteArrayRegion(jenv, bytes, 0, (jsize)size, (const jbyte *)text);
  }
  return bytes;
}

/* Throws the exception of a status. A NULL message is for the status' own words. */
static void redilock_throw(JNIEnv *jenv, int32_t status, const char *message) {
  jclass type;
  jmethodID make;
  jbyteArray text;
  jobject failure;
  if (message == NULL || *message == '\0') message = redilock_strerror(status);
  text = redilock_bytes(jenv, message, strlen(message));
  if (text == NULL) return;
  type = (*jenv)->FindClass(jenv, "io/redilock/RedilockException");
  if (type == NULL) return;
  make = (*jenv)->GetStaticMethodID(jenv, type, "of", "(I[B)Lio/redilock/RedilockException;");
  if (make == NULL) return;
  failure = (*jenv)->CallStaticObjectMethod(jenv, type, make, (jint)status, text);
  if (!(*jenv)->ExceptionCheck(jenv)) (*jenv)->Throw(jenv, failure);
}
%}

/* The wrapper goes on, and gives back its arrays. */
%define REDILOCK_FAILED(status, message)
redilock_throw(jenv, status, message)
%enddef

%define REDILOCK_NOTHING
0
%enddef

/* The collector does not wait for a thread that is in a native method. */
%define REDILOCK_BLOCKS(function)
%enddef

/* ---------------------------------------------------------------- what goes in */

%typemap(jstype) SWIGTYPE * "long"
%typemap(javain) SWIGTYPE * "$javainput"
%typemap(javaout) SWIGTYPE * { return $jnicall; }
%apply SWIGTYPE * { SWIGTYPE *DISOWN };

%typemap(jni) int32_t, int64_t, uint64_t, size_t "jlong"
%typemap(jtype) int32_t, int64_t, uint64_t, size_t "long"
%typemap(jstype) int32_t, int64_t, uint64_t, size_t "long"
%typemap(javain) int32_t, int64_t, uint64_t, size_t "$javainput"
%typemap(javaout) int32_t, int64_t, uint64_t, size_t { return $jnicall; }
%typemap(in) int32_t, int64_t, uint64_t, size_t "$1 = ($1_ltype)$input;"
%typemap(out) int32_t, int64_t, uint64_t, size_t "$result = (jlong)$1;"

%typemap(jni) (const char *bytes, size_t bytes_len) "jbyteArray"
%typemap(jtype) (const char *bytes, size_t bytes_len) "byte[]"
%typemap(jstype) (const char *bytes, size_t bytes_len) "byte[]"
%typemap(javain) (const char *bytes, size_t bytes_len) "$javainput"
%typemap(in) (const char *bytes, size_t bytes_len) {
  $1 = NULL;
  $2 = 0;
  if ($input != NULL) {
    $1 = ($1_ltype)(*jenv)->GetByteArrayElements(jenv, $input, NULL);
    if ($1 == NULL) return $null;
    $2 = ($2_ltype)(*jenv)->GetArrayLength(jenv, $input);
  }
}
%typemap(freearg) (const char *bytes, size_t bytes_len) {
  if ($1 != NULL) (*jenv)->ReleaseByteArrayElements(jenv, $input, (jbyte *)$1, JNI_ABORT);
}

/* Text.terminated refuses a NUL in the text and adds the one at its end. */
%typemap(jni) const char *TEXT "jbyteArray"
%typemap(jtype) const char *TEXT "byte[]"
%typemap(jstype) const char *TEXT "String"
%typemap(javain) const char *TEXT "Text.terminated($javainput)"
%typemap(in) const char *TEXT {
  $1 = NULL;
  if ($input != NULL) {
    $1 = ($1_ltype)(*jenv)->GetByteArrayElements(jenv, $input, NULL);
    if ($1 == NULL) return $null;
  }
}
%typemap(freearg) const char *TEXT {
  if ($1 != NULL) (*jenv)->ReleaseByteArrayElements(jenv, $input, (jbyte *)$1, JNI_ABORT);
}
%apply const char *TEXT { const char *feature };

%typemap(in, numinputs=0) (char *message, size_t message_size) (char message[512]) {
  message[0] = '\0';
  $1 = message;
  $2 = sizeof message;
}

/* ---------------------------------------------------------------- what comes out */

%typemap(in, numinputs=0) SWIGTYPE **handle ($*1_ltype made = NULL) "$1 = &made;"
%typemap(argout) SWIGTYPE **handle "$result = (jlong)(intptr_t)*$1;"
%apply SWIGTYPE **handle { SWIGTYPE **lock };

%typemap(in, numinputs=0) int32_t *number ($*1_ltype made = 0) "$1 = &made;"
%typemap(in, numinputs=0) int64_t *number ($*1_ltype made = 0) "$1 = &made;"
%typemap(argout) int32_t *number, int64_t *number "$result = (jlong)*$1;"

/* A call with several results puts each into the first element of an array. */
%typemap(jni) uint64_t *tag, int32_t *kind, int64_t *time_ms "jlongArray"
%typemap(jtype) uint64_t *tag, int32_t *kind, int64_t *time_ms "long[]"
%typemap(jstype) uint64_t *tag, int32_t *kind, int64_t *time_ms "long[]"
%typemap(javain) uint64_t *tag, int32_t *kind, int64_t *time_ms "$javainput"
%typemap(in) uint64_t *tag ($*1_ltype made = 0) "$1 = &made;"
%typemap(in) int32_t *kind ($*1_ltype made = 0) "$1 = &made;"
%typemap(in) int64_t *time_ms ($*1_ltype made = 0) "$1 = &made;"
%typemap(argout) uint64_t *tag, int32_t *kind, int64_t *time_ms {
  const jlong value = (jlong)*$1;
  if (!(*jenv)->ExceptionCheck(jenv)) (*jenv)->SetLongArrayRegion(jenv, $input, 0, 1, &value);
}
%apply int32_t *kind { int32_t *status, int32_t *level };

%typemap(jni) const char * "jbyteArray"
%typemap(jtype) const char * "byte[]"
%typemap(jstype) const char * "String"
%typemap(javaout) const char * { return Text.of($jnicall); }
%typemap(out) const char * "if ($1 != NULL) $result = redilock_bytes(jenv, $1, strlen($1));"

/* Bytes and messages as the result of a function that returns something else, or their length. */
%define REDILOCK_GIVES(type, function, java, value)
%typemap(jni) type function "jbyteArray"
%typemap(jtype) type function "byte[]"
%typemap(jstype) type function #java
%typemap(javaout) type function { return value; }
%enddef
REDILOCK_GIVES(const char *, redilock_lock_token, byte[], $jnicall)
REDILOCK_GIVES(const char *, redilock_lock_name, byte[], $jnicall)
REDILOCK_GIVES(int32_t, redilock_list_next, byte[], $jnicall)
REDILOCK_GIVES(int32_t, redilock_client_log, String, Text.of($jnicall))
REDILOCK_GIVES(size_t, redilock_op_message, String, Text.of($jnicall))
REDILOCK_GIVES(size_t, redilock_lock_message, String, Text.of($jnicall))
REDILOCK_GIVES(size_t, redilock_list_message, String, Text.of($jnicall))

%typemap(out) const char *redilock_lock_token, const char *redilock_lock_name ""
%typemap(in, numinputs=0) size_t *bytes_len (size_t made = 0) "$1 = &made;"
%typemap(argout) size_t *bytes_len "$result = redilock_bytes(jenv, result, *$1);"

%typemap(in, numinputs=0) (const char **bytes, size_t *bytes_len)
    ($*1_ltype made = NULL, size_t made_len = 0) "$1 = &made; $2 = &made_len;"
%typemap(argout) (const char **bytes, size_t *bytes_len) {
  if (*$1 != NULL) $result = redilock_bytes(jenv, *$1, *$2);
}

%typemap(out) size_t redilock_op_message, size_t redilock_lock_message,
              size_t redilock_list_message "(void)$1;"
%typemap(in, numinputs=0) (char *buffer, size_t size) (char text[1024]) {
  text[0] = '\0';
  $1 = text;
  $2 = sizeof text;
}
%typemap(argout) (char *buffer, size_t size) "$result = redilock_bytes(jenv, $1, strlen($1));"

%rename(client_new) redilock_new; /* `new` is a keyword */

/* The package makes an operation for each call, which has more options. */
%ignore redilock_begin_acquire;
%ignore redilock_acquire;
%ignore redilock_release;
%ignore redilock_extend;
%ignore redilock_release_token;
%ignore redilock_lock_wait_lost;
%ignore redilock_client_fd;
