#!/usr/bin/env fish
# Completion of jetonctl in fish, beside a running agent.
#   completion_test.fish FOLDER_OF_COMPLETIONS
set -gx PATH (dirname $JETONCTL) $PATH
source $argv[1]/fish/jetonctl.fish

function expect # LINE OFFERED...
    set -l found (complete -C $argv[1] | string replace -r '\t.*' '' | sort)
    set -l wanted (printf '%s\n' $argv[2..-1] | sort)
    if test "$found" != "$wanted"
        echo "FAILED: '$argv[1]' is completed by '$found', not by '$wanted'" >&2
        exit 1
    end
end

jetonctl lock run nightly:backup --ttl 60s -- sleep 1000 &
set holder $last_pid
while not jetonctl names locks | string match -q nightly:backup
    sleep 0.05
end

expect 'jetonctl doc' doctor
expect 'jetonctl get ' api
expect 'jetonctl get api '
expect 'jetonctl get --wait '
expect 'jetonctl get --wait 5s ' api
expect 'jetonctl --dir /nonexistent get '
expect 'jetonctl --dir=/nonexistent get '
expect 'jetonctl get --header ' api
expect 'jetonctl get --mi' --min-ttl
expect 'jetonctl --format ' json table
expect 'jetonctl --format json hist' history
expect 'jetonctl doctor '
expect 'jetonctl names ' locks tokens
expect 'jetonctl exec nosuch,a' nosuch,api
expect 'jetonctl exec api --env T=' T=api
expect 'jetonctl exec api --env T'
expect 'jetonctl exec api --signal-on-change US' USR1 USR2
expect 'jetonctl lock ' acquire extend release run show
expect 'jetonctl lock show ' nightly:backup
expect 'jetonctl lock run x --also ' nightly:backup
kill $holder
echo "1 passed, 0 failed"
