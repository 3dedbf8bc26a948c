//! The lines of a client's log.

use std::time::{Duration, SystemTime};

use redilock_sys as sys;

use crate::error::{check, text_in, Result};
use crate::handle::Core;

/// How much a line of the log matters. A level of a later library is [`LogLevel::Info`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogLevel {
    /// A lock was lost.
    Error,
    /// Something failed, and the client tries again or goes on.
    Warning,
    /// The client has connected or subscribed.
    Info,
}

/// A line of the log. It shows no password and no whole token, and is safe to print.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// When it was written.
    pub time: SystemTime,
    /// What happened.
    pub text: String,
}

pub(crate) fn next(core: &Core) -> Result<Option<LogLine>> {
    let (mut level, mut time_ms) = (0, 0);
    let mut text = [0u8; sys::REDILOCK_LOG_LINE_MAX + 1];
    check(unsafe {
        let buffer = text.as_mut_ptr().cast();
        sys::redilock_client_log(core.raw(), &mut level, &mut time_ms, buffer, text.len())
    })?;
    let level = match level {
        0 => return Ok(None),
        sys::REDILOCK_LOG_ERROR => LogLevel::Error,
        sys::REDILOCK_LOG_WARNING => LogLevel::Warning,
        _ => LogLevel::Info,
    };
    let since_1970 = Duration::from_millis(u64::try_from(time_ms).unwrap_or(0));
    Ok(Some(LogLine { level, time: SystemTime::UNIX_EPOCH + since_1970, text: text_in(&text) }))
}

/// Hands all lines to the crate `log`.
#[cfg(feature = "log")]
pub(crate) fn forward(core: &Core) {
    while let Ok(Some(line)) = next(core) {
        let level = match line.level {
            LogLevel::Error => log::Level::Error,
            LogLevel::Warning => log::Level::Warn,
            LogLevel::Info => log::Level::Info,
        };
        log::log!(target: "redilock", level, "{}", line.text);
    }
}
