#!/usr/bin/env bash
# jeton-agent.service in a booted systemd. service_test.sh DIR BEHAVIOUR; the machine of DIR is up.
# The behaviours are run in the order of tests/system/CMakeLists.txt; the first one sets the service up.
set -euo pipefail
. "$(dirname "$0")/eventually.sh"
dir=$1 behaviour=$2
machine() { "$(dirname "$0")/machine" run "$dir" "$@"; }
as() { local user=$1; shift; machine setpriv --reuid "$user" --regid "$user" --init-groups "$@"; }
fail() {
  echo "FAILED: $*" >&2
  machine journalctl --no-pager -n 40 -u jeton-agent >&2 || true
  exit 1
}
trap 'fail "line $LINENO: $BASH_COMMAND"' ERR
# The provider prints its count each second: the second line from now on is of a moment after now.
printed() { machine journalctl -q --no-pager -u provider -o cat | grep -c '^issued'; }
has_printed() { [ "$(printed)" -ge "$1" ]; }
status_line() { machine systemctl show -p StatusText --value jeton-agent; }
says_that_a_reload_was_refused() { [[ $(status_line) == *"; the last reload was refused: the files have errors" ]]; }
says_that_the_token_is_valid() { [[ $(status_line) == "1 token valid, next refresh in "* ]]; }
exposure() { machine systemd-analyze security --no-pager jeton-agent | sed -n 's/.*exposure level.*: \([0-9.]*\).*/\1/p'; }
exposed_at_most() { awk -v e="$(exposure)" -v most="$1" 'BEGIN { exit !(e != "" && e <= most) }'; }
settled_issued() { eventually has_printed $(($(printed) + 2)) || fail "the provider prints nothing"; issued; }
block() { awk -v begin="^\`\`\`$1" '$0 ~ begin { on = 1; next } /^```/ { on = 0 } on' "$2"; } # language, page
section() { awk -v title="### $1" '$0 == title { on = 1; next } /^##/ { on = 0 } on' "$2"; } # heading, page
generation() { machine jetonctl --format json status api | sed -n 's/.*"generation": *\([0-9]*\).*/\1/p' | head -n 1; }
issued() { machine journalctl -q --no-pager -u provider -o cat | sed -n 's/^issued //p' | tail -n 1; }

skipped=
case $behaviour in
  starts)
    machine systemd-sysusers
    machine systemd-tmpfiles --create
    machine systemctl daemon-reload
    machine groupadd readers
    machine useradd -G readers alice
    machine useradd bob
    machine systemd-run -q --unit=provider /usr/local/bin/jeton_test_provider /run/provider.url
    eventually machine test -s /run/provider.url || fail "the provider does not start"
    url=$(machine cat /run/provider.url)
    machine sh -c "umask 077; echo s3cret-from-credential >/etc/jeton/credentials/api-secret"
    machine sh -c "cat >/etc/jeton/agent.d/api.yaml" <<YAML
version: 1
tokens:
  api:
    source: {type: http, url: "$url", method: POST, form: {client_secret: "\${credential:api-secret}"}}
    access: {groups: [readers]}
