{{/* The head of a NetworkPolicy. Takes root and name. */}}
{{- define "kassa.policy" -}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .name }}
  labels: {{- include "kassa.labels" .root | nindent 4 }}
{{- end }}

{{/* Servers: to whom, at which TCP ports. Nobody is nobody, not everybody: without peers there is no rule. */}}
{{- define "kassa.egress" -}}
{{- if .to -}}
- to: {{- toYaml .to | nindent 4 }}
  ports:
    {{- range .ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- else -}}
[]
{{- end }}
{{- end }}
