# Takes away what was installed. Sourced, never run.
# The scripts' variables are set and read in each other's files.
# shellcheck shell=bash disable=SC2034,SC2154

# need_running: false when there is nothing to remove.
need_running() {
  local state
  state="$(cluster_state)"
  if [ "$state" = Running/Running ]; then
    is_up=yes
    return
  fi
  if [ -n "$delete_data" ] && [ -n "$state" ]; then
    fail "the cluster of the profile $profile is not running: its data cannot be deleted one by one." \
      "minikube start --profile $profile, then run this again; or delete all of it: minikube delete --profile $profile"
  fi
  say "minikube: no cluster of the profile $profile is running; there is nothing to do."
  return 1
}

# is_other NAME CHART: a release of that name is somebody else's.
is_other() {
  local chart
  chart="$(value_of chart "$(release_history "$1")")"
  [ -n "$chart" ] && ! [[ "$chart" =~ ^"$2"-[0-9] ]]
}

# remove_release NAME CHART
remove_release() {
  [ -n "$(release_state "$1")" ] || return 0
  if is_other "$1" "$2"; then
    say "$1: that release is not of the chart $2; it stays."
    return
  fi
  say "$1: removing ..."
  change helm_here uninstall "$1" --wait --timeout "${timeout}s" ||
    fail "Helm could not remove $1; the lines above say why." "fix that, then run this again."
}

remove_releases() {
  local name chart
  # Kassa first: its pods write their last checkpoints.
  remove_release kassa kassa
  # Hooks that failed outlive a release, for their logs.
  is_other kassa kassa ||
    change in_namespace delete job,pod,configmap,networkpolicy --ignore-not-found \
      --selector app.kubernetes.io/instance=kassa,app.kubernetes.io/managed-by=Helm
  while read -r -u 3 name chart _; do
    remove_release "$name" "$chart"
  done 3<<<"$data_services"
}

remove_data() {
  local name chart left
  say "data: deleting volumes and Secrets ..."
  while read -r -u 3 name chart _; do
    is_other "$name" "$chart" || change in_namespace delete persistentvolumeclaim --ignore-not-found \
      --selector "app.kubernetes.io/instance=$name,app.kubernetes.io/name=$chart"
  done 3<<<"$data_services"
  change in_namespace delete secret --ignore-not-found --selector "app.kubernetes.io/managed-by=$manager"
  [ "$(kube get namespace "$namespace" --output 'jsonpath={.metadata.labels.app\.kubernetes\.io/managed-by}')" = "$manager" ] ||
    return 0
  left="$(in_namespace get all,secret,configmap,persistentvolumeclaim,ingress,serviceaccount --output name |
    grep -vxE 'configmap/kube-root-ca.crt|serviceaccount/default' | tr '\n' ' ' || true)"
  if [ -n "$left" ] && [ -z "$dry_run" ]; then
    say "namespace: $namespace stays, because it has other contents: $left"
  else
    change kube delete namespace "$namespace" --wait --timeout "${timeout}s"
  fi
}

disable_ingress() {
  local old
  old="$(record)"
  [ "$(value_of addon "$old")" = yes ] || return 0
  if [ -n "$(kube get ingress --all-namespaces --output name)" ] && [ -z "$dry_run" ]; then
    say "ingress: the addon stays switched on, because other Ingresses use it."
    return
  fi
  change minikube addons disable ingress --profile "$profile" ||
    fail "minikube's addon ingress could not be switched off; the lines above say why." "fix that, then run this again."
  write_record "$(value_of started "$old")" no "$old"
}

stop_cluster() {
  if [ "$(value_of started "$(record)")" != yes ]; then
    say "minikube: keeps running, as it did before Kassa was installed."
  elif [ -n "$keep_running" ]; then
    say "minikube: keeps running."
  else
    say "minikube: stopping the profile $profile ..."
    change minikube stop --profile "$profile" ||
      fail "minikube could not be stopped; the lines above say why." "fix that, then run this again."
  fi
}
