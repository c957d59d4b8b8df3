# The charts: data services first, then Kassa. Sourced, never run.
# The scripts' variables are set and read in each other's files.
# shellcheck shell=bash disable=SC2034,SC2154

# NAME CHART VERSION VALUES, as the files in helm-config/ say.
data_services="redis redis 0.34 redis-helm-values.yaml
kafka kafka 0.1 kafka.yaml
order-db postgres 0.20 order-db.yaml
stock-db postgres 0.20 stock-db.yaml
payment-db postgres 0.20 payment-db.yaml"

# settle_release NAME: takes back what a run left that was interrupted within Helm.
settle_release() {
  case "$(release_state "$1")" in
    pending-install | uninstalling)
      say "$1: an earlier run was interrupted during its installation; starting that over."
      change helm_here uninstall "$1" --wait --timeout "${timeout}s" >/dev/null ||
        fail "Helm could not remove the half-made release $1." "helm --kube-context $profile -n $namespace uninstall $1"
      ;;
    pending-upgrade | pending-rollback)
      say "$1: an earlier run was interrupted during its upgrade; rolling that back."
      change helm_here rollback "$1" >/dev/null ||
        fail "Helm could not roll back the half-made upgrade of $1." "helm --kube-context $profile -n $namespace rollback $1"
      ;;
  esac
}

# is_installed NAME MARK WORKLOAD: exactly this was installed before, and still exists.
is_installed() {
  local history
  history="$(release_history "$1")"
  [ "$(value_of status "$history")" = deployed ] && [ "$(value_of description "$history")" = "$2" ] &&
    [ -n "$(in_namespace get statefulset "$3" --ignore-not-found --output name)" ]
}

# install NAME MARK CHART OPTION...: errors of Helm are in $work/helm, and the return code says that there are any.
install() {
  local name="$1" mark="$2" chart="$3"
  shift 3
  settle_release "$name"
  say "$name: installing ..."
  if [ -n "$dry_run" ]; then
    say "  would run: helm --kube-context $profile --namespace $namespace upgrade --install $name $chart $*"
    return
  fi
  helm_here upgrade --install "$name" "$chart" "$@" --description "$mark" >"$work/helm" 2>&1
}

# explain_helm NAME
explain_helm() {
  sed 's/^/    /' "$work/helm" >&2
  if grep -q 'invalid ownership metadata' "$work/helm"; then
    fail "$1: objects with these names already exist in the namespace $namespace, made by other means than this release." \
      "remove them (such as: kubectl --context $profile delete -k k8s/overlays/minikube), then run this again."
  elif grep -qE 'another operation .* is in progress' "$work/helm"; then
    fail "$1: another Helm is working on this release." "wait until it has ended, then run this again."
  elif grep -qiE 'meet the specifications of the schema|additional propert' "$work/helm"; then
    fail "$1: its chart does not take the values; the lines above name them." \
      "correct the file in helm-config/, then run this again."
  elif grep -qiE 'no such host|dial tcp|i/o timeout|handshake|toomanyrequests|429|unauthorized|denied|not found' "$work/helm"; then
    fail "$1: its chart cannot be fetched from registry-1.docker.io." \
      "see that this machine reaches it (a proxy? a limit of pulls: docker login), then run this again."
  fi
  fail "$1: Helm refused it; the lines above say why." "fix that, then run this again."
}

# install_service NAME CHART VERSION VALUES
install_service() {
  local mark
  mark="chart $3, values $(digest <"$root/helm-config/$4")"
  need_own_release "$1" "$2"
  if is_installed "$1" "$mark" "$1"; then
    say "$1: installed before, unchanged."
  else
    install "$1" "$mark" "oci://registry-1.docker.io/cloudpirates/$2" --version "$3" --values "$root/helm-config/$4" ||
      explain_helm "$1"
  fi
}

install_data_services() {
  local name chart version values
  # All of them first: they start side by side. On descriptor 3, so that no program reads the list.
  while read -r -u 3 name chart version values; do
    install_service "$name" "$chart" "$version" "$values"
  done 3<<<"$data_services"
  while read -r -u 3 name chart version values; do
    wait_for "$namespace" "statefulset/$name" "app.kubernetes.io/instance=$name" "$name"
  done 3<<<"$data_services"
}

chart_digest() {
  (cd "$root/helm-config" && find kassa kassa-small.yaml -type f -exec openssl dgst -sha256 -r {} + | LC_ALL=C sort -k 2) | digest
}

# The chart rather than the overlay for kustomize: the image and the ingress class are values that its schema checks, it
# waits for the topics before there are pods, and Helm knows later what it has to remove.
install_kassa() {
  local mark controller=nginx service
  [ "$ingress_class" = nginx ] || controller=other
  mark="chart $(chart_digest), image $image, ingress class $ingress_class"
  need_own_release kassa kassa
  if is_installed kassa "$mark" orders; then
    say "kassa: installed before, unchanged."
  else
    say "kassa: topics first, then the pods ..."
    install kassa "$mark" "$root/helm-config/kassa" --values "$root/helm-config/kassa-small.yaml" \
      --set-string "image.repository=${image%:*}" --set-string "image.tag=${image##*:}" \
      --set-string "ingress.className=$ingress_class" --set-string "ingress.controller=$controller" \
      --timeout "${timeout}s" || explain_kassa
  fi
  for service in orders stock payments; do
    wait_for "$namespace" "statefulset/$service" "app.kubernetes.io/instance=kassa,app.kubernetes.io/component=$service" "$service"
  done
}

# Helm says of a hook that failed no more than that.
explain_kassa() {
  local topics="app.kubernetes.io/instance=kassa,app.kubernetes.io/component=topics"
  if grep -qE 'pre-(install|upgrade)' "$work/helm" && [ -n "$(pods_of "$namespace" "$topics")" ]; then
    explain_pods "$namespace" "$topics" "the job that makes the topics"
  fi
  explain_helm kassa
}

# Where the shop is, and how to try it.
show_address() {
  local address="" field="{.status.loadBalancer.ingress[0]"
  [ -z "$dry_run" ] || { say "  would print the shop's address" && return; }
  address="$(in_namespace get ingress kassa --output "jsonpath=$field.ip}$field.hostname}")"
  [ -n "$address" ] || address="$(minikube ip --profile "$profile")"
  say "" "Kassa is ready: http://$address"
  if [ "$(uname -s)" != Linux ]; then
    say "With Docker's driver on this system that address cannot be reached: run 'minikube tunnel --profile $profile' in another" \
      "window, and use http://127.0.0.1 instead."
  fi
  cat <<TRY
Try it:
  curl -X POST http://$address/stock/item/create/250
  user=\$(curl -s -X POST http://$address/payment/create_user | sed 's/.*"user_id": *"\\([^"]*\\)".*/\\1/')
  curl -X POST "http://$address/orders/create/\$user"
It takes everything away again, and keeps the data: ./remove-charts-and-stop-minikube.sh --profile $profile
TRY
}
