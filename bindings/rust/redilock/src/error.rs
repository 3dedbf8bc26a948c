//! The error of every call.

use std::ffi::CStr;
use std::fmt;
use std::os::raw::c_char;

use redilock_sys as sys;

/// The result of every call that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is. A status of a later library is [`ErrorKind::Other`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Somebody else holds the lock, or waits for it.
    Held,
    /// The wait ended before the lock was granted.
    Timeout,
    /// [`WaitHandle::cancel`](crate::WaitHandle::cancel) ended the call.
    Cancelled,
    /// A signal came, and the option `interruptible` is set.
    Interrupted,
    /// The lock was held, and is no more: it expired or was taken away. Somebody else may hold it.
    Lost,
    /// The token does not hold the lock; nothing was changed.
    NotOwner,
    /// The server may or may not have done it.
    Unknown,
    /// The server could not be reached or did not answer in time.
    Unavailable,
    /// The server wants other credentials or permissions.
    Auth,
    /// The server answered with an error.
    Server,
    /// The peer does not speak the protocol.
    Protocol,
    /// An argument or option is wrong; the message names it.
    Invalid,
    /// Out of memory.
    NoMemory,
    /// The object belongs to the parent process.
    Forked,
    /// The client was closed.
    Closed,
    /// This build or server cannot do it.
    Unsupported,
    /// A bug in redilock; please report it.
    Internal,
    /// A failure that this version of the crate does not know.
    Other,
}

impl ErrorKind {
    fn of(status: i32) -> Self {
        match status {
            sys::REDILOCK_E_HELD => Self::Held,
            sys::REDILOCK_E_TIMEOUT => Self::Timeout,
            sys::REDILOCK_E_CANCELLED => Self::Cancelled,
            sys::REDILOCK_E_INTERRUPTED => Self::Interrupted,
            sys::REDILOCK_E_LOST => Self::Lost,
            sys::REDILOCK_E_NOT_OWNER => Self::NotOwner,
            sys::REDILOCK_E_UNKNOWN => Self::Unknown,
            sys::REDILOCK_E_UNAVAILABLE => Self::Unavailable,
            sys::REDILOCK_E_AUTH => Self::Auth,
            sys::REDILOCK_E_SERVER => Self::Server,
            sys::REDILOCK_E_PROTOCOL => Self::Protocol,
            sys::REDILOCK_E_INVALID => Self::Invalid,
            sys::REDILOCK_E_NO_MEMORY => Self::NoMemory,
            sys::REDILOCK_E_FORKED => Self::Forked,
            sys::REDILOCK_E_CLOSED => Self::Closed,
            sys::REDILOCK_E_UNSUPPORTED => Self::Unsupported,
            sys::REDILOCK_E_INTERNAL => Self::Internal,
            _ => Self::Other,
        }
    }
}

/// Why a call failed. Its text names the lock, the holder, the server and the cause, and shows no
/// password and no whole token.
#[derive(Clone, Debug)]
pub struct Error {
    status: i32,
    retriable: bool,
    message: String,
}

impl Error {
    /// The failure as a type to match on.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::of(self.status)
    }

    /// The status of the C library, a negative number.
    pub fn status(&self) -> i32 {
        self.status
    }

    /// The name of the status, such as `REDILOCK_E_HELD`.
    pub fn status_name(&self) -> &'static str {
        static_text(unsafe { sys::redilock_status_name(self.status) })
    }

    /// Whether the same call may well succeed later. The library has already retried for as long as
    /// the options allow.
    pub fn is_retriable(&self) -> bool {
        self.retriable
    }

    /// An empty message becomes the sentence of the status.
    pub(crate) fn new(status: i32, message: String) -> Self {
        Self::with_retriable(status, message, false)
    }

    pub(crate) fn with_retriable(status: i32, mut message: String, retriable: bool) -> Self {
        if message.is_empty() {
            message += static_text(unsafe { sys::redilock_strerror(status) });
        }
        Self { status, retriable, message }
    }

    pub(crate) fn invalid(message: &str) -> Self {
        Self::new(sys::REDILOCK_E_INVALID, message.to_owned())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// A status as a result, with the sentence of the status as its message.
pub(crate) fn check(status: i32) -> Result<()> {
    match status {
        sys::REDILOCK_OK => Ok(()),
        _ => Err(Error::new(status, String::new())),
    }
}

/// Text of the library that lives as long as the process; "" for NULL.
pub(crate) fn static_text(text: *const c_char) -> &'static str {
    if text.is_null() {
        return "";
    }
    // Sound: the library has NUL-terminated UTF-8 there that it never changes.
    unsafe { CStr::from_ptr(text) }.to_str().unwrap_or("")
}

/// Text that a function copies out: it returns the length that it needs.
pub(crate) fn copied_text(copy: impl Fn(*mut c_char, usize) -> usize) -> String {
    // Most messages fit. A message that another thread makes longer in between is cut.
    let mut buffer = vec![0u8; 256];
    let needed = copy(buffer.as_mut_ptr().cast(), buffer.len());
    if needed >= buffer.len() {
        buffer.resize(needed + 1, 0);
        copy(buffer.as_mut_ptr().cast(), buffer.len());
    }
    text_in(&buffer)
}

/// The text in a buffer up to its NUL.
pub(crate) fn text_in(buffer: &[u8]) -> String {
    let end = buffer.iter().position(|byte| *byte == 0).unwrap_or(buffer.len());
    String::from_utf8_lossy(&buffer[..end]).into_owned()
}
