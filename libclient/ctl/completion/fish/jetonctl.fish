# Completion of jetonctl(1) for fish. Commands and options are those of its --help, names those of the running agent.

# The words so far without options and their values: the command, its own command, positions. Fails if the next word is
# the value of an option.
function __jetonctl_words
    set -l program (commandline -opc)
    set -l words
    set -l skip 0
    for word in $program[2..-1]
        if test $skip = 1
            set skip 0
        else if test "$word" = --
            set -a words --
        else if string match -q -- '--*=*' $word
            continue
        else if string match -q -- '-*' $word
            if __jetonctl_help $words | string match -qr -- "^ +(-[^ ]*,)?$word(,[^ ]*)? [A-Z]"
                set skip 1
            end
        else
            set -a words $word
        end
    end
    printf '%s\n' $words
    test $skip = 0
end

function __jetonctl_help
    set -l command
    if test "$argv[1]" = lock; and test (count $argv) -ge 2
        set command lock $argv[2]
    else if test (count $argv) -ge 1
        set command $argv[1]
    end
    jetonctl $command --help 2>/dev/null
    if test (count $command) -gt 0
        jetonctl --help 2>/dev/null | string match -r -- '^ +-.*'
    end
end

# NAME, a tab, what it does.
function __jetonctl_commands
    jetonctl $argv --help 2>/dev/null | awk '
        tolower($0) ~ /^subcommands:/ { inside = 1; next }
        /^[^ ]/ { inside = 0 }
        inside && /^ ? ?[a-z]/ { name = $1; $1 = ""; sub(/^ +/, ""); print name "\t" $0 }'
end

function __jetonctl_options
    __jetonctl_help (__jetonctl_words) | awk '
        /^ +-/ {
            text = $0
            sub(/^ +-[^ ]+( [A-Z]+)*( REQUIRED)? */, "", text)
            count = split($1, names, ",")
            for (i = 1; i <= count; i++) print names[i] "\t" text
        }'
end

# Another directory has other names.
function __jetonctl_names
    set -l program (commandline -opc)
    set -l asked
    set -l previous
    for word in $program
        if test "$previous" = --dir
            set asked --dir $word
        else if string match -q -- '--dir=*' $word
            set asked $word
        end
        set previous $word
    end
    jetonctl $asked names $argv 2>/dev/null
end

# What the last word is the value of.
function __jetonctl_value_of
    set -l words (commandline -opc)
    test (count $words) -ge 1; and echo $words[-1]
end

function __jetonctl_complete
    set -l words (__jetonctl_words)
    set -l is_value $status
    set -l current (commandline -ct)
    if contains -- -- $words
        __fish_complete_subcommand --fcs-skip=(count (commandline -opc))
        return
    end
    switch (__jetonctl_value_of)
        case --format
            printf '%s\n' table json
            return
        case --dir
            __fish_complete_directories
            return
        case --also
            __jetonctl_names locks
            return
        case --signal-on-change --stop-signal
            kill -l | string split ' '
            return
        case --env
            set -l before (string match -r -- '^[^=]*=' $current) # VAR=NAME
            test -n "$before"; or return
            for name in (__jetonctl_names tokens)
                echo "$before$name"
            end
            return
    end
    test $is_value = 0; or return
    if string match -q -- '-*' $current
        __jetonctl_options
        return
    end
    switch "$words[1]"
        case ''
            __jetonctl_commands
        case lock
            switch (count $words)
                case 1
                    __jetonctl_commands lock
                case 2
                    __jetonctl_names locks
            end
        case names
            test (count $words) = 1; and printf '%s\n' tokens locks
        case log-level
            test (count $words) = 1; and printf '%s\n' trace debug info warning error
        case doctor
        case exec
            if test (count $words) = 1
                set -l before (string match -r -- '^.*,' $current)
                for name in (__jetonctl_names tokens)
                    echo "$before$name"
                end
            end
        case '*'
            test (count $words) = 1; and __jetonctl_names tokens
    end
end

complete -c jetonctl -f -a '(__jetonctl_complete)'
