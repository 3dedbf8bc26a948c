/* CMocka's header after those that it needs, in the order in which it needs them. */
#ifndef REDILOCK_TESTS_CMOCKA_H
#define REDILOCK_TESTS_CMOCKA_H

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#endif
