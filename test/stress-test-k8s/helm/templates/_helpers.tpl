{{/* Labels of every object. */}}
{{- define "stress.labels" -}}
app.kubernetes.io/name: kassa-stress-test
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: kassa-tests
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* What pods are found by. Takes root and component. */}}
{{- define "stress.selector" -}}
app.kubernetes.io/name: kassa-stress-test
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* A pod's specification. Takes root, component, restart and args. */}}
{{- define "stress.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
restartPolicy: {{ .restart }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
containers:
  - name: locust
    image: {{ printf "%s:%s" .root.Values.image.repository (.root.Values.image.tag | default .root.Chart.AppVersion) | quote }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    args: {{- toYaml (prepend .args "stress-test") | nindent 6 }}
    env: {{- include "stress.env" .root | nindent 6 }}
    {{- if eq .component "master" }}
    ports:
      - {name: page, containerPort: 8089}
      - {name: workers, containerPort: 5557}
    {{- if not .root.Values.headless.enabled }}
    readinessProbe:
      httpGet: {path: /, port: page}
    {{- end }}
    {{- end }}
    resources: {{- toYaml .resources | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: {drop: [ALL]}
    volumeMounts:
      - {name: logs, mountPath: /logs}
      - {name: temporary, mountPath: /tmp}
volumes:
  - name: logs
    emptyDir: {sizeLimit: 64Mi}
  - name: temporary
    emptyDir: {sizeLimit: 64Mi}
{{- end }}

{{/* The addresses, and how the pool of users and items is made. */}}
{{- define "stress.env" -}}
{{- range $service := list "orders" "stock" "payment" }}
- name: {{ upper $service }}_URL
  value: {{ $.Values.url | default (index $.Values.services $service) | required (printf "give url, or services.%s" $service) | quote }}
{{- end }}
- {name: INIT, value: {{ .Values.init | quote }}}
- {name: POOL_USERS, value: {{ .Values.poolUsers | int | quote }}}
- {name: POOL_ITEMS, value: {{ .Values.poolItems | int | quote }}}
- {name: RATE, value: {{ .Values.rate | quote }}}
{{- end }}
