// Takes a lock from Go by cgo: finds the installed library by pkg-config, reads the fence, releases.
package main

/*
#cgo pkg-config: redilock
#include <stdlib.h>
#include <redilock/redilock.h>
*/
import "C"

import (
	"fmt"
	"os"
	"unsafe"
)

func check(what string, status C.int32_t) {
	if status != C.REDILOCK_OK {
		fmt.Fprintf(os.Stderr, "%s: %s\n", what, C.GoString(C.redilock_strerror(status)))
		os.Exit(1)
	}
}

func main() {
	url, name := C.CString(os.Args[1]), C.CString("ffi")
	defer C.free(unsafe.Pointer(url))
	defer C.free(unsafe.Pointer(name))

	var client *C.redilock_client_t
	check("new", C.redilock_new(url, nil, &client, nil, 0))
	defer C.redilock_free(client)
	var lock *C.redilock_lock_t
	check("acquire", C.redilock_acquire(client, name, 3, 5000, -1, &lock, nil, 0))
	defer C.redilock_lock_free(lock)
	fmt.Println(C.redilock_lock_fence(lock))
	check("release", C.redilock_release(lock))
}
