/*
 * perl.i - how Perl sees redilock.h: strings hold any byte, numbers are integers, and a failure is
 * an exception that Redilock::Error makes. Redilock.pm is written on Redilock::Core, which comes
 * out of this; it frees the handles.
 */

/* ---------------------------------------------------------------- failures */

%{
/* Puts into $@ what the package makes of a status; NULL is for the status' own words. */
static void redilock_raise(pTHX_ int32_t status, const char *message) {
  dSP;
  SV *text;
  if (message == NULL || *message == '\0') message = redilock_strerror(status);
  ENTER;
  SAVETMPS;
  text = sv_2mortal(newSVpv(message, 0));
  sv_utf8_decode(text);
  PUSHMARK(SP);
  XPUSHs(sv_2mortal(newSViv(status)));
  XPUSHs(text);
  PUTBACK;
  call_pv("Redilock::Error::make", G_SCALAR);
  SPAGAIN;
  sv_setsv(ERRSV, POPs);
  PUTBACK;
  FREETMPS;
  LEAVE;
}

/* The bytes of a string; NULL for undef. Text that Perl holds as UTF-8 stays that. */
static char *redilock_bytes(pTHX_ SV *value, STRLEN *size) {
  SvGETMAGIC(value);
  if (!SvOK(value) || (SvROK(value) && !SvAMAGIC(value))) return NULL;
  return SvPV_nomg(value, *size);
}
%}

%define REDILOCK_FAILED(status, message)
redilock_raise(aTHX_ status, message);
SWIG_fail
%enddef

/* Results are counted by argvi, which stays as it is. */
%define REDILOCK_NOTHING
sv_newmortal()
%enddef

/* Each thread of Perl has its own interpreter. */
%define REDILOCK_BLOCKS(function)
%enddef

/* ---------------------------------------------------------------- what goes in */

%typemap(in) (const char *bytes, size_t bytes_len) {
  STRLEN size = 0;
  $1 = redilock_bytes(aTHX_ $input, &size);
  if ($1 == NULL) {
    REDILOCK_FAILED(REDILOCK_E_INVALID, "$1_name: it has to be a string");
  }
  $2 = ($2_ltype)size;
}

/* A NUL would end it early. */
%typemap(in) const char *TEXT {
  STRLEN size = 0;
  $1 = redilock_bytes(aTHX_ $input, &size);
  if ($1 != NULL && strlen($1) != size) {
    REDILOCK_FAILED(REDILOCK_E_INVALID, "$1_name: it has a NUL");
  }
}

%typemap(in) int32_t, int64_t, uint64_t, size_t {
  const NV number = looks_like_number($input) ? SvNV($input) : 1e300;
  if (!(number > -9e15 && number < 9e15)) {
    REDILOCK_FAILED(REDILOCK_E_INVALID, "$1_name: it has to be a number below 2^53");
  }
  $1 = ($1_ltype)(int64_t)number;
}

%typemap(in, numinputs=0) (char *message, size_t message_size) (char message[512]) {
  message[0] = '\0';
  $1 = message;
  $2 = sizeof message;
}

/* The call frees it, so the object has it no more. */
%typemap(in) SWIGTYPE *DISOWN {
  void *handle = NULL;
  if (!SWIG_IsOK(SWIG_ConvertPtr($input, &handle, $descriptor, 0))) {
    REDILOCK_FAILED(REDILOCK_E_INVALID, "$1_name: it is something else");
  }
  if (SvROK($input)) sv_setiv(SvRV($input), 0);
  $1 = ($1_ltype)handle;
}

/* ---------------------------------------------------------------- what comes out */

%typemap(out) int32_t, int64_t, uint64_t, size_t {
  %append_output(sv_2mortal(newSViv((IV)$1)));
}

%typemap(in, numinputs=0) SWIGTYPE **handle ($*1_ltype made = NULL) "$1 = &made;"
%typemap(argout) SWIGTYPE **handle {
  if (*$1 != NULL) {
    %append_output(SWIG_NewPointerObj(*$1, $*1_descriptor, 0));
  }
}
%apply SWIGTYPE **handle { SWIGTYPE **lock, SWIGTYPE **under_way };

%typemap(in, numinputs=0) int32_t *number ($*1_ltype made = 0) "$1 = &made;"
%typemap(in, numinputs=0) int64_t *number ($*1_ltype made = 0) "$1 = &made;"
%typemap(in, numinputs=0) uint64_t *tag ($*1_ltype made = 0) "$1 = &made;"
%typemap(argout) int32_t *number, int64_t *number, uint64_t *tag {
  %append_output(sv_2mortal(newSViv((IV)*$1)));
}
/* A completion is three results: tag, kind (0 for no completion) and status. */
%apply int32_t *number { int32_t *kind, int32_t *status, int32_t *level };
%apply int64_t *number { int64_t *time_ms };

%typemap(in, numinputs=0) (const char **bytes, size_t *bytes_len)
    ($*1_ltype made = NULL, size_t made_len = 0) "$1 = &made; $2 = &made_len;"
%typemap(argout) (const char **bytes, size_t *bytes_len) {
  if (*$1 != NULL) {
    %append_output(sv_2mortal(newSVpvn(*$1, *$2)));
  }
}

%typemap(in, numinputs=0) size_t *bytes_len (size_t made = 0) "$1 = &made;"
%typemap(argout) size_t *bytes_len {
  %append_output(sv_2mortal(newSVpvn(result, *$1)));
}
%typemap(out) const char *redilock_lock_token, const char *redilock_lock_name ""

%typemap(out) const char * {
  SV *text = sv_2mortal($1 == NULL ? newSV(0) : newSVpv($1, 0));
  sv_utf8_decode(text);
  %append_output(text);
}

/* A text that is copied out: a message, and a line of the log. */
%typemap(in, numinputs=0) (char *buffer, size_t size) (char text[1024]) {
  text[0] = '\0';
  $1 = text;
  $2 = sizeof text;
}
%typemap(argout) (char *buffer, size_t size) {
  SV *line = sv_2mortal(newSVpv($1, 0));
  sv_utf8_decode(line);
  %append_output(line);
}
%typemap(out) size_t redilock_op_message, size_t redilock_lock_message,
              size_t redilock_list_message "(void)$1;"