YAML
    machine systemctl enable --now jeton-agent || fail "systemctl start"
    [ "$(machine systemctl show -p ActiveState --value jeton-agent)" = active ] || fail "not active"
    eventually machine jetonctl wait api --timeout 1s || fail "no token"
    [ "$(machine systemctl show -p User --value jeton-agent)" = jeton ] || fail "not the user jeton"
    eventually says_that_the_token_is_valid || fail "the status line is: $(status_line)"
    ;;
  readers-are-those-of-the-config)
    token=$(as alice jetonctl get api) || fail "alice is in the group and cannot read"
    [ -n "$token" ] || fail "an empty token"
    status=0; as bob jetonctl get api 2>/tmp/jeton-bob.$$ || status=$?
    said=$(cat /tmp/jeton-bob.$$); rm -f /tmp/jeton-bob.$$
    [ "$status" = 2 ] || fail "bob got status $status instead of 2"
    grep -qi permission <<<"$said" || fail "bob was told: $said"
    status=0; as bob cat /run/jeton/segments/api >/dev/null 2>&1 || status=$?
    [ "$status" != 0 ] || fail "bob can read the file itself"
    as bob jetonctl status >/dev/null || fail "bob may look at the status"
    ;;
  restart-fetches-nothing)
    before=$(settled_issued) generation=$(generation)
    machine systemctl restart jeton-agent
    eventually machine jetonctl wait api --timeout 1s || fail "no token after the restart"
    [ "$(generation)" = "$generation" ] || fail "another generation"
    after=$(settled_issued)
    [ "$after" = "$before" ] || fail "a restart cost a fetch: $before, then $after"
    ;;
  stopped-agent-leaves-tokens-readable)
    machine systemctl stop jeton-agent
    [ "$(machine systemctl show -p Result --value jeton-agent)" = success ] || fail "did not stop cleanly"
    as alice jetonctl get api >/dev/null || fail "not readable after stop"
    machine systemctl start jeton-agent
    ;;
  reload-applies-or-refuses)
    machine sh -c "echo 'tokenz: {}' >>/etc/jeton/agent.d/broken.yaml"
    ! machine systemctl reload jeton-agent 2>/dev/null || fail "a broken file was not refused"
    grep -q 'broken.yaml:1:1: error: unknown key' <<<"$(machine journalctl -q --no-pager -u jeton-agent)" ||
      fail "the journal does not say why"
    [ "$(machine systemctl show -p ActiveState --value jeton-agent)" = active ] || fail "a refused reload ended the service"
    eventually says_that_a_reload_was_refused || fail "the status line is: $(status_line)"
    as alice jetonctl get api >/dev/null || fail "the token is gone after a refused reload"
    machine rm /etc/jeton/agent.d/broken.yaml
    machine sed -i 's/groups: \[readers\]/groups: [readers], users: [bob]/' /etc/jeton/agent.d/api.yaml
    machine systemctl reload jeton-agent || fail "a good file was refused"
    says_nothing_of_it() { ! says_that_a_reload_was_refused; }
    eventually says_nothing_of_it || fail "the status line is: $(status_line)"
    as bob jetonctl get api >/dev/null || fail "bob was added and cannot read when the reload has returned"
    ;;
  killed-agent-is-restarted-and-adopts)
    before=$(settled_issued) generation=$(generation)
    machine systemctl kill -s KILL jeton-agent
    eventually machine jetonctl status || fail "not restarted"
    [ "$(generation)" = "$generation" ] || fail "another generation"
    [ "$(settled_issued)" = "$before" ] || fail "a crash cost a fetch"
    ;;
  doctor-finds-what-is-wrong)
    before=$(settled_issued)
    machine jetonctl doctor >/tmp/jeton-doctor.$$ || fail "a problem where there is none: $(cat /tmp/jeton-doctor.$$)"
    for part in 'unit: jeton-agent.service is active' 'memlock: the segments are locked' 'configuration: the files are in force' \
      'provider http' 'token api: is valid' 'state_dir\|runtime_dir: /run/jeton has'; do
      grep -q "$part" /tmp/jeton-doctor.$$ || fail "doctor does not say '$part': $(cat /tmp/jeton-doctor.$$)"
    done
    [ "$(settled_issued)" = "$before" ] || fail "the examination fetched a token"
    machine sh -c "echo 'tokenz: {}' >/etc/jeton/agent.d/broken.yaml"
    status=0; said=$(machine jetonctl doctor) || status=$?
    [ "$status" = 6 ] && grep -q 'broken.yaml:1:1: error' <<<"$said" || fail "a broken file is no problem ($status): $said"
    machine systemctl stop jeton-agent
    status=0; said=$(machine jetonctl doctor) || status=$?
    [ "$status" = 6 ] && grep -q 'unit: jeton-agent.service is inactive' <<<"$said" &&
      grep -q 'configuration: .*broken.yaml:1:1: error' <<<"$said" || fail "without an agent ($status): $said"
    machine rm /etc/jeton/agent.d/broken.yaml
    machine systemctl start jeton-agent
    said=$(machine jetonctl history api)
    grep -q adopted <<<"$said" && grep -q fetched <<<"$said" || fail "the history is not that of all runs: $said"
    # What the catalog says about an event of the journal.
    machine journalctl --update-catalog
    said=$(machine journalctl -q --no-pager -x -u jeton-agent JETON_EVENT=started)
    grep -q 'The agent has started' <<<"$said" || fail "journalctl -x explains nothing: $said"
    said=$(machine journalctl -q --no-pager JETON_TOKEN=api JETON_EVENT=token_refreshed)
    [ -n "$said" ] || fail "no line of the journal has the token and the event"
    rm -f /tmp/jeton-doctor.$$
    ;;
  secrets-stay-inside)
    token=$(as alice jetonctl get api)
    pid=$(machine systemctl show -p MainPID --value jeton-agent)
    machine sh -c "journalctl -q --no-pager -o export" >/tmp/jeton-journal.$$
    grep -qa '^JETON_EVENT=' /tmp/jeton-journal.$$ || fail "the journal has no line of the agent"
    ! grep -qF -e "$token" -e s3cret-from-credential /tmp/jeton-journal.$$ || fail "a secret stands in the journal"
    rm -f /tmp/jeton-journal.$$
    machine sh -c "cat /proc/$pid/cmdline /proc/$pid/environ" >/tmp/jeton-proc.$$ || fail "/proc/$pid cannot be read"
    grep -qa jeton-agent /tmp/jeton-proc.$$ || fail "/proc/$pid is not the agent's"
    ! grep -qaF -e "$token" -e s3cret-from-credential /tmp/jeton-proc.$$ || fail "a secret stands in /proc"
    rm -f /tmp/jeton-proc.$$
    ! machine setpriv --reuid jeton --regid jeton --clear-groups cat "/proc/$pid/environ" >/dev/null 2>&1 ||
      fail "another process of the same user may look into the agent"
    ;;
  local-sources-work-in-the-sandbox)
    machine sh -c "cat >/usr/local/bin/get-token; chmod 0755 /usr/local/bin/get-token" <<'SH'
