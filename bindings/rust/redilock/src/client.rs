//! A client of one server.

use std::ffi::CString;
use std::fmt;
use std::ptr::{null, null_mut, NonNull};
use std::sync::Arc;

use redilock_sys as sys;

use crate::error::{check, text_in, Error, Result};
use crate::handle::{Core, Owner};
use crate::info::Names;
use crate::log_lines::{self, LogLine};
use crate::report::Stat;
use crate::request::Request;
use crate::value::{pass, Value};

/// A connection to one Redis server, shared by any number of threads and tasks. Clones are the same
/// client.
///
/// The client ends when its last clone, lock and future are dropped. If a clone is the last of them,
/// its drop blocks until the server has the last requests, for about 100 ms at most. The child of a
/// fork makes a client of its own.
#[derive(Clone)]
pub struct Client {
    owner: Option<Arc<Owner>>,
}

impl Client {
    /// A client of the server of a url:
    /// `redis://[user[:password]@]host[:port][/db][?option=value&...]` or `unix:///path?db=N`.
    /// Does no I/O.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) and [`Unsupported`](crate::ErrorKind::Unsupported)
    /// name the wrong part of the url.
    pub fn new(url: &str) -> Result<Self> {
        Self::builder().url(url).build()
    }

    /// A client of the server that the environment's `REDILOCK_URL` names, or else of
    /// `redis://127.0.0.1:6379/0`.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn from_env() -> Result<Self> {
        Self::builder().build()
    }

    /// For a client with options, such as `timeout` or `password`. See [`options`](crate::options).
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// A request for the lock of a name: 1 to 1024 bytes, any bytes.
    pub fn lock(&self, name: impl AsRef<[u8]>) -> Request {
        Request::new(self.owner(), name.as_ref())
    }

    /// The lock names on the server that are held by redilock or waited for, and that match a
    /// glob-style pattern such as `"job:*"`. Each name is an item, or a failure to ask the server.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) (the pattern has more than 16384 bytes), `Closed`,
    /// `Forked`.
    pub fn names(&self, pattern: impl AsRef<[u8]>) -> Result<Names> {
        Names::new(self.owner(), pattern.as_ref())
    }

    /// Checks that the server can be used, as [`Request::check`] does, whatever the lock.
    ///
    /// # Errors
    /// As [`Request::check`].
    pub fn check(&self) -> Result<String> {
        Request::without_name(self.owner()).check()
    }

    /// All numbers that the client counts, from its making on. Asks no server.
    ///
    /// # Errors
    /// [`Forked`](crate::ErrorKind::Forked).
    pub fn stats(&self) -> Result<Vec<Stat>> {
        Stat::all(self.core())
    }

    /// Takes the oldest line of the log, or none. There is a log if the option `log` says how many
    /// lines it keeps. Asks no server.
    ///
    /// # Errors
    /// [`Forked`](crate::ErrorKind::Forked).
    pub fn next_log_line(&self) -> Result<Option<LogLine>> {
        log_lines::next(self.core())
    }

    /// Hands all lines of the log to the crate `log`, with the target `redilock`. With the option
    /// `log_notify`, the driver of the futures does this by itself.
    #[cfg(feature = "log")]
    pub fn forward_log(&self) {
        log_lines::forward(self.core());
    }

    /// Ends all calls, waits and futures of the client with
    /// [`Closed`](crate::ErrorKind::Closed). Locks still held are not released: their leases run out.
    /// Never blocks.
    pub fn close(&self) {
        self.core().close();
    }

    fn owner(&self) -> &Arc<Owner> {
        self.owner.as_ref().expect("it is taken in drop")
    }

    fn core(&self) -> &Arc<Core> {
        self.owner().core()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(Ok(last)) = self.owner.take().map(Arc::try_unwrap) {
            last.end();
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// The url and the options of a new client. The url takes precedence over the options, and options
/// of an operation are the defaults of its requests.
pub struct ClientBuilder {
    url: Option<String>,
    options: *mut sys::redilock_options_t,
    broken: Option<Error>,
}

// Sound: only methods that own or exclusively borrow the builder use the options.
unsafe impl Send for ClientBuilder {}
unsafe impl Sync for ClientBuilder {}

impl ClientBuilder {
    fn new() -> Self {
        let mut options = null_mut();
        let broken = check(unsafe { sys::redilock_options_new(&mut options) }).err();
        Self { url: None, options, broken }
    }

    /// See [`Client::new`].
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Sets an option by its name, such as `"timeout"`. [`build`](Self::build) says what is wrong.
    pub fn set<'a>(mut self, name: &str, value: impl Into<Value<'a>>) -> Self {
        let options = self.options;
        if self.broken.is_none() {
            // A failed set makes redilock_new fail, with the same message.
            let passed = pass(
                name,
                &value.into(),
                |name, value, len| unsafe {
                    sys::redilock_options_set_bytes(options, name, value, len, null_mut(), 0)
                },
                |name, value| unsafe {
                    sys::redilock_options_set_int(options, name, value, null_mut(), 0)
                },
            );
            self.broken = passed.err();
        }
        self
    }

    /// Makes the client. Does no I/O.
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid), [`Unsupported`](crate::ErrorKind::Unsupported) and
    /// `NoMemory`; the message names the option or the part of the url.
    pub fn build(mut self) -> Result<Client> {
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        // C would cut the url there, and the rest may hold the password.
        let url = self.url.take().map(CString::new).transpose();
        let url = url.map_err(|_| Error::invalid("the url contains a NUL"))?;
        let url = url.as_ref().map_or(null(), |url| url.as_ptr());
        let (mut raw, mut message) = (null_mut(), [0u8; 512]);
        let status = unsafe {
            let buffer = message.as_mut_ptr().cast();
            sys::redilock_new(url, self.options, &mut raw, buffer, message.len())
        };
        let raw = NonNull::new(raw).ok_or_else(|| Error::new(status, text_in(&message)))?;
        Ok(Client { owner: Some(Arc::new(Owner::new(Core::new(raw)))) })
    }
}

impl Drop for ClientBuilder {
    fn drop(&mut self) {
        unsafe { sys::redilock_options_free(self.options) }
    }
}

impl fmt::Debug for ClientBuilder {
    /// Shows no url, because it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}
