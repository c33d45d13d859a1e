# Sends the leashed request to the loopback address among the arguments, and answers with the events of a finished turn.

address=$(printf '%s' "$*" | sed -n 's|.*http://127\.0\.0\.1:\([0-9][0-9]*\)\([^"'"'"' ]*\).*|\1 \2|p' | head -n 1)
port=${address%% *}
route=${address#* }

# The text of stdin as the inside of a JSON string. The mark at the end saves line ends from the shell. Other control
# characters are left out: a prompt has none.
json_text() {
    marked=$({ cat; printf .; } | tr -d '\000-\010\013\014\016-\037' | sed \
        -e 's/[\\"]/\\&/g' -e "s/$(printf '\t')/\\\\t/g" -e "s/$(printf '\r')/\\\\r/g" \
        | awk '{ printf "%s%s", (NR > 1 ? "\\n" : ""), $0 }')
    printf '%s' "${marked%.}"
}

model=
instructions=
previous=
for word in "$@"; do
    case $previous in -m | --model) model=$word ;; esac
    case $word in
        # The real one drops the line ends behind the instructions, and so does this substitution.
        model_instructions_file=*) instructions=$(cat "$(printf '%s' "${word#*=}" | tr -d '"'"'")") ;;
    esac
    previous=$word
done

message() {
    printf '{"type":"message","role":"%s","content":[{"type":"input_text","text":"%s"}]}' "$1" "$2"
}

body=$(mktemp "$here/probe.XXXXXX")
{
    printf '{"model":"%s","stream":true,"store":false,"tool_choice":"auto","tools":[%s],"input":[%s,%s]}' \
        "$model" "$(cat "$here/tools")" \
        "$(message developer "$(printf '%s' "$instructions" | json_text)")" "$(message user "$(json_text)")"
} > "$body"

# No POSIX tool opens a connection; bash does.
bash -c '
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    {
        printf "POST %s/responses HTTP/1.1\r\nhost: 127.0.0.1:%s\r\nconnection: close\r\n" "$2" "$1"
        printf "content-type: application/json\r\naccept: text/event-stream\r\ncontent-length: %s\r\n\r\n" "$(($(wc -c < "$3")))"
        cat "$3"
    } >&3
    # The listener may hang up at any point once it has seen enough.
    while read -r -t 5 line <&3; do
        case $line in "event: response.completed"*) break ;; esac
    done
' probe "$port" "$route" "$body"
rm -f "$body"
echo probe >> "$here/probes"

echo '{"type":"thread.started","thread_id":"00000000-0000-7000-8000-000000000000"}'
echo '{"type":"turn.started"}'
echo '{"type":"item.completed","item":{"id":"item_0","type":"agent_message","text":"proven"}}'
echo '{"type":"turn.completed","usage":{"input_tokens":0,"cached_input_tokens":0,"cache_write_input_tokens":0,"output_tokens":0,"reasoning_output_tokens":0}}'
exit 0
