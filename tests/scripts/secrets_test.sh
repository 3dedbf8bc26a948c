#!/bin/sh
# A password and a token show nowhere but where they have to: not in messages, not in lists of processes,
# not in the environment or the arguments of what `redilock run` runs, not in show and list, and not where
# a server repeats what it was sent. MONITOR is another matter: whoever may ask for it may do everything.
# The variables are set in cli.sh, and many quoted scripts are for a shell further down.
# shellcheck disable=SC1091,SC2034,SC2154,SC2016
. "$(dirname "$0")/../support/cli.sh"

canary='c4n4ry%41!x'
raw='c4n4ryA!x'
wrong='w4n4ry!x'
redis-server --port 0 --unixsocket "$dir/redis.sock" --save '' --appendonly no --dir "$dir" \
  --daemonize no --logfile "$dir/redis.log" --requirepass "$raw" &
server=$!
until_true test -S "$dir/redis.sock"
plain="unix://$dir/redis.sock"
in_url="$plain?password=$canary"
printf '%s\n' "$raw" >"$dir/password"
unset REDILOCK_URL

# hidden FILE...: none of them has a password, nor the digits of the token.
hidden() {
  for file in "$@"; do
    for secret in "$canary" "$raw" "$wrong" ${id:+"$id"}; do
      if grep -qaF -e "$secret" "$file"; then fail "$secret shows in $(tr '\0' '\n' <"$file")"; fi
    done
  done
}
id=
# check CODE COMMAND...: as expect; what it says hides the secrets.
check() {
  expect "$@"
  hidden "$dir/out" "$dir/err"
}

# They are taken at all: in a url, by an option, from files, in the environment.
check 0 "$redilock" show --url "$in_url" job
check 0 "$redilock" show --url "$plain" --option "password=$raw" job
check 0 "$redilock" show --url "$plain" --option "password_file=$dir/password" job
check 0 "$redilock" show --url "$plain" --password-file "$dir/password" job
check 0 env REDILOCK_URL="$in_url" "$redilock" show job
check 0 env REDILOCK_URL="$plain?password_file=$dir/password" "$redilock" show job

# Messages: passwords that are refused, and mistakes next to them.
printf '%s\n' "$wrong" >"$dir/wrong"
check 77 "$redilock" show --url "$plain?password=$wrong" job
grep -qE 'WRONGPASS|ERR invalid password' "$dir/err" || fail "it does not say why"
check 77 "$redilock" show --url "$plain" --option "password=$wrong" job
check 77 "$redilock" show --url "$plain" --password-file "$dir/wrong" job
check 77 env REDILOCK_URL="$plain?password=$wrong" "$redilock" show job
for url in "redis://:$raw@host:99999" "redis://u:$raw@ho st" "redis://:$raw/x@host" "redis://:$raw?x@host" \
  "rediss://:$raw@host" "redis://:$raw@host/x" "redis://:$raw@a,b" "odd://:$raw@host" \
  "redis://:$raw@host?odd=1" "redis://:$raw@host?timeout=x" "unix://:$raw@/x" "redis://:$raw%0@host"; do
  for way in flag environment; do
    code=0
    if [ $way = flag ]; then set -- "$redilock" show --url "$url" job; else set -- env REDILOCK_URL="$url" "$redilock" show job; fi
    "$@" >"$dir/out" 2>"$dir/err" || code=$?
    if [ $code -eq 0 ] || [ ! -s "$dir/err" ]; then fail "$url was taken"; fi
    hidden "$dir/out" "$dir/err"
  done
done
check 69 "$redilock" show --url "redis://:$raw@127.0.0.1:1?timeout=300ms" job
check 64 "$redilock" show --url "$in_url" --option db=x job
check 64 "$redilock" show job "redis://:$raw@host"

