import Model
import PartitionCore
import Testing

@testable import Wire

@Suite struct StateHashTests {
  /// Values of the reference implementation (x64, 128 bits, seed 0).
  @Test(
    arguments: [
      ("", 0, 0),
      ("hello", 0xcbd8_a7b3_41bd_9b02, 0x5b1e_906a_48ae_1d19),
      ("hello, world", 0x342f_ac62_3a5e_bc8e, 0x4cdc_bc07_9642_414d),
      ("The quick brown fox jumps over the lazy dog", 0xe34b_bc7b_bc07_1b6c, 0x7a43_3ca9_c49a_9347),
    ] as [(String, UInt64, UInt64)])
  func murmurHash3(text: String, high: UInt64, low: UInt64) {
    let hash = MurmurHash3(Array(text.utf8))
    #expect(hash.first == high && hash.second == low)
  }

  @Test func orderAndPartingDoNotMatter() {
    var arbitrary = Arbitrary(seed: 7)
    var rows: [(key: EntityKey, entity: Entity)] = []
    for _ in 0..<50 { rows.append(arbitrary.row()) }
    var forwards = StateHash()
    var backwards = StateHash()
    for row in rows { forwards.insert(row.key, row.entity) }
    for row in rows.reversed() { backwards.insert(row.key, row.entity) }
    #expect(forwards == backwards)
    var (first, second) = (StateHash(), StateHash())
    for row in rows[..<20] { first.insert(row.key, row.entity) }
    for row in rows[20...] { second.insert(row.key, row.entity) }
    first.combine(second)
    #expect(first == forwards)
    #expect(first.description == forwards.description)
  }

  @Test func keyAndEntityMatter() {
    let user = Entity.user(User(credit: .zero))
    func hash(_ key: EntityKey, _ entity: Entity) -> StateHash {
      var hash = StateHash()
      hash.insert(key, entity)
      return hash
    }
    let own = hash(.user(UserID(unchecked: "a")), user)
    #expect(own != hash(.user(UserID(unchecked: "b")), user))
    #expect(own != hash(.user(UserID(unchecked: "a")), .user(User(credit: Money(unchecked: 1)))))
    #expect(own != hash(.item(ItemID(unchecked: "a")), user))
    var twice = own
    twice.combine(own)
    #expect(twice != own)
    #expect(twice != StateHash())
  }

  /// The same on every machine and in every release: these digits are compared between processes.
  @Test func theDigitsAreFixed() {
    var hash = StateHash()
    #expect(hash.description == "00000000000000000000000000000000")
    for row in GoldenCases.rows { hash.insert(row.key, row.entity) }
    #expect(hash.description == "615f059cf58b7460b63231b83062323e")
  }
}
