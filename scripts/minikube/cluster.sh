# minikube itself: the tools, the cluster, its size, the ingress and the image. Sourced, never run.
# The scripts' variables are set and read in each other's files.
# shellcheck shell=bash disable=SC2034,SC2154

# What one pod of each service, three databases, Kafka, Redis, the ingress and Kubernetes itself need.
least_cpus=2
least_mebibytes=5400

check_tools() {
  need_on_path minikube kubectl helm openssl
  need_tool minikube 1.33 minikube version --short
  need_tool kubectl 1.27 kubectl version --client
  need_tool helm 3.14 helm version --template '{{.Version}}'
  [ -z "$image" ] || return 0
  need_on_path docker
  docker version --format '{{.Server.Version}}' >/dev/null 2>&1 ||
    fail "Docker's engine does not answer: it builds the image." "start Docker, or name an existing image with --image."
  need_tool docker 20.10 docker version --format '{{.Server.Version}}'
}

start_cluster() {
  local state
  state="$(cluster_state)"
  case "$state" in
    Running/Running)
      say "minikube: the profile $profile is running."
      is_up=yes
      return
      ;;
    *Paused*)
      fail "the cluster of the profile $profile is paused." "minikube unpause --profile $profile, then run this again."
      ;;
  esac
  say "minikube: starting the profile $profile with $cpus processors and $memory MiB ..."
  if [ -n "$dry_run" ]; then
    change minikube start --profile "$profile" --cpus "$cpus" --memory "$memory"
  elif minikube start --profile "$profile" --cpus "$cpus" --memory "$memory" >"$work/start" 2>&1; then
    is_up=yes
    keep_record yes no
  else
    cat "$work/start" >&2
    explain_start
  fi
}

explain_start() {
  if grep -qE 'port is already allocated|address already in use|ports are not available' "$work/start"; then
    fail "minikube could not start: a port that it needs is in use; the lines above name it." \
      "end what listens there (ss -ltnp or lsof -iTCP -sTCP:LISTEN show it), then run this again."
  elif grep -qE 'RSRC_INSUFFICIENT|RSRC_OVER_ALLOC' "$work/start"; then
    fail "minikube could not start: the machine, or Docker's part of it, has less than $cpus processors and $memory MiB." \
      "give Docker more, or lower --cpus (at least $least_cpus) and --memory."
  fi
  fail "minikube could not start; the lines above say why." \
    "minikube logs --profile $profile says more; fix that, then run this again."
}

# mebibytes QUANTITY: 6070204Ki, 5928Mi, 6Gi or bytes as MiB.
mebibytes() {
  case "$1" in
    *Ki) echo $((${1%Ki} / 1024)) ;;
    *Mi) echo "${1%Mi}" ;;
    *Gi) echo $((${1%Gi} * 1024)) ;;
    *) echo $((${1:-0} / 1048576)) ;;
  esac
}

check_size() {
  [ -n "$is_up" ] || return 0
  local total_cpus=0 total=0 node_cpus node_memory
  while read -r node_cpus node_memory; do
    [ -n "$node_memory" ] || continue
    case "$node_cpus" in
      *m) node_cpus=$((${node_cpus%m} / 1000)) ;;
    esac
    total_cpus=$((total_cpus + node_cpus))
    total=$((total + $(mebibytes "$node_memory")))
  done < <(kube get nodes --output \
    'jsonpath={range .items[*]}{.status.allocatable.cpu} {.status.allocatable.memory}{"\n"}{end}')
  if [ "$total_cpus" -lt "$least_cpus" ] || [ "$total" -lt "$least_mebibytes" ]; then
    fail "the cluster is too small: it has $total_cpus processors and $total MiB;\
 $least_cpus and $least_mebibytes MiB are needed." \
      "minikube delete --profile $profile deletes it with its data, then run this again; or name a new --profile."
  fi
  say "minikube: $total_cpus processors and $total MiB of memory."
}

check_ingress_class() {
  local classes
  [ -n "$is_up" ] || return 0
  classes="$(kube get ingressclass --output name | sed 's|.*/||')"
  if grep -qxF -- "$ingress_class" <<<"$classes" || [ "$ingress_class" = nginx ]; then return; fi
  fail "the cluster has no ingress class '$ingress_class'; it has: $(tr '\n' ' ' <<<"${classes:-none}")" \
    "install the controller of that class, or choose another by --ingress-class (nginx is switched on by this script)."
}

enable_ingress() {
  [ "$ingress_class" = nginx ] || return 0
  if [ -z "$is_up" ] || [ -z "$(kube get ingressclass nginx --ignore-not-found --output name)" ]; then
    say "ingress: switching on minikube's addon ..."
    keep_record no yes
    change minikube addons enable ingress --profile "$profile" ||
      fail "minikube's addon ingress could not be switched on; the lines above say why." \
        "fix that (does the cluster reach its registry? is port 80 of the node free?), then run this again."
  fi
  if [ -n "$is_up" ] && [ -z "$dry_run" ] &&
    [ -n "$(kube --namespace ingress-nginx get deployment ingress-nginx-controller --ignore-not-found --output name)" ]; then
    wait_for ingress-nginx deployment/ingress-nginx-controller app.kubernetes.io/component=controller "the ingress controller"
  fi
}

# The image is named after what it is built from: an unchanged checkout builds nothing, a changed one replaces the pods.
sources_digest() {
  local each parts=()
  for each in Dockerfile .dockerignore Package.swift Sources Tests perf/peers stack; do
    [ ! -e "$root/$each" ] || parts+=("$each")
  done
  (cd "$root" && find "${parts[@]}" -type f -not -path '*/__pycache__/*' -exec openssl dgst -sha256 -r {} + |
    LC_ALL=C sort -k 2) | digest
}

provide_image() {
  if [ -n "$image" ]; then return; fi
  image="kassa:sources-$(sources_digest)"
  if [ -n "$is_up" ] && minikube image ls --profile "$profile" | grep -qE "(^|/)$image\$"; then
    say "image: $image is in the cluster."
    return
  fi
  say "image: building $image (the first time takes minutes) ..."
  change docker build --target kassa --tag "$image" "$root" ||
    fail "Docker could not build the image; the lines above say why." "fix that, then run this again."
  change minikube image load "$image" --profile "$profile" ||
    fail "the image $image could not be loaded into the cluster." \
      "look at the space on its disk (minikube ssh --profile $profile df -h), then run this again."
}
