import Testing

@testable import Callers

/// One request a line: Host, Origin, Sec-Fetch-Site (`-`: not there), and what becomes of it.
@Suite struct BrowserRulesTests {
  private static let onLoopback = """
    127.0.0.1:8000        -                      -            good
    127.0.0.1             -                      -            good
    10.1.2.3:8000         -                      -            good
    [::1]:8000            -                      -            good
    localhost             -                      -            good
    LocalHost:8000        -                      -            good
    localhost.:8000       -                      -            good
    -                     -                      -            good
    evil.example          -                      -            unknownHost
    evil.example:8000     -                      -            unknownHost
    127.0.0.1.evil.com    -                      -            unknownHost
    127.0.0.1x            -                      -            unknownHost
    1.2.3                 -                      -            unknownHost
    1.2.3.4.5             -                      -            unknownHost
    1.2.3.                -                      -            unknownHost
    localhost.evil.com    -                      -            unknownHost
    evil.example          http://evil.example    same-origin  unknownHost
    shop.example          -                      -            unknownHost
    127.0.0.1:8000        http://127.0.0.1:8000  -            good
    127.0.0.1:8000        http://127.0.0.1:8000  same-origin  good
    127.0.0.1:8000        http://127.0.0.1:3000  -            crossSite
    127.0.0.1:8000        http://evil.example    -            crossSite
    127.0.0.1:8000        http://evil.example    cross-site   crossSite
    127.0.0.1:8000        -                      cross-site   crossSite
    127.0.0.1:8000        -                      Cross-Site   crossSite
    127.0.0.1:8000        null                   -            crossSite
    127.0.0.1:8000        null                   cross-site   crossSite
    127.0.0.1:8000        -                      none         good
    127.0.0.1:8000        -                      same-site    good
    127.0.0.1:8000        http://localhost:3000  same-site    crossSite
    """
  private static let onANetwork = """
    kassa.shop.svc:8000   -                      -            good
    evil.example          -                      -            good
    shop.example          https://shop.example   -            good
    shop.example          https://evil.example   -            crossSite
    shop.example          -                      cross-site   crossSite
    """
  private static let withNames = """
    shop.example          -                            -            good
    SHOP.example:443      -                            -            good
    127.0.0.1             -                            -            good
    a.shop.example        -                            -            unknownHost
    shop.example          https://desk.example         cross-site   goodAcrossSites
    shop.example          HTTPS://desk.EXAMPLE         -            goodAcrossSites
    shop.example          http://desk.example          -            crossSite
    shop.example          https://desk.example:8443    -            crossSite
    shop.example          https://desk.example.evil    -            crossSite
    evil.example          https://desk.example         cross-site   unknownHost
    """

  @Test(arguments: [
    (BrowserRules(isLoopback: true), onLoopback), (BrowserRules(), onANetwork),
    (BrowserRules(hosts: ["Shop.example"], origins: ["https://desk.example"]), withNames),
  ])
  func table(_ rules: BrowserRules, _ lines: String) {
    for line in lines.split(separator: "\n") {
      let words = line.split(separator: " ").map { $0 == "-" ? "" : String($0) }
      let headers = words.prefix(3).map { Array($0.utf8) }
      let verdict = headers[0].withUnsafeBufferPointer { host in
        headers[1].withUnsafeBufferPointer { origin in
          headers[2].withUnsafeBufferPointer { rules.verdict(host: host, origin: origin, fetchSite: $0) }
        }
      }
      #expect("\(verdict)" == words[3], "\(line)")
    }
  }

  @Test(arguments: [
    ("https://shop.example", true), ("http://localhost:3000", true), ("http://127.0.0.1", true), ("*", false),
    ("null", false), ("shop.example", false), ("https://", false), ("https://shop.example/", false),
    ("https://a:0", false), ("https://a:b", false), ("https://a:1:2", false), ("ftp://a", false), ("", false),
    ("https://a b", false),
  ])
  func origins(_ text: String, _ isOne: Bool) { #expect(BrowserRules.isOrigin(text) == isOne) }

  @Test(arguments: [("shop.example", true), ("a_b-1", true), ("a:1", false), ("", false), ("a/b", false), ("*", false)])
  func hosts(_ text: String, _ isOne: Bool) { #expect(BrowserRules.isHost(text) == isOne) }
}
