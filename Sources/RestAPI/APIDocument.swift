/// The answers that never change: the OpenAPI document, which is compiled into the program, and what `GET /` says.
enum APIDocument {
  /// `Sources/RestAPI/openapi.json`.
  static let bytes: [UInt8] = PackageResources.openapi_json

  static func index(version: String) -> [UInt8] {
    var json = JSONWriter(reserving: 128)
    json.raw("{\"name\":\"kassa\",\"version\":")
    json.string(version)
    json.raw(",\"openapi\":\"/openapi.json\"}")
    return json.bytes
  }
}
