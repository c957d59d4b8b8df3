# Waiting for pods, and saying why they do not become ready. Sourced, never run.
# The scripts' variables are set and read in each other's files.
# shellcheck shell=bash disable=SC2034,SC2154

# States that pods do not leave by themselves when they last this many polls of about 5 s each.
hopeless='ImagePullBackOff|ErrImagePull|ErrImageNeverPull|InvalidImageName|CreateContainerConfigError|CrashLoopBackOff|Pending'
hopeless_polls=12

# wait_for NAMESPACE WORKLOAD SELECTOR WHAT: until all pods are ready, at most $timeout seconds.
wait_for() {
  local space="$1" workload="$2" selector="$3" what="$4" try pods shown="" bad=0
  [ -z "$dry_run" ] || { say "  would wait for $workload" && return; }
  for ((try = 0; try <= timeout / 5; try++)); do
    if kube --namespace "$space" rollout status "$workload" --timeout 1s >/dev/null 2>&1; then
      say "  $what: ready."
      return
    fi
    pods="$(pods_of "$space" "$selector" | awk '{ printf "%s%s %s %s", (NR > 1 ? ", " : ""), $1, $2, $3 }')"
    [ "$pods" = "$shown" ] || say "  $what: ${pods:-no pod yet}"
    shown="$pods"
    if grep -qE "$hopeless" <<<"$pods"; then bad=$((bad + 1)); else bad=0; fi
    [ "$bad" -lt "$hopeless_polls" ] || break
    sleep 4
  done
  explain_pods "$space" "$selector" "$what"
}

# NAME READY STATUS RESTARTS AGE of each pod.
pods_of() { kube --namespace "$1" get pods --selector "$2" --no-headers 2>/dev/null || true; }

# explain_pods NAMESPACE SELECTOR WHAT: ends with the reason that events and log give.
explain_pods() {
  local space="$1" pod status
  read -r pod status < <(pods_of "$space" "$2" |
    awk '{ split($2, part, "/"); if (part[1] != part[2] && $3 != "Completed") { print $1, $3; exit } }') || true
  [ -n "${pod:-}" ] || fail "$3 has no pod that could become ready within $timeout s." \
    "kubectl --context $profile -n $space get events --sort-by .lastTimestamp says why; fix that, then run this again."
  {
    kube --namespace "$space" get events --field-selector "involvedObject.name=$pod,type=Warning" \
      --output 'jsonpath={range .items[*]}{.reason}: {.message}{"\n"}{end}' | tail -n 5
    kube --namespace "$space" logs "$pod" --all-containers --previous --tail 20 || true
    kube --namespace "$space" logs "$pod" --all-containers --tail 20 || true
  } >"$work/why" 2>/dev/null
  sed 's/^/    /' "$work/why" >&2
  judge_cluster "$3" "$pod" "$space"
  judge_data "$3" "$pod"
  fail "$3 does not become ready: $pod is $status; its last events and log lines are above." \
    "kubectl --context $profile -n $space describe pod $pod says more; fix that, then run this again."
}

says() { grep -qiE -- "$1" "$work/why"; }
# The last place in events and log that says it.
quote() { grep -oiE -- "$1" "$work/why" | tail -n 1; }

# judge_cluster WHAT POD NAMESPACE: reasons that lie in the cluster.
judge_cluster() {
  if says "didn't have free ports"; then
    fail "$1 does not become ready: a port that it needs on the node is in use." \
      "remove what uses it (kubectl --context $profile get pods -A -o wide; often a second ingress controller), then run this again."
  elif says 'insufficient (cpu|memory)'; then
    fail "$1 does not become ready: the cluster is too small, or full ($(quote 'insufficient (cpu|memory)'))." \
      "remove other workloads, or delete the cluster with its data and start a larger one by --cpus and --memory."
  elif says 'secret "[^"]*" not found|couldn.t find key'; then
    fail "$1 does not become ready: a Secret or a key of it is missing ($(quote 'secret "[^"]*" not found|key .* in Secret .*'))." \
      "run this again: it makes what is missing."
  elif says 'ErrImageNeverPull|Failed to pull image|ImagePullBackOff|InvalidImageName|Back-off pulling image'; then
    fail "$1 does not become ready: its image cannot be pulled." \
      "see that the cluster reaches the registry, or load the image (minikube image load), then run this again."
  elif says 'unbound immediate PersistentVolumeClaims|no space left on device'; then
    fail "$1 does not become ready: there is no volume for it, or the disk is full." \
      "minikube addons enable default-storageclass --profile $profile, or free space; then run this again."
  fi
}

# judge_data WHAT POD: reasons that lie in what databases and brokers hold.
judge_data() {
  if says 'belongs to the cluster|belongs to the service|database was made with|database has (schema|Kassa)'; then
    fail "$1 does not become ready: its database is that of another shop ($(quote 'the database (belongs|was made|has)[^"]*'))." \
      "give it back its Kafka; or begin anew: ./remove-charts-and-stop-minikube.sh --profile $profile --delete-data"
  elif says 'password authentication failed|role "[^"]*" does not exist|database "[^"]*" does not exist'; then
    fail "$1 does not become ready: the volume holds a database that was made for users or passwords other than those in the Secrets." \
      "restore those Secrets; or begin anew: ./remove-charts-and-stop-minikube.sh --profile $profile --delete-data"
  elif says 'initdb: error|database files are incompatible|must be owner of|wrong ownership|permission denied for'; then
    fail "$1 does not become ready: its volume holds a database of another shop, version or owner." \
      "back it up, delete its volume (kubectl --context $profile -n $namespace get persistentvolumeclaims), then run this again."
  elif says 'kassa topics: .*(partitions|replica|min.insync|retention|cleanup)'; then
    fail "$1: the topics in Kafka are not as Kassa needs them; the lines above say which, and how to fix each." \
      "repair them; or begin anew: ./remove-charts-and-stop-minikube.sh --profile $profile --delete-data"
  elif says 'no broker of|brokers? (are|is) down|connection refused|unreachable|Local: (Broker|Timed out|All broker|Host)'; then
    fail "$1: no broker of Kafka can be reached at kafka:9092." \
      "kubectl --context $profile -n $namespace logs statefulset/kafka says why; fix that, then run this again."
  fi
}