# Tokens: in messages, in show and list, also where an operand is misplaced.
export REDILOCK_URL="$plain?password_file=$dir/password"
token=$("$redilock" acquire --ttl 60s --label canary job)
id=${token#redilock:}
id=${id%%:*}
[ ${#id} -eq 32 ] || fail "no token: $token"
check 0 "$redilock" show job
contains "$dir/out" canary
check 0 "$redilock" show --json job
check 0 "$redilock" list
check 0 "$redilock" list --json
check 64 "$redilock" show job "$token"
check 64 "$redilock" show "$token"
check 78 "$redilock" release other "$token"
check 78 "$redilock" release job "${token%?}"

# The arguments of running processes, as ps reads them. A second waiter is told its queue, too.
"$redilock" run --url "$in_url" --option "password=$raw" --label waiting job -- true &
waiter=$!
remember "$waiter"
until_true has_waiters job 1
tr '\0' '\n' <"/proc/$waiter/cmdline" >"$dir/arguments"
contains "$dir/arguments" waiting
hidden "$dir/arguments" "/proc/$waiter/environ"
ps -ef >"$dir/ps" 2>/dev/null || cat /proc/[0-9]*/cmdline >"$dir/ps" 2>/dev/null || :
# The server of this test was given its password by its arguments; Redis leaves it there.
grep -avF -e 'requirepass' -e 'redis-server' "$dir/ps" >"$dir/others"
hidden "$dir/others"
check 0 "$redilock" show job
check 0 "$redilock" show --json job
# A token among the arguments: of a release that waits for a server that has stopped.
kill -STOP "$server"
"$redilock" release --option timeout=30s job "$token" &
release=$!
remember "$release"
connected() { [ "$(find "/proc/$release/fd" -lname 'socket:*' 2>/dev/null | wc -l)" -ge 1 ]; }
until_true connected
tr '\0' '\n' <"/proc/$release/cmdline" >"$dir/arguments"
contains "$dir/arguments" job
hidden "$dir/arguments"
kill -CONT "$server"
expect_end 0 "$release"
expect_end 0 "$waiter"

# What the command that runs under a lock inherits: its tokens by design, and of the rest only what redilock
# itself was given by the environment.
inherited() {
  "$@" -- sh -c 'tr "\0" "\n" <"/proc/$$/environ" >"$1/environ"; tr "\0" "\n" <"/proc/$$/cmdline" >"$1/arguments"
    tr "\0" "\n" <"/proc/$PPID/cmdline" >"$1/parent"; echo "$REDILOCK_TOKEN"' - "$dir" >"$dir/token"
  id=$(cut -d: -f2 "$dir/token")
  [ ${#id} -eq 32 ] || fail 'the command has no token'
  grep -Ev '^REDILOCK_(TOKEN|HELD_TOKENS)=' "$dir/environ" >"$dir/rest"
  hidden "$dir/arguments" "$dir/parent"
}
unset REDILOCK_URL
inherited "$redilock" run --url "$in_url" job
hidden "$dir/rest"
inherited "$redilock" run --url "$plain" --option "password=$raw" job
hidden "$dir/rest"
inherited "$redilock" run --url "$plain" --password-file "$dir/password" job
hidden "$dir/rest"
# REDILOCK_URL is the user's own and goes on to the command, which may use redilock too; with
# password_file in it there is no password in it.
inherited env REDILOCK_URL="$plain?password_file=$dir/password" "$redilock" run job
hidden "$dir/rest"
contains "$dir/rest" "REDILOCK_URL=$plain?password_file=$dir/password"
inherited env REDILOCK_URL="$in_url" "$redilock" run job
contains "$dir/rest" "REDILOCK_URL=$in_url"

# The server's log, and servers that repeat what they were sent.
hidden "$dir/redis.log"
export REDILOCK_URL="$in_url"
admin() { redis-cli -s "$dir/redis.sock" -a "$raw" --no-auth-warning "$@"; }
if [ "$(admin ACL WHOAMI)" = default ]; then
  admin ACL SETUSER default -evalsha -eval >/dev/null
  check 77 "$redilock" release job "$token"
else
  echo 'skipped: this server has no users (ACL): what it says of a forbidden command'
fi
if command -v python3 >/dev/null; then
  cat >"$dir/echo.py" <<'END'
import socket, sys
honest = {
    b"AUTH": b"+OK\r\n",
    b"HELLO": b"*4\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n",
    b"CLIENT": b"$20\r\nid=7 addr=10.0.0.1:7\r\n",
}
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(8)
while True:
    peer = listener.accept()[0]
    while True:
        data = peer.recv(65536)
        if not data:
            break
        words = b" ".join(data.split(b"\r\n"))
        # Requests may come together, and the client may leave at the first refusal.
        replies = b""
        for word in data.split(b"\r\n"):
            if word == b"EVALSHA" or (word in honest and sys.argv[2] == "auth"):
                replies += b"-ERR \x1b[31myou said " + words + b"\r\n"
            else:
                replies += honest.get(word, b"")
        peer.sendall(replies)
END
  for stage in auth script; do
    python3 "$dir/echo.py" "$dir/$stage.sock" $stage &
    remember $!
    until_true test -S "$dir/$stage.sock"
    id=${token#redilock:}
    id=${id%%:*}
    check 76 "$redilock" release --url "unix://$dir/$stage.sock?password=$canary" job "$token"
    contains "$dir/err" 'you said'
    if grep -q "$(printf '\033')" "$dir/err"; then fail 'the server paints the terminal'; fi
  done
fi
