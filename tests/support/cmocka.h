/* CMocka's header after those that it needs, in the order in which it needs them. */
#ifndef REDILOCK_TESTS_CMOCKA_H
#define REDILOCK_TESTS_CMOCKA_H

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {  // which it does not say by itself before 2.0
#endif
#include <cmocka.h>
#ifdef __cplusplus
}
#endif
// clang-format on

#endif
