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

{{/* Seconds that a pod has for its end: docs/running.md#stop. */}}
{{- define "kassa.graceSeconds" -}}
{{ with .Values.drain }}{{ add .delaySeconds .timeSeconds .handoverSeconds .roomSeconds }}{{ end }}
{{- end }}

{{- define "kassa.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
# Secrets are readable to this group, and to nobody else.
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

{{/* Secret files for Kafka: mounts and volumes of pods and jobs. */}}
{{- define "kassa.kafkaMounts" -}}
{{- if .Values.kafka.propertiesSecret }}
- name: kafka-properties
  mountPath: /etc/kassa/kafka
  readOnly: true
{{- end }}
{{- if .Values.kafka.authoritiesSecret }}
- name: kafka-ca
  mountPath: /etc/kassa/kafka-ca
  readOnly: true
{{- end }}
{{- end }}
{{- define "kassa.kafkaVolumes" -}}
{{- with .Values.kafka.propertiesSecret }}
- name: kafka-properties
  secret: {secretName: {{ . | quote }}, defaultMode: 0440}
{{- end }}
{{- with .Values.kafka.authoritiesSecret }}
- name: kafka-ca
  secret: {secretName: {{ . | quote }}, defaultMode: 0440}
{{- end }}
{{- end }}

{{/* Each service: the name of its variable, and that of its volume with the database's address. */}}
{{- define "kassa.databases" -}}
orders: {setting: KASSA_POSTGRES_ORDERS_FILE, volume: order-db}
stock: {setting: KASSA_POSTGRES_STOCK_FILE, volume: stock-db}
payments: {setting: KASSA_POSTGRES_PAYMENTS_FILE, volume: payment-db}
{{- end }}
