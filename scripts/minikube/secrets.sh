# Namespace and Secrets. Passwords are made once, and pass through pipes only: never through arguments, which ps shows.
# Sourced, never run.
# The scripts' variables are set and read in each other's files.
# shellcheck shell=bash disable=SC2034,SC2154

make_namespace() {
  local found=""
  [ -z "$is_up" ] || found="$(kube get namespace "$namespace" --ignore-not-found --output 'jsonpath={.status.phase}')"
  case "$found" in
    Active) ;;
    "")
      say "namespace: making $namespace."
      printf '%s\n' "apiVersion: v1" "kind: Namespace" "metadata:" "  name: $namespace" \
        "  labels: {app.kubernetes.io/managed-by: $manager}" | create_object "Namespace $namespace"
      ;;
    *)
      fail "the namespace $namespace is being deleted." \
        "wait until 'kubectl get namespace $namespace' finds none, then run this again."
      ;;
  esac
}

# secret_data NAME: `Secret` and its data as JSON, values in base64; nothing when there is no such Secret.
secret_data() { [ -z "$is_up" ] || in_namespace get secret "$1" --ignore-not-found --output 'jsonpath={.kind}{.data}'; }

# decoded KEY DATA
decoded() { value_of "${1//./\\.}" "$2" | openssl base64 -d -A; }

# secret_manifest NAME TYPE: keys and values follow on standard input, KEY VALUE in base64 each line.
secret_manifest() {
  local key value
  printf 'apiVersion: v1\nkind: Secret\ntype: %s\nmetadata:\n  name: %s\n  namespace: %s\n' "$2" "$1" "$namespace"
  printf '  labels: {app.kubernetes.io/managed-by: %s, app.kubernetes.io/part-of: kassa}\ndata:\n' "$manager"
  while read -r key value; do printf '  %s: %s\n' "$key" "$value"; done
}

# entry KEY VALUE: a line for secret_manifest.
entry() { printf '%s %s\n' "$1" "$(printf '%s' "$2" | openssl base64 -A)"; }

# refuse_secret NAME WHAT
refuse_secret() {
  fail "the Secret $1 $2." \
    "kubectl --context $profile -n $namespace delete secret $1, then run this again: it is made anew from what is there."
}

# A volume of a database or of Redis remembers the first password: without its Secret nobody can open it.
need_no_volume() {
  [ -n "$is_up" ] || return 0
  local volumes
  volumes="$(in_namespace get persistentvolumeclaim --selector "app.kubernetes.io/instance=$1" --output name)"
  [ -z "$volumes" ] ||
    fail "the volume of $1 (${volumes##*/}) was made with a password that is gone: there is no Secret $1-login.\
 It is a database of another or an earlier shop." \
      "restore that Secret; or delete the database for good: kubectl --context $profile -n $namespace delete $volumes"
}

# database_secret NAME DATABASE: NAME-login for the chart, NAME with the same as a URI for the pods.
database_secret() {
  local name="$1" database="$2" login data password key
  login="$(secret_data "$name-login")"
  if [ -z "$login" ]; then
    need_no_volume "$name"
    say "secrets: making $name-login."
    { entry postgres-password "$(openssl rand -hex 24)" && entry CUSTOM_USER kassa &&
      entry CUSTOM_PASSWORD "$(openssl rand -hex 24)" && entry CUSTOM_DB "$database"; } |
      secret_manifest "$name-login" Opaque | create_object "Secret $name-login"
    login="$(secret_data "$name-login")"
  fi
  [ -z "$dry_run" ] || [ -n "$login" ] || { say "  would make: Secret $name" && return; }
  for key in postgres-password CUSTOM_USER CUSTOM_PASSWORD CUSTOM_DB; do
    [ -n "$(decoded "$key" "$login")" ] || refuse_login "$name" "has no key $key"
  done
  [ "$(decoded CUSTOM_DB "$login")" = "$database" ] || refuse_login "$name" "names another database than $database"
  password="$(decoded CUSTOM_PASSWORD "$login")"
  uri_secret "$name" uri "postgresql://$(decoded CUSTOM_USER "$login"):$password@$name:5432/$database" "$name-login"
}

# refuse_login NAME WHAT: it cannot be replaced once there is a database.
refuse_login() {
  fail "the Secret $1-login $2." \
    "write the right value into it: kubectl --context $profile -n $namespace edit secret $1-login;\
 if there is no database yet, delete it; then run this again."
}

