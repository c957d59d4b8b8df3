import Glibc
import Testing

@testable import Server

@Suite struct DescriptorLimitTests {
  @Test(arguments: [
    (10_000, 1_048_576, 10_000), (10_000, 10_512, 10_000), (10_000, 10_511, 9_999), (10_000, 1_024, 512),
    (10_000, 528, 16), (3, 515, 3), (10_000, Int.max, 10_000),
  ])
  func connectionsGetWhatIsLeft(_ wanted: Int, _ limit: Int, _ connections: Int) throws {
    #expect(try DescriptorLimit.connections(wanted: wanted, limit: limit) == connections)
  }

  @Test func aLimitWithoutRoomIsRefusedWithWhatIsNeeded() {
    let refusal = ConfigurationError(
      "the process may have 527 descriptors and needs 528 at least, 10512 for connections-max: raise the limit "
        + "(ulimit -Hn, LimitNOFILE)")
    #expect(throws: refusal) { try DescriptorLimit.connections(wanted: 10_000, limit: 527) }
    #expect(throws: ConfigurationError.self) { try DescriptorLimit.connections(wanted: 3, limit: 514) }
  }

  @Test func theSoftLimitIsRaisedToTheHardOne() {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    #expect(DescriptorLimit.raise() == Int(clamping: limit.rlim_max))
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    #expect(limit.rlim_cur == limit.rlim_max)
  }
}
