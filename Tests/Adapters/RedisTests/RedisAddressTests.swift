import Redis
import Testing

@Suite struct RedisAddressTests {
  @Test(
    arguments: [
      ("redis://redis", "redis://redis:6379/0", nil, nil),
      ("REDIS://10.0.0.1:7000/5", "redis://10.0.0.1:7000/5", nil, nil),
      ("redis://:secret@redis:1", "redis://redis:1/0", nil, "secret"),
      ("redis://kassa:a%3Ab%40c@redis/", "redis://redis:6379/0", "kassa", "a:b@c"),
      ("redis://[::1]:6380", "redis://[::1]:6380/0", nil, nil),
      ("rediss://redis:6380/1", "rediss://redis:6380/1", nil, nil),
      ("unix:///run/redis.sock?db=2", "unix:/run/redis.sock?db=2", nil, nil),
      ("unix:/run/redis.sock", "unix:/run/redis.sock?db=0", nil, nil),
      ("unix://u:p@/run/redis.sock", "unix:/run/redis.sock?db=0", "u", "p"),
    ] as [(String, String, String?, String?)])
  func reads(_ url: String, _ shown: String, _ user: String?, _ password: String?) throws {
    let address = try RedisAddress(url: url)
    #expect(address.description == shown)
    #expect(address.user == user)
    #expect(address.password == password)
  }

  @Test(arguments: [
    "", "redis", "redis:", "redis:/host", "http://host", "redis://", "redis://:0", "redis://h:0", "redis://h:65536",
    "redis://h:x", "redis://h/x", "redis://h/-1", "redis://h/65536", "redis://user@h", "redis://u:%zz@h",
    "redis://u:%1@h",
    "redis://[::1", "redis://[::1]x", "redis://a:b:c", "unix:relative", "unix:/x?foo=1", "unix:/x?db=y",
    "unix:/" + String(repeating: "x", count: 107), "redis://" + String(repeating: "h", count: 2_048), "redis://h h",
  ])
  func refuses(_ url: String) {
    #expect(throws: RedisAddress.Refusal.self) { try RedisAddress(url: url) }
  }

  @Test func optionsFitEachOther() throws {
    var options = RedisOptions(address: try RedisAddress(url: "redis://h"))
    #expect(options.complaints.isEmpty)
    options.limits.replyBytesMax = 1_000
    #expect(!options.complaints.isEmpty)
    options = RedisOptions(address: try RedisAddress(url: "redis://h"), lifetimeMilliseconds: 0)
    #expect(!options.complaints.isEmpty)
  }
}
