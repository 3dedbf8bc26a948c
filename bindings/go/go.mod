module redilock.test/redilock

go 1.21
