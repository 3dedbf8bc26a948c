# bash completion for redilock(1): commands, options, the names of locks, and after -- of `run` what
# completes a command line. Without the bash-completion package it does all but the latter in full.
# shellcheck shell=bash

# The names of locks on the server in the command line so far; a slow server must not stop the typing.
# A colon breaks words in bash: what stands before the last one is taken off the answers again.
_redilock_names() {
  local at argument word=$1 broken="" server=(--option timeout=300ms)
  for ((at = 1; at < COMP_CWORD; at++)); do
    argument=${COMP_WORDS[at]}
    case $argument in
    --url | --password-file | --option)
      [[ -n ${COMP_WORDS[at + 1]-} ]] && server+=("$argument" "${COMP_WORDS[at + 1]}")
      ;;
    esac
  done
  if [[ $word == : ]]; then word=; fi
  at=$((COMP_CWORD - 1))
  while ((at > 1)) && [[ ${COMP_WORDS[at]} == : || ${COMP_WORDS[at + 1]} == : ]]; do
    broken=${COMP_WORDS[at]}$broken
    at=$((at - 1))
  done
  if [[ ${COMP_WORDS[COMP_CWORD]} == : ]]; then broken+=:; fi
  local name prefix=$broken$word cut=$broken
  if [[ $word == *:* && $COMP_WORDBREAKS == *:* ]]; then cut+=${word%:*}:; fi
  while IFS= read -r name; do
    # Escaped names are for reading, not for typing; one with a dash would be read as an option.
    [[ $name == "$prefix"* && $name != *\\* && $name != -* ]] || continue
    # Anybody may have named a lock `$(command)`.
    printf -v name %q "${name#"$cut"}"
    COMPREPLY+=("$name")
  done < <("${_redilock_command:-redilock}" list --names "${server[@]}" 2>/dev/null)
}

_redilock() {
  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local global='--url --password-file --option --help'
  local command='' at options
  _redilock_command=${COMP_WORDS[0]}
  COMPREPLY=()

  for ((at = 1; at < COMP_CWORD; at++)); do
    case ${COMP_WORDS[at]} in
    --)
      if [[ $command == run ]]; then
        if declare -F _comp_command_offset >/dev/null; then
          _comp_command_offset $((at + 1))
        elif declare -F _command_offset >/dev/null; then
          _command_offset $((at + 1))
        elif ((COMP_CWORD == at + 1)); then
          mapfile -t COMPREPLY < <(compgen -c -- "$word")
        else
          mapfile -t COMPREPLY < <(compgen -f -- "$word")
        fi
        return
      fi
      ;;
    --url | --password-file | --option) at=$((at + 1)) ;;
    -*) ;;
    *) [[ -n $command ]] || command=${COMP_WORDS[at]} ;;
    esac
  done

  case $previous in
  --password-file | --token-file)
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
    return
    ;;
  --ttl | --wait | -w | --max-hold | --kill-after)
    mapfile -t COMPREPLY < <(compgen -W '5s 10s 30s 1m 5m 1h' -- "$word")
    return
    ;;
  --for | --hold | --think)
    mapfile -t COMPREPLY < <(compgen -W '0 2ms 10ms 1s 5s 30s' -- "$word")
    return
    ;;
  --url)
    mapfile -t COMPREPLY < <(compgen -W 'redis:// unix://' -- "$word")
    return
    ;;
  --option | --label | --conflict-exit-code | -E | --processes) return ;;
  --command | -c)
    mapfile -t COMPREPLY < <(compgen -c -- "$word")
    return
    ;;
  esac

  case $command in
  '') options='run acquire release extend show list break check demo bench help version --version' ;;
  help) options='run acquire release extend show list break check demo bench options' ;;
  run)
    options='--ttl --wait --nonblock --max-hold --kill-after --kill-tree --label --command'
    options+=' --conflict-exit-code --quiet --verbose --'
    ;;
  acquire) options='--ttl --wait --nonblock --label --json --quiet --verbose' ;;
  release) options='--token-file' ;;
  extend) options='--ttl --token-file' ;;
  show) options='--json --quiet' ;;
  list) options='--names --json' ;;
  break) options='--yes' ;;
  bench) options='--for --processes --hold --think --spin --json' ;;
  *) options='' ;;
  esac
  if [[ -z $command || $command == help || $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options $global" -- "$word")
    return
  fi
  case $command in
  run | acquire | release | extend | show | list | break | check) _redilock_names "$word" ;;
  esac
}

complete -F _redilock redilock
