module redilock.test/ffi

go 1.19
