#!/usr/bin/env zsh
# Completion of jetonctl in zsh, beside a running agent: an interactive zsh completes a line, and shows what it is then.
#   completion_test.zsh FOLDER_OF_COMPLETIONS
emulate -L zsh
zmodload zsh/zpty
fail() { print -u2 "FAILED: $*"; exit 1; }
path=(${JETONCTL:h} $path)
folder=$1/zsh

jetonctl lock run nightly:backup --ttl 60s -- sleep 1000 &
holder=$!
TRAPEXIT() { kill $holder 2>/dev/null; zpty -d shell 2>/dev/null }
until jetonctl names locks | grep -qx nightly:backup; do sleep 0.05; done

export TERM=dumb
zpty shell zsh -f -i
zpty -w shell "PS1=; stty -echo; fpath=($folder \$fpath); autoload -Uz compinit; compinit -u -D"
zpty -w shell 'probe() { zle complete-word; print -r -- "<<$BUFFER>>"; BUFFER= }; zle -N probe; bindkey "^T" probe; print READY'
zpty -r shell output '*READY*READY*' || zpty -r shell output '*READY*'

expect() { # LINE COMPLETED
  local output
  zpty -w -n shell "$1"$'\C-t'
  zpty -r shell output '*<<*>>*'
  local found=${${output##*<<}%%>>*}
  [[ $found == "$2" ]] || fail "'$1' is completed to '$found', not to '$2'"
}
expect 'jetonctl doc' 'jetonctl doctor '
expect 'jetonctl get ' 'jetonctl get api '
expect 'jetonctl get --wait 5s a' 'jetonctl get --wait 5s api '
expect 'jetonctl get --header ' 'jetonctl get --header api '
expect 'jetonctl get --mi' 'jetonctl get --min-ttl '
expect 'jetonctl --format js' 'jetonctl --format json '
expect 'jetonctl --format json hist' 'jetonctl --format json history '
expect 'jetonctl exec nosuch,a' 'jetonctl exec nosuch,api'
expect 'jetonctl exec api --env T=' 'jetonctl exec api --env T=api '
expect 'jetonctl exec api --stop-signal TER' 'jetonctl exec api --stop-signal TERM '
expect 'jetonctl lock sh' 'jetonctl lock show '
expect 'jetonctl lock show n' 'jetonctl lock show nightly:backup '
expect 'jetonctl lock run x --also ' 'jetonctl lock run x --also nightly:backup '
print "1 passed, 0 failed"
