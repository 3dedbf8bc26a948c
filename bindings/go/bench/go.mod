module bench

go 1.21

require (
	github.com/go-redsync/redsync/v4 v4.13.0
	github.com/redis/go-redis/v9 v9.7.0
	redilock.test/redilock v0.0.0
)

replace redilock.test/redilock => ../
