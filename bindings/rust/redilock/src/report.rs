//! What the library says of itself, and the numbers of a client.

use std::ffi::CString;

use redilock_sys as sys;

use crate::error::{check, static_text, Result};
use crate::handle::Core;

/// The version of the library that runs, such as `"0.2.0"`.
#[must_use]
pub fn version() -> &'static str {
    static_text(unsafe { sys::redilock_version() })
}

/// Whether the library can do something, such as `"tls"`; false for a name that it does not know.
#[must_use]
pub fn has(feature: &str) -> bool {
    CString::new(feature)
        .map_or(false, |feature| unsafe { sys::redilock_has(feature.as_ptr()) == 1 })
}

/// An option of the library that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OptionInfo {
    /// Such as `"ttl"`.
    pub name: &'static str,
    /// `"duration"`, `"integer"`, `"boolean"`, `"text"` or `"bytes"`.
    pub kind: &'static str,
    /// As text; empty for none.
    pub default: &'static str,
    /// Where it may be set: `"client"`, `"operation"` or `"both"`.
    pub scope: &'static str,
    /// The calls that read it, such as `"acquire, extend"`.
    pub calls: &'static str,
    /// What it does.
    pub doc: &'static str,
}

/// All options of the library that runs.
pub fn options() -> impl Iterator<Item = OptionInfo> {
    let count = unsafe { sys::redilock_option_count() };
    (0..count).map(|index| unsafe {
        OptionInfo {
            name: static_text(sys::redilock_option_name(index)),
            kind: static_text(sys::redilock_option_type(index)),
            default: static_text(sys::redilock_option_default(index)),
            scope: static_text(sys::redilock_option_scope(index)),
            calls: static_text(sys::redilock_option_calls(index)),
            doc: static_text(sys::redilock_option_doc(index)),
        }
    })
}

/// A number that a client counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stat {
    /// Such as `"acquired"`.
    pub name: &'static str,
    /// `"counter"` for a number that only grows, `"gauge"` for one of now.
    pub kind: &'static str,
    /// What it counts.
    pub doc: &'static str,
    /// The number.
    pub value: i64,
}

impl Stat {
    pub(crate) fn all(core: &Core) -> Result<Vec<Self>> {
        let count = unsafe { sys::redilock_stat_count() };
        let stat = |index| unsafe {
            let name = sys::redilock_stat_name(index);
            let mut value = 0;
            check(sys::redilock_client_stat(core.raw(), name, &mut value))?;
            Ok(Self {
                name: static_text(name),
                kind: static_text(sys::redilock_stat_type(index)),
                doc: static_text(sys::redilock_stat_doc(index)),
                value,
            })
        };
        (0..count).map(stat).collect()
    }
}
