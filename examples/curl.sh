#!/bin/sh
# Textproof's API by hand. VERIFY_URL says where it is, VERIFY_KEY is a key of `textproof keys add`.
#
#     sh examples/curl.sh start +12025550143      texts a code, and prints the verification's id
#     sh examples/curl.sh check ID CODE           exits with 0 if, and only if, the code is right
#     sh examples/curl.sh show ID
#     sh examples/curl.sh resend ID
#     sh examples/curl.sh cancel ID
set -eu

# The key goes in by a file, so that `ps` does not show it.
call() {
  printf 'header = "Authorization: Bearer %s"\n' "$VERIFY_KEY" |
    curl --silent --show-error --fail-with-body --max-time 10 --config - --header 'Content-Type: application/json' "$@"
}
verifications="$VERIFY_URL/v1/verifications"

case "${1:-}" in
  start) call --data "{\"to\": \"$2\"}" "$verifications" | sed 's/.*"id":"\([^"]*\)".*/\1/' ;;
  check) call --data "{\"token\": \"$3\"}" "$verifications/$2/check" ;;
  show) call "$verifications/$2" ;;
  resend | cancel) call --request POST "$verifications/$2/$1" ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