#!/bin/sh
setsid sleep 1000 &
echo "asked with $API_KEY" >&2
( : >/var/lib/jeton/by-command ) 2>/dev/null && API_KEY=that-writes-the-state
( : >/run/jeton/segments/by-command ) 2>/dev/null && API_KEY=that-writes-segments
echo "{\"access_token\":\"by-command-$API_KEY\",\"expires_in\":600}"
SH
    machine sh -c "umask 077; echo by-file >/etc/jeton/given; head -c 48 /dev/urandom | base64 -w 0 >/etc/jeton/signing.secret
      chown jeton /etc/jeton/given /etc/jeton/signing.secret"
    machine sh -c "cat >/etc/jeton/agent.d/local.yaml" <<YAML
version: 1
tokens:
  command: {source: {type: exec, command: [/usr/local/bin/get-token], env: {API_KEY: "\${credential:api-secret}"}}}
  given: {source: {type: file, path: /etc/jeton/given, lifetime: 1h}, refresh: {min_interval: 0ms}}
  signed: {source: {type: jwt, algorithm: HS256, lifetime: 1h, key: "\${file:/etc/jeton/signing.secret}"}}
YAML
    machine systemctl reload jeton-agent
    for token in command given signed; do
      eventually machine jetonctl wait $token --timeout 1s || fail "no token $token"
    done
    said=$(machine journalctl -q --no-pager -u jeton-agent)
    if [[ $said == *"no Landlock"* ]]; then
      skipped="this kernel has no Landlock, so a command may write the agent's state"
    else
      [ "$(machine jetonctl get command)" = by-command-s3cret-from-credential ] || fail "another token than the command's"
    fi
    names=$(machine sh -c "cat /proc/[0-9]*/comm 2>/dev/null || true")
    grep -q '^jeton-agent' <<<"$names" || fail "the machine's processes cannot be seen: $names"
    ! grep -qx sleep <<<"$names" || fail "something of the command lives on"
    machine sh -c "umask 077; echo by-file-2 >/etc/jeton/new; chown jeton /etc/jeton/new; mv /etc/jeton/new /etc/jeton/given"
    given() { [ "$(machine jetonctl get given)" = by-file-2 ]; }
    eventually given || fail "the new file was not noticed"
    journal=$(machine journalctl -q --no-pager -o export)
    ! grep -qF s3cret-from-credential <<<"$journal" || fail "a secret stands in the journal"
    machine rm /etc/jeton/agent.d/local.yaml
    machine systemctl reload jeton-agent
    ;;
  outputs-work-in-the-sandbox)
    # The folder, the drop-in and the rule of polkit of config/README.md, for a unit that notes its reloads.
    page=$(dirname "$0")/../../config/README.md
    grep '^d /run/jeton-outputs' "$page" | machine sh -c "cat >/etc/tmpfiles.d/jeton-outputs.conf"
    machine systemd-tmpfiles --create
    machine mkdir -p /etc/systemd/system/jeton-agent.service.d /etc/polkit-1/rules.d
    block ini "$page" | machine sh -c "cat >/etc/systemd/system/jeton-agent.service.d/outputs.conf"
    block js "$page" | sed 's/nginx.service/follower.service/' | machine sh -c "cat >/etc/polkit-1/rules.d/50-jeton.rules"
    machine sh -c "cat >/etc/systemd/system/follower.service" <<'UNIT'
