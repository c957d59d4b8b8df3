import HTTPServer
import Problems
import Telemetry

// The table of endpoints as the document's `paths`.
extension Endpoint {
  /// The value of `paths`.
  static func paths(_ json: inout JSONWriter) {
    json.raw("{")
    for (place, route) in Route.all.enumerated() {
      json.raw(place == 0 ? "" : ",")
      json.string(route.template)
      for (place, endpoint) in route.endpoints.enumerated() {
        json.raw(place == 0 ? ":{" : ",")
        endpoint.write(&json)
      }
      json.raw("}")
    }
    json.raw("}")
  }

  private func write(_ json: inout JSONWriter) {
    json.string("\(method)")
    json.raw(":{\"operationId\":")
    json.string(id)
    json.raw(",\"tags\":[")
    json.string(tag)
    json.raw("],\"summary\":")
    json.string(summary)
    if let description {
      json.raw(",\"description\":")
      json.string(description)
    }
    if scope == nil { json.raw(",\"security\":[]") }
    writeParameters(&json)
    writeResponses(&json)
    json.raw("}")
  }

  private func writeParameters(_ json: inout JSONWriter) {
    json.raw(",\"parameters\":[")
    for name in parameters {
      // A quantity that is set may be 0.
      writeReference(to: "parameters", method == .put && name == "quantity" ? "new_quantity" : name, &json)
      json.raw(",")
    }
    writeReference(to: "parameters", "traceparent", &json)
    if isChange {
      json.raw(",")
      writeReference(to: "parameters", "IdempotencyKey", &json)
    }
    json.raw("]")
  }

  private func writeReference(to kind: StaticString, _ name: Substring, _ json: inout JSONWriter) {
    json.raw("{\"$ref\":\"#/components/")
    json.raw(kind)
    json.raw("/")
    json.string(inQuotes: String(name))
    json.raw("\"}")
  }

  private func writeResponses(_ json: inout JSONWriter) {
    json.raw(",\"responses\":{")
    writeAnswer(&json)
    let byStatus = Dictionary(grouping: codes, by: \.status).sorted { $0.key < $1.key }
    let statuses = byStatus.map { "\($0.key)" } + ["default"]
    for status in statuses {
      json.raw(",")
      json.string(status)
      json.raw(":")
      writeReference(to: "responses", "Problem", &json)
    }
    json.raw("},\"x-codes\":{")
    for (status, codes) in zip(statuses, byStatus.map(\.value) + [Self.serverCodes]) {
      if status != statuses[0] { json.raw(",") }
      json.string(status)
      json.raw(":[")
      for (place, code) in codes.enumerated() {
        if place > 0 { json.raw(",") }
        json.string(code.rawValue)
      }
      json.raw("]")
    }
    json.raw("}")
  }

  private func writeAnswer(_ json: inout JSONWriter) {
    json.raw(answer == .nothing ? "\"204\"" : "\"200\"")
    json.raw(":{\"description\":")
    json.string(answerDescription)
    json.raw(",\"headers\":{\"X-Request-Id\":")
    writeReference(to: "headers", "XRequestId", &json)
    json.raw(",\"traceparent\":")
    writeReference(to: "headers", "Traceparent", &json)
    if isChange {
      json.raw(",\"Idempotent-Replayed\":")
      writeReference(to: "headers", "IdempotentReplayed", &json)
    }
    if answer == .nothing {
      json.raw(",\"Allow\":")
      writeReference(to: "headers", "Allow", &json)
    }
    json.raw("}")
    switch answer {
    case .nothing: break
    case .document:
      json.raw(
        #","content":{"application/json":{"schema":{"type":"object","required":["openapi","info","paths"]}}}"#)
    case .page: json.raw(#","content":{"text/html; charset=utf-8":{"schema":{"type":"string"}}}"#)
    default:
      json.raw(",\"content\":{\"application/json\":{\"schema\":")
      writeReference(to: "schemas", answer.rawValue[...], &json)
      json.raw("}}")
    }
    json.raw("}")
  }
}
