{{/* Labels of every object. */}}
{{- define "kassa.labels" -}}
app.kubernetes.io/name: kassa
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: kassa
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* What a service's pods are found by. Takes root, service and role; without a role, all pods of the service. */}}
{{- define "kassa.selector" -}}
app.kubernetes.io/name: kassa
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .service }}
{{- with .role }}
kassa-role: {{ . }}
{{- end }}
{{- end }}

{{- define "kassa.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* The roles of the pods, as a JSON list: [all], or [api, owner]. */}}
{{- define "kassa.roles" -}}
{{ eq .Values.role "split" | ternary (list "api" "owner") (list "all") | toJson }}
{{- end }}

{{/* The name of a workload: orders, orders-api, orders-owner. */}}
{{- define "kassa.workload" -}}
{{ .service }}{{ if ne .role "all" }}-{{ .role }}{{ end }}
{{- end }}

{{/* Brokers that must have a record: what is said, or one less than the replicas, and 1 at least. */}}
{{- define "kassa.minInsync" -}}
{{ .Values.kafka.minInsync | default (max 1 (sub (int .Values.kafka.replication) 1)) }}
{{- end }}

{{/* Seconds that a pod has to stop: docs/running.md#stop. */}}
{{- define "kassa.graceSeconds" -}}
{{ with .Values.drain }}{{ add .delaySeconds .timeSeconds .handoverSeconds .roomSeconds }}{{ end }}
{{- end }}

{{- define "kassa.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
# Only this group can read secrets.
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "kassa.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
privileged: false
capabilities:
  drop: [ALL]
{{- end }}

{{/* Settings for librdkafka that are no secrets, as KASSA_RDKAFKA_NAME. */}}
{{- define "kassa.rdkafka" -}}
{{- range $name, $value := .Values.kafka.properties }}
KASSA_RDKAFKA_{{ $name | upper | replace "." "_" }}: {{ $value | toString | quote }}
{{- end }}
{{- end }}

{{/* The Secrets of Kafka, as a JSON list: volume, Secret, folder, the files to mount (none: all). */}}
{{- define "kassa.kafkaSecrets" -}}
{{- $kafka := .Values.kafka }}
{{- $found := list }}
{{- with $kafka.clientSecret }}
{{- $found = append $found (dict "volume" "kafka" "secret" . "files" (list "user.crt" "user.key")) }}
{{- end }}
{{- with $kafka.authoritySecret }}
{{- $found = append $found (dict "volume" "kafka-authority" "secret" . "files" (list "ca.crt")) }}
{{- end }}
{{- with $kafka.propertiesSecret }}
{{- $found = append $found (dict "volume" "kafka-properties" "secret" . "files" (list $kafka.propertiesSecretKey)) }}
{{- end }}
{{- toJson $found }}
{{- end }}
{{- define "kassa.kafkaMounts" -}}
{{- range include "kassa.kafkaSecrets" . | fromJsonArray }}
- {name: {{ .volume }}, mountPath: /etc/kassa/{{ .volume }}, readOnly: true}
{{- end }}
{{- end }}
{{- define "kassa.kafkaVolumes" -}}
{{- range include "kassa.kafkaSecrets" . | fromJsonArray }}
- name: {{ .volume }}
  secret:
    secretName: {{ .secret | quote }}
    defaultMode: 0440
    items:
      {{- range .files }}
      - {key: {{ . | quote }}, path: {{ . | quote }}}
      {{- end }}
{{- end }}
{{- end }}

{{/* How libpq checks the server: variables, mount and volume. Take the name of the Secret with ca.crt. */}}
{{- define "kassa.postgresEnvironment" -}}
{{- if . }}
- {name: PGSSLMODE, value: verify-full}
- {name: PGSSLROOTCERT, value: /etc/kassa/postgres-authority/ca.crt}
{{- end }}
{{- end }}
{{- define "kassa.postgresMount" -}}
{{- if . }}
- {name: postgres-authority, mountPath: /etc/kassa/postgres-authority, readOnly: true}
{{- end }}
{{- end }}
{{- define "kassa.postgresVolume" -}}
{{- with . }}
- name: postgres-authority
  secret:
    secretName: {{ . | quote }}
    defaultMode: 0440
    items:
      - {key: ca.crt, path: ca.crt}
{{- end }}
{{- end }}

{{/* Each service: the name of its variable, and that of its volume with the database's address. */}}
{{- define "kassa.databases" -}}
orders: {setting: KASSA_POSTGRES_ORDERS_FILE, volume: order-db}
stock: {setting: KASSA_POSTGRES_STOCK_FILE, volume: stock-db}
payments: {setting: KASSA_POSTGRES_PAYMENTS_FILE, volume: payment-db}
{{- end }}