[Service]
ExecStart=/bin/sleep infinity
ExecReload=/bin/sh -c 'cat /run/jeton-outputs/token >>/run/reloads'
UNIT
    machine cp /etc/jeton/agent.d/api.yaml /root/api.yaml
    machine sh -c "cat >>/etc/jeton/agent.d/api.yaml" <<'YAML'
    outputs:
      - path: /run/jeton-outputs/token
        group: www-data
        mode: 0640
        on_change: {reload: follower.service, min_interval: 0ms}
YAML
    machine systemctl daemon-reload
    machine systemctl start follower
    machine systemctl restart jeton-agent
    has_the_token() { [ "$(machine cat /run/jeton-outputs/token)" = "$(machine jetonctl get api)" ]; }
    eventually has_the_token || fail "the file has no token, or another one"
    [ "$(machine stat -c '%a %U %G' /run/jeton-outputs/token)" = "640 jeton www-data" ] || fail "another mode, owner or group"
    as www-data cat /run/jeton-outputs/token >/dev/null || fail "its group cannot read it"
    ! as bob cat /run/jeton-outputs/token 2>/dev/null || fail "bob can read it"
    followed() { [ "$(machine tail -n 1 /run/reloads)" = "$(machine jetonctl get api)" ]; }
    eventually followed || fail "the unit was not reloaded"
    before=$(generation)
    machine jetonctl refresh api >/dev/null
    is_newer() { [ "$(generation)" != "$before" ]; }
    eventually is_newer || fail "no newer token"
    eventually has_the_token || fail "the file does not follow"
    eventually followed || fail "the unit does not follow"
    machine sh -c "mv /root/api.yaml /etc/jeton/agent.d/api.yaml
      rm -r /etc/systemd/system/jeton-agent.service.d /etc/systemd/system/follower.service /etc/tmpfiles.d/jeton-outputs.conf
      rm /etc/polkit-1/rules.d/50-jeton.rules"
    machine systemctl stop follower
    machine systemctl daemon-reload
    machine systemctl restart jeton-agent
    ;;
  unreadable-folder-takes-no-token)
    machine chmod 0700 /etc/jeton/agent.d
    ! machine systemctl reload jeton-agent 2>/dev/null || fail "a folder that cannot be read was taken for an empty one"
    as alice jetonctl get api >/dev/null || fail "the token is gone"
    machine systemctl stop jeton-agent
    machine systemctl start --no-block jeton-agent
    tries_again() { [ "$(machine systemctl show -p NRestarts --value jeton-agent)" -ge 1 ]; }
    eventually tries_again || fail "the service started without its tokens"
    as alice jetonctl get api >/dev/null || fail "a start that failed took the token"
    machine chmod 0755 /etc/jeton/agent.d
    is_active() { [ "$(machine systemctl show -p ActiveState --value jeton-agent)" = active ]; }
    eventually is_active || fail "not started again"
    machine sh -c "echo 'tokens: {}' >/etc/jeton/agent.d/lost.yml"
    grep -q 'lost.yml: warning: is not read' <<<"$(machine jeton-agent check 2>&1)" || fail "x.yml is not warned of"
    machine rm /etc/jeton/agent.d/lost.yml
    ;;
  check-judges-as-the-service)
    machine sh -c "umask 077; echo k >/etc/jeton/of-root
      cat >/etc/jeton/agent.d/of-root.yaml; chmod 0644 /etc/jeton/agent.d/of-root.yaml" <<'YAML'
