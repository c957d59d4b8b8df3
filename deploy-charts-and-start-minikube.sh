#!/usr/bin/env bash
# Starts Kassa on minikube with all that it needs: Redis, Kafka and three PostgreSQL databases by their charts, Secrets with
# random passwords, the pods' certificate, the topics, Kassa by its own chart, and an Ingress.
#
#   ./deploy-charts-and-start-minikube.sh [OPTION...]
#
#   --profile NAME         minikube's profile (minikube)
#   --cpus N               processors of a cluster that is made anew (2)
#   --memory MIB           its memory (6144)
#   --ingress-class NAME   the IngressClass of the shop (nginx: minikube's addon, switched on when it is off)
#   --image NAME:TAG       an image that the cluster has or can pull; without it Docker builds one from this checkout
#   --timeout SECONDS      how long each service may take until it is ready (600)
#   --dry-run              looks, and shows what would be done; changes nothing
#   --help
#
# Needs minikube 1.33, kubectl 1.27, helm 3.14, openssl and, without --image, docker 20.10. Run it again whenever it was broken
# off, or after a change: it goes on from what is there. remove-charts-and-stop-minikube.sh takes everything away again.
# Exit code 1: something is not as it has to be, and the last two lines say what, and what to do. 2: wrong options.
set -euo pipefail
root="$(cd "$(dirname "$0")" && pwd)"
# shellcheck source=scripts/minikube/common.sh
. "$root/scripts/minikube/common.sh"
# shellcheck source=scripts/minikube/cluster.sh
. "$root/scripts/minikube/cluster.sh"
# shellcheck source=scripts/minikube/secrets.sh
. "$root/scripts/minikube/secrets.sh"
# shellcheck source=scripts/minikube/charts.sh
. "$root/scripts/minikube/charts.sh"
# shellcheck source=scripts/minikube/waiting.sh
. "$root/scripts/minikube/waiting.sh"

cpus=2
memory=6144
ingress_class=nginx
image=""
timeout=600

read_options() {
  while [ $# -gt 0 ]; do
    case "$1" in
      --help | -h) show_help && exit 0 ;;
      --dry-run) dry_run=yes && shift && continue ;;
      --profile | --cpus | --memory | --ingress-class | --image | --timeout) ;;
      *) usage_error "there is no option '$1'" ;;
    esac
    [ -n "${2:-}" ] || usage_error "$1 needs a value"
    case "$1" in
      --profile) profile="$2" ;;
      --cpus) cpus="$2" ;;
      --memory) memory="$2" ;;
      --ingress-class) ingress_class="$2" ;;
      --image) image="$2" ;;
      --timeout) timeout="$2" ;;
    esac
    shift 2
  done
}

# need_number OPTION VALUE LEAST
need_number() {
  if ! [[ "$2" =~ ^[1-9][0-9]{0,6}$ ]] || [ "$2" -lt "$3" ]; then
    usage_error "$1 takes a whole number from $3 on, not '$2'"
  fi
}

check_options() {
  local name='^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$'
  need_number --cpus "$cpus" "$least_cpus"
  need_number --memory "$memory" 6144
  need_number --timeout "$timeout" 10
  [[ "$profile" =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || usage_error "--profile '$profile' is no name of a profile"
  [[ "$ingress_class" =~ $name ]] || usage_error "--ingress-class '$ingress_class' is no name of an IngressClass"
  [ -z "$image" ] || [[ "$image" =~ ^[A-Za-z0-9._/:-]+:[A-Za-z0-9_][A-Za-z0-9._-]*$ ]] ||
    usage_error "--image takes NAME:TAG, not '$image'"
}

main() {
  read_options "$@"
  check_options
  check_tools
  prepare
  start_cluster
  check_size
  check_ingress_class
  make_namespace
  make_secrets
  enable_ingress
  provide_image
  install_data_services
  install_kassa
  show_address
}

main "$@"
