# What the two scripts for minikube have in common. Sourced, never run; for bash 3.2 and newer.
# The scripts' variables are set and read in each other's files.
# shellcheck shell=bash disable=SC2034,SC2154

# The namespace has a fixed name, like every object of Kassa.
namespace=kassa
manager=deploy-charts-and-start-minikube
profile=minikube
dry_run=""
# Whether the cluster can be asked: before the first start in a dry run it cannot.
is_up=""
work=""
lock=""
# What the temporary folder's name begins with, before the process id.
scratch=""

say() { printf '%s\n' "$*"; }

# fail WHAT NEXT: what is wrong, and what to do about it.
fail() {
  printf '%s: %s\n  Next: %s\n' "${0##*/}" "$1" "$2" >&2
  exit 1
}

# usage_error WHAT
usage_error() {
  printf '%s: %s (--help lists the options)\n' "${0##*/}" "$1" >&2
  exit 2
}

# Prints the comment at the head of the script.
show_help() { awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"; }

# change COMMAND...: does it; a dry run only shows it.
change() {
  if [ -n "$dry_run" ]; then
    say "  would run: $*"
  else
    "$@"
  fi
}

kube() { kubectl --context "$profile" "$@"; }
in_namespace() { kube --namespace "$namespace" "$@"; }
helm_here() { helm --kube-context "$profile" --namespace "$namespace" "$@"; }

# Reads from standard input; a dry run shows what would be made, never a secret.
create_object() {
  if [ -n "$dry_run" ]; then
    cat >/dev/null
    say "  would make: $1"
  else
    kube create --filename - >/dev/null
  fi
}

digest() { openssl dgst -sha256 -r | cut -c 1-16; }

# value_of KEY JSON: the text under a key of an object whose values are plain strings.
value_of() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" <<<"$2" | head -n 1; }

# newer FOUND LEAST: whether the version 1.34.0 is at least 1.33.
newer() { [ -n "$1" ] && [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# need_tool NAME LEAST VERSION-COMMAND...: it is there, and new enough.
need_tool() {
  local name="$1" least="$2" found
  shift 2
  found="$("$@" 2>/dev/null | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1 || true)"
  [ -n "$found" ] || fail "$name does not say its version: '$*' failed." "run that command by itself and fix $name."
  newer "$found" "$least" || fail "$name is $found, and $least or newer is needed." "upgrade $name, then run this again."
}

need_on_path() {
  local name missing=""
  for name in "$@"; do
    command -v "$name" >/dev/null || missing="$missing $name"
  done
  [ -z "$missing" ] || fail "not on the PATH:$missing." "install what is missing, then run this again."
}

# What the profile's cluster is doing: Running/Running, Stopped/Stopped, or nothing when there is none.
cluster_state() { minikube status --profile "$profile" --format '{{.Host}}/{{.APIServer}}' 2>/dev/null | head -n 1 || true; }

# One run at a time for a profile. The lock of a run that was killed is taken over.
take_lock() {
  local file owner
  file="${TMPDIR:-/tmp}/kassa-minikube-$(id -u)-$profile.lock"
  if ! (set -o noclobber && echo $$ >"$file") 2>/dev/null; then
    owner="$(cat "$file" 2>/dev/null || true)"
    if [ -n "$owner" ] && kill -0 "$owner" 2>/dev/null; then
      fail "another run (process $owner) is working on the profile $profile." "wait until it has ended, then run this again."
    fi
    rm -f "$file"
    (set -o noclobber && echo $$ >"$file") || fail "the lock $file cannot be written." "check who owns it, and remove it."
  fi
  lock="$file"
}

# A run that is killed cannot delete its folder, which may contain keys: the next one does. Folders are named after the
# process, so that those of runs still at work, for other profiles, stay.
sweep() {
  local folder pid
  for folder in "$scratch"*; do
    pid="${folder#"$scratch"}"
    pid="${pid%%.*}"
    [[ "$pid" =~ ^[0-9]+$ ]] && [ -d "$folder" ] && [ ! -L "$folder" ] && [ -O "$folder" ] || continue
    kill -0 "$pid" 2>/dev/null || rm -rf "$folder"
  done
}

clean_up() {
  [ -z "$work" ] || rm -rf "$work"
  [ -z "$lock" ] || rm -f "$lock"
}

prepare() {
  umask 077
  trap clean_up EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  scratch="${TMPDIR:-/tmp}/kassa-minikube-run-$(id -u)-"
  take_lock
  sweep
  work="$(mktemp -d "$scratch$$.XXXXXX")"
}

# The record of what these scripts started and switched on, so that only that is taken back. In the namespace `default`: it
# outlives Kassa's.
record() {
  [ -z "$is_up" ] ||
    kube --namespace default get configmap kassa-minikube --ignore-not-found --output 'jsonpath={.data}'
}

# keep_record STARTED ADDON: yes, or what was recorded stays.
keep_record() {
  local old started="$1" addon="$2"
  old="$(record)"
  [ "$started" = yes ] || started="$(value_of started "$old")"
  [ "$addon" = yes ] || addon="$(value_of addon "$old")"
  write_record "${started:-no}" "${addon:-no}" "$old"
}

# write_record STARTED ADDON OLD: each yes or no; OLD is what is recorded now.
write_record() {
  [ "$3" != "{\"addon\":\"$2\",\"started\":\"$1\"}" ] || return 0
  if [ -n "$dry_run" ]; then
    say "  would record what is started and switched on: ConfigMap kassa-minikube in the namespace default"
    return
  fi
  printf '%s\n' "apiVersion: v1" "kind: ConfigMap" "metadata:" "  name: kassa-minikube" "  namespace: default" \
    "  labels: {app.kubernetes.io/managed-by: $manager}" "data: {started: \"$1\", addon: \"$2\"}" |
    kube --namespace default apply --filename - >/dev/null
}

# release_state NAME: the status of a Helm release, such as deployed or pending-install; nothing when there is none.
release_state() { value_of status "$(release_history "$1")"; }
release_history() { [ -z "$is_up" ] || helm_here history "$1" --max 1 --output json 2>/dev/null || true; }

# need_own_release NAME CHART: a release of that name is of that chart.
need_own_release() {
  local chart
  chart="$(value_of chart "$(release_history "$1")")"
  case "$chart" in
    "" | "$2"-[0-9]*) ;;
    *)
      fail "the release $1 in the namespace $namespace is of the chart $chart, not of $2: somebody else's." \
        "remove it (helm --kube-context $profile -n $namespace uninstall $1), or use another --profile."
      ;;
  esac
}