version: 1
tokens:
  of-root: {source: {type: http, url: "http://127.0.0.1:1/", form: {client_secret: "${file:/etc/jeton/of-root}"}}}
YAML
    status=0; said=$(machine jeton-agent check 2>&1) || status=$?
    [ "$status" = 1 ] || fail "root's secret passes: $said"
    grep -q 'of-root}: Permission denied' <<<"$said" || fail "check says: $said"
    ! machine systemctl reload jeton-agent 2>/dev/null || fail "check and the service disagree"
    machine chown jeton /etc/jeton/of-root
    machine jeton-agent check || fail "check refuses a secret of the service"
    machine systemctl reload jeton-agent || fail "the service refuses what check allows"
    machine sh -c "chmod 0600 /etc/jeton/agent.d/of-root.yaml"
    ! machine jeton-agent check 2>/dev/null || fail "a file that the service cannot read passes"
    machine rm /etc/jeton/agent.d/of-root.yaml /etc/jeton/of-root
    machine sh -c "umask 077; echo t >/tmp/secret; chown jeton /tmp/secret; chmod 0644 /etc/jeton/agent.yaml"
    machine sh -c 'cat >/root/draft.yaml' <<'YAML'
version: 1
tokens:
  t: {source: {type: http, url: "http://127.0.0.1:1/", form: {client_secret: "${file:/tmp/secret}"}}}
YAML
    grep -q 'the service does not see /tmp' <<<"$(machine jeton-agent check --config /root/draft.yaml 2>&1)" ||
      fail "a secret in /tmp passes"
    machine rm /tmp/secret /root/draft.yaml
    # Programs and files that the sandbox hides, also behind a link.
    machine sh -c 'mkdir -p /home/x; cp /bin/true /home/x/t; cp /bin/true /tmp/t; chmod -R a+rx /home/x /tmp/t
      ln -sf /home/x/t /etc/jeton/link; cat >/etc/jeton/agent.d/hidden.yaml' <<'YAML'
version: 1
tokens:
  h1: {source: {type: exec, command: [/home/x/t]}}
  h2: {source: {type: exec, command: [/tmp/t]}}
  h3: {source: {type: exec, command: [/etc/jeton/link]}}
  h4: {source: {type: exec, command: [/bin/true], working_directory: /home/x}}
  h5: {source: {type: file, path: /home/x/t, lifetime: 1h}}
YAML
    said=$(machine jeton-agent check 2>&1 || true)
    [ "$(grep -c 'error: .*the service does not see /' <<<"$said")" = 5 ] || fail "what the service does not see passes: $said"
    machine rm -r /etc/jeton/agent.d/hidden.yaml /etc/jeton/link /home/x /tmp/t
    # The environment and the credentials that only the unit and its drop-ins name.
    machine sh -c 'mkdir -p /etc/systemd/system/jeton-agent.service.d
      printf "[Service]\nSetCredential=of-the-unit:k\nEnvironment=TWICE=unit\nEnvironmentFile=/etc/jeton/variables\n" \
        >/etc/systemd/system/jeton-agent.service.d/test.conf
      printf "QUOTED=\"a\\\"b\"\nTWICE=file\n" >/etc/jeton/variables
      cat >/etc/jeton/agent.d/environment.yaml; chmod 0644 /etc/jeton/agent.d/environment.yaml' <<'YAML'
