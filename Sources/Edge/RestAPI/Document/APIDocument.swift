import Telemetry

/// The answers that never change: the OpenAPI document, and what `GET /` says.
///
/// The document is put together once, from the tables of endpoints, parameters and problem codes, and from JSON text in
/// this folder. Text is compiled in without a bundle beside the program; an array of bytes, which SwiftPM would make of
/// a resource, costs the compiler 15 seconds.
enum APIDocument {
  static let bytes: [UInt8] = {
    var json = JSONWriter(reserving: 65_536)
    json.raw("{")
    json.raw(about)
    json.raw(",\"paths\":")
    Endpoint.paths(&json)
    json.raw(",\"components\":{")
    json.raw("\"parameters\":{")
    for parameter in PathParameter.all { parameter.write(&json) }
    json.raw(headerParameters)
    json.raw("},")
    json.raw(headers)
    json.raw(",\"responses\":{")
    json.raw(responses)
    json.raw("},\"schemas\":{")
    json.raw(schemas)
    json.raw(",")
    problemCode(&json)
    json.raw("},")
    json.raw(securitySchemes)
    json.raw("}}")
    return json.bytes
  }()

  static func index(version: String) -> [UInt8] {
    var json = JSONWriter(reserving: 128)
    json.raw("{\"name\":\"kassa\",\"version\":")
    json.string(version)
    json.raw(",\"openapi\":\"/openapi.json\"}")
    return json.bytes
  }
}
