import Testing

@testable import Settings

@Suite struct QuantityTests {
  @Test(
    arguments: [
      ("0", 0), ("16", 16), ("1_000", 1_000), ("", nil), ("-1", nil), ("+1", nil), ("1.5", nil), (" 1", nil),
      ("_1", nil),
      ("٣", nil), ("9223372036854775807", .max), ("9223372036854775808", nil),
    ] as [(String, Int?)])
  func counts(_ text: String, _ count: Int?) { #expect(Quantities.count(text) == count) }

  @Test(
    arguments: [
      ("1", 1), ("1B", 1), ("16KiB", 16_384), ("16 KiB", 16_384), ("64MiB", 67_108_864), ("2GiB", 2_147_483_648),
      ("16  KiB", nil), ("16kb", nil), ("16KB", nil), ("KiB", nil), ("99999999999GiB", nil),
    ] as [(String, Int?)])
  func sizes(_ text: String, _ bytes: Int?) { #expect(Quantities.bytes(text) == bytes) }

  @Test(
    arguments: [
      ("500ms", 500), ("10s", 10_000), ("10 s", 10_000), ("5m", 300_000), ("24h", 86_400_000), ("7d", 604_800_000),
      ("10", nil), ("", nil), ("s", nil), ("-1s", nil), ("1.5s", nil), ("99999999999999999d", nil),
    ] as [(String, Int64?)])
  func times(_ text: String, _ milliseconds: Int64?) { #expect(Quantities.milliseconds(text) == milliseconds) }

  @Test(arguments: [0, 1, 999, 1_000, 1_024, 1_536, 60_000, 90_000, 3_600_000, 86_400_000, 67_108_864, 1 << 33])
  func whatIsWrittenReadsBack(_ number: Int) {
    #expect(Quantities.bytes(Quantities.sizeText(number)) == number)
    #expect(Quantities.milliseconds(Quantities.durationText(Int64(number))) == Int64(number))
  }

  @Test func usesTheLargestUnitThatFits() {
    #expect(Quantities.sizeText(65_536) == "64KiB" && Quantities.sizeText(1_000) == "1000B")
    #expect(Quantities.durationText(86_400_000) == "1d" && Quantities.durationText(1_500) == "1500ms")
  }

  @Test(arguments: [
    ("127.0.0.1:8000", "127.0.0.1", 8_000), ("localhost:0", "localhost", 0), ("[::1]:65535", "::1", 65_535),
    ("[fe80::1%eth0]:1", "fe80::1%eth0", 1),
  ])
  func endpoints(_ text: String, _ host: String, _ port: UInt16) {
    #expect(Endpoint(text) == Endpoint(host: host, port: port))
    #expect(Endpoint(text)?.description == text)
  }

  @Test(arguments: [
    "", ":", ":80", "host", "host:", "host:65536", "host:-1", "host:+1", "::1:80", "[::1]", "[]:80", "a b:80", "a/b:80",
    "host:８０", "h\u{0}:80",
  ])
  func noEndpoints(_ text: String) { #expect(Endpoint(text) == nil) }
}