version: 1
tokens:
  environment:
    source:
      type: exec
      command: [/bin/sh, -c, 'printf "{\"access_token\":\"%s\",\"expires_in\":600}" "$(echo "$HOME $V" | sha256sum | cut -c 1-40)"']
      env: {V: "${env:USER} ${env:LOGNAME} ${env:STATE_DIRECTORY} ${env:QUOTED} ${env:TWICE} ${credential:of-the-unit}"}
YAML
    machine systemctl daemon-reload
    machine jeton-agent check || fail "check lacks something of the service's environment"
    machine systemctl restart jeton-agent
    eventually machine jetonctl wait environment --timeout 1s || fail "no token of the environment"
    served=$(machine jetonctl --format json status environment | sed -n 's/.*"fingerprint": *"\([0-9a-f]*\)".*/\1/p')
    tried=$(machine jeton-agent fetch environment --once 2>/dev/null | sed -n 's/.*fingerprint \([0-9a-f]*\).*/\1/p')
    [ -n "$tried" ] && [ "$tried" = "$served" ] || fail "the environment of fetch ($tried) is another than the service's ($served)"
    machine rm -r /etc/jeton/agent.d/environment.yaml /etc/systemd/system/jeton-agent.service.d /etc/jeton/variables
    machine systemctl daemon-reload
    machine systemctl restart jeton-agent
    ;;
  documented-commands)
    # The token, the lock and the scripts of the documents' examples.
    url=$(machine cat /run/provider.url)
    machine sh -c "umask 077; echo s3cret-of-wechat >/etc/jeton/credentials/wechat-secret"
    machine sh -c "cat >/etc/jeton/agent.d/wechat.yaml" <<YAML
version: 1
locks: {"nightly*": {max_ttl: 24h}}
tokens:
  wechat:
    source: {type: http, url: "$url", method: POST, form: {appid: wx1, secret: "\${credential:wechat-secret}"}}
