//! The values of options: the library checks their names and types.

use std::borrow::Cow;
use std::ffi::CString;
use std::os::raw::c_char;
use std::time::Duration;

use crate::error::{Error, Result};

/// The value of an option: a text such as `"30s"`, bytes, a number, a boolean or a [`Duration`].
///
/// A number that is a duration counts milliseconds. A `Duration` is rounded to milliseconds: a ttl
/// down, all others up. `Duration::MAX` as `wait` waits for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value<'a>(Kind<'a>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind<'a> {
    Bytes(Cow<'a, [u8]>),
    Number(i64),
    Duration(Duration),
}

macro_rules! from {
    ($($type:ty, $value:ident => $kind:expr;)*) => {
        $(impl<'a> From<$type> for Value<'a> {
            fn from($value: $type) -> Self {
                Self($kind)
            }
        })*
    };
}

from! {
    &'a str, value => Kind::Bytes(Cow::Borrowed(value.as_bytes()));
    String, value => Kind::Bytes(Cow::Owned(value.into_bytes()));
    &'a String, value => Kind::Bytes(Cow::Borrowed(value.as_bytes()));
    &'a [u8], value => Kind::Bytes(Cow::Borrowed(value));
    Vec<u8>, value => Kind::Bytes(Cow::Owned(value));
    &'a Vec<u8>, value => Kind::Bytes(Cow::Borrowed(value));
    bool, value => Kind::Number(value.into());
    i32, value => Kind::Number(value.into());
    u32, value => Kind::Number(value.into());
    i64, value => Kind::Number(value);
    Duration, value => Kind::Duration(value);
}

fn milliseconds(name: &str, duration: Duration) -> i64 {
    let exact = duration.as_millis();
    let up = name != "ttl" && duration.subsec_nanos() % 1_000_000 != 0;
    i64::try_from(exact + u128::from(up)).unwrap_or(i64::MAX)
}

/// Passes an option on to one of two functions, whose status is returned.
pub(crate) fn pass(
    name: &str,
    value: &Value<'_>,
    set_bytes: impl FnOnce(*const c_char, *const c_char, usize) -> i32,
    set_int: impl FnOnce(*const c_char, i64) -> i32,
) -> Result<i32> {
    let c_name =
        CString::new(name).map_err(|_| Error::invalid("an option's name contains a NUL"))?;
    Ok(match &value.0 {
        Kind::Bytes(bytes) => set_bytes(c_name.as_ptr(), bytes.as_ptr().cast(), bytes.len()),
        Kind::Number(number) => set_int(c_name.as_ptr(), *number),
        Kind::Duration(duration) => set_int(c_name.as_ptr(), milliseconds(name, *duration)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ttl_is_rounded_down_and_a_wait_up() {
        let odd = Duration::from_micros(1500);
        assert_eq!(milliseconds("ttl", odd), 1);
        assert_eq!(milliseconds("wait", odd), 2);
        assert_eq!(milliseconds("wait", Duration::from_millis(2)), 2);
        assert_eq!(milliseconds("wait", Duration::MAX), i64::MAX);
    }
}
