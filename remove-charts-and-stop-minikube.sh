#!/usr/bin/env bash
# Takes away what deploy-charts-and-start-minikube.sh installed, and nothing else. It stops minikube, and switches its addon
# `ingress` off, when that script started it and switched it on. Volumes and Secrets stay: the next start goes on with the same
# shop. Run it as often as you like.
#
#   ./remove-charts-and-stop-minikube.sh [OPTION...]
#
#   --profile NAME         minikube's profile (minikube)
#   --delete-data          deletes the volumes and the Secrets, too: all orders, stock and accounts, for good
#   --keep-running         does not stop minikube
#   --timeout SECONDS      how long each service may take to end (600)
#   --dry-run              looks, and shows what would be done; changes nothing
#   --help
#
# Exit code 1: something could not be removed, and the last two lines say what, and what to do. 2: wrong options.
set -euo pipefail
root="$(cd "$(dirname "$0")" && pwd)"
# shellcheck source=scripts/minikube/common.sh
. "$root/scripts/minikube/common.sh"
# shellcheck source=scripts/minikube/cluster.sh
. "$root/scripts/minikube/cluster.sh"
# shellcheck source=scripts/minikube/charts.sh
. "$root/scripts/minikube/charts.sh"
# shellcheck source=scripts/minikube/removal.sh
. "$root/scripts/minikube/removal.sh"

timeout=600
delete_data=""
keep_running=""

read_options() {
  while [ $# -gt 0 ]; do
    case "$1" in
      --help | -h) show_help && exit 0 ;;
      --dry-run) dry_run=yes && shift && continue ;;
      --delete-data) delete_data=yes && shift && continue ;;
      --keep-running) keep_running=yes && shift && continue ;;
      --profile | --timeout) ;;
      *) usage_error "there is no option '$1'" ;;
    esac
    [ -n "${2:-}" ] || usage_error "$1 needs a value"
    case "$1" in
      --profile) profile="$2" ;;
      --timeout) timeout="$2" ;;
    esac
    shift 2
  done
  [[ "$timeout" =~ ^[1-9][0-9]{0,6}$ ]] || usage_error "--timeout takes a whole number of seconds, not '$timeout'"
  [[ "$profile" =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || usage_error "--profile '$profile' is no name of a profile"
}

main() {
  read_options "$@"
  need_on_path minikube kubectl helm openssl
  prepare
  need_running || return 0
  if [ -n "$(kube get namespace "$namespace" --ignore-not-found --output name)" ]; then
    remove_releases
    [ -z "$delete_data" ] || remove_data
  else
    say "namespace: there is no $namespace."
  fi
  disable_ingress
  stop_cluster
}

main "$@"
