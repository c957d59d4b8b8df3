{{/* The pod of a service in a role. Takes root, service, role. */}}
{{- define "kassa.pod" -}}
{{- $values := .root.Values }}
{{- $own := index $values .service }}
{{- $database := index (include "kassa.databases" .root | fromYaml) .service }}
{{- $keepsState := ne .role "api" }}
{{- $usesRedis := and $values.redis.enabled (ne .service "payments") }}
metadata:
  annotations:
    # Pods read settings only at the start, so changed settings need new pods.
    checksum/settings: {{ include (print .root.Template.BasePath "/settings.yaml") .root | sha256sum }}
    {{- with $values.pods.annotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  labels:
    {{- with $values.pods.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- include "kassa.selector" . | nindent 4 }}
    app.kubernetes.io/part-of: kassa
spec:
  serviceAccountName: {{ $values.serviceAccount.name }}
  automountServiceAccountToken: false
  # Otherwise a Service called kassa would give the pods KASSA_… variables, and Kassa refuses unknown ones.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "kassa.graceSeconds" .root }}
  {{- with $values.image.pullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.pods.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $values.pods.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.pods.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.pods.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if $values.pods.topologySpread.enabled }}
  topologySpreadConstraints:
    {{- $spread := dict "topology.kubernetes.io/zone" "ScheduleAnyway" }}
    {{- $_ := set $spread "kubernetes.io/hostname" $values.pods.topologySpread.whenUnsatisfiable }}
    {{- range $key, $when := $spread }}
    - maxSkew: 1
      topologyKey: {{ $key }}
      whenUnsatisfiable: {{ $when }}
      labelSelector:
        matchLabels:
          app.kubernetes.io/name: kassa
      # The pod's own settings.
      matchLabelKeys: [app.kubernetes.io/component, kassa-role]
    {{- end }}
  {{- end }}
  securityContext:
    {{- include "kassa.podSecurity" . | nindent 4 }}
    fsGroupChangePolicy: OnRootMismatch
  containers:
    - name: kassa
      image: {{ include "kassa.image" .root | quote }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args: [serve]
      envFrom:
        - configMapRef:
            name: kassa
      env:
        - name: KASSA_POD
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        - name: POD_IP
          valueFrom: {fieldRef: {fieldPath: status.podIP}}
        - name: KASSA_PEERS
          value: 0.0.0.0:7000
        # Other pods learn it from the map of owners. An IP address, so that no pod waits for DNS.
        - name: KASSA_PEERS_ADVERTISE
          value: $(POD_IP):7000
        - name: KASSA_PEER_CERTIFICATE
          value: /etc/kassa/peers/tls.crt
        - name: KASSA_PEER_KEY
          value: /etc/kassa/peers/tls.key
        - name: KASSA_PEER_AUTHORITIES
          value: /etc/kassa/peers/ca.crt
        - name: KASSA_SERVICE
          value: {{ .service }}
        - name: KASSA_ROLE
          value: {{ .role }}
        {{- if $keepsState }}
        - name: {{ $database.setting }}
          value: /etc/kassa/{{ $database.volume }}/{{ $values.databaseSecretKey }}
        {{- include "kassa.postgresEnvironment" $own.databaseAuthoritySecret | nindent 8 }}
        {{- end }}
        {{- if $usesRedis }}
        - name: KASSA_REDIS_FILE
          value: /etc/kassa/redis/{{ $values.redis.secretKey }}
        {{- if $values.redis.authoritySecret }}
        - {name: KASSA_REDIS_AUTHORITIES, value: /etc/kassa/redis-authority/ca.crt}
        {{- end }}
        {{- end }}
      ports:
        - {name: http, containerPort: 8000}
        - {name: operator, containerPort: 9000}
        - {name: peers, containerPort: 7000}
      # Until the first replay of the log is done.
      startupProbe:
        httpGet: {path: /startupz, port: operator}
        periodSeconds: 2
        timeoutSeconds: 2
        failureThreshold: {{ div (add1 $values.pods.startupSeconds) 2 }}
      # /livez answers 503 once the lanes have been silent for 30 s.
      livenessProbe:
        httpGet: {path: /livez, port: operator}
        periodSeconds: 10
        timeoutSeconds: 3
        failureThreshold: 3
      # Two failures 2 s apart: within the drain delay, during which a stopping pod still serves.
      readinessProbe:
        httpGet: {path: /readyz, port: operator}
        periodSeconds: 2
        timeoutSeconds: 2
        failureThreshold: 2
      resources: {{- toYaml ($own.resources | default $values.pods.resources) | nindent 8 }}
      securityContext: {{- include "kassa.containerSecurity" . | nindent 8 }}
      volumeMounts:
        - name: peers
          mountPath: /etc/kassa/peers
          readOnly: true
        {{- if $keepsState }}
        - name: {{ $database.volume }}
          mountPath: /etc/kassa/{{ $database.volume }}
          readOnly: true
        {{- include "kassa.postgresMount" $own.databaseAuthoritySecret | nindent 8 }}
        {{- end }}
        {{- if $usesRedis }}
        - name: redis
          mountPath: /etc/kassa/redis
          readOnly: true
        {{- if $values.redis.authoritySecret }}
        - {name: redis-authority, mountPath: /etc/kassa/redis-authority, readOnly: true}
        {{- end }}
        {{- end }}
        {{- include "kassa.kafkaMounts" .root | nindent 8 }}
  volumes:
    - name: peers
      secret: {secretName: {{ $values.peers.secret | quote }}, defaultMode: 0440}
    {{- if $keepsState }}
    - name: {{ $database.volume }}
      secret: {secretName: {{ $own.databaseSecret | quote }}, defaultMode: 0440}
    {{- include "kassa.postgresVolume" $own.databaseAuthoritySecret | nindent 4 }}
    {{- end }}
    {{- if $usesRedis }}
    - name: redis
      secret: {secretName: {{ $values.redis.secret | quote }}, defaultMode: 0440}
    {{- with $values.redis.authoritySecret }}
    - name: redis-authority
      secret:
        secretName: {{ . | quote }}
        defaultMode: 0440
        items:
          - {key: ca.crt, path: ca.crt}
    {{- end }}
    {{- end }}
    {{- include "kassa.kafkaVolumes" .root | nindent 4 }}
{{- end }}
