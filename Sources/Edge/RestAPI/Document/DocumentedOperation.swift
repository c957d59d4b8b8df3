import HTTPServer
import Model
import Problems
import Telemetry

/// One method of one path, as the document describes it.
struct DocumentedOperation {
  /// What a good answer has in its body.
  enum Body {
    case nothing
    case schema(StaticString)
    /// The document itself.
    case document
    case page
  }

  let route: Route
  let method: HTTPMethod
  private let id: StaticString
  private let summary: StaticString
  private let description: String?
  private let answer: StaticString
  private let body: Body
  /// Its own codes, besides those that follow from the route and the method.
  private let refusals: [ProblemCode]

  init(
    _ route: Route, _ method: HTTPMethod, _ id: StaticString, _ summary: StaticString, description: String? = nil,
    answer: StaticString, _ body: Body, refusals: [ProblemCode] = []
  ) {
    self.route = route
    self.method = method
    self.id = id
    self.summary = summary
    self.description = description
    self.answer = answer
    self.body = body
    self.refusals = refusals
  }

  /// The names between braces in the path.
  private var pathParameters: [Substring] {
    route.template.description.split(separator: "/").filter { $0.hasPrefix("{") }.map { $0.dropFirst().dropLast() }
  }

  /// Whether it changes something, and so takes an `Idempotency-Key`.
  private var isChange: Bool { method != .get && method != .options && route != .paymentStatus }

  /// Every code with which it may be refused once the server has accepted it as a request.
  private var codes: [ProblemCode] {
    guard route.service != nil else { return [] }
    let ids = pathParameters.filter { $0.hasSuffix("_id") }.count
    var codes: [ProblemCode] = [.malformedPath]
    if ids > 0 { codes.append(.malformedID) }
    if ids < pathParameters.count { codes += [.malformedAmount, .amountOutOfRange] }
    if method != .get { codes.append(.malformedIdempotencyKey) }
    codes += [.unauthenticated, .missingScope, .crossSite] + refusals + [.rateLimited]
    codes += [.overloaded, .starting, .stopping, .partitionStopped, .partitionUnserved, .logFailed]
    if isChange { codes += [.idempotencyKeyReused, .outcomeUnknown] }
    // Additions have to read the item's price first.
    if !isChange || refusals.contains(.unknownItem) && route.service == .orders { codes.append(.timedOut) }
    return codes
  }

  /// What every operation may be refused with before the API sees it; listed under `default`.
  private static let serverCodes: [ProblemCode] = [
    .malformedRequest, .crossSite, .misdirectedRequest, .unknownHost, .requestTimeout, .bodyTooLarge, .pathTooLong,
    .headTooLarge, .tooManyRequests, .overloaded, .internalError,
  ]

  // MARK: JSON

  /// The value of `paths`.
  static func paths(_ json: inout JSONWriter) {
    json.raw("{")
    var last: Route?
    for operation in all {
      if operation.route == last {
        json.raw(",")
      } else {
        if last != nil { json.raw("},") }
        json.string(operation.route.template)
        json.raw(":{")
      }
      last = operation.route
      operation.write(&json)
    }
    json.raw("}}")
  }

  private func write(_ json: inout JSONWriter) {
    json.string("\(method)")
    json.raw(":{\"operationId\":")
    json.string(id)
    json.raw(",\"tags\":[")
    json.string(route.service == nil ? "about" : String(route.template.description.split(separator: "/")[0]))
    json.raw("],\"summary\":")
    json.string(summary)
    if let description {
      json.raw(",\"description\":")
      json.string(description)
    }
    if route.scope == nil { json.raw(",\"security\":[]") }
    writeParameters(&json)
    writeResponses(&json)
    json.raw("}")
  }

  private func writeParameters(_ json: inout JSONWriter) {
    json.raw(",\"parameters\":[")
    for name in pathParameters {
      // The one number whose range depends on the path.
      writeReference(to: "parameters", route == .ordersSetItem && name == "quantity" ? "new_quantity" : name, &json)
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
    if case .nothing = body { json.raw("\"204\"") } else { json.raw("\"200\"") }
    json.raw(":{\"description\":")
    json.string(answer)
    json.raw(",\"headers\":{\"X-Request-Id\":")
    writeReference(to: "headers", "XRequestId", &json)
    json.raw(",\"traceparent\":")
    writeReference(to: "headers", "Traceparent", &json)
    if isChange {
      json.raw(",\"Idempotent-Replayed\":")
      writeReference(to: "headers", "IdempotentReplayed", &json)
    }
    if case .nothing = body {
      json.raw(",\"Allow\":")
      writeReference(to: "headers", "Allow", &json)
    }
    json.raw("}")
    switch body {
    case .nothing: break
    case .schema(let name):
      json.raw(",\"content\":{\"application/json\":{\"schema\":")
      writeReference(to: "schemas", Substring("\(name)"), &json)
      json.raw("}}")
    case .document:
      json.raw(
        #","content":{"application/json":{"schema":{"type":"object","required":["openapi","info","paths"]}}}"#)
    case .page: json.raw(#","content":{"text/html; charset=utf-8":{"schema":{"type":"string"}}}"#)
    }
    json.raw("}")
  }
}
