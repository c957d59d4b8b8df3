#!/usr/bin/env bash
# Drives a running server through everything that its /openapi.json promises, and through what old clients do.
#
#   Tests/Contract/run.sh http://127.0.0.1:8000
#   Tests/Contract/run.sh http://GATEWAY http://PAYMENTS-POD     a cluster
#
# Not against a server whose data matter: batch_init makes the items, users and orders 0, 1, 2 … anew.
set -euo pipefail
cd "$(dirname "$0")"

if [ $# -ne 1 ] && [ $# -ne 2 ]; then
  echo "usage: $0 URL [URL-OF-A-PAYMENTS-POD]" >&2
  exit 2
fi

python="$(./python)"
exec "$python" -B -m contract "$@"
