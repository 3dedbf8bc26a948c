// Takes a lock from Rust by extern "C": linked with what pkg-config says, reads the fence, releases.
use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_void};
use std::ptr::{null, null_mut};

extern "C" {
    fn redilock_new(url: *const c_char, options: *const c_void, out: *mut *mut c_void,
                    error: *mut c_char, error_size: usize) -> i32;
    fn redilock_free(client: *mut c_void);
    fn redilock_acquire(client: *mut c_void, name: *const c_char, name_len: usize, ttl_ms: i64,
                        wait_ms: i64, out: *mut *mut c_void, error: *mut c_char,
                        error_size: usize) -> i32;
    fn redilock_release(lock: *mut c_void) -> i32;
    fn redilock_lock_fence(lock: *const c_void) -> i64;
    fn redilock_lock_free(lock: *mut c_void);
    fn redilock_strerror(status: i32) -> *const c_char;
}

fn check(what: &str, status: i32) {
    if status != 0 {
        let text = unsafe { CStr::from_ptr(redilock_strerror(status)) };
        panic!("{}: {}", what, text.to_string_lossy());
    }
}

fn main() {
    let url = CString::new(std::env::args().nth(1).expect("a url")).expect("no NUL");
    let name = b"ffi";
    let (mut client, mut lock) = (null_mut(), null_mut());
    unsafe {
        check("new", redilock_new(url.as_ptr(), null(), &mut client, null_mut(), 0));
        check("acquire", redilock_acquire(client, name.as_ptr().cast(), name.len(), 5000, -1, &mut lock,
                                          null_mut(), 0));
        println!("{}", redilock_lock_fence(lock));
        check("release", redilock_release(lock));
        redilock_lock_free(lock);
        redilock_free(client);
    }
}