# uri_secret NAME KEY VALUE LOGIN: makes it, or compares it.
uri_secret() {
  local data
  data="$(secret_data "$1")"
  if [ -z "$data" ]; then
    say "secrets: making $1."
    entry "$2" "$3" | secret_manifest "$1" Opaque | create_object "Secret $1"
    return
  fi
  [ -n "$(value_of "$2" "$data")" ] || refuse_secret "$1" "has no key $2"
  [ "$(decoded "$2" "$data")" = "$3" ] || refuse_secret "$1" "does not agree with $4: another server, user, password or database"
}

redis_secret() {
  local login
  login="$(secret_data redis-login)"
  if [ -z "$login" ]; then
    say "secrets: making redis-login."
    entry password "$(openssl rand -hex 24)" | secret_manifest redis-login Opaque | create_object "Secret redis-login"
    login="$(secret_data redis-login)"
  fi
  [ -z "$dry_run" ] || [ -n "$login" ] || { say "  would make: Secret redis" && return; }
  [ -n "$(decoded password "$login")" ] || refuse_secret redis-login "has no key password"
  uri_secret redis url "redis://:$(decoded password "$login")@redis:6379/0" redis-login
}

# One certificate for all pods, for ten years, signed by an authority whose key is thrown away.
make_certificate() {
  (
    cd "$work"
    printf '%s\n' '[req]' 'distinguished_name = name' 'prompt = no' '[name]' 'CN = kassa-authority' '[authority]' \
      'basicConstraints = critical, CA:TRUE, pathlen:0' 'keyUsage = critical, keyCertSign, cRLSign' >authority.cnf
    printf '%s\n' '[req]' 'distinguished_name = name' 'prompt = no' '[name]' 'CN = kassa-peers' '[pod]' \
      'basicConstraints = critical, CA:FALSE' 'keyUsage = critical, digitalSignature' \
      'extendedKeyUsage = serverAuth, clientAuth' \
      "subjectAltName = DNS:*.orders-peers.$namespace.svc, DNS:*.stock-peers.$namespace.svc, DNS:*.payments-peers.$namespace.svc" \
      >pod.cnf
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out authority.key
    openssl req -x509 -new -sha256 -key authority.key -days 3650 -config authority.cnf -extensions authority -out ca.crt
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out tls.key
    openssl req -new -sha256 -key tls.key -config pod.cnf -out pod.csr
    openssl x509 -req -sha256 -in pod.csr -CA ca.crt -CAkey authority.key -set_serial "0x$(openssl rand -hex 8)" \
      -days 3650 -extfile pod.cnf -extensions pod -out tls.crt
    rm authority.key
  ) 2>"$work/openssl" || {
    cat "$work/openssl" >&2
    fail "openssl could not make the pods' certificate; the lines above say why." \
      "install OpenSSL 1.1.1 or newer, then run this again."
  }
}

peers_secret() {
  local data key
  data="$(secret_data kassa-peers)"
  if [ -z "$data" ]; then
    say "secrets: making kassa-peers, the pods' certificate."
    make_certificate
    for key in tls.crt tls.key ca.crt; do printf '%s %s\n' "$key" "$(openssl base64 -A -in "$work/$key")"; done |
      secret_manifest kassa-peers kubernetes.io/tls | create_object "Secret kassa-peers"
    return
  fi
  for key in tls.crt tls.key ca.crt; do
    [ -n "$(value_of "${key//./\\.}" "$data")" ] || refuse_secret kassa-peers "has no key $key"
    decoded "$key" "$data" >"$work/$key"
  done
  openssl verify -CAfile "$work/ca.crt" "$work/tls.crt" >/dev/null 2>&1 ||
    refuse_secret kassa-peers "holds a certificate that its authority (ca.crt) did not sign, or that has ended"
  openssl x509 -in "$work/tls.crt" -noout -checkend 604800 >/dev/null ||
    refuse_secret kassa-peers "holds a certificate that ends within a week"
  [ "$(openssl x509 -in "$work/tls.crt" -noout -pubkey)" = "$(openssl pkey -in "$work/tls.key" -pubout 2>/dev/null)" ] ||
    refuse_secret kassa-peers "holds a key (tls.key) that does not belong to its certificate"
}

make_secrets() {
  database_secret order-db kassa_orders
  database_secret stock-db kassa_stock
  database_secret payment-db kassa_payments
  redis_secret
  peers_secret
  say "secrets: all there, and they agree."
}
