#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod client;
mod error;
mod future;
mod handle;
mod info;
mod lock;
mod log_lines;
mod op;
mod pending;
mod report;
mod request;
#[cfg(feature = "tokio")]
mod tokio_driver;
mod value;

pub use client::{Client, ClientBuilder};
pub use error::{Error, ErrorKind, Result};
pub use future::{Lost, Submitted};
pub use info::{Info, Names, State, Waiter};
pub use lock::Lock;
pub use log_lines::{LogLevel, LogLine};
pub use op::WaitHandle;
pub use report::{has, options, version, OptionInfo, Stat};
pub use request::Request;
pub use value::Value;
