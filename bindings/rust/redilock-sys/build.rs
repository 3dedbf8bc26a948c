//! Finds libredilock by pkg-config, or builds it with the feature `vendored`.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    link();
}

#[cfg(not(feature = "vendored"))]
fn link() {
    // The oldest library that has every function declared in src/lib.rs.
    const OLDEST: &str = "0.2.0";
    if let Err(error) = pkg_config::Config::new().atleast_version(OLDEST).probe("redilock") {
        eprintln!(
            "{error}\n\nInstall libredilock {OLDEST} or later, set PKG_CONFIG_PATH to the folder of \
             its redilock.pc,\nor build it with this crate: the feature `vendored`."
        );
        std::process::exit(1);
    }
}

#[cfg(feature = "vendored")]
fn link() {
    println!("cargo:rerun-if-changed=core");
    let built = cmake::Config::new("core")
        .define("BUILD_SHARED_LIBS", "OFF")
        .define("REDILOCK_BUILD_CLI", "OFF")
        .define("REDILOCK_BUILD_TESTS", "OFF")
        .define("REDILOCK_INSTALL", "OFF")
        .build_target("redilock_static")
        .build();
    println!("cargo:rustc-link-search=native={}/build/capi", built.display());
    println!("cargo:rustc-link-lib=static=redilock");
    if let Err(error) = pkg_config::Config::new().atleast_version("0.14.1").probe("hiredis") {
        eprintln!(
            "{error}\n\nThe feature `vendored` needs hiredis, such as Debian's libhiredis-dev."
        );
        std::process::exit(1);
    }
    let target = std::env::var("TARGET").unwrap_or_default();
    let cxx = if target.contains("freebsd") { "c++" } else { "stdc++" };
    println!("cargo:rustc-link-lib={cxx}");
}