YAML
    # The first token, as the page has it.
    hello=$(dirname "$0")/../../systemd/README.md
    section "A first token" "$hello" >/tmp/jeton-hello.$$
    block yaml /tmp/jeton-hello.$$ | machine sh -c "cat >/etc/jeton/agent.d/hello.yaml"
    machine sh -c "$(block sh /tmp/jeton-hello.$$ | sed -n 's/sudo //; /hello-key/p')"
    rm -f /tmp/jeton-hello.$$
    machine sh -c "cd /root && printf '#!/bin/sh\nexit 0\n' >backup && chmod +x backup && cp backup run-once && cp backup report"
    machine systemctl restart jeton-agent # a new credential is handed over at a start
    eventually machine jetonctl wait wechat --timeout 1s || fail "no token"
    # Every line of a shell block that runs an installed command. The provider of the curl is not here.
    root=$(dirname "$0")/../..
    pages=("$root/systemd/README.md" "$root/config/README.md" "$root/libclient/README.md" "$root/README.md")
    commands=$(awk '/^```sh/ { shell = 1; next } /^```/ { shell = 0 } shell' "${pages[@]}" |
      sed -E 's/[[:space:]]+#.*$//; s/^sudo //; s/ && sudo / \&\& /g' |
      grep -E '^(jeton-agent|jetonctl|systemctl|systemd-sysusers|journalctl) ?' |
      grep -v 'curl ')
    generation_of() { machine jetonctl get wechat --format json | sed -n 's/.*"generation": *\([0-9]*\).*/\1/p'; }
    while read -r command; do
      command=${command/--generation G/--generation $(generation_of)}
      echo "== $command"
      # A watch has no end.
      if [[ $command == *" watch "* ]]; then command="timeout 2 $command || [ \$? = 124 ]"; fi
      machine sh -c "cd /root && $command" </dev/null || fail "a documented command fails: $command"
    done <<<"$commands"
    [ "$(wc -l <<<"$commands")" -ge 30 ] || fail "the pages have fewer commands than were tried once"
    for command in "systemctl reload jeton-agent" "systemctl restart jeton-agent"; do
      grep -q "\`sudo $command\`" "$root/systemd/README.md" || fail "systemd/README.md does not name $command any more"
      machine sh -c "$command" || fail "$command"
    done
    as alice jetonctl get hello >/dev/null || fail "alice cannot read the first token"
    machine rm /etc/jeton/agent.d/wechat.yaml /etc/jeton/agent.d/hello.yaml
    machine systemctl reload jeton-agent
    # systemd takes the documented drop-in as it is meant.
    machine mkdir -p /etc/systemd/system/jeton-agent.service.d
    block ini "$root/config/README.md" | machine sh -c "cat >/etc/systemd/system/jeton-agent.service.d/documented.conf"
    machine systemctl daemon-reload
    for setting in MemoryDenyWriteExecute=no ProtectHome=read-only Environment=HOME=/etc/jeton CacheDirectory=get-token TasksMax=2048 \
      ReadWritePaths=-/run/jeton-outputs SupplementaryGroups=www-data; do
      [ "$(machine systemctl show -p "${setting%%=*}" jeton-agent)" = "$setting" ] || fail "systemd does not take $setting of config/README.md"
    done
    machine systemctl restart jeton-agent || fail "the service does not start with the drop-in of config/README.md"
    machine rm -r /etc/systemd/system/jeton-agent.service.d
    machine systemctl daemon-reload
    machine systemctl restart jeton-agent
    ;;
  units-wait-for-a-token)
    { block ini "$(dirname "$0")/../../systemd/README.md" | sed 's/wechat/api/'; cat; } <<'UNIT' | machine sh -c "cat >/etc/systemd/system/needs-a-token.service"
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStartPre=/usr/bin/jetonctl wait api --timeout 60s
ExecStart=/usr/bin/jetonctl get api
StandardOutput=null
UNIT
    machine systemctl daemon-reload
    machine systemctl stop jeton-agent
    machine sh -c "rm -rf /run/jeton"
    machine systemctl start needs-a-token || fail "a unit that waits for a token does not start"
    machine systemctl stop needs-a-token
    status=0; machine timeout 60 systemctl start jeton-token@unknown 2>/dev/null || status=$?
    [ "$status" = 1 ] || fail "the start of a unit for a token that is not configured ends with $status"
    ;;
  removed-directory-comes-back)
    machine rm /run/jeton/agent.sock
    eventually machine jetonctl status || fail "the socket is not made anew"
    machine sh -c "rm -rf /run/jeton"
    eventually machine jetonctl wait api --timeout 1s || fail "no token after the directory was removed"
    as alice jetonctl get api >/dev/null || fail "not readable"
    eventually machine jetonctl status || fail "no agent"
    ;;
  hardened)
    # 10 is a service without any protection; the rest is access that the agent needs: network and its own files.
    exposed_at_most 1.3 || fail "exposure level $(exposure)"
    # The documented drop-in lets the agent reach loopback, where the provider of this test is.
    machine mkdir -p /etc/systemd/system/jeton-agent.service.d
    block systemd "$(dirname "$0")/../../systemd/README.md" | machine sh -c "cat >/etc/systemd/system/jeton-agent.service.d/egress.conf"
    machine systemctl daemon-reload
    [[ $(machine systemctl show -p IPAddressDeny --value jeton-agent) == *0.0.0.0/0* ]] || fail "systemd does not take IPAddressDeny"
    exposed_at_most 1.2 || fail "exposure level with the drop-in $(exposure)"
    before=$(settled_issued)
    machine systemctl restart jeton-agent || fail "the service does not start with the drop-in"
    machine jetonctl refresh api || fail "no refresh can be asked for"
    has_issued_more() { [ "$(issued)" -gt "$before" ]; }
    eventually has_issued_more || fail "no token is fetched with the drop-in"
    machine rm -r /etc/systemd/system/jeton-agent.service.d
    machine systemctl daemon-reload
    ;;
  *) echo "unknown behaviour $behaviour" >&2; exit 1 ;;
esac
# What could be shown was shown.
[ -z "$skipped" ] || { echo "skipped: $skipped"; exit 77; }
