import Foundation
import HTTPServer
import Problems
import Testing

@testable import RestAPI

/// `/openapi.json` and the code name the same paths, methods and codes.
@Suite struct DocumentTests {
  static func document() throws -> [String: Any] {
    let answer = Bench().now("GET /openapi.json")
    #expect(answer.status == 200 && answer.contentType.description == "application/json")
    return try #require(try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any])
  }

  @Test func namesEveryEndpoint() throws {
    let paths = try #require(try Self.document()["paths"] as? [String: [String: [String: Any]]])
    for endpoint in Endpoint.all {
      let documented = try #require(paths[endpoint.path.description]?["\(endpoint.method)"], "\(endpoint.id)")
      #expect(documented["operationId"] as? String == endpoint.id.description)
      #expect(documented["security"] == nil || endpoint.scope == nil)
      let responses = try #require(documented["responses"] as? [String: Any])
      #expect(
        Set(responses.keys)
          == Set(endpoint.codes.map { "\($0.status)" } + [endpoint.answer == .nothing ? "204" : "200", "default"]))
    }
    #expect(paths.values.map(\.count).reduce(0, +) == Endpoint.all.count)
  }

  @Test func namesEveryCodeWithItsStatus() throws {
    let document = try Self.document()
    let components = try #require(document["components"] as? [String: Any])
    let schemas = try #require(components["schemas"] as? [String: [String: Any]])
    #expect(schemas["ProblemCode"]?["x-extensible-enum"] as? [String] == ProblemCode.allCases.map(\.rawValue))
    let seconds = ProblemCode.allCases.compactMap { code in code.retryAfterSeconds.map { (code.rawValue, $0) } }
    let documented = schemas["ProblemCode"]?["x-retry-after"] as? [String: Int]
    #expect(documented == Dictionary(uniqueKeysWithValues: seconds))

    #expect(Set(try #require(components["responses"] as? [String: Any]).keys) == ["Problem"])
    var used: Set<String> = []
    for (path, methods) in try #require(document["paths"] as? [String: [String: [String: Any]]]) {
      for (method, operation) in methods {
        let responses = try #require(operation["responses"] as? [String: [String: Any]])
        let codes = try #require(operation["x-codes"] as? [String: [String]])
        #expect(Set(responses.keys).subtracting(["200", "204"]) == Set(codes.keys))
        for (status, codes) in codes {
          #expect(responses[status] as? [String: String] == ["$ref": "#/components/responses/Problem"])
          used.formUnion(codes)
          guard status != "default" else { continue }
          for code in codes {
            let known = try #require(ProblemCode(rawValue: code), "\(code)")
            #expect(String(known.status) == status, "\(method) \(path): \(code)")
          }
        }
      }
    }
    // Unknown paths and methods have no operation to stand at.
    #expect(
      Set(ProblemCode.allCases.map(\.rawValue)).subtracting(used) == [
        "not_found", "method_not_allowed", "reload_failed",
      ])
  }

  @Test func limitsFitTogether() {
    #expect(RestLimits().contradiction == nil)
    var limits = RestLimits()
    limits.batchesMax = 0
    #expect(limits.contradiction != nil)
    limits = RestLimits()
    limits.pathBytesMax = 100
    #expect(limits.contradiction != nil)
  }
}
