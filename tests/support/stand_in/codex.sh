#!/bin/sh
# A stand-in for the Codex CLI. The questions about itself it answers as the real one does; what `exec` does stands in
# exec-1.sh, exec-2.sh, … beside it, one file per call, and the last of them serves every further call.

here='@HERE@'
PATH="$PATH:/usr/bin:/bin"

# The subcommand may stand behind options.
subcommand=
for word in "$@"; do
    case $word in
        --version | features | debug | mcp | login | exec) subcommand=$word; break ;;
    esac
done
echo "$subcommand" >> "$here/invocations"

case $subcommand in
    --version) cat "$here/version"; exit 0 ;;
    features) cat "$here/features.txt"; exit 0 ;;
    debug) cat "$here/models.json"; exit 0 ;;
    mcp) echo '[]'; exit 0 ;;
    login) echo 'API key configured - ***' >&2; exit 0 ;;
    exec) ;;
    *) echo "error: unexpected arguments: $*" >&2; exit 2 ;;
esac

# Aimed at a loopback address it asks what the real one would ask under the leash, so that whoever listens there to
# prove the leash sees an honest request. Such a run is no call, and the script does not count it.
case "$*" in
    *http://127.0.0.1:*) . "$here/probe.sh" ;;
esac

number=1
while ! mkdir "$here/call-$number" 2>/dev/null; do number=$((number + 1)); done
call="$here/call-$number"

printf '%s\0' "$@" > "$call/args"
# What the shell was given, and not what it added.
if [ -r /proc/$$/environ ]; then cat /proc/$$/environ; else env | tr '\n' '\0'; fi > "$call/env"
pwd > "$call/cwd"
ls -A > "$call/listing"
ls -A "${CODEX_HOME:-/dev/null}" > "$call/codex_home" 2>/dev/null
touch "$call/started"
[ -e "$here/never_reads" ] || cat > "$call/stdin"

while [ ! -e "$here/exec-$number.sh" ]; do number=$((number - 1)); done
. "$here/exec-$number.sh"
exit 0
