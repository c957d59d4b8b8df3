import Testing

@testable import LoadGenerator

/// One paid order of two lines, one refused one, one that was never asked for.
private func soundWorld() -> World {
  let world = World()
  world.addUser(id: "u")
  world.users[0].creditAtStart = 100
  world.users[0].creditAtEnd = 60
  for (id, left) in [("a", 1), ("b", 4)] as [(String, Int64)] {
    world.addItem(id: id, price: 10)
    let index = world.items.count - 1
    world.items[index].stockAtStart = id == "a" ? 4 : 5
    world.items[index].stockAtEnd = left
  }
  let bought = [World.Line(item: 0, quantity: 3), World.Line(item: 1, quantity: 1)]
  let wanted = [World.Line(item: 0, quantity: 2)]
  world.orders = [
    World.Order(
      id: "paid", user: 0, lines: bought, answer: .paid,
      atEnd: .init(isPaid: true, isCheckingOut: false, lines: bought, total: 40)),
    World.Order(
      id: "refused", user: 0, lines: wanted, answer: .refused(code: "out_of_stock", subject: "a"),
      atEnd: .init(isPaid: false, isCheckingOut: false, lines: wanted, total: 20)),
    World.Order(
      id: "left", user: 0, lines: wanted,
      atEnd: .init(isPaid: false, isCheckingOut: false, lines: wanted, total: 20)),
  ]
  return world
}

/// Something that a server may do wrong, and the rule that it breaks.
private struct Lie: Sendable, CustomStringConvertible {
  let description: String
  let rule: BrokenRule
  let plant: @Sendable (World) -> Void

  init(_ description: String, _ rule: BrokenRule, _ plant: @escaping @Sendable (World) -> Void) {
    self.description = description
    self.rule = rule
    self.plant = plant
  }

  static let all: [Lie] = [
    Lie("credit vanished", .creditNotConserved) { $0.users[0].creditAtEnd = 59 },
    Lie("credit not taken", .creditNotConserved) { $0.users[0].creditAtEnd = 100 },
    Lie("unit vanished", .stockNotConserved) { $0.items[1].stockAtEnd = 3 },
    Lie("unit not taken", .stockNotConserved) { $0.items[1].stockAtEnd = 5 },
    Lie("sold twice", .oversold) { $0.items[0].stockAtStart = 2 },
    Lie("payment lost", .paymentLost) { $0.orders[0].atEnd?.isPaid = false },
    Lie("refused, yet paid", .paidThoughRefused) { $0.orders[1].atEnd?.isPaid = true },
    Lie("never asked, yet paid", .paidUnasked) { $0.orders[2].atEnd?.isPaid = true },
    Lie("never ended", .neverEnded) { $0.orders[1].atEnd?.isCheckingOut = true },
    Lie("refused with enough left", .refusedWithoutReason) { $0.items[0].stockAtEnd = 2 },
    Lie("refused for another item", .refusedWithoutReason) {
      $0.orders[1].answer = .refused(code: "out_of_stock", subject: "b")
    },
    Lie("refused for credit that suffices", .refusedWithoutReason) {
      $0.orders[1].answer = .refused(code: "out_of_credit", subject: "u")
    },
    Lie("refused for no known reason", .refusedWithoutReason) {
      $0.orders[1].answer = .refused(code: "mood", subject: "a")
    },
    Lie("sold after a refusal", .soldAfterRefusal) {
      $0.orders[1].answeredAt = 5
      $0.orders[0].askedAt = 6
    },
    Lie("another total", .wrongTotal) { $0.orders[2].atEnd?.total = 21 },
    Lie("other lines", .linesChanged) { $0.orders[2].lines[0].quantity = 1 },
    Lie("foreign item", .linesChanged) { $0.orders[2].atEnd?.lines[0].item = -1 },
    Lie("order gone", .notReadBack) { $0.orders[0].atEnd = nil },
    Lie("item gone", .notReadBack) { $0.items[0].stockAtEnd = nil },
    Lie("user gone", .notReadBack) { $0.users[0].creditAtEnd = nil },
  ]
}

@Suite struct JudgeTests {
  @Test func aSoundWorldIsSound() {
    let truth = Judge.judge(soundWorld())
    #expect(truth.isConserved, "\(truth.examples)")
    #expect(truth.ordersPaid == 1 && truth.acknowledged == 1 && truth.refused == 1)
    #expect(truth.unitsSold == 4 && truth.creditTaken == 40)
  }

  @Test(arguments: Lie.all)
  private func aPlantedLieIsFound(_ lie: Lie) {
    let world = soundWorld()
    lie.plant(world)
    #expect(Judge.judge(world).broken[lie.rule] ?? 0 > 0)
  }

  @Test func anUnknownOutcomeMayBeEither() {
    for isPaid in [true, false] {
      let world = soundWorld()
      world.orders[0].answer = .unknown
      if !isPaid {
        world.orders[0].atEnd?.isPaid = false
        world.items[0].stockAtEnd = 1
        world.items[0].stockAtStart = 1
        world.items[1].stockAtEnd = 5
        world.users[0].creditAtEnd = 100
      }
      let truth = Judge.judge(world)
      #expect(truth.isConserved && truth.unknown == 1 && truth.unknownThatPaid == (isPaid ? 1 : 0), "\(truth.examples)")
    }
  }

  @Test func aSmallerOrderMayBeSoldAfterARefusal() {
    let world = soundWorld()
    world.orders[1].answeredAt = 5
    world.orders[0].askedAt = 6
    world.orders[1].lines[0].quantity = 4
    world.orders[1].atEnd = .init(
      isPaid: false, isCheckingOut: false, lines: world.orders[1].lines, total: 40)
    #expect(Judge.judge(world).isConserved)
  }

  @Test func refusalsForCreditAreRightWhenItIsShort() {
    let world = soundWorld()
    world.orders[1].answer = .refused(code: "out_of_credit", subject: "u")
    world.users[0].creditAtStart = 59
    world.users[0].creditAtEnd = 19
    #expect(Judge.judge(world).isConserved)
  }

  @Test func sumsNeverTrap() {
    let world = soundWorld()
    let most = Int64(999_999_999_999_999_999)
    let line = World.Line(item: 0, quantity: most)
    world.items[0].price = most
    world.orders = (0..<100).map { number in
      World.Order(
        id: String(number), user: 0, lines: [line, line], answer: .paid,
        atEnd: .init(isPaid: true, isCheckingOut: false, lines: [line, line], total: most))
    }
    #expect(Judge.judge(world).broken[.wrongTotal] == 100)
  }
}
